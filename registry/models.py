"""Everything that is stored about anybody: the complete list, with why it is needed.

There is no time of registration, sign-in or update, and no former address. Days are UTC.
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
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from smartdns.contract.addresses import Network


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


class Account(Base):
    """A customer: whom to let in, until when, and how they sign in."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Lower-cased; the name to sign in with and where mail goes."""
    password: Mapped[str] = mapped_column(String(255))
    """argon2id hash."""
    active: Mapped[bool] = mapped_column(default=True)
    """False: suspended; cannot sign in and is not let in."""
    confirmed: Mapped[bool] = mapped_column(default=True)
    """False: the e-mail address has not been confirmed yet; cannot sign in and is not let in."""
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    """Random; changing it ends every session of the account and every link mailed to it."""
    paid_until: Mapped[datetime.date | None]
    """The last UTC day that is let in; None: no end."""
    region: Mapped[str | None] = mapped_column(String(2))
    """Default region; None: each service's first."""
    register_automatically: Mapped[bool] = mapped_column(default=False)
    """The page's script registers the visitor's address without a tap."""

    slots: Mapped[list["Slot"]] = relationship(
        back_populates="account", cascade="all, delete-orphan", passive_deletes=True
    )
    service_regions: Mapped[list["ServiceRegion"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class BrowserSession(Base):
    """A browser that is signed in; gone at sign-out, at a change of password, at deletion."""

    __tablename__ = "browser_session"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 in hex of the random identifier in the browser's cookie."""
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    last_day: Mapped[datetime.date]
    """Always the end of a month, so that it does not tell the day of sign-in."""


class ServiceRegion(Base):
    """An account's choice for one streaming service."""

    __tablename__ = "service_region"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    service: Mapped[str] = mapped_column(String(64), primary_key=True)
    region: Mapped[str] = mapped_column(String(3))
    """A region, or "off"."""


class Slot(Base):
    """A place for one household's address of each family; a new address replaces the former."""

    __tablename__ = "slot"
    __table_args__ = (
        Index("uq_slot_account_id_number", "account_id", "number", unique=True),
        CheckConstraint("kind <> 'hostname' OR hostname IS NOT NULL", name="hostname_is_named"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    number: Mapped[int | None]
    """1 … limit, unique in the account, so the limit holds against any race; None: operator."""
    kind: Mapped[SlotKind] = mapped_column(String(8))
    label: Mapped[str] = mapped_column(String(64), default="")
    """The account holder's own word for it."""
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """SHA-256 in hex of an update token (kind updater)."""
    hostname: Mapped[str | None] = mapped_column(String(253))
    """The DDNS name followed (kind hostname)."""

    account: Mapped[Account] = relationship(back_populates="slots")
    registrations: Mapped[list["Registration"]] = relationship(
        back_populates="slot", cascade="all, delete-orphan", passive_deletes=True
    )


class Registration(Base):
    """The network that a slot holds now, one of each family."""

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("slot_id", "family"),
        CheckConstraint("family IN (4, 6)", name="family"),
        Index("ix_registration_network", "network"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("slot.id", ondelete="CASCADE"))
    family: Mapped[int]
    network: Mapped[Network] = mapped_column(NetworkText)
    choice: Mapped[int]
    """A sequence number, not a time: of accounts that share a network, the highest proved one
    supplies the regions."""

    slot: Mapped[Slot] = relationship(back_populates="registrations")


class PendingNetwork(Base):
    """A network whose grant must be published anew; gone once it is."""

    __tablename__ = "pending_network"

    id: Mapped[int] = mapped_column(primary_key=True)
    network: Mapped[Network] = mapped_column(NetworkText)
    """Rows may repeat a network: a drain deletes exactly the rows that it read."""


class PublishedHead(Base):
    """One row: how far publishing has come, and the source of `Registration.choice`."""

    __tablename__ = "published_head"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    epoch: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    last_choice: Mapped[int] = mapped_column(default=0)
