"""Composition root of the registry: from its settings to the service."""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred

from registry.database.engine import make_engine, make_readers, make_sessions
from registry.database.schema import require_current_schema
from registry.database.sweeping import Sweeper
from registry.day import utc_today
from registry.following.failure_mail import FailureMail
from registry.following.follower import HostnameFollower
from registry.mailer import Mailer, make_delivery
from registry.publishing.publisher import Publisher
from registry.settings import RegistrySettings
from registry.web.seal import Seal
from registry.web.server.application import make_application
from registry.web.server.service import PagesService
from registry.web.services import Services
from registry.web.spent_seals import spend_seal
from smartdns.contract.configuration import SettingError
from zones.load import catalog_of


class RegistryService(MultiService):
    """The whole registry as one Twisted service."""

    def __init__(
        self,
        pages: PagesService,
        publisher: Publisher,
        others: Sequence[Service],
        mailer: Mailer | None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pages = pages
        self._publisher = publisher
        self._mailer = mailer
        for child in (publisher, *others, pages):
            self.addService(child)  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Start every part of the registry."""
        if self._mailer is not None:
            self._mailer.startService()
        super().startService()  # type: ignore[no-untyped-call]

    def stopService(self) -> Deferred[object]:
        """Stop every part; the mailer last, because the others may still send mails."""
        stopped: Deferred[object] = super().stopService()  # type: ignore[no-untyped-call]
        if (mailer := self._mailer) is not None:
            stopped.addBoth(lambda _: mailer.stopService())
        return stopped

    def open(self, sockets: Mapping[str, Sequence[socket.socket]]) -> None:
        """Serve the pages; `sockets` under "web" and "check" are bound."""
        self._pages.open(sockets)

    def report(self) -> dict[str, Any]:
        """Give the state for `status`. Without Redis the pages still work, but publishing waits."""
        head = self._publisher.head
        return {
            "prepared": True,
            "ready": self._pages.listening,
            **({} if head is None else {"epoch": head.epoch, "position": head.position}),
            "listen": self._pages.listen,
            "trouble": [self._publisher.trouble] if self._publisher.trouble else [],
        }


def registry_service(settings: RegistrySettings) -> RegistryService:
    """Make the service; nothing starts yet.

    Raises DatabaseUnready, SettingError or CatalogError, whose texts say what to do.
    """
    engine = make_engine(settings.database_url)
    require_current_schema(engine)
    sweeper = Sweeper(engine)
    publisher = _publisher(engine, settings.redis_url)
    sessions = make_sessions(engine)
    services = Services(
        settings=settings,
        catalog=catalog_of(settings.zones),
        rules=settings.address_rules(),
        sessions=sessions,
        readers=make_readers(engine),
        seal=Seal(settings.secret_key, lambda number: spend_seal(sessions, number, utc_today())),
        sweep_soon=sweeper.wake,
        publishing_waits=lambda: publisher.trouble is not None,
        mailer=_mailer(settings),
    )
    pages = PagesService(make_application(services), services)
    return RegistryService(pages, publisher, (sweeper, _follower(services)), services.mailer)


def _follower(services: Services) -> HostnameFollower:
    mailer, url = services.mailer, services.settings.public_url
    return HostnameFollower(
        services.sessions,
        services.readers,
        services.rules,
        following=services.settings.follow_hostnames,
        mail=None if mailer is None else FailureMail(mailer.send, url),
    )


def _publisher(engine: Engine, redis_url: str) -> Publisher:
    try:
        return Publisher(engine, redis_url)
    except ValueError as error:
        raise SettingError(f"MEDIASTREAMER_REDIS_URL: {error}") from None


def _mailer(settings: RegistrySettings) -> Mailer | None:
    if settings.mail_url is None:
        return None
    sender = settings.mail_from or f"MediaStreamer <no-reply@{settings.public_host}>"
    return Mailer(make_delivery(settings.mail_url), sender)
