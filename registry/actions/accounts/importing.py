"""Many accounts from one table: first the whole table is checked, then it is stored at once.

Importing the same table again is harmless: accounts and networks that exist stay, and regions are
set as the table says. Imported accounts have no password until a person sets one by a mailed
link, or an operator sets it.
"""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.actions.accounts.adding import normal_email
from registry.actions.addresses.registrations import next_choice
from registry.actions.addresses.rules import judge_network
from registry.actions.errors import ActionRefused
from registry.actions.preferences import require_region
from registry.actions.sign_in import new_uniquifier
from registry.database.bulk import among, insert_rows
from registry.models import Account, Registration, Slot, SlotKind
from registry.pending import mark_pending
from smartdns.contract.addresses import Network
from zones.catalog import Catalog

HEADER = ["email", "address", "region"]
ROWS_PER_STATEMENT = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class ImportRow:
    """One line of the table."""

    email: str
    network: Network | None
    region: str | None


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How many rows were new."""

    accounts: int
    networks: int


class TableRefused(ActionRefused):
    """Nothing was stored; `faults` has line number -> what is wrong with the line."""

    message = "Nothing was stored. Lines that cannot be imported: %(count)s."

    def __init__(self, faults: dict[int, str]) -> None:
        super().__init__(count=len(faults))
        self.faults = faults


def read_table(
    lines: Iterable[str],
    *,
    catalog: Catalog,
    parse: Callable[[str], Network],
    insisting: bool = False,
) -> list[ImportRow]:
    """Read CSV with the header `email,address,region`; TableRefused lists all faults.

    `parse` reads a household's address or network and raises ValueError. `insisting`: the
    operator confirms networks that are wider than a household's (`judge_network`).
    """

    def network_of(text: str) -> Network:
        network = parse(text)
        judge_network(network, insisting=insisting)
        return network

    reader = csv.reader(lines, strict=True)
    rows: list[ImportRow] = []
    faults: dict[int, str] = {}
    regions: dict[str, str] = {}
    for number, cells in _cells(reader, faults):
        if not cells:
            continue
        try:
            row = _row(cells, catalog, network_of)
        except (ActionRefused, ValueError) as error:
            faults[number] = str(error)
            continue
        if row.region and regions.setdefault(row.email, row.region) != row.region:
            faults[number] = "an earlier line has another region for this account"
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
        raise ValueError(f"must have {len(HEADER)} cells, but has {len(cells)}")
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
    """Store the rows; `advance` is called with the number of rows of each batch."""
    added, slots = 0, []
    for batch in _batches(rows):
        added += _add_accounts(session, batch)
        ids = _ids(session, {row.email for row in batch})
        _set_regions(session, batch, ids)
        slots += _add_slots(session, batch, ids)
        advance(len(batch))
    # This comes last: once we have a sequence number, every other registration waits for us.
    _add_registrations(session, slots)
    return ImportCounts(added, len(slots))


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), ROWS_PER_STATEMENT):
        yield items[start : start + ROWS_PER_STATEMENT]


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
    """Set the regions that differ, and mark the networks of those accounts as pending."""
    wanted = {ids[row.email]: row.region for row in rows if row.region}
    query = select(Account.id, Account.region).where(among(session, Account.id, wanted))
    known = session.execute(query)
    changed = {number for number, region in known if region != wanted[number]}
    if not changed:
        return
    session.execute(update(Account), [{"id": n, "region": wanted[n]} for n in changed])
    networks = select(Registration.network).join(Slot)
    changed_networks = networks.where(among(session, Slot.account_id, changed))
    mark_pending(session, session.scalars(changed_networks))


def _add_slots(
    session: Session, rows: Sequence[ImportRow], ids: dict[str, int]
) -> list[tuple[int, Network]]:
    """Open a slot for each network that an operator has not yet given to the account."""
    query = select(Slot.account_id, Registration.network).join(Registration)
    of_these = among(session, Slot.account_id, ids.values())
    existing = set(session.execute(query.where(of_these, Slot.kind == SlotKind.OPERATOR)))
    wanted = {(ids[row.email], row.network): None for row in rows if row.network is not None}
    missing = [pair for pair in wanted if pair not in existing]
    if not missing:
        return []
    values = [{"account_id": account, "kind": SlotKind.OPERATOR} for account, _ in missing]
    insert_rows(session, Slot, values)
    # It does not matter which of an account's new slots gets which of its new networks.
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
    for batch in _batches(slots):
        values = [
            {"slot_id": slot, "family": network.version, "network": network, "choice": choice}
            for slot, network in batch
        ]
        insert_rows(session, Registration, values)
        mark_pending(session, (network for _, network in batch))
