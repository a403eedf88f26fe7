"""The state folder and the order of settings."""

import stat
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.state import NEEDED_BY, State, default_folder, json_option, settings_of, state_option
from smartdns.contract.configuration import Configuration


def test_the_environment_wins_over_files_and_they_over_what_up_chose(tmp_path: Path) -> None:
    """Each setting comes from the most deliberate place that names it."""
    state = State(tmp_path)
    state.remember({"upstreams": "192.0.2.1", "client_rate": "1", "private_sources": "1"})
    (tmp_path / "mediastreamer.toml").write_text('upstreams = "192.0.2.2"\nclient_rate = 2\n')
    texts = state.configuration({"MEDIASTREAMER_UPSTREAMS": "192.0.2.3"}).texts
    assert (texts["upstreams"], texts["client_rate"], texts["private_sources"]) == (
        "192.0.2.3",
        "2",
        "1",
    )


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    """A second start keeps the secrets of the first, in files that nobody else reads."""
    state = State(tmp_path / "new" / "state")
    state.prepare()
    first = state.configuration({}).texts
    state.prepare()
    assert state.configuration({}).texts == first
    assert (len(first["secret_key"]), len(first["cookie_secret"])) == (64, 32)
    for name in ("secret-key", "cookie-secret"):
        assert stat.S_IMODE((state.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700


def test_the_data_plane_gets_no_credential_of_the_registry(tmp_path: Path) -> None:
    """INV 1: no process that sees queries can reach the people behind the addresses."""
    state = State(tmp_path)
    state.prepare()
    for role in ("resolver", "relay"):
        told = settings_of(role, state.configuration({}))
        assert "redis_url" in told
        assert not {"database_url", "secret_key"} & set(told)


@pytest.mark.parametrize("name", NEEDED_BY)
def test_a_secret_is_given_to_the_role_that_needs_it_and_to_no_other(name: str) -> None:
    """Each secret is among what one role is told."""
    configuration = Configuration({name: "secret", "public_url": "http://page.test"})
    told = {role: settings_of(role, configuration) for role in ("resolver", "relay", "registry")}
    assert {role for role, one in told.items() if name in one} == {NEEDED_BY[name]}
    assert all("public_url" in one for one in told.values())


def test_a_text_with_quotes_survives_being_remembered(tmp_path: Path) -> None:
    """What `up` writes is read back letter for letter."""
    text = 'a "quoted" \\ text\twith ünïcode'
    State(tmp_path).remember({"upstreams": text})
    assert State(tmp_path).configuration({}).texts["upstreams"] == text


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_STATE_HOME": "/srv/state"}, Path("/srv/state/mediastreamer")),
        ({"XDG_STATE_HOME": ""}, Path.home() / ".local" / "state" / "mediastreamer"),
    ],
)
def test_the_folder_follows_xdg(environment: dict[str, str], folder: Path) -> None:
    """The base directory specification: an empty variable counts as unset."""
    assert default_folder(environment) == folder


def test_a_command_is_called_with_its_state(tmp_path: Path) -> None:
    """`--state` and MEDIASTREAMER_STATE name the folder; the option wins."""

    @click.command
    @state_option
    @json_option
    def show(state: State, *, as_json: bool) -> None:
        click.echo(f"{state.folder} {as_json}")

    by_variable = CliRunner().invoke(show, env={"MEDIASTREAMER_STATE": "/srv/ours"})
    by_option = CliRunner().invoke(
        show, ["--state", str(tmp_path), "--json"], env={"MEDIASTREAMER_STATE": "/srv/ours"}
    )
    assert by_variable.output == "/srv/ours False\n"
    assert by_option.output == f"{tmp_path} True\n"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """A file in the way is said, with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(click.ClickException, match="choose another folder with --state"):
        State(tmp_path / "file" / "state").prepare()
