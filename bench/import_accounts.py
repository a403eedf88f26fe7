"""How long `account import` takes for 100,000 rows, on SQLite and on PostgreSQL.

    python -m bench.import_accounts [ROWS] [sqlite|postgresql]

The same steps as the command: read and check the whole table, then one transaction.
"""

import ipaddress
import sys
import tempfile
import time

from bench.allowlist_registry import database
from registry.actions.accounts.importing import import_accounts, read_table
from registry.database.engine import make_engine, make_sessions
from registry.database.schema import upgrade
from smartdns.contract.addresses import parse_network
from zones.load import load_catalog

FIRST = int(ipaddress.IPv4Address("8.0.0.0"))


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    lines = table(count)
    for kind in sys.argv[2:] or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as folder, database(kind, folder) as url:
            print(f"{kind}:")
            measure(lines, url)


def table(count: int) -> list[str]:
    """Make the lines of a file to import."""
    lines = ["email,address,region"]
    for number in range(count):
        address = ipaddress.IPv4Address(FIRST + number * 7)
        lines.append(f"customer{number}@example.com,{address},{('us', 'gb', '')[number % 3]}")
    return lines


def measure(lines: list[str], url: str) -> None:
    """Import twice: all is new, and nothing is."""
    catalog = load_catalog()
    upgrade(url)
    engine = make_engine(url)
    for attempt in ("first", "repeated"):
        wall, cpu = time.perf_counter(), time.process_time()
        rows = read_table(lines, catalog=catalog, parse=parse_network)
        read = time.perf_counter() - wall
        with make_sessions(engine).begin() as session:
            imported = import_accounts(session, rows)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"  {attempt}: {len(rows)} rows in {wall:.1f} s ({read:.1f} s of it to read them, "
            f"{cpu:.1f} s of CPU of ours), "
            f"{imported.accounts} accounts and {imported.networks} networks new",
            flush=True,
        )
    engine.dispose()


if __name__ == "__main__":
    main()
