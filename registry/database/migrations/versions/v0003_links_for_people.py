"""A secret of its own for the link that people open; a router's token stays what it is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column and its index; existing rows do not change."""
    op.add_column("slot", sa.Column("link_hash", sa.String(64)))
    op.create_index("uq_slot_link_hash", "slot", ["link_hash"], unique=True)
