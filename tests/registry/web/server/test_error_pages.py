"""Error pages: plain, kind, and without data."""

import pytest
from sqlalchemy import create_engine, make_url, text

from registry.database.schema import upgrade
from tests.peers.form_client import FormClient
from tests.peers.registry_server import RegistryServer
from tests.registry.web.conftest import PASSWORD, Visitor


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nowhere-k4n4ry", 404, "There is no such page"),
        ("GET", "/addresses", 405, "There is no such page"),
        ("POST", "/addresses", 400, "That did not work"),
        ("GET", "/%00k4n4ry", 400, "That did not work"),
        ("DELETE", "/account", 405, "There is no such page"),
    ],
)
def test_an_error_is_a_page_that_repeats_nothing(
    visitor: Visitor, method: str, path: str, status: int, title: str
) -> None:
    """The page says what to do, and nothing of what was asked, by whom, or what runs here."""
    values = {} if method == "POST" else None
    page = visitor.client().request(method, path, values)
    assert page.status == status
    assert title in page.text
    for secret in ("k4n4ry", visitor.address, "Traceback", "Werkzeug", "Flask", "sqlalchemy"):
        assert secret not in page.text
    assert len(page.body) < 4000


def test_with_the_database_away_the_page_says_so_and_recovers(
    postgresql_server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """503 in plain words while it is gone, and everything as before once it is back."""
    directory = tmp_path_factory.mktemp("away")
    administrative = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    name, moved = f"away_{directory.name}".lower(), f"moved_{directory.name}".lower()
    with administrative.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    url = make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    upgrade(url)
    server = RegistryServer(url, directory)
    server.add_account("somebody@example.com")
    server.engine.dispose()
    server.start()
    try:
        client = FormClient(server.url)
        client.sign_in("somebody@example.com", PASSWORD)
        _rename(administrative, name, moved)
        page = client.request("GET", "/")
        assert page.status == 503
        assert "your devices still work" in page.text
        assert name not in page.text
        assert client.request("GET", "/static/style.css").status == 200
        _rename(administrative, moved, name)
        assert client.get("/").status == 200
    finally:
        assert server.stop() == 0
        administrative.dispose()
    said = server.output.read_text()
    assert "somebody" not in said
    assert "127.0.0.1" not in said


def _rename(administrative: object, old: str, new: str) -> None:
    with administrative.connect() as connection:  # type: ignore[attr-defined]
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(text(f'ALTER DATABASE "{old}" ALLOW_CONNECTIONS false'))
        connection.execute(text(ended), {"name": old})
        connection.execute(text(f'ALTER DATABASE "{old}" RENAME TO "{new}"'))
        connection.execute(text(f'ALTER DATABASE "{new}" ALLOW_CONNECTIONS true'))
