"""Metrics as CloudWatch shows them while they come in: late, partial, each series by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

from functions.domain.detection.evidence import AccountSeries, Evidence, RecentSeries, Series

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How late one series is.

    Attributes
    ----------
    delays
        Seconds after the end of a minute at which it is complete, by turns.
    first
        So many seconds earlier it shows a part.
    shares
        Of the value that are shown until it is complete, by turns; 0 where nothing is shown.
    """

    delays: tuple[int, ...]
    first: int
    shares: tuple[float, ...]

    def show(self, series: Series, now: datetime) -> Series:
        """The series as it is seen at `now`."""
        values = []
        period = series.period_seconds
        first_number = int(series.start.timestamp()) // period
        first_age = (now - series.start - MINUTE).total_seconds()
        for index, value in enumerate(series.values):
            number = first_number + index
            age = first_age - index * period
            delay = self.delays[number % len(self.delays)]
            share = self.shares[number % len(self.shares)]
            if value is None or age >= delay:
                values.append(value)
            elif age >= delay - self.first and share:
                values.append(share * value)
            else:
                values.append(None)
        return replace(series, values=tuple(values))


latenesses = st.builds(
    Lateness,
    delays=st.lists(st.integers(0, 240), min_size=1, max_size=7).map(tuple),
    first=st.integers(0, 120),
    shares=st.lists(st.floats(0.2, 0.9) | st.just(0.0), min_size=1, max_size=5).map(tuple),
)
by_series = st.fixed_dictionaries({one.name: latenesses for one in fields(RecentSeries)})


def show_evidence(complete: Evidence, late: Mapping[str, Lateness], now: datetime) -> Evidence:
    """Complete evidence that reaches beyond `now`, as it is seen at `now`."""
    recent = {
        one.name: late[one.name].show(_until(getattr(complete.recent, one.name), now), now)
        for one in fields(RecentSeries)
    }
    return replace(complete, now=now, recent=RecentSeries(**recent))


def show_account(
    complete: AccountSeries, late: Mapping[str, Lateness], now: datetime
) -> AccountSeries:
    """The account's complete series that reach beyond `now`, as they are seen at `now`."""
    return AccountSeries(
        **{
            one.name: late[one.name].show(_until(getattr(complete, one.name), now), now)
            for one in fields(AccountSeries)
        }
    )


def _until(series: Series, now: datetime) -> Series:
    """The three hours before `now`."""
    over = int((now - series.start).total_seconds()) // series.period_seconds
    first = max(0, over - 180)
    return replace(series, start=series.moment(first), values=series.values[first:over])
