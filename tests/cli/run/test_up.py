"""Starts of `up` that cannot succeed: one clear line, a non-zero status, no traceback."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.installation import Installation, clean_environment
from tests.peers.ports import free_port
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.processes


def run(*arguments: str, before: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command line after some preparation in the same process."""
    code = f"import sys\nfrom pathlib import Path\n{before}\nfrom cli.main import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=False, timeout=120, env=clean_environment(**settings),
    )  # fmt: skip


def one_line(finished: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """Give the line that it ended with."""
    assert finished.returncode == status, finished.stderr
    assert "Traceback" not in finished.stderr
    if status == 1:
        assert finished.stderr.count("\n") == 1, finished.stderr
    return finished.stderr


def options(folder: Path) -> list[str]:
    """Give a command line that would start."""
    return Installation(folder, "127.0.0.1:9").arguments()[3:]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """The line names the port."""
    given = options(tmp_path)
    address, port = given[given.index("--dns") + 1].split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((address, int(port)))
        line = one_line(run(*given))
    assert f"UDP port {port} of 127.0.0.1 is taken" in line


def test_no_redis_to_be_had(tmp_path: Path) -> None:
    """No server on PATH, no wheel that carries one, none configured: what to install."""
    before = (
        "import cli.run.embedded_redis as e\n"
        "e.importlib.util.find_spec = lambda name: None\n"
        "import os; os.environ['PATH'] = '/nowhere'"
    )
    line = one_line(run(*options(tmp_path), before=before))
    assert "install redis-server or valkey-server" in line
    assert "MEDIASTREAMER_REDIS_URL" in line


def test_a_redis_that_does_not_answer(tmp_path: Path) -> None:
    """A configured server that is not there is named, without its password."""
    url = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    line = one_line(run(*options(tmp_path), redis_url=url))
    assert "does not answer" in line
    assert "127.0.0.1" in line
    assert "hunter2" not in line


def test_no_upstream(tmp_path: Path) -> None:
    """An empty resolv.conf and no option: which option to give."""
    given = options(tmp_path)
    where = given.index("--upstream")
    before = "import smartdns.settings as s; s.RESOLV_CONF = Path('/dev/null')"
    line = one_line(run(*given[:where], *given[where + 2 :], before=before))
    assert "--upstream ADDRESS" in line


def test_an_upstream_that_is_ourselves(tmp_path: Path) -> None:
    """A loop is refused before it begins."""
    given = options(tmp_path)
    given[given.index("--upstream") + 1] = given[given.index("--dns") + 1]
    assert "is this resolver itself" in one_line(run(*given))


def test_it_says_what_it_does_and_what_it_waits_for(installation: Installation) -> None:
    """Plain lines where there is no terminal, the first before anything big is loaded."""
    steps = installation.start().partition("Sign in")[0].splitlines()
    assert steps[:3] == [
        "reading the settings",
        "loading the program",
        "starting registry, resolver, relay",
    ]
    assert steps[-1] == "asking each of them for an answer"
    assert "relay" not in installation.output.read_text(), "what starts is no cause of alarm"


def test_an_account_that_was_deleted_stays_so_while_it_runs(installation: Installation) -> None:
    """The first account is added at a start, and not by a registry that succeeds another."""
    installation.start()
    deleted = installation.command("account", "delete", "owner@example.com", "--yes")
    assert deleted.returncode == 0, deleted.stderr
    (before,) = installation.pids("registry")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: installation.status()["ready"] and installation.pids("registry") != [before])
    assert installation.command("account", "list").stdout == ""


def test_its_first_line_needs_nothing_big() -> None:
    """So it is there at once."""
    code = (
        "import sys\nfrom cli.run import up\n"
        "print(sorted({'twisted', 'sqlalchemy', 'redis', 'cryptography'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_a_supervisor_loads_no_database_no_tls_and_no_page() -> None:
    """The registry's own process upgrades the schema and adds the first account."""
    code = (
        "import sys\nfrom smartdns.process.light_twisted import leave_tls_out\nleave_tls_out()\n"
        "from cli.run import installation, listening, running, starting\n"
        "from registry.settings import read_settings\n"
        "big = {'sqlalchemy', 'alembic', 'flask', 'redis', 'cryptography', 'twisted.web.server'}\n"
        "print(sorted(big & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_a_second_up_on_the_same_folder(installation: Installation) -> None:
    """One for each state folder; the running one is not disturbed."""
    installation.start()
    assert "another `mediastreamer up` runs on" in one_line(run(*installation.arguments()[3:]))
    assert installation.status()["ready"]


def test_a_setting_that_is_misspelt(tmp_path: Path) -> None:
    """A setting that nobody reads would be a silent surprise."""
    line = one_line(run(*options(tmp_path), upstraems="127.0.0.1"))
    assert "MEDIASTREAMER_UPSTRAEMS: there is no such setting" in line


def test_a_region_that_is_none(tmp_path: Path) -> None:
    """The line lists what there is."""
    line = one_line(run(*options(tmp_path), "--relay-address", "xx=127.0.0.1"))
    assert "there is no region xx" in line


def test_a_zone_file_that_is_broken(tmp_path: Path) -> None:
    """File and line are named."""
    (tmp_path / "mine.toml").write_text('title = "Mine"\nregions = ["nowhere"]\n')
    line = one_line(run(*options(tmp_path), "--zones", str(tmp_path)))
    assert "mine.toml" in line


@pytest.mark.parametrize(
    "wrong",
    [
        ("--dns", "localhost"),
        ("--dns", "127.0.0.1:99999"),
        ("--upstream", "no.such.host.invalid"),
        ("--relay-address", "us"),
        ("--relay-address", "us=somewhere"),
        ("--workers", "0"),
        ("--zones", "/nowhere"),
        ("--unknown",),
    ],
)
def test_wrong_use(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    """Status 2, and the option is named."""
    assert wrong[0] in one_line(run(*options(tmp_path), *wrong), status=2)
