"""Cookies that go into replies: made once, and not remembered for long."""

from smartdns.answering.cookies import judge_cookie
from smartdns.resolver.templates import COOKIES_HELD_S, ServerCookies

SECRET = bytes(range(16))
HOME, OTHER = b"\xc0\0\2\1", b"\xc0\0\2\2"
CLIENT = b"12345678"


def test_a_cookie_is_good_for_its_sender_and_stays_for_a_while() -> None:
    """What is given out is taken back, from that address alone; asked again it is the same."""
    seconds = [1_700_000_000.0]
    cookies = ServerCookies(SECRET, lambda: seconds[0])
    given = cookies.reply_to(CLIENT, HOME)
    assert judge_cookie(given, HOME, SECRET, int(seconds[0])).valid
    assert not judge_cookie(given, OTHER, SECRET, int(seconds[0])).valid
    seconds[0] += COOKIES_HELD_S / 2
    assert cookies.reply_to(CLIENT, HOME) == given


def test_who_had_one_is_forgotten_after_a_minute() -> None:
    """Neither an address nor when it was seen stays; nor does a clock that was set back matter."""
    seconds = [1_700_000_000.0]
    cookies = ServerCookies(SECRET, lambda: seconds[0])
    for moment in (COOKIES_HELD_S, -10 * COOKIES_HELD_S):
        cookies.reply_to(CLIENT, HOME)
        seconds[0] += moment
        cookies.reply_to(CLIENT, OTHER)
        assert len(cookies) == 1
