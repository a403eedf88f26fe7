"""The language of mails, and the list of spent seals that all registries share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column and a table; existing rows do not change."""
    op.add_column("account", sa.Column("language", sa.String(8)))
    op.create_table(
        "spent_seal",
        sa.Column("number", sa.String(24), primary_key=True),
        sa.Column("last_day", sa.Date(), nullable=False),
    )
