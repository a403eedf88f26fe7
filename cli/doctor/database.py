"""Checks of the database: whether it can be opened, its schema, and how wide networks are."""

from collections.abc import Iterator

from sqlalchemy import Engine, String, and_, cast, or_, select

from cli.doctor.finding import Finding
from cli.doctor.settings import Settings
from cli.registry_access import require_database_file
from registry.actions.addresses.rules import WIDEST, is_wide
from registry.database.engine import DatabaseUnready, make_engine, make_readers
from registry.database.schema import schema_is_current
from registry.models import Registration
from smartdns.contract.addresses import Network


def check(settings: Settings) -> Iterator[Finding]:
    """Run every check of this file."""
    try:
        require_database_file(settings.registry)
        engine = make_engine(settings.registry.database_url)
        try:
            current = schema_is_current(engine)
            wide = _wide_networks(engine) if current else []
        finally:
            engine.dispose()
    except DatabaseUnready as error:
        yield Finding(
            "database-unreachable",
            str(error),
            "Until the database can be opened, the pages answer with 503.",
        )
        return
    if not current:
        yield Finding(
            "schema-old",
            "the database's schema is older than this version",
            "mediastreamer database upgrade",
        )
    for network in wide:
        yield Finding(
            "network-wide",
            f"the registered network {network} is more than one household: "
            "every device in it is let in",
            "Find its account with `mediastreamer address list`, and remove it with "
            "`mediastreamer address remove` if it is not meant.",
            grave=network.prefixlen < WIDEST[network.version],
        )


def _wide_networks(engine: Engine) -> list[Network]:
    """Give the registered networks that are wider than a household's, the widest first."""
    # Nearly every row is an address or a /64, so the database leaves those out.
    text = cast(Registration.network, String)
    is_four = Registration.family == 4
    others = or_(and_(is_four, text.not_like("%/32")), and_(~is_four, text.not_like("%/64")))
    query = select(Registration.network).where(others)
    with make_readers(engine)() as reading:
        networks = {network for network in reading.scalars(query) if is_wide(network)}
    return sorted(networks, key=lambda network: (network.prefixlen, str(network)))
