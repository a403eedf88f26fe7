"""Days in UTC, so that every machine has the same last day of an account or a session."""

import datetime
import time


def utc_today() -> datetime.date:
    """Give the present day."""
    return utc_day(time.time())


def utc_day(unix_time: float) -> datetime.date:
    """Give the day of a time in Unix seconds."""
    return datetime.datetime.fromtimestamp(unix_time, datetime.UTC).date()
