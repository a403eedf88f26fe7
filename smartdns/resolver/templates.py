"""The second level: templates by what their queries have in common, and the cookies put into them.

Both are bounded by two generations: a full young one becomes the old, and what is still asked for
moves back from there.
"""

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from smartdns.answering.cookies import judge_cookie
from smartdns.resolver.memo import View
from smartdns.resolver.template import Template, Ttls

K = TypeVar("K")
V = TypeVar("V")

MOST_TEMPLATES: Final = 20_000
"""In one generation; of at most 1232 octets and some 700 of Python's."""
MOST_COOKIES: Final = 20_000
COOKIES_HELD_S: Final = 60.0
"""All are forgotten after so long, and with them whose they were. Each is good for an hour
(RFC 9018), so it is made or judged anew in time."""


class Generations(Generic[K, V]):
    """A dictionary that forgets what has not been asked for while `most` others were put in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.young: dict[K, V] = {}
        self.old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Give a value, and keep it for longer."""
        value = self.young.get(key)
        if value is None and (value := self.old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value."""
        if len(self.young) >= self._most:
            self.old, self.young = self.young, {}
        self.young[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self.young, self.old = {}, {}

    def __len__(self) -> int:
        return len(self.young) + len(self.old)


class Templates:
    """Templates of every view, until when they hold."""

    def __init__(self, most: int = MOST_TEMPLATES) -> None:
        # Numbers and octets alone: the garbage collector has no business with as many objects.
        self._all: Generations[tuple[int, bytes], tuple[bytes, Ttls, int, int]] = Generations(most)

    def find(self, view: View, key: bytes, second: int) -> Template | None:
        """Give what holds in `second`."""
        both = view.number, key
        held = both in self._all.young or both in self._all.old  # spares a call where it is not
        kept = self._all.get(both) if held else None
        if kept is None:
            return None
        template = Template(*kept)
        return template if second < template.until else None

    def put(self, view: View, key: bytes, template: Template) -> None:
        """Keep a template."""
        kept = (template.body, template.ttls, template.until, template.opt_at)
        self._all.put((view.number, key), kept)

    def forget(self) -> None:
        """Forget all: what the decision looks at has changed."""
        self._all.clear()


class ServerCookies:
    """What goes into the reply for each sender's cookie; one SipHash in Python costs 17 us."""

    def __init__(self, secret: bytes, wall: Callable[[], float] = time.time) -> None:
        self.secret = secret
        self._wall = wall
        self._since = 0.0
        self._made: Generations[tuple[bytes, bytes], bytes] = Generations(MOST_COOKIES)

    def reply_to(self, cookie: bytes, address: bytes) -> bytes:
        """Give the data of the reply's COOKIE option; `cookie` is the query's."""
        now = self._wall()
        if not 0 <= now - self._since < COOKIES_HELD_S:
            self._made.clear()
            self._since = now
        data = self._made.get((address, cookie))
        if data is None:
            _, data = judge_cookie(cookie, address, self.secret, int(now)).option
            self._made.put((address, cookie), data)
        return data

    def forget(self) -> None:
        """Keep nobody's."""
        self._made.clear()

    def __len__(self) -> int:
        return len(self._made)
