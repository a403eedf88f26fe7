"""The other formats: what each line of a small list of each comes to."""

from pathlib import Path

import pytest

from zones.importing.formats import guess_format, read_lists
from zones.importing.gather import gather
from zones.importing.lines import LeftOut, Line, ListError
from zones.load import load_catalog

DNSMASQ = """
# comment
address=/a.example/b.example/192.0.2.1
server=/c.example/192.0.2.53   # upstream
server=/ok.a.example/#
address=/*.d.example/192.0.2.1
address=/#/192.0.2.1
cache-size=1000
"""
ADGUARD = """[Adblock Plus 2.0]
! comment
||a.example^
||b.example^$important
@@||ok.a.example^
|c.example^
d.example
||*.e.example^
0.0.0.0 f.example g.example # hosts
/regex[0-9]/
||h.example^$client=10.0.0.1
||i*.example^
"""
CLASH = """payload:
  # comment
  - DOMAIN-SUFFIX,a.example
  - DOMAIN,b.example,Proxy
  - 'DOMAIN-KEYWORD,flix'
  - IP-CIDR,192.0.2.0/24,no-resolve
  - '+.c.example'
  - '.d.example'
  - "*.e.example"
  - f.example
"""
RPZ = """$TTL 300
@ SOA localhost. root.localhost. (
    1 ; serial
    2 3 4 5 )
  NS localhost.
a.example CNAME .
*.a.example CNAME .
b.example 60 IN CNAME relay.example.
*.c.example CNAME .
ok.a.example CNAME rpz-passthru.
$ORIGIN rpz.local.
d.example.rpz.local. A 192.0.2.1
24.0.2.0.192.rpz-ip CNAME .
$INCLUDE other
x MX 10 y.
"""
UKLANS = "*.a.example\na.example\n*.b.example\nc.example # comment\n"

CASES = {
    # format: text, suffixes, names, never, lines left out, notes
    "dnsmasq": (DNSMASQ, "a b c d", "", "ok.a", 2, 1),
    "adguard": (ADGUARD, "a b e", "c d f g", "ok.a", 3, 1),
    "clash": (CLASH, "a c d e", "b f", "", 2, 2),
    "rpz": (RPZ, "a c", "b d", "ok.a", 3, 1),
    "uklans": (UKLANS, "a b", "c", "", 0, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_each_format_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    """Suffixes, exact names, exceptions, what is left out and what is widened, of each format."""
    text, suffixes, names, never, left_out, notes = CASES[name]
    file = tmp_path / "list.txt"
    file.write_text(text, encoding="utf-8")
    assert guess_format(file, text) == name
    _, (one,) = read_lists(file)
    found = gather("mine", "Mine", ("us",), one.lines, load_catalog())
    assert found.service is not None
    assert _short(found.service.suffixes) == suffixes
    assert _short(found.service.names) == names
    assert _short(found.service.never) == never
    assert len(found.left_out) == left_out, found.left_out
    assert len(found.notes) == notes, found.notes


def _short(names: tuple[str, ...]) -> str:
    return " ".join(sorted(name.removesuffix(".example") for name in names))


def test_an_index_gives_a_service_for_each_entry(tmp_path: Path) -> None:
    """An index has title and files of each; a file that is not there is reported."""
    (tmp_path / "cache_domains.json").write_text(
        '{"cache_domains": [{"name": "one", "description": "One", "domain_files": ["one.txt"]},'
        '{"name": "two", "domain_files": ["two.txt"]}]}'
    )
    (tmp_path / "one.txt").write_text("a.example\n")
    chosen, (one, two) = read_lists(tmp_path / "cache_domains.json")
    assert (chosen, one.name, one.title) == ("uklans", "one", "One")
    assert isinstance(two.lines[0], LeftOut)
    assert read_lists(tmp_path / "one.txt")[0] == "uklans"


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"cache_domains": 5}', b"\xff\xfe", b"null"])
def test_an_index_that_is_none(content: bytes, tmp_path: Path) -> None:
    """Whatever else a JSON file holds, one error says what was expected."""
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ListError, match=r"is not (an index|UTF-8)"):
        read_lists(tmp_path / "x.json")


def test_bare_names_are_taken_for_v2fly(tmp_path: Path) -> None:
    """A list of nothing but names is the format in which a name stands for all below it."""
    (tmp_path / "mine").write_text("a.example\n")
    chosen, (one,) = read_lists(tmp_path / "mine")
    lines: list[Line] = one.lines
    assert chosen == "v2fly"
    assert [getattr(line, "kind", None) for line in lines] == ["suffix"]
