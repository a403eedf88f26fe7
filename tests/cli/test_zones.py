"""`mediastreamer zones`: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.zones import zones
from zones.load import load_catalog
from zones.names import parse_name

LISTS = Path(__file__).parents[1] / "zones/importing/v2fly"
GOOD = 'title = "Mine"\nregions = ["us", "gb"]\nsuffixes = ["mine.example"]\n'


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads this machine's installation."""
    monkeypatch.setenv("MEDIASTREAMER_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("MEDIASTREAMER_ZONES", raising=False)
    monkeypatch.delenv("MEDIASTREAMER_RELAY_ADDRESSES", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for services of the operator's own."""
    folder = tmp_path / "zones"
    folder.mkdir()
    return folder


def run(*arguments: object) -> Result:
    """Run the command as an operator would; an exception that is not an exit is a fault."""
    result = CliRunner().invoke(zones, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_check_of_a_good_catalogue(folder: Path) -> None:
    """Status 0 and one line of what there is; notes of what is odd before it."""
    (folder / "mine.toml").write_text(GOOD + 'names = ["captive.apple.com"]\n')
    result = run("check", "--zones", folder)
    assert result.exit_code == 0
    note, good = result.stdout.splitlines()
    assert note.startswith("Note: mine: captive.apple.com has no effect")
    assert good.startswith("Good: ")


def test_check_of_a_bad_catalogue(folder: Path) -> None:
    """Status 1 and one line for each mistake, with file and line; the same as JSON."""
    (folder / "mine.toml").write_text(GOOD.replace("gb", "xx") + 'sufix = ["hbo"]\n')
    result = run("check", "--zones", folder)
    assert result.exit_code == 1
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"{folder / 'mine.toml'}:2",
        f"{folder / 'mine.toml'}:4",
    ]
    found = json.loads(run("check", "--json", "--zones", folder).stdout)
    assert found["good"] is False
    assert [problem["line"] for problem in found["problems"]] == [2, 4]
    assert run("list", "--zones", folder).exit_code == 1


def test_folders_come_from_the_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--zones` the installation's own setting counts."""
    (folder / "mine.toml").write_text(GOOD)
    monkeypatch.setenv("MEDIASTREAMER_ZONES", str(folder))
    assert "mine.example" in run("explain", "a.mine.example").stdout


def test_list() -> None:
    """A line for each service; as JSON everything about it, and the regions."""
    lines = run("list").stdout.splitlines()
    assert any(line.split()[:2] == ["netflix", "Netflix"] for line in lines)
    listed = json.loads(run("list", "--json").stdout)
    assert len(listed["services"]) == len(lines)
    assert listed["regions"]["gb"] == "United Kingdom"
    (netflix,) = [one for one in listed["services"] if one["name"] == "netflix"]
    assert "netflixdnstest10.com" in netflix["suffixes"]


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
        (("explain", "a.example", "--from", "8.8.8.8", "--region", "us"), "leave --region"),
        (("explain", "a.example", "--from", "8.8.8.8", "--zones", LISTS), "leave --region"),
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


def test_an_import_is_a_service(folder: Path) -> None:
    """What is written is taken by the loader, and what is left out is said."""
    output = folder / "acme-tv.toml"
    result = run(
        "import", LISTS / "acme", "--title", 'The "Acme"', "--region", "us", "--output", output
    )
    assert result.exit_code == 0
    assert "Left out: acme:2: acme: is a whole top-level domain" in result.stderr
    assert "acme-tv (v2fly): 5 suffixes, 2 names, 1 exceptions" in result.stderr
    assert run("check", "--zones", folder).exit_code == 0
    match = load_catalog([folder]).find(parse_name("play.acme.example.org"))
    assert match is not None
    assert (match.service.name, match.service.title) == ("acme-tv", 'The "Acme"')
    again = run("import", LISTS / "acme", "--output", output)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert run("import", LISTS / "acme", "--output", output, "--force").exit_code == 0


def test_an_import_to_standard_output() -> None:
    """The file alone on standard output, so that it can be piped; the report beside it."""
    result = run("import", LISTS / "acme")
    assert result.exit_code == 0
    assert result.stdout.startswith("# Imported from a list in v2fly format: acme\ntitle = ")
    assert "lists say nothing of regions" in result.stderr
    found = json.loads(run("import", LISTS / "acme", "--json").stdout)
    assert found["imported"][0]["service"]["name"] == "acme"
    assert found["imported"][0]["left_out"]


def test_an_import_that_cannot_be(folder: Path) -> None:
    """A circle, and a list with nothing to steer: status 1, one line, and nothing written."""
    output = folder / "x.toml"
    circle = run("import", LISTS / "circle-a", "--output", output)
    assert circle.exit_code == 1
    assert "include each other" in circle.stderr
    (folder / "list").write_text("com\n")
    nothing = run("import", folder / "list", "--output", output)
    assert nothing.exit_code == 1
    assert "nothing that can be steered" in nothing.stderr
    assert not output.exists()


def test_an_index_is_imported_into_a_folder(folder: Path, tmp_path: Path) -> None:
    """One file for each of its services; without a folder it is wrong use."""
    index = tmp_path / "cache_domains.json"
    services = [{"name": name, "domain_files": [f"{name}.txt"]} for name in ("one", "two", "no")]
    index.write_text(json.dumps({"cache_domains": services}))
    (tmp_path / "one.txt").write_text("one.example\n")
    (tmp_path / "two.txt").write_text("*.two.example\n")
    assert run("import", index).exit_code == 2
    assert run("import", index, "--region", "us", "--output", folder).exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["one.toml", "two.toml"]
    assert run("check", "--zones", folder).exit_code == 0
