"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, and the single row of `published_head`."""
    _make_accounts()
    _make_slots()
    _make_publishing()


def _make_accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("password", sa.String(255)),
        sa.Column("confirmed", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(64), nullable=False, unique=True),
        sa.Column("paid_until", sa.Date()),
        sa.Column("region", sa.String(2)),
        sa.Column(
            "register_automatically", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
        sa.Column("updater_mails", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.create_table(
        "browser_session",
        sa.Column("id_hash", sa.String(64), primary_key=True),
        _account_id(),
        sa.Column("last_day", sa.Date(), nullable=False),
    )
    op.create_table(
        "service_region",
        _account_id(primary_key=True),
        sa.Column("service", sa.String(64), primary_key=True),
        sa.Column("region", sa.String(3), nullable=False),
    )


def _make_slots() -> None:
    op.create_table(
        "slot",
        sa.Column("id", sa.Integer(), primary_key=True),
        _account_id(),
        sa.Column("number", sa.Integer()),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("label", sa.String(64), server_default=sa.text("''"), nullable=False),
        sa.Column("token_hash", sa.String(64), unique=True),
        sa.Column("hostname", sa.String(253)),
        sa.Column("failing_since", sa.Date()),
        sa.Column("failure_mailed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint("kind <> 'hostname' OR hostname IS NOT NULL", name="hostname_is_named"),
    )
    op.create_index("uq_slot_account_id_number", "slot", ["account_id", "number"], unique=True)
    op.create_table(
        "registration",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "slot_id", sa.Integer(), sa.ForeignKey("slot.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("family", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(49), nullable=False),
        sa.Column("choice", sa.Integer(), nullable=False),
        sa.UniqueConstraint("slot_id", "family"),
        sa.CheckConstraint("family IN (4, 6)", name="family"),
    )
    op.create_index("ix_registration_network", "registration", ["network"])


def _make_publishing() -> None:
    op.create_table(
        "pending_network",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("network", sa.String(49), nullable=False),
    )
    head = op.create_table(
        "published_head",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("last_choice", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name="single_row"),
    )
    op.bulk_insert(head, [{"id": 1, "epoch": 0, "position": 0, "last_choice": 0}])


def _account_id(*, primary_key: bool = False) -> "sa.Column[int]":
    return sa.Column(
        "account_id",
        sa.Integer(),
        sa.ForeignKey("account.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )
