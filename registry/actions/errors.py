"""Why an action refuses: a text for people, and its parameters apart for translation."""


class ActionRefused(Exception):  # noqa: N818  # not a fault of the program
    """The deed was not done and nothing has changed.

    `message` is the English text with %(name)s places, a translation's key; `parameters` fill
    them. None of them holds an address or a password.
    """

    message = "That is not possible."

    def __init__(self, **parameters: str | int) -> None:
        super().__init__(self.message % parameters)
        self.parameters = parameters


class UnknownAccount(ActionRefused):
    """Nobody has that e-mail address or number."""

    message = "There is no such account."


class EmailTaken(ActionRefused):
    """Two accounts never share an e-mail address."""

    message = "There is an account with this e-mail address already."


class EmailUnusable(ActionRefused):
    """The text is no e-mail address that mail could reach."""

    message = "This is not an e-mail address that mail can reach."


class PasswordUnusable(ActionRefused):
    """Too short to be safe, or too long to be checked."""

    message = "A password takes %(least)s to %(most)s characters."


class PasswordCommon(ActionRefused):
    """Whoever guesses passwords tries this one early."""

    message = (
        "This is among the first passwords that are guessed. Take three words that do not belong "
        "together, or let your browser make one up."
    )


class UnknownRegion(ActionRefused):
    """We have no relay there, or the service makes no sense there."""

    message = "Unknown region “%(region)s”. There are: %(known)s."


class UnknownService(ActionRefused):
    """The catalogue has no such streaming service."""

    message = "Unknown streaming service “%(service)s”."


class AddressRefused(ActionRefused):
    """The address cannot stand for a household; `code` says which rule it met."""

    def __init__(self, message: str, code: str, **parameters: str | int) -> None:
        self.message = message
        self.code = code
        super().__init__(**parameters)


class AddressDoubtful(AddressRefused):
    """The address may be registered, but only by somebody who says so after reading why not."""


class SlotsFull(ActionRefused):
    """The account has as many slots as it may have."""

    message = (
        "All %(limit)s places of this account are in use. Remove one, or replace what it holds."
    )


class UnknownSlot(ActionRefused):
    """The account has no such slot, or it holds no such address."""

    message = "That address is not registered here any more."


class UnknownToken(ActionRefused):
    """No updater has this token; it may have been revoked."""

    message = "This token is not valid. Make a new one on DNS Settings."


class AccountInactive(ActionRefused):
    """The account is suspended, unconfirmed or past its last day."""

    message = "This account is not active."


class TooManyChanges(ActionRefused):
    """One token changes its address again and again; probably two homes share it."""

    message = "This address has changed too often. Wait ten minutes, and give each home its own."


class HostnameUnusable(ActionRefused):
    """The DDNS name cannot be followed."""

    message = "This host name cannot be followed: %(reason)s."
