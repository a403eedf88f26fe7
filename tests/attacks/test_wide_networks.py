"""Networks that would let everybody in, entered by an operator's slip."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.doctor.database import check
from cli.doctor.finding import Finding
from cli.doctor.settings import Settings
from cli.main import mediastreamer
from registry.actions.accounts.adding import add_account
from registry.database.engine import make_engine, make_sessions
from registry.database.schema import upgrade
from registry.models import Registration
from registry.settings import read_settings
from smartdns.contract.configuration import Configuration
from smartdns.settings import read_settings as read_data_plane_settings
from tests.registry.databases import create_postgresql_database
from zones.load import load_catalog

NEVER = ["0.0.0.0/0", "::/0", "128.0.0.0/1", "10.0.0.0/7", "2000::/3", "2a00::/18"]
CONFIRMED = ["10.0.0.0/8", "192.168.0.0/16", "8.8.8.0/23", "2a00::/19", "2a00:1450::/32"]
ANNA = "anna@example.com"


class Operator:
    """Somebody who gives commands on one installation."""

    def __init__(self, folder: Path, url: str) -> None:
        self.state = folder
        self.environment = {"MEDIASTREAMER_DATABASE_URL": url}
        upgrade(url)
        self._engine = make_engine(url)
        with make_sessions(self._engine).begin() as session:
            add_account(session, ANNA, None, catalog=load_catalog())

    def run(self, *words: str, typed: str = "") -> Result:
        """Give a command."""
        words = (*words, "--state", str(self.state))
        return CliRunner().invoke(mediastreamer, words, input=typed, env=self.environment)

    @property
    def networks(self) -> set[str]:
        """What is registered."""
        with make_sessions(self._engine)() as session:
            return {str(one.network) for one in session.query(Registration)}

    def findings(self) -> list[Finding]:
        """What the doctor says about the database."""
        texts = {"database_url": self.environment["MEDIASTREAMER_DATABASE_URL"]}
        configuration = Configuration(texts)
        data_plane = read_data_plane_settings(configuration)
        return list(check(Settings(configuration, data_plane, read_settings(configuration))))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operator]:
    """An installation on each database."""
    if request.param == "sqlite":
        someone = Operator(tmp_path, f"sqlite:///{tmp_path / 'registry.sqlite'}")
        yield someone
        someone.close()
        return
    with create_postgresql_database(request.getfixturevalue("postgresql_server")) as url:
        someone = Operator(tmp_path, url)
        yield someone
        someone.close()


def test_no_network_beyond_the_widest_is_ever_registered(operator: Operator) -> None:
    """Neither by command nor by a table, confirmed or not."""
    for network in NEVER:
        table = f"email,address,region\n{ANNA},{network},\n"
        for words in (["address", "add", ANNA, network], ["account", "import", "-"]):
            for confirmed in ([], ["--yes"]):
                ended = operator.run(*words, *confirmed, typed=table)
                assert ended.exit_code == 1, network
                assert "cannot be registered" in ended.stderr
    assert operator.networks == set()


def test_a_wide_network_must_be_confirmed_and_is_found(operator: Operator) -> None:
    """Without --yes it is refused; with it the doctor names it from then on."""
    for network in CONFIRMED:
        refused = operator.run("address", "add", ANNA, network)
        assert refused.exit_code == 1
        assert "--yes" in refused.stderr
    assert operator.networks == set()
    assert operator.findings() == []
    for network in CONFIRMED:
        assert operator.run("address", "add", ANNA, network, "--yes").exit_code == 0
    assert operator.networks == set(CONFIRMED)
    found = operator.findings()
    assert {each.name for each in found} == {"network-wide"}
    assert all(any(f" {network} " in each.what for each in found) for network in CONFIRMED)


def test_a_table_with_wide_networks_must_be_confirmed(operator: Operator) -> None:
    """Each line is named; nothing of the table is stored before it is confirmed."""
    rows = "".join(f"{ANNA},{network},\n" for network in CONFIRMED)
    table = f"email,address,region\n{ANNA},8.8.4.4,\n{rows}"
    refused = operator.run("account", "import", "-", typed=table)
    assert refused.exit_code == 1
    assert all(f"line {number}:" in refused.stderr for number in range(3, 3 + len(CONFIRMED)))
    assert operator.networks == set()
    assert operator.run("account", "import", "-", "--yes", typed=table).exit_code == 0
    assert operator.networks == {"8.8.4.4/32", *CONFIRMED}


def test_ordinary_networks_need_no_confirmation(operator: Operator) -> None:
    """Up to /24 and /48 nothing is asked, and the doctor finds nothing."""
    for network in ("8.8.4.4", "192.168.1.0/24", "2a00:1450::9", "2a00:1451::/48"):
        assert operator.run("address", "add", ANNA, network).exit_code == 0
    assert operator.findings() == []
