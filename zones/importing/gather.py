"""Lines of a list -> a Service that the loader will take, and a word about everything else."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from zones.catalog import Catalog, Service
from zones.importing.lines import LeftOut, Line, Listed
from zones.names import NameFormatError, parse_name, render_name, tails
from zones.too_wide import why_too_wide


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a list."""

    service: Service | None
    """None when nothing in the list can be steered."""
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def gather(
    name: str, title: str, regions: tuple[str, ...], lines: Iterable[Line], catalog: Catalog
) -> Imported:
    """Make a service of what `lines` list; names that other services have stay theirs."""
    gathering = _Gathering(name, catalog)
    for line in lines:
        if isinstance(line, LeftOut):
            gathering.left_out.append(line)
        else:
            gathering.take(line)
    gathering.drop_exceptions()
    service = gathering.service(title, regions)
    return Imported(service, tuple(gathering.left_out), tuple(gathering.notes()))


@dataclass(slots=True)
class _Gathering:
    name: str
    catalog: Catalog
    suffixes: dict[bytes, Listed] = field(default_factory=dict)
    names: dict[bytes, Listed] = field(default_factory=dict)
    never: dict[bytes, Listed] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def take(self, line: Listed) -> None:
        try:
            wire = parse_name(line.name)
        except NameFormatError as error:
            self.leave_out(line, str(error))
            return
        if line.kind == "never":
            self.never.setdefault(wire, line)
        elif (reason := self.reason_against(line, wire)) is not None:
            self.leave_out(line, reason)
        elif line.kind == "name":
            self.names.setdefault(wire, line)
        elif line.kind == "suffix" or wire not in self.suffixes:
            self.suffixes[wire] = line

    def leave_out(self, line: Listed, reason: str) -> None:
        self.left_out.append(LeftOut(line.place, line.name, reason))

    def reason_against(self, line: Listed, wire: bytes) -> str | None:
        above = tails(wire)
        reason = why_too_wide(wire)
        if reason is not None and (line.kind != "name" or len(above) == 1):
            return reason
        if not self.catalog.never.isdisjoint(above):
            return "is how devices check whether they are online; never steered"
        owner = self.catalog.claimant(wire)
        if owner is not None and owner.name != self.name:
            return f"belongs to {owner.name} already; to replace that, write {owner.name}.toml"
        return None

    def drop_exceptions(self) -> None:
        """Let exceptions win over what they name, and keep those that a suffix is above of."""
        for wire in self.never:
            self.suffixes.pop(wire, None)
            self.names.pop(wire, None)
        for wire, line in list(self.never.items()):
            if self.suffixes.keys().isdisjoint(tails(wire)):
                self.leave_out(line, line.reason)
                del self.never[wire]
            elif (owner := self.catalog.claimant(wire)) is not None and owner.name != self.name:
                self.leave_out(line, f"{line.reason}, but the service {owner.name} steers it")
                del self.never[wire]

    def service(self, title: str, regions: tuple[str, ...]) -> Service | None:
        suffixes = [wire for wire in self.suffixes if not self.is_covered(tails(wire)[1:])]
        names = [wire for wire in self.names if not self.is_covered(tails(wire))]
        if not suffixes and not names:
            return None
        return Service(
            self.name,
            title,
            regions,
            tuple(map(render_name, suffixes)),
            tuple(map(render_name, names)),
            tuple(map(render_name, self.never)),
        )

    def is_covered(self, above: list[bytes]) -> bool:
        """Whether one of these is steered with all below it, and none is an exception."""
        return not self.suffixes.keys().isdisjoint(above) and self.never.keys().isdisjoint(above)

    def notes(self) -> list[str]:
        return [
            f"{line.place}: *.{line.name}: {line.name} itself is steered as well; "
            "the catalogue has no entry for what is only below a name"
            for wire, line in self.suffixes.items()
            if line.kind == "below" and wire not in self.names
        ]
