"""What events say, as data: one shape for all, of which each kind uses some parts.

A name ends with its unit: ``_per_minute``, ``_usd``, ``_at`` (ISO 8601, UTC). ``_left_out`` counts
entries that a list has no room for. What is not known, or does not apply, is left out of the JSON.
``docs/events`` has the JSON Schemas, which are written from these classes and their docstrings.
"""

from dataclasses import dataclass
from datetime import datetime

from functions.domain.graph.loop_lookup import EdgeFact
from functions.domain.notices.events.diagnosis_facts import FindingFact, RemedyFact


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFact:
    """The Lambda function that it is about.

    Attributes
    ----------
    name
        Its name.
    arn
        Its ARN, without a qualifier; empty where it is not known.
    """

    name: str
    arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonFact:
    """One reason of a verdict, with its numbers.

    Attributes
    ----------
    reason
        A stable name, such as ``above_recent``.
    value
        What was seen, in `unit`.
    unit
        The unit in words; empty for a bare number.
    reference
        What it was compared with, in `unit`.
    """

    reason: str
    unit: str = ""
    value: float | None = None
    reference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesFact:
    """How fast the function ran.

    Attributes
    ----------
    invocations_per_minute
        At the spike; of a function that was capped, before its cap.
    normal_invocations_per_minute
        What it usually does.
    measured_at
        When the spike was measured.
    unusual_since_at
        Since when the rate is unusual.
    """

    invocations_per_minute: float
    normal_invocations_per_minute: float | None = None
    measured_at: datetime | None = None
    unusual_since_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFact:
    """What Lambda cost at least, at list prices, when it was decided.

    Attributes
    ----------
    per_hour_usd
        US dollars an hour at the rate of the spike.
    so_far_usd
        US dollars since the unusual rate began.
    """

    per_hour_usd: float
    so_far_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionFact:
    """What keeps the function from running as before.

    Attributes
    ----------
    reserved_concurrency
        What Loopbreaker reserved: 0 stops the function, more caps it. Left out where the function
        is held by its event source mappings or its scaling alone.
    mappings_disabled
        Event source mappings that it disabled.
    since_at
        When that took effect.
    ends_by_at
        When a hold ends by itself at the latest.
    """

    mappings_disabled: int
    reserved_concurrency: int | None = None
    since_at: datetime | None = None
    ends_by_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactFact:
    """What becomes of the events of some triggers.

    Attributes
    ----------
    impact
        ``lost``, ``looping``, ``maybe_lost``, ``moving``, ``expiring``, ``refused``, ``diverted``,
        ``slowed`` or ``waiting``.
    triggers
        The triggers, as people call them.
    lost_from_at
        When waiting events begin to be lost.
    """

    impact: str
    triggers: tuple[str, ...] = ()
    triggers_left_out: int = 0
    lost_from_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFact:
    """What is being lost, and until when something can be saved.

    Attributes
    ----------
    is_losing
        Whether events are being lost now. Left out where the triggers could not be read.
    first_loss_at
        When the first waiting events begin to be lost.
    impacts
        The same for each kind of trigger, the worst first.
    """

    is_losing: bool | None = None
    first_loss_at: datetime | None = None
    impacts: tuple[ImpactFact, ...] = ()
    impacts_left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFact:
    """Whose function it is, as its tags and Lambda told when the incident was opened.

    Attributes
    ----------
    owners
        Tags that name an owner, such as ``team: payments``.
    stack
        The CloudFormation stack that created it.
    changed_at
        When its code or configuration was last changed.
    runbook
        The link of its tag ``loopbreaker:runbook``.
    """

    owners: tuple[str, ...] = ()
    stack: str | None = None
    changed_at: datetime | None = None
    runbook: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFact:
    """One function's trouble, from its opening to its end.

    Attributes
    ----------
    id
        The same in all events of the incident.
    state
        Where it stands, such as ``contained``.
    verdict
        ``calm``, ``busy``, ``suspected`` or ``runaway``.
    decided
        Why that was decided, such as ``observe_mode``.
    opened_at
        When it was opened.
    since_at
        Since when it stands so.
    ordered_by
        The ARN of the person who had the function stopped, as the order said.
    changed_by
        The ARN of whoever changed the function beside Loopbreaker, where CloudTrail recorded it.
    reasons
        The reasons of the verdict, the most telling first.
    refusals
        What AWS said about what it refused.
    """

    id: str
    state: str
    verdict: str
    decided: str
    opened_at: datetime
    since_at: datetime | None = None
    ordered_by: str | None = None
    changed_by: str | None = None
    reasons: tuple[ReasonFact, ...] = ()
    reasons_left_out: int = 0
    refusals: tuple[str, ...] = ()
    refusals_left_out: int = 0
    rates: RatesFact | None = None
    cost: CostFact | None = None
    restriction: RestrictionFact | None = None
    losses: LossFact | None = None
    origin: OriginFact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFact:
    """A loop that the configuration of the account closes, or may close.

    Attributes
    ----------
    certainty
        ``certain``, ``possible``, ``ruled_out`` or ``unknown``.
    key
        Names the loop; it changes when the loop changes.
    functions
        The functions on it.
    edges
        The loop, each edge beginning where the one before ends. Left out where only the drawing
        was kept.
    drawing
        The loop in characters.
    broken_by
        The change that breaks it, in words.
    stopped_by_aws
        Whether AWS's own loop detection would stop it: ``probably``, ``unless_allowed`` or ``no``.
    read_at
        When the configuration was read.
    """

    certainty: str
    key: str | None = None
    functions: tuple[str, ...] = ()
    functions_left_out: int = 0
    edges: tuple[EdgeFact, ...] = ()
    edges_left_out: int = 0
    drawing: str | None = None
    broken_by: str | None = None
    stopped_by_aws: str | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsFact:
    """Commands to paste into a shell. One that is too long is left out.

    Attributes
    ----------
    restore
        Puts back what was changed, from any folder, without a deployment.
    deploy
        The same by a deployment, with the flags that it must repeat.
    exempt
        Makes Loopbreaker leave the function alone.
    """

    restore: str | None = None
    deploy: str | None = None
    exempt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardFact:
    """What is the matter with the guard itself, or with what it may read.

    Attributes
    ----------
    trouble
        A stable name, such as ``record_unreadable``.
    detail
        What is known of it, as sentences.
    missing_actions
        IAM actions that the guard lacks.
    """

    trouble: str
    detail: str = ""
    missing_actions: tuple[str, ...] = ()
    missing_actions_left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """What an event says beside what every event says.

    Attributes
    ----------
    incident
        The incident that it is about.
    incidents
        Incidents that are still open when the guard is deleted, or answer for many.
    loop
        The loop of the function, or the one that was found.
    loops
        The loops, where there are many.
    commands
        What people can do.
    finding
        The finding that it is about.
    findings
        The findings, where there are many or none.
    remedy
        The remedy that it is about.
    remedies
        The remedies that stay in force when the guard is deleted.
    guard
        What is the matter with the guard.
    """

    incident: IncidentFact | None = None
    incidents: tuple[IncidentFact, ...] | None = None
    incidents_left_out: int | None = None
    loop: LoopFact | None = None
    loops: tuple[LoopFact, ...] | None = None
    loops_left_out: int | None = None
    commands: CommandsFact | None = None
    finding: FindingFact | None = None
    findings: tuple[FindingFact, ...] | None = None
    findings_left_out: int | None = None
    remedy: RemedyFact | None = None
    remedies: tuple[RemedyFact, ...] | None = None
    remedies_left_out: int | None = None
    guard: GuardFact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetail(EventFacts):
    """One event.

    Attributes
    ----------
    version
        Of this format. It grows only when a field changes its meaning or goes; new fields may come
        at any time.
    id
        The same each time the event is sent: who has seen it may drop it.
    kind
        What happened, such as ``function_stopped``.
    severity
        How urgent it is.
    occurred_at
        When it happened.
    account
        The AWS account; empty where it is not known.
    region
        The Region; empty where it is not known.
    stack
        The stack of the guard.
    subject
        The subject of the mail about it.
    function
        The one function that it is about.
    """

    version: int
    id: str
    kind: str
    severity: str
    occurred_at: datetime
    account: str
    region: str
    stack: str
    subject: str
    function: FunctionFact | None = None
