"""What every reply tells the browser."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.peers.certificates import self_signed
from tests.peers.form_client import FormClient
from tests.registry.web.conftest import PASSWORD, StartServer, Visitor


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/static/style.css", "/addresses"])
def test_every_reply_forbids_what_no_page_needs(visitor: Visitor, path: str) -> None:
    """CSP without unsafe-inline, no frames, no referrer, no sniffing; on errors as well."""
    headers = visitor.client().request("GET", path).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_of_a_person_is_kept_by_a_cache(visitor: Visitor) -> None:
    """Pages are not stored; style and script may be."""
    client, page = visitor.signed_in()
    assert page.headers["Cache-Control"] == "no-store"
    assert "no-store" not in client.get("/static/style.css").headers["Cache-Control"]


def test_a_page_has_nothing_inline(visitor: Visitor) -> None:
    """No script text, no style attribute, no event attribute."""
    _, page = visitor.signed_in()
    assert page.text.count("<script") == page.text.count("<script src=")
    for inline in ("<style", " style=", " onclick=", " onsubmit=", "javascript:"):
        assert inline not in page.text


def test_on_plain_http_the_cookie_is_one_that_comes_back(visitor: Visitor) -> None:
    """`session` and `known-…`, HttpOnly, SameSite=Lax, not Secure; and no HSTS."""
    client, page = visitor.signed_in()
    assert {name.partition("-")[0] for name in client.cookies} == {"session", "known"}
    for line in client.set_cookies:
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Secure" not in line
    assert "Strict-Transport-Security" not in page.headers


def test_on_https_the_cookie_belongs_to_this_host_alone(
    start_registry: StartServer, tmp_path: Path
) -> None:
    """TLS with the given certificate, a `__Host-` cookie, HSTS, and sign-in works."""
    pair = self_signed("localhost", tmp_path, timedelta(days=1))
    server = start_registry(
        web_certificate=str(pair.certificate),
        web_key=str(pair.key),
        public_url="https://localhost",
    )
    server.add_account("somebody@example.com")
    client = FormClient(
        "https://localhost",
        connect_to=("localhost", server.port),
        trust=pair.trusting_context(),
    )
    page = client.sign_in("somebody@example.com", PASSWORD)
    assert "This network is not registered" in page.text
    names = {name.removeprefix("__Host-") for name in client.cookies}
    assert all(name.startswith("__Host-") for name in client.cookies)
    assert {name.partition("-")[0] for name in names} == {"session", "known"}
    for line in client.set_cookies:
        assert "Secure" in line
        assert "Path=/" in line
        assert "Domain" not in line
    assert "max-age=" in page.headers["Strict-Transport-Security"]
    client.submit(page.form("Register my IP address"))
    assert server.networks("somebody@example.com") == ["127.0.0.1/32"]
