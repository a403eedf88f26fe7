"""Accounts as Flask-Security uses them, and the browser sessions that are signed in."""

import datetime
import hashlib
import secrets
from typing import Any, ClassVar, cast

from flask import current_app, g, session
from flask_login import current_user
from flask_security import RoleMixin, UserDatastore, UserMixin
from flask_security.utils import set_request_attr
from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import reserve_email
from registry.actions.sign_in import new_uniquifier
from registry.database.engine import insert_unless_present
from registry.day import utc_today
from registry.models import Account, BrowserSession

_BROWSER = "browser"
_FIXED_TIME = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


class Visitor(UserMixin, Account):
    """An account with what Flask-Security needs of a user; it has no columns of its own."""

    roles: ClassVar[list[RoleMixin]] = []  # type: ignore[misc]  # there are no roles

    def verify_and_update_password(self, password: str) -> bool:
        """Say whether it is the password; a wrong one is noted for the limits of guessing."""
        if super().verify_and_update_password(password):
            return True
        note_wrong_password()
        return False

    @property
    def confirmed_at(self) -> datetime.datetime | None:
        """A fixed time if the account is confirmed, as Flask-Security needs; no time is stored."""
        return _FIXED_TIME if self.confirmed else None

    @confirmed_at.setter
    def confirmed_at(self, moment: datetime.datetime | None) -> None:
        self.confirmed = moment is not None


def visitor() -> Visitor:
    """Give the signed-in visitor; only for views that require signing in."""
    return cast("Visitor", current_user)


def note_wrong_password() -> None:
    """Note for this request that a password was wrong, for the limits of guessing."""
    g.password_was_wrong = True


class Visitors(UserDatastore):
    """Finds visitors in short reading transactions; writes all changes in one at the end."""

    def __init__(self, sessions: sessionmaker[Session], readers: sessionmaker[Session]) -> None:
        super().__init__(Visitor, RoleMixin)
        self._sessions = sessions
        self._readers = readers

    def find_user(self, case_insensitive: bool = False, **wanted: Any) -> Visitor | None:  # noqa: ANN401, ARG002, FBT001, FBT002
        """Find by one attribute; e-mail addresses are stored in lower case."""
        attribute, value = wanted.popitem()
        if attribute == "email":
            value = str(value).lower()
        with self._readers() as reading:
            return reading.scalar(select(Visitor).where(getattr(Visitor, attribute) == value))

    def find_role(self, role: str) -> None:
        """Give None: there are no roles."""

    def create_user(self, **given: Any) -> Visitor:  # noqa: ANN401
        """Add an unconfirmed account for somebody who signs up.

        It is committed at once, before a mail is sent. Pressing the button twice adds one account.
        """
        values = {
            "email": given["email"].lower(),
            "password": given["password"],
            "fs_uniquifier": new_uniquifier(),
            "active": True,
            "confirmed": False,
        }
        with self._sessions.begin() as writing:
            writing.execute(insert_unless_present(writing, Account).values(values))
            return writing.scalars(select(Visitor).where(Visitor.email == values["email"])).one()

    def set_uniquifier(self, user: UserMixin, uniquifier: str | None = None) -> None:
        """End every session of the account and every link mailed to it."""
        user.fs_uniquifier = uniquifier or new_uniquifier()
        _changes().signed_out.add(user.id)
        self.put(user)

    def put(self, model: UserMixin) -> Visitor:
        """Write it at `commit`; but write a new e-mail address at once, or raise EmailTaken."""
        assert isinstance(model, Visitor)  # noqa: S101  # the only user model there is
        if inspect(model).attrs.email.history.has_changes():
            with self._sessions.begin() as writing:
                reserve_email(writing, model.email)
                writing.add(model)
            return model
        _changes().visitors.append(model)
        return model

    def commit(self) -> None:
        """Write the changes of this request."""
        changes = _changes()
        if not changes.visitors:
            return
        with self._sessions.begin() as writing:
            writing.add_all(changes.visitors)
            if changes.signed_out:
                writing.execute(
                    delete(BrowserSession).where(BrowserSession.account_id.in_(changes.signed_out))
                )
        g.pop("changes")

    def begin_session(self, visitor: Visitor) -> None:
        """Sign this browser in, with a new random identifier."""
        self.commit()
        self.end_session()
        identifier = secrets.token_urlsafe(32)
        with self._sessions.begin() as writing:
            writing.execute(delete(BrowserSession).where(BrowserSession.last_day < utc_today()))
            writing.add(
                BrowserSession(
                    id_hash=_hash(identifier), account_id=visitor.id, last_day=_last_day()
                )
            )
        session.pop("csrf_token", None)
        session.permanent = True
        session[_BROWSER] = identifier

    def end_session(self) -> None:
        """Sign this browser out; copies of its cookie become invalid, too."""
        identifier = session.pop(_BROWSER, None)
        if identifier is not None:
            with self._sessions.begin() as writing:
                writing.execute(
                    delete(BrowserSession).where(BrowserSession.id_hash == _hash(identifier))
                )

    def load(self, uniquifier: str) -> Visitor | None:
        """Give the visitor who is signed in with this browser, or None."""
        identifier = session.get(_BROWSER)
        if not identifier:
            return None
        with self._readers() as reading:
            visitor: Visitor | None = reading.scalar(
                select(Visitor)
                .join(BrowserSession, BrowserSession.account_id == Account.id)
                .where(
                    Account.fs_uniquifier == uniquifier,
                    Account.active,
                    BrowserSession.id_hash == _hash(identifier),
                    BrowserSession.last_day >= utc_today(),
                )
            )
        if visitor is not None:
            set_request_attr("fs_authn_via", "session")
            set_request_attr("fs_paa", session.get("fs_paa", 0))
        return visitor


def assume_nobody_signed_in() -> None:
    """Make `current_user` anonymous for the rest of this request, without a look-up."""
    if not hasattr(g, "_login_user"):
        g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]  # noqa: SLF001


class _Changes:
    """What a request has changed and not yet written."""

    def __init__(self) -> None:
        self.visitors: list[Visitor] = []
        self.signed_out: set[int] = set()


def _changes() -> _Changes:
    if "changes" not in g:
        g.changes = _Changes()
    changes: _Changes = g.changes
    return changes


def _hash(identifier: str) -> str:
    return hashlib.sha256(identifier.encode()).hexdigest()


def _last_day() -> datetime.date:
    """Give the last day of next month."""
    first = (utc_today().replace(day=1) + datetime.timedelta(days=62)).replace(day=1)
    return first - datetime.timedelta(days=1)
