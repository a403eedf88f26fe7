"""The registry as a whole: pages, publishing, start and stop."""

from pathlib import Path

import pytest
import redis

from registry.database.schema import upgrade
from registry.service import registry_service
from registry.settings import RegistrySettings
from smartdns.contract.configuration import SettingError
from smartdns.contract.redis_layout import GRANTS
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import wait_until
from tests.registry.web.conftest import StartServer, start_registry, visitor_of

__all__ = ["start_registry"]


def test_a_click_is_in_redis_soon_and_a_removal_too(
    start_registry: StartServer, redis_server: RedisServer
) -> None:
    """The button publishes the network, Remove takes it back, with nothing of the person in it."""
    server = start_registry(redis_url=redis_server.url)
    visitor = visitor_of(server)
    client, page = visitor.signed_in()
    network = f"{visitor.address}/32".encode()
    with redis_server.client() as reading:
        page = client.submit(page.form("/region"), region="gb")
        page = client.submit(page.form("Register my IP address"))
        wait_until(lambda: reading.hget(GRANTS, network) == b"region=gb")
        client.submit(page.form("Remove"))
        wait_until(lambda: not reading.hexists(GRANTS, network))
        assert _everything_in(reading).find(visitor.email.encode()) == -1


def test_without_redis_pages_go_on_and_say_so(
    start_registry: StartServer, own_redis_server: RedisServer
) -> None:
    """An address is kept, to be published once Redis comes; until then nobody is promised more."""
    waits = "do not reach our DNS servers"
    server = start_registry(redis_url=own_redis_server.url)
    visitor = visitor_of(server)
    client, page = visitor.signed_in()
    wait_until(lambda: waits not in client.get("/").text)
    own_redis_server.kill()
    client.submit(page.form("Register my IP address"))
    wait_until(lambda: waits in client.get("/").text)
    assert visitor.networks == [f"{visitor.address}/32"]
    own_redis_server.start()
    wait_until(lambda: waits not in client.get("/").text)


def test_a_wrong_certificate_stops_the_start_with_one_line(tmp_path: Path) -> None:
    """The line names the settings."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nonsense")
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    upgrade(url)
    settings = RegistrySettings(database_url=url, web_certificate=wrong, web_key=wrong)
    with pytest.raises(SettingError, match="MEDIASTREAMER_WEB_CERTIFICATE"):
        registry_service(settings)


def _everything_in(reading: redis.Redis) -> bytes:
    found = [key + repr(reading.dump(key)).encode() for key in reading.scan_iter()]
    return b"".join(found)
