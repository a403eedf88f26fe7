"""The texts of Flask-Security in our words; our own catalogue has their translations."""


def _(text: str) -> str:
    """Mark a text for translation; Flask-Security translates it when it shows it."""
    return text


_ERRORS = {
    "GENERIC_AUTHN_FAILED": _("The e-mail address or the password is wrong."),
    "INVALID_CONFIRMATION_TOKEN": _("This link is no longer valid. Request a new one."),
    "CONFIRMATION_EXPIRED": _("This link is too old. Request a new one."),
    "INVALID_RESET_PASSWORD_TOKEN": _("This link is no longer valid. Request a new one."),
    "PASSWORD_RESET_EXPIRED": _("This link is too old. Request a new one."),
    "CHANGE_EMAIL_EXPIRED": _("This link is too old. Request a new one."),
    "API_ERROR": _("This link is no longer valid. Request a new one."),
    "RETYPE_PASSWORD_MISMATCH": _("The two passwords are different."),
    "PASSWORD_MISMATCH": _("The two passwords are different."),
    "EMAIL_NOT_PROVIDED": _("Please enter your e-mail address."),
    "INVALID_EMAIL_ADDRESS": _("This is not an e-mail address that mail can be sent to."),
    "EMAIL_ALREADY_ASSOCIATED": _("This is not an e-mail address that mail can be sent to."),
    "PASSWORD_NOT_PROVIDED": _("Please enter your password."),
    "PASSWORD_IS_THE_SAME": _("This is already your password."),
    "INVALID_PASSWORD": _("This is not your password."),
}
_NEWS = {
    "CONFIRM_REGISTRATION": _("We have sent you a mail. Open the link in it to continue."),
    "CONFIRMATION_REQUEST": _("If there is such an account, we have sent it a mail."),
    "EMAIL_CONFIRMED": _("Thank you, your e-mail address is confirmed. Please sign in."),
    "ALREADY_CONFIRMED": _("Your e-mail address was already confirmed. Please sign in."),
    "GENERIC_RECOVERY": _("If there is such an account, we have sent it a mail."),
    "PASSWORD_RESET_REQUEST": _("If there is such an account, we have sent it a mail."),
    "PASSWORD_RESET_NO_LOGIN": _("Your new password is set. Please sign in with it."),
    "PASSWORD_CHANGE": _("Your new password is set. Every other browser is signed out."),
    "CHANGE_EMAIL_SENT": _("We have sent a mail to the new address. Open the link in it."),
    "CHANGE_EMAIL_CONFIRMED": _("Your new e-mail address is set."),
}


def messages() -> dict[str, tuple[str, str]]:
    """Give Flask-Security's settings of messages: name -> text and category."""
    return {
        **{f"SECURITY_MSG_{name}": (text, "error") for name, text in _ERRORS.items()},
        **{f"SECURITY_MSG_{name}": (text, "message") for name, text in _NEWS.items()},
    }


def subjects() -> dict[str, str]:
    """Give Flask-Security's settings of mail subjects: name -> subject."""
    return {
        "SECURITY_EMAIL_SUBJECT_REGISTER": _("Your MediaStreamer account"),
        "SECURITY_EMAIL_SUBJECT_CONFIRM": _("Confirm your e-mail address"),
        "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET": _("Set a new password"),
        "SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE": _("Your password was reset"),
        "SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE": _("Your password was changed"),
        "SECURITY_CHANGE_EMAIL_SUBJECT": _("Confirm your new e-mail address"),
    }
