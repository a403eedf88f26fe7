"""Checking new passwords, in every form that sets one."""

from flask_security import PasswordUtil

from registry.actions.errors import ActionRefused
from registry.actions.sign_in import judge_password
from registry.web.refusals import explain


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
