"""How Flask-Security sends mails and checks e-mail addresses."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import email_validator
from flask import Flask, current_app
from flask_security.mail_util import EmailValidateException, MailUtil
from flask_security.utils import get_message

if TYPE_CHECKING:
    from registry.mailer import Mailer

_ALLOWED = "mediastreamer.mail_allowed"
_NOTICES = frozenset({"security/email/reset_notice", "security/email/change_notice"})
"""Mails about what has happened; all the others are links that somebody has asked for."""


def limit_mails(app: Flask, allowed: Callable[[str], bool]) -> None:
    """Let `allowed` say, for a recipient, whether a mailed link may be sent now."""
    app.extensions[_ALLOWED] = allowed


class SecurityMail(MailUtil):
    """Sends mails through our mailer, and normalises e-mail addresses as our actions do."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self._mailer: Mailer | None = app.config["MAILER"]

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],  # noqa: ARG002
        body: str | None,
        html: str | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Send the plain text. Of links that are asked for too often nothing is sent or said."""
        if template not in _NOTICES and not current_app.extensions[_ALLOWED](str(recipient)):
            return
        if self._mailer is not None:
            self._mailer.send(str(recipient), str(subject), body or "")

    def normalize(self, email: str) -> str:
        """Normalise for signing in: lower case only, since an operator may have set any text."""
        return email.strip().lower()

    def validate(self, email: str) -> str:
        """Validate and normalise for signing up; no look-ups."""
        try:
            found = email_validator.validate_email(email, check_deliverability=False)
        except ValueError:
            # With an empty text the form would be taken for a valid one.
            raise EmailValidateException(get_message("INVALID_EMAIL_ADDRESS")[0]) from None
        return found.normalized.lower()
