"""Run `mediastreamer zones` on services of an operator's own."""

from pathlib import Path

from click.testing import CliRunner, Result

from cli.zones import zones

LISTS = Path(__file__).parents[2] / "zones/importing/v2fly"
GOOD = 'title = "Mine"\nregions = ["us", "gb"]\nsuffixes = ["mine.example"]\n'


def run(*arguments: object) -> Result:
    """Run the command as an operator would; an exception that is not an exit is a fault."""
    result = CliRunner().invoke(zones, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result
