"""What an audit says: where it looked, what it found, and what it could not see."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FOUND, CLEAN, UNSEEN = "found", "clean", "unseen"
_ENOUGH = 0.9


@dataclass(frozen=True)
class SearchedPlace:
    """One place that could have kept something."""

    where: str
    verdict: str
    """`FOUND`, `CLEAN` or `UNSEEN`."""
    what: str = ""
    """What was found there, or why nobody could look; never the canary itself."""
    remedy: str = ""


@dataclass
class AuditReport:
    """The whole of an audit."""

    sent: dict[str, int] = field(default_factory=dict)
    """Way in -> canaries sent."""
    answered: dict[str, int] = field(default_factory=dict)
    """Way in -> canaries that got the reply that belongs to it."""
    places: list[SearchedPlace] = field(default_factory=list)
    reached: dict[str, str] = field(default_factory=dict)
    """Service -> the address at which it was reached."""

    def add(self, where: str, found: Sequence[str], remedy: str = "") -> None:
        """Note that a place was searched."""
        verdict = FOUND if found else CLEAN
        self.places.append(SearchedPlace(where, verdict, "; ".join(found), remedy if found else ""))

    def unseen(self, where: str, why: str) -> None:
        """Note that nobody could look."""
        self.places.append(SearchedPlace(where, UNSEEN, why))

    def of(self, verdict: str) -> list[SearchedPlace]:
        """Give the places with that verdict."""
        return [place for place in self.places if place.verdict == verdict]

    @property
    def silent(self) -> list[str]:
        """Ways in on which nothing was answered: the audit proves nothing about them."""
        return [way for way, count in self.sent.items() if count and not self.answered.get(way)]

    @property
    def void(self) -> bool:
        """Too little was answered: of all canaries one in ten, or of one way in all of them."""
        sent, answered = sum(self.sent.values()), sum(self.answered.values())
        return bool(self.silent) or not answered or answered < sent * _ENOUGH

    @property
    def good(self) -> bool:
        """Nothing found, and every way in really used."""
        return not self.of(FOUND) and not self.void

    def as_json(self) -> dict[str, Any]:
        """Give everything, for a program."""
        return {
            "good": self.good,
            "reached": self.reached,
            "sent": self.sent,
            "answered": self.answered,
            "not_answered": self.silent,
            "places": [asdict(place) for place in self.places],
        }

    def as_text(self, date: str) -> str:
        """Give it as a report that stands by itself, as of `date`."""
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
            f"Sent {sent} canaries, {answered} answered as they should be",
        ]
        for way, count in self.sent.items():
            lines.append(f"  {self.answered.get(way, 0)} of {count}  {way}")
        lines += _section("FOUND", self.of(FOUND))
        lines += _section(
            "Not seen: of these this audit proves nothing (what to do about each)", self.of(UNSEEN)
        )
        lines += ["", f"Searched and clean ({len(self.of(CLEAN))} places)"]
        lines += [f"  {place.where}" for place in self.of(CLEAN)]
        lines += ["", self._conclusion()]
        return "\n".join(lines)

    def _conclusion(self) -> str:
        if self.of(FOUND):
            return f"RESULT: found. Places that keep what they must not: {len(self.of(FOUND))}."
        if self.void:
            ways = ", ".join(self.silent) or "too many ways"
            return f"RESULT: void. No answer came on {ways}, so nothing is proved."
        clean, unseen = len(self.of(CLEAN)), len(self.of(UNSEEN))
        return (
            f"RESULT: clean. Nothing that was sent is kept in any of the {clean} places that were "
            f"searched; not seen: {unseen}."
        )


_HOW = (
    "How it was done: random words and addresses (canaries) were sent in every way that people",
    "and devices use: as a household that was let in for the time of the audit and deleted after",
    "it, and as strangers, from random addresses of this machine's loopback; over IPv6, of whose",
    "loopback there is one address, from this machine's own. Words were in names,",
    "in options, in the server name and Host of relayed connections, in addresses of pages,",
    "headers, forms, updates and secret links; a row was offered to the database that it refuses.",
    "Relayed connections were for names made up below a streaming service's: the relay takes them,",
    "asks its upstream where they lead, finds no origin and ends them. Nothing went to a service;",
    "of octets that are passed on to one this audit says nothing.",
    "Then each place was searched for each canary as text in any case, as on the wire, packed, in",
    "hexadecimal, base64, UTF-16 and percent-encoding, reversed, as a number, hashed (MD5, SHA-1,",
    "SHA-256, SHA-512, BLAKE2b) and compressed (gzip, bzip2, xz, zlib), and for writing as such",
    "where nothing may be written. It sees what is on this machine, at this time.",
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
