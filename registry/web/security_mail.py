"""Flask-Security's mails, and its idea of an e-mail address."""

from typing import TYPE_CHECKING, Any

import email_validator
from flask import Flask
from flask_security.mail_util import EmailValidateException, MailUtil

if TYPE_CHECKING:
    from registry.mailer import Mailer


class SecurityMail(MailUtil):
    """Flask-Security's mails through the mailer, and its idea of an e-mail address."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self._mailer: Mailer | None = app.config["MAILER"]

    def send_mail(
        self,
        template: str,  # noqa: ARG002
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],  # noqa: ARG002
        body: str | None,
        html: str | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Post the plain text."""
        if self._mailer is not None:
            self._mailer.send(str(recipient), str(subject), body or "")

    def normalize(self, email: str) -> str:
        """For signing in: whatever an operator has given an account, in lower case."""
        return email.strip().lower()

    def validate(self, email: str) -> str:
        """For signing up: an address that mail can go to; no look-ups."""
        try:
            found = email_validator.validate_email(email, check_deliverability=False)
        except ValueError:
            raise EmailValidateException("") from None
        return found.normalized.lower()
