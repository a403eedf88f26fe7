"""The hot thread: a mistake of ours costs a batch, never the thread."""

from typing import Any, cast

from twisted.logger import Logger

import smartdns.resolver.hot_thread as under_test
from smartdns.resolver.hot_thread import HotThread


class _Mistaken:
    def answer(self, *_: object) -> list[int]:
        raise IndexError


class _Silent(Logger):
    said = 0

    def failure(self, *_: Any, **__: Any) -> None:
        type(self).said += 1


def test_a_batch_that_cannot_be_answered_is_left_unanswered(monkeypatch: Any) -> None:
    """Its slots are named as such, so that the replies of others in it still go out."""
    monkeypatch.setattr(under_test, "Logger", _Silent)
    thread = HotThread(cast("Any", _Mistaken()), lambda _: None)
    assert thread._look_again([(3, 40, b"\x7f\0\0\1"), (7, 40, b"\x7f\0\0\1")], 0.0) == [3, 7]
    assert _Silent.said == 1
