import json
from pathlib import Path

import pytest

from tests.cli.zones.running import GOOD, LISTS, run


def test_explain_a_steered_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry with its file and line, the region, and what A, AAAA and HTTPS get."""
    (folder / "mine.toml").write_text(GOOD)
    monkeypatch.setenv("MEDIASTREAMER_RELAY_ADDRESSES", "us=192.0.2.1 gb=192.0.2.2,2001:db8::2")
    result = run("explain", "WWW.Mine.example.", "--region", "gb", "--zones", folder)
    assert result.exit_code == 0
    assert f"www.mine.example is below mine.example: Mine (mine), {folder}/mine.toml:3" in (
        result.stdout
    )
    assert "region gb" in result.stdout
    found = json.loads(
        run("explain", "mine.example", "--region", "jp", "--json", "--zones", folder).stdout
    )
    assert (found["decision"], found["region"], found["entry"]) == ("steer", "us", "mine.example")
    assert found["answers"]["A"] == "192.0.2.1, TTL 60"
    assert found["answers"]["AAAA"] == "NODATA with the SOA of mine.example"
    assert found["answers"]["HTTPS"].startswith("NODATA")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ads.mine.example", "is an exception of Mine"),
        ("x.ads.mine.example", "is below ads.mine.example, an exception of Mine"),
        ("captive.apple.com", "is a connectivity check"),
        ("www.example.org", "belongs to no service"),
        ("mine.example", "no relay is in its regions"),
    ],
)
def test_explain_a_name_that_is_not_steered(
    name: str, says: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reason has its words, and the name is forwarded."""
    (folder / "mine.toml").write_text(GOOD + 'never = ["ads.mine.example"]\n')
    monkeypatch.setenv("MEDIASTREAMER_RELAY_ADDRESSES", "jp=192.0.2.1")
    found = json.loads(run("explain", name, "--json", "--zones", folder).stdout)
    assert found["decision"] == "forward"
    assert says in found["reason"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("explain", "a b"), "host name"),
        (("explain", "a.example", "--region", "xx"), "known: us"),
        (("explain", "a.example", "--from", "here"), "--from: not an IP address"),
        (("explain", "a.example", "--from", "8.8.8.8", "--region", "us"), "omit --region"),
        (("explain", "a.example", "--from", "8.8.8.8", "--zones", LISTS), "omit --region"),
        (("explain",), "NAME"),
        (("check", "--zones", "/nowhere"), "/nowhere"),
        (("import", "/nowhere"), "/nowhere"),
        (("import", LISTS / "acme", "--region", "xx"), "known: us"),
        (("import", LISTS / "acme", "--region", "us", "--region", "us"), "twice"),
        (("import", LISTS / "acme", "--title", ""), "characters"),
        (("import", LISTS / "acme", "--output", "Bad Name.toml"), "NAME.toml"),
        (("import", LISTS / "acme", "--format", "hosts"), "v2fly"),
    ],
)
def test_wrong_use(arguments: tuple[object, ...], says: str) -> None:
    """Status 2, nothing on standard output, and what would be right."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""
