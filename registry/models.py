"""Everything that is stored about people.

There is no time of registration, sign-in or update, and no former address. Days are UTC. The
published list (docs/stored-fields.md) has the `doc` of every column; a test compares the two.
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
"""`info` of a column with a hash: an export says that there is a value, but does not show it."""


class NetworkText(TypeDecorator[Network]):
    """A network in its normal text form, which is the same in Redis and on the page."""

    impl = String(49)
    cache_ok = True

    def process_bind_param(self, value: Network | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Give the text, with the prefix length."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Network | None:  # noqa: ANN401, ARG002
        """Give the network."""
        return None if value is None else ipaddress.ip_network(value)


class SlotKind(enum.StrEnum):
    """What keeps the address of a slot up to date."""

    PAGE = "page"  # the button on DNS Settings
    UPDATER = "updater"  # a router or link with an update token
    HOSTNAME = "hostname"  # a DDNS name that we follow; a claim, not a proof
    OPERATOR = "operator"  # an operator entered it; not counted against the limit


class SlotKindText(TypeDecorator[SlotKind]):
    """A SlotKind in its text form."""

    impl = String(8)
    cache_ok = True

    def process_bind_param(self, value: SlotKind | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Give the text."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> SlotKind | None:  # noqa: ANN401, ARG002
        """Give the SlotKind."""
        return None if value is None else SlotKind(value)


class Base(DeclarativeBase):
    """Base class of the models; constraints have fixed names, so that migrations can use them."""

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
    """A customer: until when to let them in, their choices, and how they sign in."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number that we assign")
    email: Mapped[str] = mapped_column(
        String(254), unique=True, doc="Lower-cased; used to sign in and to send mail"
    )
    password: Mapped[str | None] = mapped_column(
        String(255), info=SECRET, doc="argon2id hash of the password; empty until one is set"
    )
    confirmed: Mapped[bool] = mapped_column(
        default=True,
        server_default=true(),
        doc="No: the e-mail address is not confirmed; cannot sign in and is not let in",
    )
    active: Mapped[bool] = mapped_column(
        default=True,
        server_default=true(),
        doc="No: suspended; cannot sign in and is not let in",
    )
    fs_uniquifier: Mapped[str] = mapped_column(
        String(64),
        unique=True,
        info=SECRET,
        doc="Random text; when it changes, every session ends and mailed links become invalid",
    )
    paid_until: Mapped[datetime.date | None] = mapped_column(
        doc="The last day (UTC) on which the account is let in; empty: no end"
    )
    region: Mapped[str | None] = mapped_column(
        String(2), doc="Default region; empty: the first region of each service"
    )
    register_automatically: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        doc="Yes: the page registers the visitor's address without a tap",
    )
    updater_mails: Mapped[bool] = mapped_column(
        default=True,
        server_default=true(),
        doc="Yes: send a mail when an updater has failed for a day",
    )
    language: Mapped[str | None] = mapped_column(
        String(8), doc="The language of mails: that of the last sign-in, or the one chosen since"
    )

    slots: Mapped[list["Slot"]] = relationship(
        back_populates="account", cascade="all, delete-orphan", passive_deletes=True
    )
    service_regions: Mapped[list["ServiceRegion"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class BrowserSession(Base):
    """A browser that is signed in. Signing out, a new password and deletion delete the row."""

    __tablename__ = "browser_session"

    id_hash: Mapped[str] = mapped_column(
        String(64),
        primary_key=True,
        info=SECRET,
        doc="SHA-256 of the random identifier in the browser's cookie",
    )
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), doc="The account that is signed in"
    )
    last_day: Mapped[datetime.date] = mapped_column(
        doc="Always the last day of a month, so that it does not reveal the day of sign-in"
    )


class SpentSeal(Base):
    """A seal that was valid for one use and has been used; all registries share the list."""

    __tablename__ = "spent_seal"

    number: Mapped[str] = mapped_column(
        String(24), primary_key=True, doc="A random number that identifies nobody"
    )
    last_day: Mapped[datetime.date] = mapped_column(
        doc="The day (UTC) after which the row is deleted: one day after its use"
    )


class ServiceRegion(Base):
    """The region that an account has chosen for one streaming service."""

    __tablename__ = "service_region"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, doc="The account that chose"
    )
    service: Mapped[str] = mapped_column(
        String(64), primary_key=True, doc="The streaming service's name in the catalogue"
    )
    region: Mapped[str] = mapped_column(String(3), doc='The chosen region, or "off"')


class Slot(Base):
    """The registered addresses of one household, one of each family; a new one replaces it."""

    __tablename__ = "slot"
    __table_args__ = (
        Index("uq_slot_account_id_number", "account_id", "number", unique=True),
        Index("uq_slot_link_hash", "link_hash", unique=True),
        CheckConstraint("kind <> 'hostname' OR hostname IS NOT NULL", name="hostname_is_named"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number that we assign")
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), doc="The account that has the slot"
    )
    number: Mapped[int | None] = mapped_column(
        doc="1 to the limit, unique in an account; empty: an operator entered it, outside the limit"
    )
    kind: Mapped[SlotKind] = mapped_column(
        doc="What keeps its address up to date: page, updater, hostname or operator"
    )
    label: Mapped[str] = mapped_column(
        String(64), default="", server_default=text("''"), doc="The account owner's name for it"
    )
    token_hash: Mapped[str | None] = mapped_column(
        String(64), unique=True, info=SECRET, doc="SHA-256 of an updater's token"
    )
    link_hash: Mapped[str | None] = mapped_column(
        String(64), info=SECRET, doc="SHA-256 of the secret in an updater's link for people"
    )
    hostname: Mapped[str | None] = mapped_column(
        String(253), doc="The DDNS host name that we look up; the name servers that we ask see it"
    )
    failing_since: Mapped[datetime.date | None] = mapped_column(
        doc="The day (UTC) since which the updater has failed; empty: it has not failed"
    )
    failure_mailed: Mapped[bool] = mapped_column(
        default=False, server_default=false(), doc="Yes: the mail about this failure was sent"
    )

    account: Mapped[Account] = relationship(back_populates="slots")
    registrations: Mapped[list["Registration"]] = relationship(
        back_populates="slot",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="Registration.family",
    )


class Registration(Base):
    """A registered network: the present one of one family in a slot."""

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("slot_id", "family"),
        CheckConstraint("family IN (4, 6)", name="family"),
        Index("ix_registration_network", "network"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number that we assign")
    slot_id: Mapped[int] = mapped_column(
        ForeignKey("slot.id", ondelete="CASCADE"), doc="The slot that it belongs to"
    )
    family: Mapped[int] = mapped_column(doc="4 or 6: IPv4 or IPv6")
    network: Mapped[Network] = mapped_column(doc="The registered address or prefix")
    choice: Mapped[int] = mapped_column(
        doc="A sequence number, not a time: where accounts share a network, the account with the"
        " highest proved number sets the regions"
    )

    slot: Mapped[Slot] = relationship(back_populates="registrations")


class PendingNetwork(Base):
    """A network whose grant must be published again; the row is deleted afterwards."""

    __tablename__ = "pending_network"

    id: Mapped[int] = mapped_column(primary_key=True, doc="A number that we assign")
    network: Mapped[Network] = mapped_column(
        doc="A network to publish again within seconds; several rows may name the same one"
    )


class PublishedHead(Base):
    """A single row: what was published last, and the last `Registration.choice`."""

    __tablename__ = "published_head"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1, doc="Always 1")
    epoch: Mapped[int] = mapped_column(
        default=0, doc="Increases with each rebuild of the allowlist"
    )
    position: Mapped[int] = mapped_column(default=0, doc="Increases with each published change")
    last_choice: Mapped[int] = mapped_column(
        default=0, doc="The last sequence number that was used"
    )
