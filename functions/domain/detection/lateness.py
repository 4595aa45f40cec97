"""What late metrics allow to be said: the one rule for missing and partial datapoints.

A one-minute datapoint of CloudWatch is complete about two minutes after its minute, each metric by
itself; before that it is missing, or shows a part of its value. How long it really takes is not
documented (UNCONFIRMED A-050; exporters report about 2 minutes, Lambda sends what an execution did
when it *ends*, under the minute in which it began: Lambda developer guide, *Viewing metrics*). So:

- A minute that ended less than `LATEST` ago is *young*. Its value is a lower bound of the truth,
  and its absence says nothing.
- A minute that is older is *settled*: its value is the truth, and where there is none, nothing was
  recorded.
- What is *there* (a rise, a plateau, throttles) may be concluded from young minutes. What is *not
  there* (a fall, an end, a demand that collapsed) is concluded from settled minutes only.

To find what is there, the series is read as of each of the last minutes: late data then delays an
answer by as much as it is late itself, and never prevents it. Should data be later than `LATEST`,
an answer comes as much later; nothing is concluded that would have to be taken back but an end.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from functions.domain.detection.evidence import Series

LATEST = timedelta(minutes=4)


def count_young(series: Series, now: datetime, *, taking: timedelta = timedelta(0)) -> int:
    """How many of the newest values may still be missing or partial at `now`.

    Parameters
    ----------
    taking
        How long one execution takes. What Lambda counts under the minute in which an execution
        began it sends only when that ends: where this takes more than a minute, such a minute is
        young for as much longer.
    """
    age = LATEST + max(timedelta(0), taking - timedelta(minutes=1))
    settled = math.floor((now - age - series.start) / timedelta(seconds=series.period_seconds))
    return len(series.values) - max(0, min(len(series.values), settled))


def settle(series: Series, now: datetime, *, taking: timedelta = timedelta(0)) -> Series:
    """The series up to its last settled minute: the one to tell from what is *not* there."""
    return drop_newest(series, count_young(series, now, taking=taking))


def drop_newest(series: Series, count: int) -> Series:
    """The series without so many of its newest values."""
    return replace(series, values=series.values[: max(0, len(series.values) - count)])


def read_back(series: Series, now: datetime) -> Iterator[Series]:
    """The series as of each minute that may be the newest known one, the newest first.

    Readings that would end with a missing value are left out: they say nothing new. The settled
    one always comes, as the last.
    """
    for count in list_drops_to_try((series,), now):
        yield drop_newest(series, count)


def list_drops_to_try(together: Sequence[Series], now: datetime) -> Iterator[int]:
    """How many of the newest values to leave out, for series that are read side by side.

    The series are on the same grid. A minute that none of them has yet is not read as the newest.
    """
    young = max((count_young(series, now) for series in together), default=0)
    for count in range(young):
        if any(_has_value(series, count) for series in together):
            yield count
    yield young


def _has_value(series: Series, count: int) -> bool:
    return len(series.values) > count and series.values[-1 - count] is not None
