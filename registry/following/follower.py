"""The service that follows host names, and sends mails about failing updaters."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.addresses.rules import AddressRules
from registry.actions.updaters.hostnames import apply_answers, is_up_to_date
from registry.day import utc_today
from registry.faults import place_of
from registry.following.failure_mail import FailureMail, mail_failures
from registry.following.lookup import look_up, system_name_servers
from registry.models import Account, Registration, Slot, SlotKind
from registry.pending import mark_pending
from registry.thread_service import ThreadService
from smartdns.contract.addresses import SocketAddress

EVERY_S = 300.0
LOOK_UPS_AT_ONCE = 16
_log = logging.getLogger(__name__)


class HostnameFollower(ThreadService):
    """Looks up every followed name; several registries may do so, since repeating is harmless.

    `following`: False if the operator does not allow host names; then their claims are removed.
    `mail`: how to send mails about failing updaters; None: no mails are sent.
    """

    name = "follower"

    def __init__(
        self,
        sessions: sessionmaker[Session],
        readers: sessionmaker[Session],
        rules: AddressRules,
        *,
        following: bool,
        mail: FailureMail | None = None,
        name_servers: Callable[[], Sequence[SocketAddress]] = system_name_servers,
    ) -> None:
        super().__init__()
        self._sessions = sessions
        self._readers = readers
        self._rules = rules
        self._following = following
        self._mail = mail
        self._name_servers = name_servers

    def turn(self) -> float:
        """Do everything once; an error is logged, and the next turn tries again."""
        try:
            self._do_everything()
        except Exception as error:  # noqa: BLE001  # an error must not end the thread
            _log.error("following failed: %s at %s", type(error).__name__, place_of(error))
        return EVERY_S

    def _do_everything(self) -> None:
        if self._following:
            self._follow_all()
        else:
            self._drop_claims()
        if self._mail is not None:
            mail_failures(self._sessions, utc_today(), self._mail)

    def _follow_all(self) -> None:
        query = select(Slot.id, Slot.hostname).join(Account)
        followed = query.where(Slot.kind == SlotKind.HOSTNAME, Account.active, Account.confirmed)
        with self._readers() as session:
            slots = session.execute(followed.order_by(Slot.id)).all()
        servers = self._name_servers()

        def follow(slot_id: int, hostname: str | None) -> None:
            if self.stopping.is_set() or hostname is None:
                return
            answers = look_up(servers, hostname)
            with self._readers() as session:
                if is_up_to_date(session, slot_id, answers, rules=self._rules):
                    return
            with self._sessions.begin() as session:
                apply_answers(session, slot_id, answers, rules=self._rules, day=utc_today())

        with ThreadPoolExecutor(LOOK_UPS_AT_ONCE, thread_name_prefix="follower") as threads:
            for done in [threads.submit(follow, *slot) for slot in slots]:
                if (error := done.exception()) is not None:
                    _log.error(
                        "a name could not be followed: %s at %s",
                        type(error).__name__,
                        place_of(error),
                    )

    def _drop_claims(self) -> None:
        query = select(Registration.id, Registration.network).join(Slot)
        claimed = query.where(Slot.kind == SlotKind.HOSTNAME)
        with self._readers() as session:
            if session.execute(claimed.limit(1)).first() is None:
                return
        with self._sessions.begin() as session:
            rows = session.execute(claimed).all()
            mark_pending(session, [network for _, network in rows])
            session.execute(delete(Registration).where(Registration.id.in_([n for n, _ in rows])))
