"""How Flask-Security sends mails and checks e-mail addresses."""

from typing import TYPE_CHECKING, Any

import email_validator
from flask import Flask
from flask_security.mail_util import EmailValidateException, MailUtil

if TYPE_CHECKING:
    from registry.mailer import Mailer


class SecurityMail(MailUtil):
    """Sends mails through our mailer, and normalises e-mail addresses as our actions do."""

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
        """Send the plain text."""
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
            raise EmailValidateException("") from None
        return found.normalized.lower()
