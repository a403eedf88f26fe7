import datetime
import os
import time
from collections.abc import Iterator

import pytest

from registry.day import utc_day, utc_today

MIDNIGHT = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC).timestamp()


@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Niue"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """A machine whose own day is another one for most of the time."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def test_a_day_begins_at_midnight_in_utc(zone: str) -> None:
    """Wherever the machine believes to be."""
    assert utc_day(MIDNIGHT - 1) == datetime.date(2029, 12, 31)
    assert utc_day(MIDNIGHT) == datetime.date(2030, 1, 1)


def test_today_is_the_day_of_this_moment(zone: str) -> None:
    """Between a moment before and a moment after, should midnight come in between."""
    before = datetime.datetime.now(datetime.UTC).date()
    assert before <= utc_today() <= datetime.datetime.now(datetime.UTC).date()
