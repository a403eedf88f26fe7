"""The report of an audit: where it searched, what it found, and what it could not search."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FOUND, CLEAN, UNSEEN = "found", "clean", "unseen"
_ENOUGH = 0.9


@dataclass(frozen=True)
class SearchedPlace:
    """One place that could contain something."""

    where: str
    verdict: str
    """`FOUND`, `CLEAN` or `UNSEEN`."""
    what: str = ""
    """What was found there, or why it could not be searched; never the canary itself."""
    remedy: str = ""


@dataclass
class AuditReport:
    """The results of one audit."""

    sent: dict[str, int] = field(default_factory=dict)
    """Way in -> number of canaries sent."""
    answered: dict[str, int] = field(default_factory=dict)
    """Way in -> number of canaries that got the expected response."""
    places: list[SearchedPlace] = field(default_factory=list)
    reached: dict[str, str] = field(default_factory=dict)
    """Service -> the address at which it was reached."""

    def add(self, where: str, found: Sequence[str], remedy: str = "") -> None:
        """Note that a place was searched."""
        verdict = FOUND if found else CLEAN
        self.places.append(SearchedPlace(where, verdict, "; ".join(found), remedy if found else ""))

    def unseen(self, where: str, why: str) -> None:
        """Note that a place could not be searched."""
        self.places.append(SearchedPlace(where, UNSEEN, why))

    def of(self, verdict: str) -> list[SearchedPlace]:
        """Give the places with this verdict."""
        return [place for place in self.places if place.verdict == verdict]

    @property
    def silent(self) -> list[str]:
        """The ways in without any response: the audit proves nothing about them."""
        return [way for way, count in self.sent.items() if count and not self.answered.get(way)]

    @property
    def void(self) -> bool:
        """Whether too few responses came: under 90 % of all, or none on one of the ways in."""
        sent, answered = sum(self.sent.values()), sum(self.answered.values())
        return bool(self.silent) or not answered or answered < sent * _ENOUGH

    @property
    def good(self) -> bool:
        """Whether nothing was found, and the audit is not void."""
        return not self.of(FOUND) and not self.void

    def as_json(self) -> dict[str, Any]:
        """Give everything, for programs."""
        return {
            "good": self.good,
            "reached": self.reached,
            "sent": self.sent,
            "answered": self.answered,
            "not_answered": self.silent,
            "places": [asdict(place) for place in self.places],
        }

    def as_text(self, date: str) -> str:
        """Give a report for people, with this date."""
        sent, answered = sum(self.sent.values()), sum(self.answered.values())
        lines = [
            "PRIVACY AUDIT of a running MediaStreamer installation",
            f"{date}, mediastreamer privacy audit",
            "",
            self._conclusion(),
            "",
            *_HOW,
            "",
            "Reached",
            *(f"  {what} at {where}" for what, where in self.reached.items()),
            "",
            f"Sent {sent} canaries, {answered} answered as expected",
        ]
        for way, count in self.sent.items():
            lines.append(f"  {self.answered.get(way, 0)} of {count}  {way}")
        lines += _section("FOUND", self.of(FOUND))
        lines += _section(
            "Not searched: about these the audit proves nothing (what to do about each)",
            self.of(UNSEEN),
        )
        lines += ["", f"Searched and clean ({len(self.of(CLEAN))} places)"]
        lines += [f"  {place.where}" for place in self.of(CLEAN)]
        lines += ["", self._conclusion()]
        return "\n".join(lines)

    def _conclusion(self) -> str:
        if self.of(FOUND):
            return f"RESULT: found. Places that store what they must not: {len(self.of(FOUND))}."
        if self.void:
            ways = ", ".join(self.silent) or "too many ways"
            return f"RESULT: void. No answer came on {ways}, so nothing is proved."
        clean, unseen = len(self.of(CLEAN)), len(self.of(UNSEEN))
        return (
            f"RESULT: clean. Nothing that was sent is stored in the {clean} places that were "
            f"searched; not searched: {unseen}."
        )


_HOW = (
    "How it was done: random words and addresses (canaries) were sent in every way that people",
    "and devices use. Some came from a household that was let in for the audit and then deleted,",
    "others from strangers. They came from random loopback addresses of this machine; over IPv6,",
    "which has only one loopback address, from the machine's own address. The words were in",
    "names, in options, in the server name and Host of relayed connections, in URLs, headers,",
    "forms, updates and secret links. The database was also given a row that it refuses. Relayed",
    "connections were for invented names below those of a streaming service: the relay accepts",
    "them, asks its upstream for the address, finds none and ends them. Nothing was sent to a",
    "service; about data that is passed on to a service this audit proves nothing. Then each",
    "place was searched for each canary: as text in any case, in wire format, packed, in",
    "hexadecimal, base64, UTF-16 and percent-encoding, reversed, as a number, hashed (MD5, SHA-1,",
    "SHA-256, SHA-512, BLAKE2b) and compressed (gzip, bzip2, xz, zlib). Where nothing may be",
    "written, any writing is a finding. The audit sees only what is on this machine, at this",
    "time.",
)


def _section(title: str, places: Sequence[SearchedPlace]) -> list[str]:
    if not places:
        return []
    lines = ["", f"{title}:"]
    for place in places:
        lines.append(f"  {place.where}: {place.what}")
        if place.remedy:
            lines.append(f"    {place.remedy}")
    return lines
