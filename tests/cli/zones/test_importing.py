import json
from pathlib import Path

from tests.cli.zones.running import LISTS, run
from zones.load import load_catalog
from zones.names import parse_name


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
    assert "lists have no regions" in result.stderr
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
