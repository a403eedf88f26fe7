"""What an audit says: where it looked, what it found, and what it could not see."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FOUND, CLEAN, UNSEEN = "found", "clean", "unseen"


@dataclass(frozen=True)
class Place:
    """One place that could have kept something."""

    where: str
    verdict: str
    """`FOUND`, `CLEAN` or `UNSEEN`."""
    what: str = ""
    """What was found there, or why nobody could look; never the canary itself."""
    remedy: str = ""


@dataclass
class Report:
    """The whole of an audit."""

    sent: dict[str, int] = field(default_factory=dict)
    """Way in -> canaries sent."""
    answered: dict[str, int] = field(default_factory=dict)
    """Way in -> canaries that got the reply that belongs to it."""
    places: list[Place] = field(default_factory=list)

    def add(self, where: str, found: Sequence[str], remedy: str = "") -> None:
        """Note that a place was searched."""
        verdict = FOUND if found else CLEAN
        self.places.append(Place(where, verdict, "; ".join(found), remedy if found else ""))

    def unseen(self, where: str, why: str) -> None:
        """Note that nobody could look."""
        self.places.append(Place(where, UNSEEN, why))

    def of(self, verdict: str) -> list[Place]:
        """Give the places with that verdict."""
        return [place for place in self.places if place.verdict == verdict]

    @property
    def silent(self) -> list[str]:
        """Ways in on which nothing was answered: the audit proves nothing about them."""
        return [way for way, count in self.sent.items() if count and not self.answered.get(way)]

    @property
    def good(self) -> bool:
        """Nothing found, and every way in really used."""
        return not self.of(FOUND) and not self.silent and bool(self.answered)

    def as_json(self) -> dict[str, Any]:
        """Give everything, for a program."""
        return {
            "good": self.good,
            "sent": self.sent,
            "answered": self.answered,
            "not_answered": self.silent,
            "places": [asdict(place) for place in self.places],
        }

    def as_text(self) -> str:
        """Give it as a report that stands by itself."""
        lines = [
            "Privacy audit of a running MediaStreamer installation",
            "",
            "Random words and addresses (canaries) were sent in every way that people and devices",
            "use, and then looked for, as text, in hexadecimal, base64 and UTF-16, reversed,",
            "hashed and compressed, in every place on this machine that could have kept them.",
            "",
            "Sent:",
        ]
        for way, count in self.sent.items():
            lines.append(f"  {way}: {count} sent, {self.answered.get(way, 0)} answered")
        lines += _section("Found", self.of(FOUND))
        lines += _section("Not seen", self.of(UNSEEN))
        lines += ["", f"Searched and clean ({len(self.of(CLEAN))} places):"]
        lines += [f"  {place.where}" for place in self.of(CLEAN)]
        lines += ["", self._conclusion()]
        return "\n".join(lines)

    def _conclusion(self) -> str:
        if self.of(FOUND):
            return f"RESULT: {len(self.of(FOUND))} places keep what they must not."
        if self.silent or not self.answered:
            ways = ", ".join(self.silent) or "every way"
            return f"RESULT: void. Nothing was answered by {ways}, so nothing is proved."
        return "RESULT: clean. Nothing that was sent is kept in any place that was searched."


def _section(title: str, places: Sequence[Place]) -> list[str]:
    if not places:
        return []
    lines = ["", f"{title}:"]
    for place in places:
        lines.append(f"  {place.where}: {place.what}")
        if place.remedy:
            lines.append(f"    {place.remedy}")
    return lines
