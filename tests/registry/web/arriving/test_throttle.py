"""How often somebody may try; counted for an hour at most, under names that say nothing."""

import time

from limits import RateLimitItem
from limits.storage import MemoryStorage

from registry.web.arriving import throttle
from registry.web.arriving.throttle import (
    MANY_GUESSES,
    Counts,
    _key,
    again_limits,
    may_mail,
    sign_in_limits,
)
from tests.peers.waiting import wait_until

ANNA = "anna@example.com"


def guess(counts: Counts, email: str, network: str, known: str | None = None) -> bool:
    """Try a wrong password, as the sign-in form counts it; say whether it was allowed."""
    limits = sign_in_limits(counts, email, network, known)
    if not counts.allow(limits):
        return False
    counts.add(limits)
    if known is None:
        counts.add([(MANY_GUESSES, _key("account", email))])
    return True


def hundred_guesses() -> Counts:
    """Give the counts after strangers in ten networks have guessed a hundred times."""
    counts = Counts()
    assert all(guess(counts, ANNA, f"198.51.100.{n // 10}") for n in range(100))
    return counts


def test_many_wrong_passwords_slow_strangers_down_and_do_not_stop_them() -> None:
    """After a hundred in an hour each network has two tries, and all together twenty a minute."""
    counts = hundred_guesses()
    assert not guess(counts, ANNA, "198.51.100.0")
    assert [guess(counts, ANNA, "203.0.113.1") for _ in range(3)] == [True, True, False]
    more = [guess(counts, ANNA, f"203.0.113.{n}") for n in range(2, 30)]
    assert more.count(True) == 18
    assert guess(counts, "otto@example.com", "203.0.113.1")


def test_a_known_browser_or_network_is_counted_for_itself() -> None:
    """What strangers did does not count for it; of its own wrong passwords it has ten."""
    counts = hundred_guesses()
    for known in ("browser 1", "browser 2", "network 203.0.113.1/32"):
        tried = [guess(counts, ANNA, "203.0.113.1", known) for _ in range(11)]
        assert tried == [True] * 10 + [False]


def test_strangers_in_one_network_have_sixty_tries_at_all_accounts() -> None:
    """Then a known browser in the same network still has its own."""
    counts = Counts()
    network = "203.0.113.1/32"
    assert all(guess(counts, f"anna{n}@example.com", network) for n in range(60))
    assert not guess(counts, ANNA, network)
    assert guess(counts, ANNA, network, "browser 1")
    assert guess(counts, ANNA, "203.0.113.2/32")


def test_a_stolen_session_has_ten_tries_and_leaves_the_owners_session_some() -> None:
    """The account's count is for several sessions together."""
    counts = Counts()

    def tried(session_id: str) -> int:
        done = 0
        while done < 100 and counts.allow(again_limits("1", session_id)):
            counts.add(again_limits("1", session_id))
            done += 1
        return done

    assert [tried("stolen"), tried("owner"), tried("third"), tried("fourth")] == [10, 10, 10, 0]


def test_mails_to_one_address_are_few_but_the_owners_own_request_is_sent() -> None:
    """Strangers' requests are used up together, wherever they come from; nobody is told."""
    counts = Counts()
    assert [may_mail(counts, ANNA, f"203.0.113.{n}", None) for n in range(3)] == [True, True, False]
    assert may_mail(counts, ANNA, "203.0.113.1", "browser 1")
    assert may_mail(counts, "otto@example.com", "203.0.113.1", None)


def test_a_network_makes_us_send_sixty_mails_an_hour() -> None:
    """To however many people."""
    counts = Counts()
    sent = [may_mail(counts, f"anna{n}@example.com", "203.0.113.1", None) for n in range(61)]
    assert sent == [True] * 60 + [False]
    assert may_mail(counts, ANNA, "203.0.113.2", None)


def test_no_count_is_for_more_than_an_hour() -> None:
    """Of all that is limited the longest window has an hour, and the memory drops it then."""
    limits = [each for each in vars(throttle).values() if isinstance(each, RateLimitItem)]
    assert max(each.get_expiry() for each in limits) == 3600
    counts = MemoryStorage()
    counts.incr("somebody", 1)
    assert "somebody" in counts.storage
    time.sleep(1.05)
    counts.incr("another", 1)  # looks around, as every request does
    wait_until(lambda: "somebody" not in counts.storage)


def test_the_key_of_a_count_says_nothing() -> None:
    """Neither account nor network is in it, and another process would have another one."""
    key = _key("account", ANNA)
    assert len(key) == 64
    assert "anna" not in key
    assert key != _key("network", ANNA)
