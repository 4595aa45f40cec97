"""The bell: an alarm goes into ALARM without a cause, and the guard checks and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.aws.guard import list_signal_alarms
from cdk_loopbreaker.drill.errors import DrillError, explain
from cdk_loopbreaker.drill.model import Check, Figure
from functions.domain.notices.text import format_count

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.aws.guard import LogLine
    from cdk_loopbreaker.drill.stage import Stage
    from cdk_loopbreaker.operating.client import GuardClient

ALARM: Final = "ALARM"
_POLL_SECONDS: Final = 2.0
_MOST_MINUTES: Final = 4.0
# What `contain` logs of a run that an alarm began: it looked over the functions.
_SURVEYED: Final = "survey"
_DECIDED: Final = "decided"
_HOLDS: Final = frozenset({"Contain", "Hold"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BellResult:
    """What the bell proved."""

    checks: tuple[Check, ...]
    figures: tuple[Figure, ...] = ()


def ring(stage: Stage) -> BellResult:
    """Set an alarm of the guard to ALARM, see what becomes of that, and put the alarm back.

    Raises
    ------
    DrillError
        When no alarm can be set.
    """
    alarms = list_signal_alarms(stage.clients)
    quiet = sorted(name for name, state in alarms.items() if state != ALARM)
    if not quiet:
        raise DrillError(
            "every alarm of Loopbreaker on the account is in ALARM already"
            if alarms
            else "Loopbreaker's alarms on the account are gone: deploy it again"
        )
    alarm = next((one for one in quiet if one.endswith("-invocations")), quiet[0])
    held_before = _list_held(stage.client)
    known = {one.id for one in stage.log.read_contain(alarm)}
    stage.say(f"Setting the alarm {alarm} to ALARM")
    rung_at = stage.clock.now()
    _set_state(stage, alarm, ALARM)
    lines: tuple[LogLine, ...] = ()

    def has_run() -> bool:
        nonlocal lines
        fresh = [one for one in stage.log.read_contain(alarm) if one.id not in known]
        runs = {one.request_id for one in fresh if one.message == _SURVEYED}
        lines = tuple(one for one in fresh if one.request_id in runs)
        return bool(runs)

    try:
        is_run = stage.wait_for(has_run, _MOST_MINUTES, poll_seconds=_POLL_SECONDS)
        seconds = (stage.clock.now() - rung_at).total_seconds()
    finally:
        is_back = _put_back(stage, alarm, alarms[alarm])
    if is_run:
        stage.say(f"contain ran because of it, seen after {seconds:.0f} s")
    return BellResult(
        checks=(
            Check(
                title="The alarm invokes the guard",
                is_passed=is_run,
                text=(
                    f"seen in the log of contain {seconds:.0f} s after {alarm} was set"
                    if is_run
                    else f"no run of contain within {_MOST_MINUTES:.0f} minutes after {alarm} was"
                    " set. Check the alarms Loopbreaker-signal-*, the permission of the alarm to"
                    " invoke contain, and the log of contain"
                ),
            ),
            *([_describe_judgement(lines)] if is_run else []),
            *([_describe_changes(stage, held_before, lines)] if is_run else []),
            Check(title="The alarm is back in its state", is_passed=is_back, text=alarm),
        ),
        figures=(
            (Figure(title="Alarm to run of contain", text=f"{seconds:.0f} s"),) if is_run else ()
        ),
    )


def _describe_judgement(lines: tuple[LogLine, ...]) -> Check:
    surveys = [one.fields for one in lines if one.message == _SURVEYED]
    functions = max((int(one.get("functions", 0)) for one in surveys), default=0)
    candidates = max((int(one.get("candidates", 0)) for one in surveys), default=0)
    return Check(
        title="The guard reads the metrics of the functions",
        is_passed=True,
        text=f"{format_count(functions, 'active function')},"
        f" {format_count(candidates, 'candidate')}",
    )


def _describe_changes(stage: Stage, before: frozenset[str], lines: tuple[LogLine, ...]) -> Check:
    """What is held since then was decided about by its own metrics, or something is wrong."""
    decided = _list_deciding(lines)
    fresh = _list_held(stage.client) - before
    unexplained = sorted(
        one for one in fresh - decided if not _list_deciding(stage.log.read_contain(one))
    )
    if unexplained:
        text = f"held, and no run of the guard decided so: {', '.join(unexplained)}"
    elif fresh | decided:
        text = (
            f"held for their own metrics, not for the alarm: {', '.join(sorted(fresh | decided))}"
        )
    else:
        text = "no function was held or stopped"
    return Check(title="An alarm alone changes nothing", is_passed=not unexplained, text=text)


def _list_deciding(lines: tuple[LogLine, ...]) -> frozenset[str]:
    """Functions that these lines decide to hold or to stop."""
    return frozenset(
        str(one.fields.get("function", ""))
        for one in lines
        if one.message == _DECIDED and one.fields.get("decision") in _HOLDS
    )


def _list_held(client: GuardClient) -> frozenset[str]:
    return frozenset(one.function for one in client.read_status().open if one.is_held)


def _set_state(stage: Stage, alarm: str, state: str) -> None:
    with explain(f"Setting the alarm {alarm}", stage.clients.region):
        stage.clients("cloudwatch").set_alarm_state(
            AlarmName=alarm,
            StateValue=state,
            StateReason=f"Loopbreaker drill {stage.names.id}: an alarm without a cause",
        )


def _put_back(stage: Stage, alarm: str, before: str) -> bool:
    """Give the alarm the state back that it had, unless CloudWatch has done so already."""
    with explain(f"Putting the alarm {alarm} back", stage.clients.region):
        if list_signal_alarms(stage.clients).get(alarm) == ALARM:
            _set_state(stage, alarm, before)
        return list_signal_alarms(stage.clients).get(alarm) != ALARM
