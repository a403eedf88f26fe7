import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from registry.web.sign_in.invitation import is_invited
from tests.cli.conftest import Run

Report = Callable[..., Any]


def test_token_is_shown_once_and_limited(installed: Run, report: Report) -> None:
    """Username, token and link are reported; nothing of the token is in the export."""
    issued = report("account", "token", "anna@example.com", "--label", "router")
    assert set(issued) == {"username", "token", "link", "router_link"}
    assert issued["router_link"].endswith(f"/u/{issued['token']}")
    assert issued["token"] not in issued["link"]
    assert "/link/" in issued["link"]
    export = installed("account", "export", "anna@example.com").stdout
    assert issued["token"] not in export
    assert json.loads(export)["slot"][0]["label"] == "router"
    for _ in range(4):
        installed("account", "token", "anna@example.com")
    assert "All 5 places" in installed("account", "token", "anna@example.com", status=1).stderr


def test_invitation_is_a_link_for_one_address(
    installed: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With sign-up closed it is refused; else the link is valid for that e-mail alone."""
    assert (
        "MEDIASTREAMER_SIGN_UP"
        in installed("account", "invite", "ben@example.com", status=1).stderr
    )
    monkeypatch.setenv("MEDIASTREAMER_SIGN_UP", "invitation")
    monkeypatch.setenv("MEDIASTREAMER_MAIL_URL", str(tmp_path / "mail"))
    link = urlsplit(installed("account", "invite", "Ben@example.com").stdout.strip())
    [invitation] = parse_qs(link.query)["invitation"]
    secret = (tmp_path / "state" / "secret-key").read_text()
    assert is_invited(secret, invitation, "ben@example.com")
    assert not is_invited(secret, invitation, "cleo@example.com")
