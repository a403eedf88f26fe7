from pathlib import Path

import pytest

from zones.load import load_catalog
from zones.names import parse_name
from zones.problems import CatalogError

GOOD = 'title = "Mine"\nregions = ["us"]\nsuffixes = ["mine.example"]\n'


def problems_of(folder: Path, **files: str) -> list[str]:
    """What the loader says about these files, each as `file:line: text`."""
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        load_catalog([folder])
    return [
        f"{Path(problem.file).name}:{problem.line}: {problem.text}"
        for problem in caught.value.problems
    ]


def test_an_operators_folder_is_added(tmp_path: Path) -> None:
    """A good file beside the built-in ones is steered, and they still are."""
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8")
    catalog = load_catalog([tmp_path])
    match = catalog.find(parse_name("a.mine.example"))
    assert match is not None
    assert match.service.title == "Mine"
    assert catalog.files["mine"] == str(tmp_path / "mine.toml")
    assert catalog.find(parse_name("netflix.com")) is not None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('title = "X"\nregions = ["us"]\nsuffixes = [\n  "a.example",\n  "hbo",\n]\n', "5: suff"),
        ('title = "X"\nregions = ["us"]\nsuffixes = ["co.uk"]\n', "3: suffixes: co.uk is a public"),
        ('title = "X"\nregions = ["us"]\nnames = ["hbo"]\n', "3: names: hbo is a whole top-level"),
        ('title = "X"\nregions = ["us",\n"xx"]\nsuffixes = ["a.example"]\n', "3: unknown region"),
        ('title = "X"\nregions = []\nsuffixes = ["a.example"]\n', "2: regions: name at least one"),
        ('title = "X"\nsuffixes = ["a.example"]\n', "1: needs the regions"),
        ('title = "X"\nregions = ["us", "us"]\nsuffixes = ["a.example"]\n', "2: region 'us' st"),
        ('regions = ["us"]\nsuffixes = ["a.example"]\n', "1: needs a title"),
        ("title = 5\n" + GOOD[15:], "1: needs a title"),
        (GOOD + 'sufixes = ["b.example"]\n', "4: unknown key 'sufixes'"),
        (GOOD + "[extra]\nx = 1\n", "4: unknown key 'extra'"),
        (GOOD + 'names = ["a b.example"]\n', "4: names: 'a b.example' is not a host name"),
        (GOOD + 'names = ["Mine.Example."]\n', "4: Mine.Example. stands twice"),
        (GOOD + 'never = ["x.mine.example",\n"x.mine.example"]\n', "5: x.mine.example stands tw"),
        (GOOD + 'never = ["other.example"]\n', "4: never: other.example is kept out, but no suff"),
        (GOOD + 'never = ["mine.example"]\n', "4: never: mine.example is kept out here and ste"),
        (GOOD + 'names = "b.example"\n', "4: names: takes a list"),
        ('title = "X"\nregions = ["us"]\n', "1: steers nothing"),
        ('title = "X"\nregions = ["us"\nsuffixes = 1\n', "3: is not TOML"),
        ('title = "X', "1: is not TOML"),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path: Path, text: str, found: str) -> None:
    """One mistake in a file gives one problem, at the line where it stands."""
    problems = problems_of(tmp_path, mine=text)
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"mine.toml:{found}")


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """Two mistakes in one file and one in another come in one go, in order."""
    bad = 'title = "X"\nregions = ["xx"]\nsuffixes = ["com"]\n'
    problems = problems_of(tmp_path, aaa=bad, bbb="nonsense")
    assert [problem.split(": ")[0] for problem in problems] == [
        "aaa.toml:2",
        "aaa.toml:3",
        "bbb.toml:1",
    ]


def test_a_name_of_two_services(tmp_path: Path) -> None:
    """Suffix or exact name, case aside: the later file is told which service has it already."""
    text = 'title = "X"\nregions = ["us"]\nnames = ["a.example", "NETFLIX.com"]\n'
    (problem,) = problems_of(tmp_path, zzz=text)
    assert problem.startswith("zzz.toml:3: netflix.com is claimed by netflix too (")
    assert "netflix.toml:" in problem


def test_kept_out_by_one_and_steered_by_another(tmp_path: Path) -> None:
    """An exception that contradicts another service's entry is a mistake, not a silent winner."""
    one = GOOD + 'never = ["x.mine.example"]\n'
    two = 'title = "Two"\nregions = ["us"]\nnames = ["x.mine.example"]\n'
    (problem,) = problems_of(tmp_path, one=one, two=two)
    assert problem.startswith("one.toml:4: never: x.mine.example is kept out here and steered by")


def test_a_comment_does_not_lead_astray(tmp_path: Path) -> None:
    """The line of a mistake is where the value stands, not where a comment mentions it."""
    text = 'title = "X"\nregions = ["us"]\nsuffixes = [\n  # "hbo" is none\n  "hbo",\n]\n'
    (problem,) = problems_of(tmp_path, mine=text)
    assert problem.startswith("mine.toml:5:")


def test_bad_file_names_folders_and_bytes(tmp_path: Path) -> None:
    """A name that no command could take, a folder that is not there, and bytes that are no text."""
    (tmp_path / "Bad Name.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bytes.toml").write_bytes(b'title = "X"\nregions = ["\xff"]\n')
    with pytest.raises(CatalogError) as caught:
        load_catalog([tmp_path, tmp_path / "missing"])
    texts = sorted(f"{Path(one.file).name}:{one.line}: {one.text}" for one in caught.value.problems)
    assert texts[0].startswith("Bad Name.toml:1: the file's name")
    assert texts[1].startswith("bytes.toml:2: is not UTF-8")
    assert texts[2].startswith("missing:1: cannot be read as a folder")


def test_a_file_takes_the_place_of_a_built_in_service(tmp_path: Path) -> None:
    """A stale built-in service can be replaced whole, and the catalogue says so."""
    (tmp_path / "netflix.toml").write_text(GOOD, encoding="utf-8")
    catalog = load_catalog([tmp_path])
    assert catalog.services["netflix"].suffixes == ("mine.example",)
    assert catalog.find(parse_name("netflix.com")) is None
    assert any("takes the place" in note for note in catalog.notes)


def test_one_service_in_two_folders(tmp_path: Path) -> None:
    """Between two folders of the operator nobody can say which should win, so it is a mistake."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(CatalogError, match=r"the service mine is in .* already"):
        load_catalog([tmp_path / "a", tmp_path / "b"])


def test_an_operators_regions(tmp_path: Path) -> None:
    """`regions.toml` in an operator's folder adds regions; a wrong code there is a mistake."""
    (tmp_path / "regions.toml").write_text('np = "Nepal"\n', encoding="utf-8")
    (tmp_path / "mine.toml").write_text(GOOD.replace("us", "np"), encoding="utf-8")
    catalog = load_catalog([tmp_path])
    assert catalog.regions["np"].title == "Nepal"
    (problem,) = problems_of(tmp_path, regions='np = "Nepal"\nNPL = "Nepal"\n')
    assert problem.startswith("regions.toml:2: 'NPL' is no region code")


def test_connectivity_checks_win_over_any_entry(tmp_path: Path) -> None:
    """At, below or above: a service that lists a connectivity check does not steer it."""
    text = (
        'title = "X"\nregions = ["us"]\nsuffixes = ["msftconnecttest.com", "nintendo.net"]\n'
        'names = ["www.msftconnecttest.com", "captive.apple.com", "a.captive.apple.com"]\n'
    )
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    catalog = load_catalog([tmp_path])
    for name in (
        "msftconnecttest.com",
        "www.msftconnecttest.com",
        "captive.apple.com",
        "a.captive.apple.com",
        "ctest.cdn.nintendo.net",
    ):
        assert catalog.find(parse_name(name)) is None, name
    assert catalog.find(parse_name("accounts.nintendo.net")) is not None
    assert len([note for note in catalog.notes if "has no effect" in note]) == 4
