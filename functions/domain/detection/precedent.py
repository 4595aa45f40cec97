"""Whether a function was legitimately this busy before."""

import math
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from operator import sub

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.detection.evidence import MINUTE_SECONDS, Series

DAY_SECONDS = 86_400
# A precedent at this time of day may lie this far off: jobs drift, clocks change twice a year.
SAME_HOUR_SECONDS = 5_400
SAME_CLOCK_SECONDS = 600
# With this much history the time of day tells something; with less, any time of day counts.
DAYS_NEEDED = 3.0
# A level seen at another time of day explains this much more of the same.
TIMES_OTHER_HOURS = 1.5


def compute_highest_mean(values: list[float], end: int, minutes: int) -> float:
    """The highest mean of that many minutes in a row within ``values[:end]``."""
    if end <= 0:
        return 0.0
    if minutes == 1:
        return max(values[:end])
    if end < minutes:
        return sum(values[:end]) / end
    sums = list(accumulate(values[:end], initial=0.0))
    highest: float = max(map(sub, sums[minutes:], sums))
    return highest / minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """The days before, in sums of a few minutes each.

    Attributes
    ----------
    values
        One sum a period; ``None`` where there is no datapoint.
    peak
        The highest of them.
    days
        How far back the first datapoint lies: the function's age as far as it is known.
    """

    start: datetime
    period_seconds: int
    values: tuple[float | None, ...]
    peak: float
    days: float

    @classmethod
    def of(cls, series: Series | None, now: datetime) -> "Precedent | None":
        """What a series tells; ``None`` for one that is missing or empty.

        `Series.from_datapoints` admits counts only, so not every value is looked at again.
        """
        if series is None or series.period_seconds <= 0 or DAY_SECONDS % series.period_seconds:
            return None
        peak = max(filter(None, series.values), default=0.0)
        if not 0 < peak < math.inf:
            return None
        first = next(index for index, value in enumerate(series.values) if value)
        age = (now - series.moment(first)).total_seconds() / DAY_SECONDS
        return cls(
            start=series.start,
            period_seconds=series.period_seconds,
            values=series.values,
            peak=peak,
            days=age,
        )

    @property
    def highest_per_minute(self) -> float:
        """The highest rate, as a mean of one period."""
        return self.peak * MINUTE_SECONDS / self.period_seconds

    def explains(
        self,
        level: float,
        minutes: int,
        factor: float,
        now: datetime,
        *,
        near_seconds: int = SAME_HOUR_SECONDS,
        at_other_hours: bool = True,
    ) -> Ground | None:
        """The ground that `level`, held for `minutes`, is not `factor` times what was there.

        A period's sum may have come within fewer minutes than the period has: what stands out
        of its neighbours is taken to have come within `minutes`.

        Parameters
        ----------
        near_seconds
            How far from this time of day a precedent may lie.
        at_other_hours
            Whether other times of day count at all.
        """
        within = min(float(minutes), self.period_seconds / MINUTE_SECONDS)
        if self.peak / within < level / factor:
            return None
        days = 14
        day = DAY_SECONDS // self.period_seconds
        near = near_seconds // self.period_seconds
        at = math.floor((now - self.start).total_seconds() / self.period_seconds)
        for back in range(1, days + 1):
            middle = at - back * day
            found = self._find(middle - near, middle + near + 1, within, level / factor)
            if found is not None:
                index, seen = found
                close = abs(index - middle) * self.period_seconds <= SAME_CLOCK_SECONDS
                return _make_ground(
                    Reason.FOLLOWS_CLOCK if close else Reason.HAS_PRECEDENT, level, seen
                )
        if not at_other_hours:
            return None
        needed = level / (TIMES_OTHER_HOURS if self.days >= DAYS_NEEDED else factor)
        if self.peak / within >= needed:
            found = self._find(0, len(self.values), within, needed)
            if found is not None:
                return _make_ground(Reason.HAS_PRECEDENT, level, found[1])
        return None

    def _find(self, first: int, end: int, within: float, needed: float) -> tuple[int, float] | None:
        """The first period from `first` to `end` (excluded) that may have held a rate, with that.

        Parameters
        ----------
        within
            Minutes in which all may have come that stands out of its neighbours.
        """
        values, last = self.values, len(self.values) - 1
        minutes = self.period_seconds / MINUTE_SECONDS
        least, enough = within * needed, minutes * needed
        # The share of what its neighbours have that does not stand out.
        even = 1 - within / minutes
        first = max(0, first)
        for index, total in enumerate(values[first : max(0, end)], first):
            if total is None or total < least:
                continue
            before = values[index - 1 if index else min(1, last)] or 0.0
            after = values[index + 1 if index < last else max(0, last - 1)] or 0.0
            standing_out = total - even * (before + after) / 2
            if standing_out >= least or total >= enough:
                return index, max(standing_out / within, total / minutes)
        return None


def _make_ground(reason: Reason, level: float, seen: float) -> Ground:
    return Ground(reason=reason, value=level, unit=Unit.PER_MINUTE, reference=seen)
