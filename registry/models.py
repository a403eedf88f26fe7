"""Everything that is stored about anybody: the complete list, with why it is needed.

There is no time of registration, sign-in or update, and no former address. Days are UTC. Each
column says in its `doc` what it holds; the published list and the export are made from them.
"""

import datetime
import enum
import ipaddress
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from smartdns.contract.addresses import Network

SECRET = {"secret": True}
"""`info` of a column whose value is a hash: an export says that it is there, not what it is."""


class NetworkText(TypeDecorator[Network]):
    """A network as its normal text, the same in the database, in Redis and on the page."""

    impl = String(49)
    cache_ok = True

    def process_bind_param(self, value: Network | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Text with a length."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Network | None:  # noqa: ANN401, ARG002
        """Network of that text."""
        return None if value is None else ipaddress.ip_network(value)


class SlotKind(enum.StrEnum):
    """Who keeps a slot's address up to date."""

    PAGE = "page"  # the button on DNS Settings
    UPDATER = "updater"  # a router or link with an update token
    HOSTNAME = "hostname"  # a DDNS name that we follow; a claim, not a proof
    OPERATOR = "operator"  # typed by an operator; outside the limit


class SlotKindText(TypeDecorator[SlotKind]):
    """A slot's kind as its word."""

    impl = String(8)
    cache_ok = True

    def process_bind_param(self, value: SlotKind | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Word of that kind."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> SlotKind | None:  # noqa: ANN401, ARG002
        """Kind of that word."""
        return None if value is None else SlotKind(value)


class Base(DeclarativeBase):
    """One metadata; names of constraints are fixed so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {SlotKind: SlotKindText(), Network: NetworkText()}  # noqa: RUF012


class Account(Base):
    """A customer: whom to let in, until when, and how they sign in."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number of ours")
    email: Mapped[str] = mapped_column(
        String(254), unique=True, doc="Lower-cased; the name to sign in with and where mail goes"
    )
    password: Mapped[str | None] = mapped_column(
        String(255), info=SECRET, doc="argon2id hash of the password; empty until one is chosen"
    )
    confirmed: Mapped[bool] = mapped_column(
        default=True,
        server_default=true(),
        doc="No: the e-mail address has not been confirmed, cannot sign in and is not let in",
    )
    active: Mapped[bool] = mapped_column(
        default=True, server_default=true(), doc="No: suspended, cannot sign in and is not let in"
    )
    fs_uniquifier: Mapped[str] = mapped_column(
        String(64),
        unique=True,
        info=SECRET,
        doc="Random; changing it ends every session and every mailed link",
    )
    paid_until: Mapped[datetime.date | None] = mapped_column(
        doc="The last day (UTC) that is let in; empty: no end"
    )
    region: Mapped[str | None] = mapped_column(
        String(2), doc="Default region; empty: each service's first"
    )
    register_automatically: Mapped[bool] = mapped_column(
        default=False, server_default=false(), doc="The page registers the visitor's address"
    )
    updater_mails: Mapped[bool] = mapped_column(
        default=True, server_default=true(), doc="Write a mail when an updater fails for a day"
    )
    language: Mapped[str | None] = mapped_column(
        String(8), doc="The language of mails: the one last signed in with or chosen"
    )

    slots: Mapped[list["Slot"]] = relationship(
        back_populates="account", cascade="all, delete-orphan", passive_deletes=True
    )
    service_regions: Mapped[list["ServiceRegion"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class BrowserSession(Base):
    """A browser that is signed in; gone at sign-out, at a change of password, at deletion."""

    __tablename__ = "browser_session"

    id_hash: Mapped[str] = mapped_column(
        String(64),
        primary_key=True,
        info=SECRET,
        doc="SHA-256 of the random identifier in the browser's cookie",
    )
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), doc="Who is signed in"
    )
    last_day: Mapped[datetime.date] = mapped_column(
        doc="Always the end of a month, so that it does not tell the day of sign-in"
    )


class SpentSeal(Base):
    """What a page handed out for one use and got back; all registries share the list."""

    __tablename__ = "spent_seal"

    number: Mapped[str] = mapped_column(
        String(24), primary_key=True, doc="A random number that names nobody and nothing"
    )
    last_day: Mapped[datetime.date] = mapped_column(
        doc="The day (UTC) after which the row is deleted: tomorrow's"
    )


class ServiceRegion(Base):
    """An account's choice for one streaming service."""

    __tablename__ = "service_region"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, doc="Whose choice it is"
    )
    service: Mapped[str] = mapped_column(
        String(64), primary_key=True, doc="Streaming service, as the catalogue names it"
    )
    region: Mapped[str] = mapped_column(String(3), doc='A region, or "off"')


class Slot(Base):
    """A place for one household's address of each family; a new address replaces the former."""

    __tablename__ = "slot"
    __table_args__ = (
        Index("uq_slot_account_id_number", "account_id", "number", unique=True),
        CheckConstraint("kind <> 'hostname' OR hostname IS NOT NULL", name="hostname_is_named"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number of ours")
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), doc="Whose slot it is"
    )
    number: Mapped[int | None] = mapped_column(
        doc="1 to the limit, once in each account; empty: typed by an operator, outside the limit"
    )
    kind: Mapped[SlotKind] = mapped_column(
        doc="Who keeps it up to date: page, updater, hostname or operator"
    )
    label: Mapped[str] = mapped_column(
        String(64), default="", server_default=text("''"), doc="The account holder's word for it"
    )
    token_hash: Mapped[str | None] = mapped_column(
        String(64), unique=True, info=SECRET, doc="SHA-256 of an updater's token"
    )
    hostname: Mapped[str | None] = mapped_column(
        String(253), doc="The DDNS name that is followed; name servers on the way see it"
    )
    failing_since: Mapped[datetime.date | None] = mapped_column(
        doc="The day (UTC) since which the updater has failed; empty: it works"
    )
    failure_mailed: Mapped[bool] = mapped_column(
        default=False, server_default=false(), doc="The mail about that failure is out"
    )

    account: Mapped[Account] = relationship(back_populates="slots")
    registrations: Mapped[list["Registration"]] = relationship(
        back_populates="slot",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="Registration.family",
    )


class Registration(Base):
    """The network that a slot holds now, one of each family."""

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("slot_id", "family"),
        CheckConstraint("family IN (4, 6)", name="family"),
        Index("ix_registration_network", "network"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number of ours")
    slot_id: Mapped[int] = mapped_column(
        ForeignKey("slot.id", ondelete="CASCADE"), doc="The slot that holds it"
    )
    family: Mapped[int] = mapped_column(doc="4 or 6: IPv4 or IPv6")
    network: Mapped[Network] = mapped_column(doc="The registered address or prefix")
    choice: Mapped[int] = mapped_column(
        doc="A sequence number, not a time: where accounts share a network, the highest proved"
        " one supplies the regions"
    )

    slot: Mapped[Slot] = relationship(back_populates="registrations")


class PendingNetwork(Base):
    """A network whose grant must be published anew; gone once it is."""

    __tablename__ = "pending_network"

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number of ours")
    network: Mapped[Network] = mapped_column(
        doc="A network to publish anew, for some seconds; rows may repeat one"
    )


class PublishedHead(Base):
    """One row: how far publishing has come, and the source of `Registration.choice`."""

    __tablename__ = "published_head"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1, doc="Always 1")
    epoch: Mapped[int] = mapped_column(default=0, doc="Rises with each rebuild of the allowlist")
    position: Mapped[int] = mapped_column(default=0, doc="Rises with each published change")
    last_choice: Mapped[int] = mapped_column(default=0, doc="The latest sequence number given out")
