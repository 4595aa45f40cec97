"""Functions as they come under diagnosis, and an account in memory that can be remediated."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from functions.aws.records.diagnosis_store import DiagnosisStore
from functions.domain.account.inventory import FunctionDescription, NamedPolicy, Role
from functions.domain.diagnosis.facts import (
    FoundTrigger,
    FunctionUnderDiagnosis,
    InvokerKind,
    LogGroupFacts,
    ReportStatistics,
    Traffic,
)
from functions.domain.diagnosis.finding_registry import FindingBook
from functions.domain.diagnosis.ports import Configuration, RemediationContext
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.diagnosis.remedy import AddPermission
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    NoticeUndeliveredError,
    RefusedError,
)
from functions.domain.notices.notice import Deployment, Notice
from tests.fake_table import MemoryTable

NOW: Final = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
NAME: Final = "orders"
ARN: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
ROLE_ARN: Final = f"arn:aws:iam::{ACCOUNT}:role/service-role/orders-role"
GROUP: Final = f"/aws/lambda/{NAME}"
GROUP_ARN: Final = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*"
RULE: Final = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/nightly"
PLACE: Final = Deployment(
    region=REGION, account=ACCOUNT, stack_name="Loopbreaker", deploy_flags="-c remedies=logs"
)


def allow(
    actions: str | list[str], resources: str | list[str] = "*", **more: Any
) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: str | list[str], resources: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """A Deny statement."""
    return {**allow(actions, resources, **more), "Effect": "Deny"}


def policy(*statements: Mapping[str, Any], name: str = "own") -> NamedPolicy:
    """A policy of statements."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return NamedPolicy(name=name, text=text)


def role(
    *statements: Mapping[str, Any],
    boundary: Sequence[Mapping[str, Any]] | None = None,
    arn: str = ROLE_ARN,
) -> Role:
    """A role with one policy."""
    return Role(
        arn=arn,
        policies=(policy(*statements),) if statements else (),
        boundary=None if boundary is None else policy(*boundary, name="limit"),
    )


LOGGING_ROLE: Final = role(
    allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
)


def function(**changes: Any) -> FunctionDescription:
    """The function orders."""
    described = FunctionDescription(
        name=NAME,
        arn=ARN,
        role_arn=ROLE_ARN,
        log_group=GROUP,
        memory_mb=512,
        timeout_seconds=3,
        last_modified=NOW - timedelta(days=30),
    )
    return replace(described, **changes)


def traffic(**changes: Any) -> Traffic:
    """A day on which it was invoked, healthily."""
    found = Traffic(
        since=NOW - timedelta(days=1),
        until=NOW,
        invocations=4_000,
        errors=0,
        first_invoked_at=NOW - timedelta(hours=23),
        last_invoked_at=NOW - timedelta(minutes=11),
        mean_duration_ms=120,
        p95_duration_ms=300,
        max_duration_ms=900,
    )
    return replace(found, **changes)


IDLE: Final = traffic(
    invocations=0,
    first_invoked_at=None,
    last_invoked_at=None,
    mean_duration_ms=None,
    p95_duration_ms=None,
    max_duration_ms=None,
)


def reports(**changes: Any) -> ReportStatistics:
    """What healthy REPORT lines say."""
    found = ReportStatistics(reports=4_000, mean_billed_ms=121, max_memory_used_mb=200)
    return replace(found, **changes)


def group(**changes: Any) -> LogGroupFacts:
    """The log group, with fresh events."""
    found = LogGroupFacts(
        name=GROUP, exists=True, has_events=True, last_event_at=NOW - timedelta(minutes=11)
    )
    return replace(found, **changes)


def facts(**changes: Any) -> FunctionUnderDiagnosis:
    """A function that is well. `changes` are fields of the facts or, failing that, its own."""
    own = {
        name: changes.pop(name)
        for name in tuple(changes)
        if name not in FunctionUnderDiagnosis.__dataclass_fields__
    }
    healthy = FunctionUnderDiagnosis(
        function=function(**own),
        at=NOW,
        account=ACCOUNT,
        region=REGION,
        role=LOGGING_ROLE,
        traffic=traffic(),
        log_group=group(),
        description="takes orders",
    )
    return replace(healthy, **changes)


def logless(**changes: Any) -> FunctionUnderDiagnosis:
    """A function that is invoked, and whose role may not write logs."""
    silent = group(has_events=False, last_event_at=None)
    return facts(**{"role": role(allow("s3:GetObject")), "log_group": silent, **changes})


def rule(**changes: Any) -> FoundTrigger:
    """A rule of EventBridge that has the function as its target."""
    found = FoundTrigger(
        kind=InvokerKind.RULE,
        principal="events.amazonaws.com",
        source_arn=RULE,
        source_account=ACCOUNT,
        evidence="rule nightly has it as its target",
    )
    return replace(found, **changes)


def admits(
    principal: str | dict[str, str],
    *,
    source_arn: str | list[str] | None = None,
    source_account: str | None = None,
    resource: str = ARN,
    effect: str = "Allow",
    **more: Any,
) -> str:
    """A resource policy of one statement, as AWS writes it."""
    condition: dict[str, Any] = {}
    if source_arn is not None:
        condition["ArnLike"] = {"AWS:SourceArn": source_arn}
    if source_account is not None:
        condition["StringEquals"] = {"AWS:SourceAccount": source_account}
    statement = {
        "Sid": "given",
        "Effect": effect,
        "Principal": principal,
        "Action": "lambda:InvokeFunction",
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": [statement]})


class CrashError(Exception):
    """The run dies here."""


@dataclass(slots=True)
class Hospital:
    """An account, the remediations's table and SNS, in memory; every call may be made to fail.

    `clock_at` is the time of day, where it is later than the moment at which a run began.
    """

    memory_mb: int = 128
    tracing_mode: str = "PassThrough"
    description_: str = "takes orders"
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    statements: dict[tuple[str, str, str], str] = field(default_factory=dict)
    is_deleted: bool = False
    journal: list[str] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    table: MemoryTable = field(default_factory=MemoryTable)
    refusals: dict[str, Exception] = field(default_factory=dict)
    before_call: Callable[[int, str], None] | None = None
    after_call: Callable[[int, str], None] | None = None
    calls: int = 0
    clock_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @property
    def context(self) -> RemediationContext:
        """The ports."""
        return RemediationContext(
            repairs=_Repairs(self),
            remediations=_Remediations(self),
            publisher=_Sns(self),
            deployment=PLACE,
            clock=lambda: self.clock_at,
        )

    @property
    def store(self) -> DiagnosisStore:
        """What is stored, by calls that never fail."""
        return DiagnosisStore(self.table)

    @property
    def stored_book(self) -> FindingBook:
        """The book of findings."""
        return self.store.read_findings()

    @property
    def stored(self) -> dict[tuple[str, str], Remediation]:
        """All remediations."""
        return {(one.function, one.entry): one for one in self.store.read_remediations()}

    @property
    def subjects(self) -> list[str]:
        """Subjects of what was sent."""
        return [subject for subject, _ in self.sent]

    @property
    def state(self) -> tuple[object, ...]:
        """All that remedies can change."""
        return (
            self.memory_mb,
            self.tracing_mode,
            self.description_,
            dict(self.policies),
            dict(self.statements),
        )

    def crash(self, number: int, moment: str) -> None:
        """Let the run die before or after the call of a number, from now on counted from 1."""
        self.calls = 0

        def die(count: int, name: str) -> None:
            if count == number:
                raise CrashError(name)

        self.before_call = die if moment == "before" else None
        self.after_call = die if moment == "after" else None

    def revive(self) -> None:
        """Let no further call fail."""
        self.before_call = self.after_call = None
        self.refusals = {}

    def call(self, name: str, change: Callable[[], Any]) -> Any:
        """Make one call."""
        self.calls += 1
        count = self.calls
        if self.before_call:
            self.before_call(count, name)
        if name in self.refusals:
            raise self.refusals[name]
        self.journal.append(name)
        answer = change()
        if self.after_call:
            self.after_call(count, name)
        return answer


@dataclass(slots=True)
class _Repairs:
    hospital: Hospital

    def _function(self, name: str, change: Callable[[], Any]) -> Any:
        def on_a_living_one() -> Any:
            if self.hospital.is_deleted:
                raise FunctionNotFoundError("orders")
            return change()

        return self.hospital.call(name, on_a_living_one)

    def read_configuration(self, function: str) -> Configuration:
        own = self.hospital

        def read() -> Configuration:
            return Configuration(
                memory_mb=own.memory_mb,
                tracing_mode=own.tracing_mode,
                description=own.description_,
            )

        found: Configuration = self._function("read_configuration", read)
        return found

    def set_memory(self, function: str, memory_mb: int) -> None:
        self._function("set_memory", lambda: setattr(self.hospital, "memory_mb", memory_mb))

    def set_tracing(self, function: str, mode: str) -> None:
        self._function("set_tracing", lambda: setattr(self.hospital, "tracing_mode", mode))

    def set_description(self, function: str, description: str) -> None:
        assert len(description) <= 256
        self._function(
            "set_description", lambda: setattr(self.hospital, "description_", description)
        )

    def inline_policy(self, role: str, policy_name: str) -> str | None:
        found: str | None = self.hospital.call(
            "inline_policy", lambda: self.hospital.policies.get((role, policy_name))
        )
        # IAM keeps the document's meaning, not its spaces.
        return None if found is None else json.dumps(json.loads(found), indent=2)

    def put_inline_policy(self, role: str, policy_name: str, document: str) -> None:
        self.hospital.call(
            "put_inline_policy",
            lambda: self.hospital.policies.__setitem__((role, policy_name), document),
        )

    def delete_inline_policy(self, role: str, policy_name: str) -> None:
        self.hospital.call(
            "delete_inline_policy", lambda: self.hospital.policies.pop((role, policy_name), None)
        )

    def read_permission(self, function: str, qualifier: str, statement_id: str) -> str | None:
        found: str | None = self._function(
            "read_permission",
            lambda: self.hospital.statements.get((function, qualifier, statement_id)),
        )
        return found

    def add_permission(self, permission: AddPermission) -> None:
        own = permission
        key = (own.function, own.qualifier, own.statement_id)

        def add() -> None:
            if key in self.hospital.statements:
                raise RefusedError("The statement id (...) provided already exists.")
            condition: dict[str, Any] = {"ArnLike": {"AWS:SourceArn": own.source_arn}}
            if own.source_account:
                condition["StringEquals"] = {"AWS:SourceAccount": own.source_account}
            self.hospital.statements[key] = json.dumps(
                {
                    "Sid": own.statement_id,
                    "Effect": "Allow",
                    "Principal": {"Service": own.principal},
                    "Action": own.action,
                    "Resource": ARN,
                    "Condition": condition,
                }
            )

        self._function("add_permission", add)

    def remove_permission(self, function: str, qualifier: str, statement_id: str) -> None:
        self._function(
            "remove_permission",
            lambda: self.hospital.statements.pop((function, qualifier, statement_id), None),
        )


@dataclass(slots=True)
class _Remediations:
    """The real store, by calls that may be made to fail."""

    hospital: Hospital

    def read_findings(self) -> FindingBook:
        found: FindingBook = self.hospital.call("read_findings", self.hospital.store.read_findings)
        return found

    def save_book(self, book: FindingBook) -> FindingBook:
        saved: FindingBook = self.hospital.call(
            "save_book", lambda: self.hospital.store.save_book(book)
        )
        return saved

    def open(self, remediation: Remediation) -> Remediation:
        opened: Remediation = self.hospital.call(
            "open", lambda: self.hospital.store.open(remediation)
        )
        return opened

    def save(self, remediation: Remediation) -> Remediation:
        saved: Remediation = self.hospital.call(
            "save", lambda: self.hospital.store.save(remediation)
        )
        return saved

    def find(self, function: str, entry: str) -> Remediation | None:
        found: Remediation | None = self.hospital.call(
            "find", lambda: self.hospital.store.find(function, entry)
        )
        return found

    def read_remediations(self, functions: Sequence[str] = ()) -> tuple[Remediation, ...]:
        found: tuple[Remediation, ...] = self.hospital.call(
            "read_remediations", lambda: self.hospital.store.read_remediations(functions)
        )
        return found


@dataclass(slots=True)
class _Sns:
    hospital: Hospital

    def publish(self, notice: Notice) -> None:
        said = (notice.subject, notice.body)
        self.hospital.call("publish", lambda: self.hospital.sent.append(said))


REFUSED: Final = RefusedError("AccessDeniedException: not authorized to perform: iam:PutRolePolicy")
BUSY: Final = BusyError("TooManyRequestsException: Rate exceeded")
UNDELIVERED: Final = NoticeUndeliveredError("SNS is down")
