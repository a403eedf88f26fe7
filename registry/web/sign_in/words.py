"""What Flask-Security says, in our words; translated through our own catalogue."""


def _(text: str) -> str:
    """Mark for translation; Flask-Security translates when it says it."""
    return text


_ERRORS = {
    "GENERIC_AUTHN_FAILED": _("That e-mail address and password do not belong together."),
    "INVALID_CONFIRMATION_TOKEN": _("That link is not valid any more. Ask for a new one."),
    "CONFIRMATION_EXPIRED": _("That link is too old. Ask for a new one."),
    "INVALID_RESET_PASSWORD_TOKEN": _("That link is not valid any more. Ask for a new one."),
    "PASSWORD_RESET_EXPIRED": _("That link is too old. Ask for a new one."),
    "CHANGE_EMAIL_EXPIRED": _("That link is too old. Ask for a new one."),
    "API_ERROR": _("That link is not valid any more. Ask for a new one."),
    "RETYPE_PASSWORD_MISMATCH": _("The two passwords differ."),
    "PASSWORD_MISMATCH": _("The two passwords differ."),
    "EMAIL_NOT_PROVIDED": _("Please give your e-mail address."),
    "INVALID_EMAIL_ADDRESS": _("This is not an e-mail address that mail can reach."),
    "EMAIL_ALREADY_ASSOCIATED": _("This is not an e-mail address that mail can reach."),
    "PASSWORD_NOT_PROVIDED": _("Please give your password."),
    "PASSWORD_IS_THE_SAME": _("That is the password you have already."),
    "INVALID_PASSWORD": _("That is not your password."),
}
_NEWS = {
    "CONFIRM_REGISTRATION": _("We have written to you. Open the link in that mail to go on."),
    "CONFIRMATION_REQUEST": _("If there is such an account, we have written to it."),
    "EMAIL_CONFIRMED": _("Thank you, your e-mail address is confirmed. Please sign in."),
    "ALREADY_CONFIRMED": _("Your e-mail address was confirmed before. Please sign in."),
    "GENERIC_RECOVERY": _("If there is such an account, we have written to it."),
    "PASSWORD_RESET_REQUEST": _("If there is such an account, we have written to it."),
    "PASSWORD_RESET_NO_LOGIN": _("Your new password is set. Please sign in with it."),
    "PASSWORD_CHANGE": _("Your new password is set. Every other browser is signed out."),
    "CHANGE_EMAIL_SENT": _("We have written to the new address. Open the link in that mail."),
    "CHANGE_EMAIL_CONFIRMED": _("Your new e-mail address is set."),
}


def messages() -> dict[str, tuple[str, str]]:
    """Settings of Flask-Security by name."""
    return {
        **{f"SECURITY_MSG_{name}": (text, "error") for name, text in _ERRORS.items()},
        **{f"SECURITY_MSG_{name}": (text, "message") for name, text in _NEWS.items()},
    }


def subjects() -> dict[str, str]:
    """Subjects of mails."""
    return {
        "SECURITY_EMAIL_SUBJECT_REGISTER": _("Your MediaStreamer account"),
        "SECURITY_EMAIL_SUBJECT_CONFIRM": _("Confirm your e-mail address"),
        "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET": _("Set a new password"),
        "SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE": _("Your password was set anew"),
        "SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE": _("Your password was changed"),
        "SECURITY_CHANGE_EMAIL_SUBJECT": _("Confirm your new e-mail address"),
    }
