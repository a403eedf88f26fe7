"""Days in UTC, by which registrations, sessions and grants are judged on every machine."""

import datetime
import time


def utc_today() -> datetime.date:
    """Give today."""
    return utc_day(time.time())


def utc_day(unix_time: float) -> datetime.date:
    """Give the day of a moment in Unix seconds."""
    return datetime.datetime.fromtimestamp(unix_time, datetime.UTC).date()
