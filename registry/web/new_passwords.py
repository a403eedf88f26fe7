"""What a new password must be, for every form that sets one."""

from flask_security import PasswordUtil

from registry.actions.errors import PasswordCommon
from registry.actions.passwords import is_common
from registry.web.refusals import explain


class NewPasswords(PasswordUtil):
    """Flask-Security's length and normal form, and our list of what is guessed first."""

    def validate(
        self,
        password: str,
        is_register: bool,  # noqa: FBT001  # Flask-Security's signature
        **kwargs: object,
    ) -> tuple[list[str] | None, str]:
        """Give what is wrong with it, or None, and its normal form."""
        wrong, normal = super().validate(password, is_register, **kwargs)
        email = kwargs.get("email") or getattr(kwargs.get("user"), "email", None) or ""
        if not wrong and is_common(password, str(email)):
            wrong = [explain(PasswordCommon())]
        return wrong, normal
