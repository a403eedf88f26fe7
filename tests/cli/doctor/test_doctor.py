"""Every fault that the doctor knows, produced and found by its name."""

import json
import os
import socket
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from cli.doctor import doctor, machine, network, redis
from cli.doctor.port_holders import holder_of
from cli.state import State
from registry.database.schema import upgrade
from smartdns.contract.addresses import parse_socket_address
from tests.peers.installation import Installation, clean_environment
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer


class Patient:
    """Settings of an installation that does not run, all well until a test spoils one."""

    def __init__(self, folder: Path, redis: RedisServer, upstream: NameServer) -> None:
        self.state = State(folder / "state")
        self.state.prepare()
        self.settings = {
            "redis_url": redis.url,
            "upstreams": f"127.0.0.1:{upstream.port}",
            "dns_listen": f"127.0.0.1:{free_port()}",
            "web_listen": "127.0.0.1:8053",
            "relay_tls_listen": f"127.0.0.1:{free_port()}",
            "relay_http_listen": f"127.0.0.1:{free_port()}",
        }
        self.settings["web_listen"] = f"127.0.0.1:{(port := free_port())}"
        self.settings["public_url"] = f"http://127.0.0.1:{port}"
        upgrade(self.state.configuration({}).texts["database_url"])
        with redis.client() as client:
            client.set("mediastreamer:v1:head", "0 0")
            client.config_set("maxmemory-policy", "noeviction")

    def findings(self) -> list[str]:
        """Names of what `doctor --json` finds, without the relay that no test runs."""
        environment = clean_environment(**self.settings)
        with patch.dict(os.environ, environment, clear=True):
            said = CliRunner().invoke(doctor, ["--json", "--state", str(self.state.folder)])
        found = json.loads(said.stdout)
        assert said.exit_code == (1 if any(each["grave"] for each in found) else 0)
        assert all(each["what"] and each["remedy"] for each in found)
        return [each["name"] for each in found if each["name"] != "relay-silent"]


@pytest.fixture
def patient(tmp_path: Path, redis_server: RedisServer, name_server: NameServer) -> Patient:
    """One in good health."""
    return Patient(tmp_path, redis_server, name_server)


def test_good_health(patient: Patient) -> None:
    """Nothing is found where nothing is wrong."""
    assert patient.findings() == []


@pytest.mark.parametrize("listening", ["dns_listen", "web_listen", "relay_tls_listen"])
def test_port_taken(patient: Patient, listening: str) -> None:
    """Whatever role wants the port."""
    where = parse_socket_address(patient.settings[listening])
    with socket.create_server((str(where.address), where.port)):
        assert patient.findings() == ["port-taken"]


def test_the_holder_of_a_port_is_named() -> None:
    """The remedy begins with knowing which program it is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        holder = holder_of(server.getsockname()[1])
    assert holder is not None
    assert f"pid {os.getpid()}" in holder


def test_upstream_silent(patient: Patient) -> None:
    """An address where nobody answers."""
    patient.settings["upstreams"] = f"127.0.0.1:{free_port()}"
    assert patient.findings() == ["upstream-silent"]


def test_upstream_loops(patient: Patient) -> None:
    """An upstream that is our own address."""
    patient.settings["upstreams"] = patient.settings["dns_listen"]
    assert patient.findings() == ["upstream-loops"]


def test_redis_unreachable(patient: Patient) -> None:
    """A port where no Redis is."""
    patient.settings["redis_url"] = f"redis://127.0.0.1:{free_port()}/0"
    assert patient.findings() == ["redis-unreachable"]


def test_nothing_runs(patient: Patient) -> None:
    """A Redis that only `up` would start is not missed, its start is."""
    del patient.settings["redis_url"]
    assert patient.findings() == ["nothing-runs"]


def test_redis_emptied(patient: Patient, redis_server: RedisServer) -> None:
    """A Redis that was restarted while no registry runs."""
    with redis_server.client() as client:
        client.flushall()
    assert patient.findings() == ["redis-emptied"]


def test_redis_keeps_data_on_disk(patient: Patient, redis_server: RedisServer) -> None:
    """Snapshots switched on."""
    with redis_server.client() as client:
        client.config_set("save", "60 1")
        try:
            assert patient.findings() == ["redis-keeps-data"]
        finally:
            client.config_set("save", "")


def test_clock_far_off() -> None:
    """Before the software was written, or far from Redis' clock."""
    assert [found.name for found in machine.check_clock(0.0)] == ["clock-off"]
    now = time.time()
    assert [found.name for found in redis.check_clock(now + 86_400, now)] == ["clock-off"]
    assert not [*machine.check_clock(now), *redis.check_clock(now + 1, now)]


def test_schema_old(patient: Patient) -> None:
    """A database made by nobody yet."""
    database = patient.state.folder / "registry.sqlite"
    database.unlink()
    database.touch(mode=0o600)
    assert patient.findings() == ["schema-old"]


def test_database_unreachable(patient: Patient) -> None:
    """A PostgreSQL that is not there."""
    patient.settings["database_url"] = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    assert patient.findings() == ["database-unreachable"]


def test_zone_file_broken(patient: Patient, tmp_path: Path) -> None:
    """A service without a title."""
    folder = tmp_path / "zones"
    folder.mkdir()
    (folder / "mine.toml").write_text('regions = ["us"]\n')
    patient.settings["zones"] = str(folder)
    assert patient.findings() == ["zone-file-broken"]


def test_page_behind_an_unnamed_proxy(patient: Patient) -> None:
    """An https address that somebody else serves, until that somebody is named."""
    patient.settings["public_url"] = "https://dns.example.com"
    assert patient.findings() == ["proxy-unnamed"]
    patient.settings["trusted_proxies"] = "127.0.0.1"
    assert patient.findings() == []


def test_a_setting_wrong_or_unknown(patient: Patient) -> None:
    """A value that cannot be used ends the examination, a misspelt name does not."""
    patient.settings["client_rats"] = "1"
    assert patient.findings() == ["setting-unknown"]
    patient.settings["client_rate"] = "many"
    assert patient.findings() == ["setting-wrong"]


def test_a_region_that_is_none(patient: Patient) -> None:
    """A relay for a region that no service knows."""
    patient.settings["relay_addresses"] = "xx=127.0.0.1"
    assert patient.findings() == ["region-unknown"]


@pytest.mark.parametrize(
    ("exits", "found"),
    [
        ("us=192.0.2.77", ["exit-absent", "look-ups-elsewhere"]),
        ("us=no-such-one", ["exit-absent", "look-ups-elsewhere"]),
        ("us=lo", ["look-ups-elsewhere"]),
        ("us=127.0.0.9 *=direct", []),
        ("us=socks5://127.0.0.1:1", ["exit-silent"]),
    ],
)
def test_a_way_out_that_does_not_lead_out(patient: Patient, exits: str, found: list[str]) -> None:
    """An address that is not ours, an interface that is not there, a SOCKS5 server that is down."""
    patient.settings["relay_exits"] = exits
    assert patient.findings() == found


def test_a_region_that_can_ask_nobody(patient: Patient) -> None:
    """Its one upstream is of a family that its way out does not have."""
    patient.settings["relay_exits"] = "us=127.0.0.9"
    patient.settings["relay_upstreams"] = "us=2001:db8::53"
    assert patient.findings() == ["region-without-upstream"]


def test_a_folder_that_others_can_read(patient: Patient) -> None:
    """Secrets lie in it."""
    patient.state.folder.chmod(0o755)
    assert patient.findings() == ["state-readable"]


def test_little_room_and_few_descriptors() -> None:
    """What would stop registrations or connections before long."""
    assert [found.name for found in machine.check_disk(1 << 20)] == ["disk-full"]
    assert [found.name for found in machine.check_descriptors(256)] == ["descriptors-few"]
    assert not [*machine.check_disk(1 << 30), *machine.check_descriptors(1 << 20)]


def test_source_addresses_rewritten_by_a_bridge(tmp_path: Path) -> None:
    """A container with one end of a pair and a gateway, as bridge networking makes it."""
    route = tmp_path / "proc/net/route"
    route.parent.mkdir(parents=True)
    route.write_text(
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth0 00000000 010011AC 0003 0 0 0 00000000 0 0 0\n"
    )
    interface = tmp_path / "sys/class/net/eth0"
    interface.mkdir(parents=True)
    (interface / "ifindex").write_text("2\n")
    (interface / "iflink").write_text("17\n")
    everywhere = (parse_socket_address("0.0.0.0:53"),)
    assert not list(network.check_bridge(everywhere, tmp_path)), "no container"
    (tmp_path / ".dockerenv").touch()
    (found,) = network.check_bridge(everywhere, tmp_path)
    assert found.name == "sources-rewritten"
    assert "172.17.0.1" in found.what
    (interface / "iflink").write_text("2\n")
    assert not list(network.check_bridge(everywhere, tmp_path)), "host networking"


def test_a_running_installation_in_good_health(running: Installation) -> None:
    """Our own processes are not mistaken for somebody else's."""
    said = running.command("doctor")
    assert said.returncode == 0, said.stdout
