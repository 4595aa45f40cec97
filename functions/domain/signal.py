"""What woke the guard, normalised."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SignalKind(StrEnum):
    """The triggers of the stack."""

    ALARM = "alarm"  # an account-wide alarm went into ALARM: names no function
    CONTRIBUTOR = "contributor"  # one series of a Metrics Insights alarm did: names the function
    DROPS = "drops"  # the alarm on recursive invocations that AWS itself dropped
    PULSE = "pulse"  # the one-minute look at the account-wide series
    SWEEP = "sweep"  # the periodic look at all functions
    CHANGE = "change"  # CloudTrail: somebody changed concurrency or a mapping of a function
    HEALTH = "health"  # AWS Health: AWS stopped recursive invocations
    CLEARED = "cleared"  # an alarm left ALARM: never a reason to restore anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One trigger.

    Attributes
    ----------
    kind
        What it was.
    at
        When the source says that it happened (time zone aware).
    id
        The source's own identifier, for the log.
    functions
        Names of the functions it names; empty where it names none.
    source
        Alarm name, rule name or event name, as people know it.
    actor
        Who made the change (ARN), for ``CHANGE``; otherwise empty.
    """

    kind: SignalKind
    at: datetime
    id: str
    functions: tuple[str, ...] = ()
    source: str = ""
    actor: str = ""
