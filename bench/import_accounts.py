"""How long `account import` takes for 100,000 rows, on SQLite.

    python -m bench.import_accounts [ROWS]

The same steps as the command: read and check the whole table, then one transaction.
"""

import ipaddress
import sys
import tempfile
import time

from registry.actions.import_accounts import import_accounts, read_table
from registry.database import make_engine, make_sessions, upgrade
from smartdns.contract.addresses import parse_network
from zones.load import load_catalog

FIRST = int(ipaddress.IPv4Address("8.0.0.0"))


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    lines = ["email,address,region"]
    for number in range(count):
        address = ipaddress.IPv4Address(FIRST + number * 7)
        lines.append(f"customer{number}@example.com,{address},{('us', 'gb', '')[number % 3]}")
    catalog = load_catalog()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/registry.sqlite"
        upgrade(url)
        engine = make_engine(url)
        for attempt in ("first", "repeated"):
            wall, cpu = time.perf_counter(), time.process_time()
            rows = read_table(lines, catalog=catalog, parse=parse_network)
            with make_sessions(engine).begin() as session:
                imported = import_accounts(session, rows)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(
                f"{attempt}: {len(rows)} rows in {wall:.1f} s ({cpu:.1f} s of CPU), "
                f"{imported.accounts} accounts and {imported.networks} networks new"
            )
        engine.dispose()


if __name__ == "__main__":
    main()
