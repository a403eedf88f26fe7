"""Why an action refuses: a text for people, and its parameters for translation."""


class ActionRefused(Exception):  # noqa: N818  # not a fault of the program
    """The action was not carried out and nothing has changed.

    `message` is the English text with %(name)s placeholders; it is also the key of its
    translations. `parameters` fill the placeholders. None of them holds an address or a password.
    """

    message = "That is not possible."

    def __init__(self, **parameters: str | int) -> None:
        super().__init__(self.message % parameters)
        self.parameters = parameters


class UnknownAccount(ActionRefused):
    """No account has this e-mail address or number."""

    message = "There is no such account."


class EmailTaken(ActionRefused):
    """Another account has this e-mail address."""

    message = "There is already an account with this e-mail address."


class EmailUnusable(ActionRefused):
    """The text is not an e-mail address, or mail cannot be sent to it."""

    message = "This is not an e-mail address that mail can be sent to."


class PasswordUnusable(ActionRefused):
    """The password is too short to be safe, or too long to be hashed in reasonable time."""

    message = "A password must have %(least)s to %(most)s characters."


class PasswordCommon(ActionRefused):
    """The password is among the first that an attacker tries."""

    message = (
        "This password is easy to guess: it is on lists of common passwords. Choose three words "
        "that have nothing to do with each other, or let your browser suggest a password."
    )


class UnknownRegion(ActionRefused):
    """We have no relay in this region, or the service does not use it."""

    message = "Unknown region “%(region)s”. Choose one of: %(known)s."


class UnknownService(ActionRefused):
    """The catalogue has no such streaming service."""

    message = "Unknown streaming service “%(service)s”."


class AddressRefused(ActionRefused):
    """The address cannot be registered; `code` names the rule that refused it."""

    def __init__(self, message: str, code: str, **parameters: str | int) -> None:
        self.message = message
        self.code = code
        super().__init__(**parameters)


class AddressDoubtful(AddressRefused):
    """The address can be registered, but only after the visitor has read why not and confirms."""


class NetworkTooWide(ActionRefused):
    """The network would let half the internet in."""

    message = "A network of /%(length)s cannot be registered: the widest is /%(widest)s."


class NetworkWide(ActionRefused):
    """The network is wider than a household's, and the operator did not confirm it."""

    message = (
        "A network of /%(length)s is more than one household: every device in it would be let in. "
        "Give --yes if you mean it. Up to /%(wide)s nothing is asked."
    )


class SlotsFull(ActionRefused):
    """The account has as many slots as it may have."""

    message = "All %(limit)s places of this account are in use. Remove one, or replace its address."


class UnknownSlot(ActionRefused):
    """The account has no such slot, or the slot has no such address."""

    message = "This address is no longer registered."


class UnknownToken(ActionRefused):
    """No updater has this token; it may have been revoked."""

    message = "This token is not valid. Create a new one on DNS Settings."


class AccountInactive(ActionRefused):
    """The account is suspended, unconfirmed or past its last day."""

    message = "This account is not active."


class TooManyChanges(ActionRefused):
    """One token changes its address again and again; two homes probably share it."""

    message = (
        "This address has changed too often. Wait ten minutes, and use a different link or "
        "password for each home."
    )


class HostnameUnusable(ActionRefused):
    """The DDNS name cannot be followed."""

    message = "This host name cannot be followed: %(reason)s."
