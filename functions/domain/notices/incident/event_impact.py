"""What becomes of a function's events while it is held, per trigger, and until when.

At reserved concurrency 0:

- New asynchronous events go at once, without retries, to the dead-letter queue or on-failure
  destination, and are lost without one
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
- Polled SQS messages return to the queue with a higher receive count and end in its dead-letter
  queue (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html). With the
  event source mapping disabled they wait.
- Records of streams wait until they expire
  (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
- Synchronous callers are answered with status 429.

UNCONFIRMED A-062: what AWS does with asynchronous events that were in its own queue already.
UNCONFIRMED A-063: that executions in flight go on. Both are assumed here for the worse.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from functions.domain.changes.outcome import PUT_BACK, StepStatus
from functions.domain.changes.steps import DisableMapping, StepOutcome
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.notices.text import clean, format_time, shorten_arn

DYNAMODB_RETENTION: Final = timedelta(hours=24)
KINESIS_RETENTION: Final = timedelta(hours=24)
LONGEST_TIMEOUT: Final = timedelta(minutes=15)
_LONGEST_NAME: Final = 80
_LONGEST_ARN: Final = 300


class Impact(StrEnum):
    """What becomes of events, the worst first."""

    LOST = "lost"  # gone, now
    LOOPING = "looping"  # they go round without the function, or will once it is restored
    MAYBE_LOST = "maybe_lost"  # lost, unless there is a target that the guard does not know
    MOVING = "moving"  # good messages go to a dead-letter queue after some attempts
    EXPIRING = "expiring"  # they wait, and are lost at a moment
    REFUSED = "refused"  # the caller is told, at once
    DIVERTED = "diverted"  # kept elsewhere
    SLOWED = "slowed"  # a cap lets some through
    WAITING = "waiting"  # kept where they are


_WORST_FIRST: Final = {kind: place for place, kind in enumerate(Impact)}


class MappingState(StrEnum):
    """What the guard knows of an event source mapping."""

    DISABLED = "disabled"  # by the guard
    DISABLING = "disabling"  # the guard is about to
    WOULD_BE_DISABLED = "would_be_disabled"  # if the guard stopped the function
    DISABLED_BEFORE = "disabled_before"  # it was so when the guard came
    ENABLED = "enabled"  # or unknown, which is the worse case


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """How the function is held.

    Attributes
    ----------
    since
        When its reservation was written; ``None`` where unknown.
    at
        Its reservation: 0 (throttled) or a cap.
    async_target_arn
        Where failed asynchronous events go; empty for none or unknown.
    is_async_target_known
        Whether an empty `async_target_arn` means that there is none.
    outcomes
        The steps of the containment: they tell which mappings are disabled.
    disabled_before
        Mappings that were disabled when the guard came.
    is_imagined
        Whether nothing was done, and the outcomes are those of a stop by the guard.
    """

    function_arn: str = ""
    since: datetime | None = None
    at: int = 0
    async_target_arn: str = ""
    is_async_target_known: bool = False
    outcomes: tuple[StepOutcome, ...] = ()
    disabled_before: frozenset[str] = frozenset()
    is_imagined: bool = False
    _of_mappings: Mapping[str, StepOutcome] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the steps once: a function may have hundreds of mappings."""
        index: dict[str, StepOutcome] = {}
        for one in self.outcomes:
            if isinstance(one.step, DisableMapping):
                index.setdefault(one.step.uuid, one)
        object.__setattr__(self, "_of_mappings", index)

    def find_mapping_state(self, uuid: str) -> MappingState:
        """Find the state of a trigger's mapping."""
        outcome = self._of_mappings.get(uuid)
        if outcome is None:
            is_known = uuid and uuid in self.disabled_before
            return MappingState.DISABLED_BEFORE if is_known else MappingState.ENABLED
        # The mapping is enabled again, or in somebody else's hands.
        if outcome.restored in PUT_BACK:
            return MappingState.ENABLED
        match outcome.status:
            case StepStatus.DONE | StepStatus.ALREADY:
                done = MappingState.DISABLED
                return MappingState.WOULD_BE_DISABLED if self.is_imagined else done
            case StepStatus.PLANNED:
                return MappingState.DISABLING
            case _:
                return MappingState.ENABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class EventImpact:
    """What becomes of the events of some triggers.

    Attributes
    ----------
    triggers
        Those that share it.
    text
        The same in one or two sentences, without the names of the triggers.
    deadline
        When waiting events begin to be lost; ``None`` where there is no known moment.
    """

    kind: Impact
    text: str
    triggers: tuple[Trigger, ...] = ()
    deadline: datetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The triggers, as people call them."""
        return tuple(name_trigger(trigger) for trigger in self.triggers)


def name_trigger(trigger: Trigger) -> str:
    """Name a trigger as people do: the service and the resource."""
    resource = clean(shorten_arn(trigger.source_arn), _LONGEST_NAME) if trigger.source_arn else ""
    service = clean(trigger.service, _LONGEST_NAME) or trigger.kind.value
    return f"{service} {resource}".strip()


def assess_impacts(
    triggers: Iterable[Trigger], restriction: Restriction
) -> tuple[EventImpact, ...]:
    """Assess what becomes of the events of each trigger, the worst first; equal impacts are one."""
    known = tuple(triggers)
    merged: dict[tuple[Impact, str, datetime | None], EventImpact] = {}
    for trigger in known:
        impact = assess_impact(trigger, restriction)
        key = (impact.kind, impact.text, impact.deadline)
        before = merged.get(key)
        merged[key] = (
            impact if before is None else replace(before, triggers=(*before.triggers, trigger))
        )
    warning = find_second_loop(known, restriction)
    found = [*merged.values(), *([] if warning is None else [warning])]
    return tuple(sorted(found, key=lambda impact: _WORST_FIRST[impact.kind]))


def assess_impact(trigger: Trigger, restriction: Restriction) -> EventImpact:
    """Assess what becomes of the events of one trigger while the function is held."""
    impact = (
        _assess_capped(trigger, restriction)
        if restriction.at > 0
        else _assess_stopped(trigger, restriction)
    )
    return replace(impact, triggers=(trigger,))


def find_in_flight_end(since: datetime | None, timeout_seconds: int | None) -> datetime | None:
    """Find until when executions that had begun may go on: the function's timeout at most."""
    if since is None:
        return None
    limit = timedelta(seconds=timeout_seconds) if timeout_seconds else LONGEST_TIMEOUT
    return since + limit


def find_second_loop(triggers: Iterable[Trigger], restriction: Restriction) -> EventImpact | None:
    """Find out whether failed asynchronous events are sent to what triggers the function."""
    target = restriction.async_target_arn
    if not target:
        return None
    if target == restriction.function_arn or target.startswith(f"{restriction.function_arn}:"):
        if not restriction.function_arn:
            return None
        feeding: tuple[Trigger, ...] = ()
        kind = TriggerKind.ASYNC
    else:
        feeding = tuple(one for one in triggers if _is_source(one, target))
        if not feeding:
            return None
        kind = feeding[0].kind
    arn = clean(target, _LONGEST_ARN)
    if kind in {TriggerKind.ASYNC, TriggerKind.SYNC}:
        text = (
            f"Another loop: failed asynchronous events go to {arn}, which invokes this same"
            " function. They can go round without the function running. Change the function's"
            " on-failure destination or dead-letter queue now."
        )
    else:
        text = (
            f"Another loop: failed asynchronous events go to {arn}, which triggers this same"
            " function. They come back to it once it is restored. Change the function's"
            " on-failure destination or dead-letter queue before that."
        )
    return EventImpact(kind=Impact.LOOPING, text=text, triggers=feeding)


def _is_source(trigger: Trigger, target: str) -> bool:
    source = trigger.source_arn
    return bool(source) and (source == target or ("*" in source and fnmatchcase(target, source)))


def _assess_stopped(trigger: Trigger, restriction: Restriction) -> EventImpact:
    match trigger.kind:
        case TriggerKind.ASYNC:
            return _assess_async(restriction)
        case TriggerKind.SYNC:
            return EventImpact(
                kind=Impact.REFUSED,
                text="Callers that wait for an answer get status 429 (TooManyRequestsException)"
                " until it is restored. Lambda keeps nothing of their requests.",
            )
        case TriggerKind.SQS | TriggerKind.STREAM | TriggerKind.OTHER_POLLED:
            state = restriction.find_mapping_state(trigger.mapping_uuid)
            if state is MappingState.DISABLED_BEFORE:
                return EventImpact(
                    kind=Impact.WAITING,
                    text="Its event source mapping was disabled before: nothing changes.",
                )
            return _assess_polled(trigger, restriction, state)


def _assess_async(restriction: Restriction) -> EventImpact:
    if restriction.async_target_arn:
        return EventImpact(
            kind=Impact.DIVERTED,
            text="New events go at once, without retries, to"
            f" {clean(restriction.async_target_arn, _LONGEST_ARN)}. They stay there: nothing sends"
            " them to the function again by itself.",
        )
    if restriction.is_async_target_known:
        return EventImpact(
            kind=Impact.LOST,
            text="New events are lost at once, until it is restored: the function has neither a"
            " dead-letter queue nor an on-failure destination (metric AsyncEventsDropped). To"
            " keep those to come, give it an on-failure destination now.",
        )
    return EventImpact(
        kind=Impact.MAYBE_LOST,
        text="New events go at once, without retries, to the function's dead-letter queue or"
        " on-failure destination. Loopbreaker knows of none: without one they are lost until it"
        " is restored (metric AsyncEventsDropped).",
    )


_PAUSED: Final = frozenset(
    {MappingState.DISABLED, MappingState.DISABLING, MappingState.WOULD_BE_DISABLED}
)


def _assess_polled(trigger: Trigger, restriction: Restriction, state: MappingState) -> EventImpact:
    is_paused = state in _PAUSED
    how = {
        MappingState.DISABLED: "Its event source mapping is disabled. ",
        MappingState.DISABLING: "Its event source mapping is being disabled. ",
        MappingState.WOULD_BE_DISABLED: "Loopbreaker would disable its event source mapping. ",
    }.get(state, "")
    if trigger.kind is TriggerKind.SQS:
        if is_paused:
            return EventImpact(
                kind=Impact.WAITING,
                text=f"{how}Messages wait in the queue until its retention ends: 4 days by"
                " default, 14 days at most.",
            )
        return EventImpact(
            kind=Impact.MOVING,
            text="Its event source mapping is not disabled. Lambda keeps receiving messages and"
            " putting them back: their receive count rises, and good ones go to the queue's"
            " dead-letter queue, if it has one.",
        )
    if trigger.kind is TriggerKind.OTHER_POLLED:
        waiting = "Records wait in the broker for as long as it keeps them."
        if is_paused:
            return EventImpact(kind=Impact.WAITING, text=how + waiting)
        return EventImpact(
            kind=Impact.WAITING,
            text=f"{waiting} Lambda keeps trying: its event source mapping is not disabled.",
        )
    limits = (
        ""
        if is_paused
        else " Its event source mapping is not disabled: Lambda tries again until then, or until"
        " the mapping's own limit of age or attempts, where it has one."
    )
    return _assess_stream(trigger, restriction, how, limits)


def _assess_stream(
    trigger: Trigger, restriction: Restriction, how: str, limits: str
) -> EventImpact:
    if _is_kinesis(trigger):
        deadline = restriction.since + KINESIS_RETENTION if restriction.since else None
        when = f": from {format_time(deadline)} on" if deadline else ""
        text = (
            f"{how}Records wait in the stream. With the default retention of 24 h they begin to"
            f" be lost a day after the stop{when}. A longer retention (365 days at most) moves"
            " that, and can still be set."
        )
    else:
        deadline = restriction.since + DYNAMODB_RETENTION if restriction.since else None
        when = f"From {format_time(deadline)} on they" if deadline else "A day after the stop they"
        text = (
            f"{how}Records wait in the stream, for 24 h each. {when} begin to be lost; those that"
            " were already waiting at the stop go earlier. Nothing can extend that."
        )
    return EventImpact(kind=Impact.EXPIRING, text=text + limits, deadline=deadline)


def _is_kinesis(trigger: Trigger) -> bool:
    return ":kinesis:" in trigger.source_arn or "kinesis" in trigger.service.lower()


def _assess_capped(trigger: Trigger, restriction: Restriction) -> EventImpact:
    most = "one at a time" if restriction.at == 1 else f"{restriction.at:,} at a time"
    match trigger.kind:
        case TriggerKind.ASYNC:
            target = clean(restriction.async_target_arn, _LONGEST_ARN)
            end = f"go to {target}" if target else "go to its dead-letter queue, or are lost"
            text = (
                f"Events are handled {most}. The others are tried again for 6 h (or the"
                f" function's own limit); after that they {end}."
            )
        case TriggerKind.SYNC:
            text = f"Callers are served {most}. The others get status 429 and may try again."
        case TriggerKind.SQS:
            text = (
                f"Messages are handled {most}. If more arrive, receive counts rise, and good"
                " messages can go to the queue's dead-letter queue."
            )
        case TriggerKind.STREAM:
            kept = "24 h by default" if _is_kinesis(trigger) else "24 h"
            text = f"Batches are handled {most}. Records that wait longer than {kept} are lost."
        case TriggerKind.OTHER_POLLED:
            text = f"Batches are handled {most}. The other records wait in the broker."
    return EventImpact(kind=Impact.SLOWED, text=text)
