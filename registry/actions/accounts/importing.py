"""Many accounts at once, from a table: checked whole, then stored in one transaction.

Doing it again is harmless: an account or network that is there stays, and a region that the
table names is set. Imported accounts have no password until they choose one by mail, or an
operator sets it.
"""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.actions.accounts.adding import normal_email
from registry.actions.addresses.registrations import next_choice
from registry.actions.errors import ActionRefused
from registry.actions.preferences import require_region
from registry.actions.sign_in import new_uniquifier
from registry.database.bulk import among, insert_rows
from registry.models import Account, Registration, Slot, SlotKind
from registry.pending import mark_pending
from smartdns.contract.addresses import Network
from zones.catalog import Catalog

HEADER = ["email", "address", "region"]
AT_ONCE = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class ImportRow:
    """One line of the table."""

    email: str
    network: Network | None
    region: str | None


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How much was new."""

    accounts: int
    networks: int


class TableRefused(ActionRefused):
    """Nothing was stored, because of these lines: number -> what is wrong with it."""

    message = "Nothing was stored: lines that cannot be imported: %(count)s."

    def __init__(self, faults: dict[int, str]) -> None:
        super().__init__(count=len(faults))
        self.faults = faults


def read_table(
    lines: Iterable[str], *, catalog: Catalog, parse: Callable[[str], Network]
) -> list[ImportRow]:
    """Read CSV with the header `email,address,region`; all faults are raised together.

    `parse` reads the address or network of a household.
    """
    reader = csv.reader(lines, strict=True)
    rows: list[ImportRow] = []
    faults: dict[int, str] = {}
    regions: dict[str, str] = {}
    for number, cells in _cells(reader, faults):
        if not cells:
            continue
        try:
            row = _row(cells, catalog, parse)
        except (ActionRefused, ValueError) as error:
            faults[number] = str(error)
            continue
        if row.region and regions.setdefault(row.email, row.region) != row.region:
            faults[number] = "an earlier line gives this account another region"
        rows.append(row)
    if faults:
        raise TableRefused(faults)
    return rows


def _cells(
    reader: "Iterator[list[str]]", faults: dict[int, str]
) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        if header != HEADER:
            faults[1] = f"the first line must be {','.join(HEADER)}"
            return
        for number, cells in enumerate(reader, 2):
            yield number, cells
    except csv.Error as error:
        faults[number + 1] = f"not CSV: {error}"
    except UnicodeDecodeError:
        faults[number + 1] = "not UTF-8"


def _row(cells: list[str], catalog: Catalog, parse: Callable[[str], Network]) -> ImportRow:
    if len(cells) != len(HEADER):
        raise ValueError(f"takes {len(HEADER)} cells, not {len(cells)}")
    email, address, region = (cell.strip() for cell in cells)
    return ImportRow(
        normal_email(email),
        parse(address) if address else None,
        require_region(catalog, region) if region else None,
    )


def import_accounts(
    session: Session,
    rows: Sequence[ImportRow],
    advance: Callable[[int], object] = lambda _count: None,
) -> ImportCounts:
    """Store the rows; `advance` is told of each portion how many rows it had."""
    added, slots = 0, []
    for portion in _portions(rows):
        added += _add_accounts(session, portion)
        ids = _ids(session, {row.email for row in portion})
        _set_regions(session, portion, ids)
        slots += _add_slots(session, portion, ids)
        advance(len(portion))
    # Last of all, since from the sequence number on every other registration waits.
    _add_registrations(session, slots)
    return ImportCounts(added, len(slots))


def _portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def _ids(session: Session, emails: Collection[str]) -> dict[str, int]:
    query = select(Account.email, Account.id).where(among(session, Account.email, emails))
    return dict(session.execute(query).all())


def _add_accounts(session: Session, rows: Sequence[ImportRow]) -> int:
    emails = {row.email for row in rows}
    missing = emails - _ids(session, emails).keys()
    regions = {row.email: row.region for row in rows if row.region}
    values = [
        {"email": email, "region": regions.get(email), "fs_uniquifier": new_uniquifier()}
        for email in sorted(missing)
    ]
    insert_rows(session, Account, values, unless_present=True)
    return len(values)


def _set_regions(session: Session, rows: Sequence[ImportRow], ids: dict[str, int]) -> None:
    """Set what differs, and have those accounts' networks published."""
    wanted = {ids[row.email]: row.region for row in rows if row.region}
    query = select(Account.id, Account.region).where(among(session, Account.id, wanted))
    known = session.execute(query)
    changed = {number for number, region in known if region != wanted[number]}
    if not changed:
        return
    session.execute(update(Account), [{"id": n, "region": wanted[n]} for n in changed])
    held = select(Registration.network).join(Slot).where(among(session, Slot.account_id, changed))
    mark_pending(session, session.scalars(held))


def _add_slots(
    session: Session, rows: Sequence[ImportRow], ids: dict[str, int]
) -> list[tuple[int, Network]]:
    """Open a slot for each network that the account was not given by hand before."""
    query = select(Slot.account_id, Registration.network).join(Registration)
    of_these = among(session, Slot.account_id, ids.values())
    typed = query.where(of_these, Slot.kind == SlotKind.OPERATOR)
    there = set(session.execute(typed))
    wanted = {(ids[row.email], row.network): None for row in rows if row.network is not None}
    missing = [pair for pair in wanted if pair not in there]
    if not missing:
        return []
    values = [{"account_id": account, "kind": SlotKind.OPERATOR} for account, _ in missing]
    insert_rows(session, Slot, values)
    # Any of an account's new slots will do for any of its new networks.
    empty = select(Slot.account_id, Slot.id).outerjoin(Registration)
    empty = empty.where(Slot.kind == SlotKind.OPERATOR, Registration.id.is_(None))
    free: dict[int, list[int]] = {}
    for account, slot in session.execute(empty.where(of_these)):
        free.setdefault(account, []).append(slot)
    return [(free[account].pop(), network) for account, network in missing]


def _add_registrations(session: Session, slots: Sequence[tuple[int, Network]]) -> None:
    if not slots:
        return
    choice = next_choice(session)
    for portion in _portions(slots):
        values = [
            {"slot_id": slot, "family": network.version, "network": network, "choice": choice}
            for slot, network in portion
        ]
        insert_rows(session, Registration, values)
        mark_pending(session, (network for _, network in portion))
