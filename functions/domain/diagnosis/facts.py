"""All that is known of one function when it is diagnosed: gathered once, for every check.

Facts only: no conclusion is drawn here. Whatever may be unknown is optional, and what is unknown is
never a reason for a finding: a check that lacks a fact is silent, and `FunctionUnderDiagnosis.gaps`
says what is missing, so that nobody takes its silence for health.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from functions.domain.account.inventory import FunctionDescription, MappingDescription, Role


class Part(StrEnum):
    """A part of the facts that a gathering may not be able to read."""

    FUNCTION = "the function's configuration"
    ROLE = "the execution role's policies"
    RESOURCE_POLICY = "the function's resource policy"
    TRIGGERS = "what is configured to invoke the function"
    CALLERS = "what else in the account names the function"
    SCHEDULES = "the roles of schedules"
    DENIALS = "denied and failed invocations"
    SIMULATIONS = "SimulatePrincipalPolicy"
    TRAFFIC = "CloudWatch metrics"
    REPORTS = "REPORT lines"
    LOG_GROUP = "the log group"
    VERSIONS = "versions and aliases"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactGap:
    """Something that could not be read, in AWS's words."""

    part: Part
    words: str


class InvokerKind(StrEnum):
    """What is configured to invoke a function by its resource policy."""

    RULE = "EventBridge rule"
    BUCKET = "bucket notification"
    TOPIC = "topic subscription"
    API = "API integration"
    ALARM = "alarm action"
    LOGS = "log subscription filter"
    ACCOUNT = "caller in another account"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTrigger:
    """A trigger that points at the function and needs its resource policy to invoke it.

    Attributes
    ----------
    principal
        Service principal, such as ``events.amazonaws.com``; for a caller in another account the
        ARN of its role, or the account.
    source_arn
        What `aws:SourceArn` holds when it invokes; may be a pattern for an API
        (``arn:aws:execute-api:<region>:<account>:<api>/*/GET/orders``). Empty where unknown.
    source_account
        The account that owns the source; empty where unknown.
    qualifier
        Version or alias that it invokes; empty for the unqualified function.
    evidence
        Where it was found, as a clause: ``rule nightly has it as target orders``.
    is_exact
        Whether `source_arn` is what the trigger really sends. False for a pattern that is wider
        than the trigger: then nothing is granted automatically.
    failed_invocations
        Failures that the source counted within the traffic's window, ``FailedInvocations`` of a
        rule for instance; ``None`` where it was not asked or counts none.
    """

    kind: InvokerKind
    principal: str
    source_arn: str = ""
    source_account: str = ""
    qualifier: str = ""
    evidence: str = ""
    is_enabled: bool = True
    is_exact: bool = True
    failed_invocations: int | None = None


class CallerKind(StrEnum):
    """What invokes a function with the rights of a role."""

    FUNCTION = "function"
    DESTINATION = "function, by a destination"
    STATE_MACHINE = "state machine"
    SCHEDULE = "schedule"
    PIPE = "pipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCaller:
    """Something in the account that names the function and would invoke it with its own role.

    Attributes
    ----------
    arn
        Of the function, state machine, schedule or pipe.
    named_in
        Where the function is named, as a clause: ``environment variable TARGET_FUNCTION``.
    role
        ``None`` where it could not be read.
    qualifier
        Version or alias that it names; empty for none.
    is_certain
        Whether it invokes the function for sure (definition, destination, schedule), or only
        names it (environment).
    """

    kind: CallerKind
    arn: str
    role_arn: str
    named_in: str
    role: Role | None = None
    qualifier: str = ""
    is_certain: bool = True


class DenialSource(StrEnum):
    """Where a denied call was seen."""

    CLOUDTRAIL = "CloudTrail data event"
    RULE = "FailedInvocations of a rule"
    SCHEDULE = "failed invocations of its schedule group"
    DESTINATION = "destination delivery failures"
    STATE_MACHINE = "failed state machine execution"
    OTHER = "failed invocation"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedCall:
    """Calls of one caller to the function that were denied.

    Attributes
    ----------
    principal_arn
        Role, user or assumed role that called; empty where the source does not tell.
    count
        How often, within the traffic's window.
    last_at
        When last; ``None`` where the source does not tell.
    message
        AWS's words.
    """

    source: DenialSource
    principal_arn: str = ""
    action: str = "lambda:InvokeFunction"
    count: int = 1
    last_at: datetime | None = None
    message: str = ""
    qualifier: str = ""


class SimulatedDecision(StrEnum):
    """`EvalDecision` of SimulatePrincipalPolicy."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What SimulatePrincipalPolicy answered for one principal, action and resource.

    Attributes
    ----------
    allowed_by_boundary, allowed_by_organizations
        PermissionsBoundaryDecisionDetail and OrganizationsDecisionDetail; ``None`` where they
        were not answered, which is the case where there is no boundary or no organization.
    matched
        Names of the matched policies.
    """

    principal_arn: str
    action: str
    resource_arn: str
    decision: SimulatedDecision
    allowed_by_boundary: bool | None = None
    allowed_by_organizations: bool | None = None
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What CloudWatch recorded of the function in a window of a day or some days.

    Attributes
    ----------
    since, until
        The window. It begins no earlier than the last change of the function's configuration:
        what was measured before tells nothing of the function as it is now.
    invocations, errors
        Sums.
    first_invoked_at, last_invoked_at
        Start of the first and the last period with invocations in the window.
    mean_duration_ms, p95_duration_ms, max_duration_ms
        Without the initialisation; ``None`` where there is no datapoint.
    """

    since: datetime
    until: datetime
    invocations: float = 0.0
    errors: float | None = None
    first_invoked_at: datetime | None = None
    last_invoked_at: datetime | None = None
    mean_duration_ms: float | None = None
    p95_duration_ms: float | None = None
    max_duration_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatistics:
    """What the REPORT lines of the traffic's window say.

    Attributes
    ----------
    reports
        How many lines were read.
    timeouts
        Invocations that ended with ``Task timed out``.
    out_of_memory
        Invocations whose process was killed for want of memory.
    init_count
        Lines with an Init Duration.
    """

    reports: int
    mean_duration_ms: float | None = None
    p95_duration_ms: float | None = None
    max_duration_ms: float | None = None
    mean_billed_ms: float | None = None
    max_memory_used_mb: int | None = None
    init_count: int = 0
    mean_init_ms: float | None = None
    timeouts: int = 0
    out_of_memory: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroupFacts:
    """The log group that the function is configured to write to.

    Attributes
    ----------
    name
        As LoggingConfig says, or ``/aws/lambda/<function>``.
    exists
        ``None`` where unknown.
    has_events
        Whether it holds at least one event of this function within the traffic's window; ``None``
        where unknown.
    last_event_at
        Its newest event of this function. CloudWatch Logs updates a stream's lastEventTimestamp
        within about an hour
        (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html).
    kms_key_arn
        Empty for none or unknown.
    system_log_level
        Of the LoggingConfig; ``WARN`` and ``ERROR`` leave out START, END and REPORT lines. Empty
        for none.
    """

    name: str
    exists: bool | None = None
    has_events: bool | None = None
    last_event_at: datetime | None = None
    kms_key_arn: str = ""
    system_log_level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingFacts:
    """What is known of traces, beside the function's own tracing mode.

    Attributes
    ----------
    traced_upstream
        ARNs of callers that have tracing active: API stages, state machines, functions.
    layers
        ARNs of the function's layers.
    """

    traced_upstream: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokedVersion:
    """A published version that is invoked.

    Attributes
    ----------
    qualifier
        What callers name: an alias, or the version's number.
    version
        The number. Of an alias that spreads its traffic: the version that takes most of it, which
        is the one that AWS answers for the alias.
    """

    qualifier: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUnderDiagnosis:
    """All facts of one function at one moment.

    Attributes
    ----------
    function
        Its configuration: memory, timeout and tracing mode are those of `version`, if there is one.
    qualifiers
        The aliases and versions that something invokes, or may: for all functions those that a
        trigger, a caller or a mapping names; for the suspected ones all aliases.
    version
        The version that takes most invocations; ``None`` where that is $LATEST.
    role
        The execution role; ``None`` where unknown.
    triggers, callers, denials
        What was found; a part that could not be read stands in `gaps`.
    simulations
        Answers of SimulatePrincipalPolicy. Where there is one it overrides our own evaluation.
    mappings
        The function's event source mappings.
    accused
        The roles that are known, from an earlier examination, not to be allowed to invoke the
        function, as they are now; ``None`` where that is unknown.
    description
        Of the function; ``None`` where it was not read.
    memory_ceiling_mb
        What the operator allows the remedy `memory` to go up to; ``None`` for nothing.
    is_contained
        Whether the guard holds the function: it is not invoked, probed or changed then.
    is_exempt
        By tag or by flag.
    is_guard
        Whether it is one of the guard's own functions.
    """

    function: FunctionDescription
    at: datetime
    account: str
    region: str
    partition: str = "aws"
    role: Role | None = None
    architecture: str = "x86_64"
    triggers: tuple[FoundTrigger, ...] = ()
    callers: tuple[NamedCaller, ...] = ()
    denials: tuple[DeniedCall, ...] = ()
    simulations: tuple[Simulation, ...] = ()
    mappings: tuple[MappingDescription, ...] = ()
    qualifiers: tuple[str, ...] = ()
    version: InvokedVersion | None = None
    traffic: Traffic | None = None
    reports: ReportStatistics | None = None
    log_group: LogGroupFacts | None = None
    tracing: TracingFacts = TracingFacts()
    accused: tuple[tuple[str, Role | None], ...] = ()
    description: str | None = None
    memory_ceiling_mb: int | None = None
    is_contained: bool = False
    is_exempt: bool = False
    is_guard: bool = False
    gaps: tuple[FactGap, ...] = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    def lacks(self, part: Part) -> bool:
        """Whether a part could not be read."""
        return any(gap.part is part for gap in self.gaps)

    def describe_gaps(self, *parts: Part) -> tuple[str, ...]:
        """What could not be read of some parts, in words."""
        return tuple(f"{gap.part}: {gap.words}" for gap in self.gaps if gap.part in parts)

    def find_simulation(
        self, principal_arn: str, action: str, resource_arn: str = ""
    ) -> Simulation | None:
        """The newest answer of SimulatePrincipalPolicy for a principal and an action.

        Of those about one resource, where `resource_arn` names it.
        """
        wanted = action.lower()
        return next(
            (
                one
                for one in reversed(self.simulations)
                if one.principal_arn == principal_arn
                and one.action.lower() == wanted
                and resource_arn in {"", one.resource_arn}
            ),
            None,
        )
