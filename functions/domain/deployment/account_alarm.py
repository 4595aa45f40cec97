"""From how many invocations a minute on the account-wide alarm speaks.

An alarm acts on a transition only ("the actions happen only on state transitions", CloudWatch user
guide, *Alarm actions*), so one whose threshold is below the account's normal traffic is in ALARM
all the time and never speaks. The threshold is therefore a margin above what is normal here, and at
least a default for quiet accounts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_PER_MINUTE: Final = 10_000
HISTORY_DAYS: Final = 14
# The busiest days do not count as normal: a loop that ran on some of them would hide the next one.
# The fourth of 14 is still a busy one where only the weekends are.
UNCOUNTED_DAYS: Final = 3
# A minute can be busier than its five minutes, and what is normal grows until the next deployment.
MARGIN: Final = 2
_ROUND_TO: Final = 1_000
_DAY_SECONDS: Final = 86_400


class ThresholdReason(StrEnum):
    """Why it is this number."""

    FLAG = "flag"
    NORMAL = "normal"
    QUIET = "quiet"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountThreshold:
    """The threshold of the account-wide alarm.

    Attributes
    ----------
    per_minute
        Invocations of all functions together.
    normal_per_minute
        The busiest five minutes of a day, on all but the busiest days; ``None`` when not known.
    unread
        Why the history could not be read; empty when it was.
    """

    per_minute: int
    reason: ThresholdReason
    normal_per_minute: float | None
    unread: str = ""

    @property
    def is_always_breached(self) -> bool:
        """Whether normal traffic alone keeps the alarm in ALARM."""
        return self.normal_per_minute is not None and self.normal_per_minute >= self.per_minute

    def in_words(self) -> str:
        """Say the number and why it is that."""
        number = f"{self.per_minute:,} invocations a minute"
        normal = "" if self.normal_per_minute is None else f"{round(self.normal_per_minute):,}"
        match self.reason:
            case ThresholdReason.FLAG:
                text = f"{number}, as the flag account_alarm_per_minute says"
                if self.is_always_breached:
                    text += (
                        f"; WARNING: normal here is up to {normal} a minute, so the alarm is in "
                        "ALARM all the time and does not notify; leave the flag out"
                    )
                return text
            case ThresholdReason.NORMAL:
                return (
                    f"{number}, {MARGIN} times what is normal: on {HISTORY_DAYS - UNCOUNTED_DAYS} "
                    f"of the last {HISTORY_DAYS} days no five minutes had more than {normal} a "
                    "minute"
                )
            case ThresholdReason.QUIET:
                return f"{number}, the default; normal here is up to {normal} a minute"
            case ThresholdReason.UNREAD:
                return (
                    f"{number}, the default: what is normal here could not be read ({self.unread})"
                )


def account_threshold(
    rates: Iterable[tuple[float, float]], *, end: float, given: int | None
) -> AccountThreshold:
    """Derive the threshold from what the account did.

    Parameters
    ----------
    rates
        Invocations a minute, averaged over some minutes, each with the epoch seconds of its
        beginning. Where there is none, nothing was invoked. Those not within the `HISTORY_DAYS`
        before the end are ignored.
    end
        Epoch seconds; the days are counted back from it.
    given
        What the operator said; it goes before all else.
    """
    busiest = [0.0] * HISTORY_DAYS
    for at, rate in rates:
        day = int((end - at) // _DAY_SECONDS)
        if 0 <= day < HISTORY_DAYS and at < end:
            busiest[day] = max(busiest[day], rate)
    normal = sorted(busiest, reverse=True)[UNCOUNTED_DAYS]
    if given is not None:
        return AccountThreshold(
            per_minute=given, reason=ThresholdReason.FLAG, normal_per_minute=normal
        )
    wanted = -int(-normal * MARGIN // _ROUND_TO) * _ROUND_TO
    if wanted <= DEFAULT_PER_MINUTE:
        return AccountThreshold(
            per_minute=DEFAULT_PER_MINUTE, reason=ThresholdReason.QUIET, normal_per_minute=normal
        )
    return AccountThreshold(
        per_minute=wanted, reason=ThresholdReason.NORMAL, normal_per_minute=normal
    )


def choose_threshold_unread(why: str, *, given: int | None) -> AccountThreshold:
    """The threshold when the account's history could not be read.

    Parameters
    ----------
    why
        The AWS error message.
    """
    return AccountThreshold(
        per_minute=DEFAULT_PER_MINUTE if given is None else given,
        reason=ThresholdReason.UNREAD if given is None else ThresholdReason.FLAG,
        normal_per_minute=None,
        unread=why,
    )
