"""Builds of ours that are measured in one run: this one, and those of other environments."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(sys.executable).with_name("mediastreamer")
"""Ours, of the environment that the bench itself runs in."""


@dataclass(frozen=True)
class Installed:
    """One build of ours: what it is called in a table, and where it is."""

    label: str = "ours"
    program: Path = HERE
    metrics: bool = False
    """Serve them, which takes a little of the start."""


def add_builds(parser: argparse.ArgumentParser) -> None:
    """Take the options by which builds are named."""
    parser.add_argument("--label", default="ours", help="what this build is called in the table")
    parser.add_argument(
        "--also", nargs="+", default=[], metavar="LABEL=MEDIASTREAMER",
        help="other builds, by the path of their program",
    )  # fmt: skip


def builds(options: argparse.Namespace, *, metrics: bool = False) -> list[Installed]:
    """Give this build, then the others."""
    also = (each.partition("=") for each in options.also)
    return [
        Installed(options.label, metrics=metrics),
        *(Installed(label, Path(program).absolute(), metrics) for label, _, program in also),
    ]
