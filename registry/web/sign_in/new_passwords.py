"""Checking new passwords, in every form that sets one."""

from flask_security import PasswordUtil
from flask_security.forms import ChangePasswordForm
from flask_security.utils import get_message

from registry.actions.errors import ActionRefused
from registry.actions.sign_in import judge_password
from registry.web.refusals import explain
from registry.web.sign_in.visitors import note_wrong_password


class NewPasswords(PasswordUtil):
    """Flask-Security's normal form, but our rules: its own have no list of common passwords."""

    def validate(
        self,
        password: str,
        is_register: bool,  # noqa: ARG002, FBT001  # Flask-Security's signature
        **kwargs: object,
    ) -> tuple[list[str] | None, str]:
        """Give what is wrong with the password, or None, and its normal form."""
        normal = self.normalize(password)
        email = kwargs.get("email") or getattr(kwargs.get("user"), "email", None) or ""
        try:
            judge_password(normal, str(email))
        except ActionRefused as refusal:
            return [explain(refusal)], normal
        return None, normal


class ChangePassword(ChangePasswordForm):
    """Flask-Security's form; a wrong present password is noted."""

    def validate(self, **kwargs: object) -> bool:
        """Check the present password, then the new one."""
        valid = bool(super().validate(**kwargs))
        if get_message("INVALID_PASSWORD")[0] in (self.password.errors or ()):
            note_wrong_password()
        return valid
