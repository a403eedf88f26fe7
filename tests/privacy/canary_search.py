"""Look for canaries in what processes write, however many calls they take for it."""

from cli.audit.canaries import Needles
from tests.privacy.strace_lines import Call

_TARGET_COMES_SECOND = {"splice", "tee", "copy_file_range"}
_STREAMS = ("/", "UNIX", "TCP", "pipe:", "socket:")
"""Beginnings of targets in which the octets of one call follow those of the last."""
_LONGEST_FORM = 256
"""Octets of a canary in its longest form, and more: a digest of 512 bits in hexadecimal has 128."""


class Search:
    """Looks for canaries in what is written, once in equal contents.

    What one call begins another may end: the last octets to each target are kept, so that a word
    that is written in pieces, an octet at a time even, is seen as it will be read.
    """

    def __init__(self) -> None:
        self.contents = 0
        """Times that something new was searched."""
        self._found: dict[tuple[int, bytes], bool] = {}
        self._tails: dict[tuple[int, str], bytes] = {}

    def finds(self, call: Call, *needles: Needles) -> bool:
        """Say whether a call writes any of these, or the end of one that others began."""
        _, target = written_to(call) or ("", "")
        once = {id(each): each for each in needles}.values()
        found = [self._finds_over_calls(each, call.content, target) for each in once]
        return any(found)  # after all were looked for: each has tails of its own

    def _finds_over_calls(self, needles: Needles, content: bytes, target: str) -> bool:
        tail = self._tails.pop((id(needles), target), b"")
        begin = tail + content[:_LONGEST_FORM]
        if self._finds(needles, content) or (tail and self._finds(needles, begin)):
            return True
        if target.startswith(_STREAMS):
            end = (tail + content)[-_LONGEST_FORM:]
            self._tails[id(needles), target] = end
        return False

    def _finds(self, needles: Needles, content: bytes) -> bool:
        key = id(needles), content
        if key not in self._found:
            self.contents += 1
            self._found[key] = bool(needles.find(content))
        return self._found[key]


def written_to(call: Call) -> tuple[str, str] | None:
    """Give number and target of the descriptor that a call writes to, as strace names them."""
    place = 1 if call.name in _TARGET_COMES_SECOND else 0
    return call.descriptors[place] if len(call.descriptors) > place else None
