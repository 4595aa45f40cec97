"""The other causes of AWS's troubleshooting pages that a template shows: LB020 to LB024.

The templates are judged by the code that judges a deployed account, so that both say the same.
What the templates do not tell never makes a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.checking.finding import Finding, compute_fingerprint
from cdk_loopbreaker.checking.rules import (
    MISSING_PERMISSION,
    NO_RIGHT_TO_LOG,
    NO_RIGHT_TO_POLL,
    NO_RIGHT_TO_TRACE,
    SHORT_VISIBILITY,
)
from functions.domain.account.inventory import Area
from functions.domain.diagnosis.checks.no_logs import CREATE_GROUP, WRITE_LOGS
from functions.domain.diagnosis.checks.no_traces import PUT_SEGMENTS
from functions.domain.diagnosis.checks.not_invocable import compose_permission, judge_trigger
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.invokers import Invokers
from functions.domain.diagnosis.remedy import ACTIVE
from functions.domain.graph.model import Certainty
from functions.domain.iam.access import (
    Access,
    build_execution_context,
    evaluate_identity,
    read_identity,
)
from functions.domain.notices.layout import join_names
from functions.domain.notices.text import capitalize, clean, format_number, shorten_arn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cdk_loopbreaker.checking.rules import Rule
    from cdk_loopbreaker.templates.account.model import DescribedAccount
    from cdk_loopbreaker.templates.model import Place, Resource
    from functions.domain.account.inventory import (
        Account,
        FunctionDescription,
        MappingDescription,
        Role,
    )
    from functions.domain.iam.access import Identity

_ANY_RESOURCE: Final = "*"
_QUEUE: Final = "AWS::SQS::Queue"
_LOG_GROUP: Final = "AWS::Logs::LogGroup"
# SQS: the default of VisibilityTimeout. Lambda refuses a mapping whose queue shows its messages
# again before the function's timeout (`Using Lambda with Amazon SQS`), and advises six times that.
_USUAL_VISIBILITY_SECONDS: Final = 30
_ADVISED_TIMES: Final = 6
# What the role needs for each kind of source that is polled with permissions of IAM:
# `Using Lambda with Amazon SQS`, `... Amazon DynamoDB`, `... Amazon Kinesis`.
POLLING: Final[Mapping[str, tuple[str, ...]]] = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
    "kinesis": ("kinesis:GetRecords", "kinesis:GetShardIterator"),
}
# A mapping with enhanced fan-out names a consumer of the stream, which takes this action only.
CONSUMING: Final = ("kinesis:SubscribeToShard",)
_CONSUMER: Final = "/consumer/"  # in its ARN, behind that of the stream
_SERVICE_PART: Final = 2  # of an ARN

ASKED: Final = frozenset(
    {CREATE_GROUP, *WRITE_LOGS, PUT_SEGMENTS, *CONSUMING}
    | {one for each in POLLING.values() for one in each}
)
"""Every action that a check here asks for: what is known of a policy must have them all."""
# Where a reading notes that the resource policy of what is polled could not be read.
_AREAS_OF_POLICIES: Final = frozenset({Area.QUEUES, Area.RESOURCE_POLICIES})


def list_troubleshooting_findings(
    described: DescribedAccount, resources: Iterable[Resource]
) -> tuple[Finding, ...]:
    """Findings about single functions of an account, in the order of their names and rules."""
    examination = _Examination(described, tuple(resources))
    return tuple(
        finding
        for function in described.account.functions
        for finding in examination.examine(function)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Denied:
    """Actions that a role may not do on a resource, and why."""

    actions: tuple[str, ...]
    words: tuple[str, ...]


class _Examination:
    """The account with what several checks ask of it."""

    def __init__(self, described: DescribedAccount, resources: tuple[Resource, ...]) -> None:
        self._account: Account = described.account
        self._places: Mapping[str, Place] = described.places
        self._resources = resources
        self._invokers = Invokers.of(described.account)
        self._identities: dict[str, Identity] = {}

    def examine(self, function: FunctionDescription) -> Iterator[Finding]:
        """All findings about one function."""
        yield from self._find_missing_permissions(function)
        role = self._account.roles.get(function.role_arn)
        if role is not None:
            yield from self._find_missing_log_rights(function, role)
            yield from self._find_missing_trace_rights(function, role)
            yield from self._find_missing_poll_rights(function, role)
        yield from self._find_short_visibility(function)

    def _find_missing_permissions(self, function: FunctionDescription) -> Iterator[Finding]:
        if not function.is_policy_known:
            return
        facts = FunctionUnderDiagnosis(
            function=function,
            at=self._account.at,
            account=self._account.account,
            region=self._account.region,
            partition=self._account.partition,
        )
        for trigger in self._invokers.triggers.get(function.name, ()):
            refused = judge_trigger(facts, trigger) if trigger.is_enabled else None
            if refused is None:
                continue
            permission = compose_permission(facts, trigger)
            source = clean(permission.source_arn, 400)
            yield self._compose(
                MISSING_PERMISSION,
                function,
                Certainty.CERTAIN if trigger.is_exact else Certainty.POSSIBLE,
                about=trigger.source_arn,
                summary=f"{clean(function.name, 80)} is to be invoked by"
                f" {clean(shorten_arn(trigger.source_arn) or trigger.principal, 120)}, but its"
                " resource policy does not admit that.",
                evidence=(f"{capitalize(trigger.evidence)}.", f"{capitalize(refused.words)}."),
                advice="Declare an AWS::Lambda::Permission for this function with Principal"
                f" {trigger.principal}{f' and SourceArn {source}' if source else ''}",
            )

    def _find_missing_log_rights(
        self, function: FunctionDescription, role: Role
    ) -> Iterator[Finding]:
        account = self._account
        place = f"arn:{account.partition}:logs:{account.region}:{account.account}"
        group = function.log_group
        if not group:
            return
        denied = self._list_denied(role, WRITE_LOGS, f"{place}:log-group:{group}:*")
        is_declared = group in self._declared_log_groups
        if not denied and not is_declared:
            denied = self._list_denied(role, (CREATE_GROUP,), f"{place}:log-group:{group}:*")
        if denied:
            yield self._compose(
                NO_RIGHT_TO_LOG,
                function,
                # A log group that exists already needs no right to make it.
                Certainty.POSSIBLE if CREATE_GROUP in denied.actions else Certainty.CERTAIN,
                about=group,
                summary=f"{clean(function.name, 80)} cannot write its logs: its role may not do"
                f" {join_names(denied.actions)} on log group {clean(group, 120)}.",
                evidence=denied.words,
                advice="Attach the managed policy service-role/AWSLambdaBasicExecutionRole to the"
                " role, or allow these actions on this log group",
            )

    def _find_missing_trace_rights(
        self, function: FunctionDescription, role: Role
    ) -> Iterator[Finding]:
        if function.tracing_mode != ACTIVE:
            return
        denied = self._list_denied(role, (PUT_SEGMENTS,), _ANY_RESOURCE)
        if denied:
            yield self._compose(
                NO_RIGHT_TO_TRACE,
                function,
                Certainty.CERTAIN,
                about=PUT_SEGMENTS,
                summary=f"{clean(function.name, 80)} has tracing active, but its role may not do"
                f" {PUT_SEGMENTS}.",
                evidence=denied.words,
                advice="Attach the managed policy AWSXRayDaemonWriteAccess to the role",
            )

    def _find_missing_poll_rights(
        self, function: FunctionDescription, role: Role
    ) -> Iterator[Finding]:
        for mapping in self._invokers.mappings.get(function.name, ()):
            for arn, actions in _list_polled(mapping.source_arn):
                # Within an account the resource policy of the source alone may allow it.
                if self._account.resource_policies.get(arn) or self._is_policy_unseen(arn):
                    continue
                denied = self._list_denied(role, actions, arn)
                if denied:
                    yield self._compose(
                        NO_RIGHT_TO_POLL,
                        function,
                        # What is read of the stream behind a consumer, AWS does not say.
                        Certainty.CERTAIN if arn == mapping.source_arn else Certainty.POSSIBLE,
                        about=arn,
                        summary=f"{clean(function.name, 80)} cannot poll"
                        f" {clean(shorten_arn(arn), 120)}: its role may not do"
                        f" {join_names(denied.actions)}.",
                        evidence=denied.words,
                        advice="Allow its role these actions on the source",
                        mapping=mapping,
                    )

    def _is_policy_unseen(self, arn: str) -> bool:
        """Whether a source may have a resource policy that was not read."""
        return any(
            gap.area in _AREAS_OF_POLICIES
            and (gap.resource == arn or not gap.resource.startswith("arn:"))
            for gap in self._account.gaps
        )

    def _find_short_visibility(self, function: FunctionDescription) -> Iterator[Finding]:
        for mapping in self._invokers.mappings.get(function.name, ()):
            seconds = self._visibilities.get(mapping.source_arn)
            if seconds is None or seconds >= function.timeout_seconds:
                continue
            advised = _ADVISED_TIMES * function.timeout_seconds
            yield self._compose(
                SHORT_VISIBILITY,
                function,
                Certainty.CERTAIN,
                about=mapping.source_arn,
                summary=f"{clean(function.name, 80)} may run"
                f" {format_number(function.timeout_seconds)} s, but its queue"
                f" {clean(shorten_arn(mapping.source_arn), 120)} shows a message again after"
                f" {format_number(seconds)} s: Lambda refuses the event source mapping.",
                advice=f"Set the VisibilityTimeout of the queue to at least"
                f" {format_number(function.timeout_seconds)} s; AWS advises six times the"
                f" timeout, {format_number(advised)} s",
                mapping=mapping,
            )

    @cached_property
    def _visibilities(self) -> dict[str, float]:
        """Seconds by ARN of the queues that are declared or deployed; unknown ones are left out."""
        found = {
            one.arn: float(one.visibility_seconds)
            for one in self._account.queues
            if one.visibility_seconds is not None
        }
        for one in self._resources:
            if one.type != _QUEUE:
                continue
            value = one.properties.get("VisibilityTimeout", _USUAL_VISIBILITY_SECONDS)
            seconds = _parse_number(value)
            if seconds is not None:
                found[one.arn] = seconds
        return found

    @cached_property
    def _declared_log_groups(self) -> frozenset[str]:
        return frozenset(one.ref for one in self._resources if one.type == _LOG_GROUP)

    @cached_property
    def _uncertain(self) -> frozenset[str]:
        """ARNs of what exists under a condition that the templates do not decide."""
        return frozenset(one.arn for one in self._resources if not one.is_certain and one.arn)

    def _list_denied(self, role: Role, actions: tuple[str, ...], resource: str) -> _Denied | None:
        """The actions that the role certainly may not do."""
        if role.arn not in self._identities:
            self._identities[role.arn] = read_identity(role)
        context = build_execution_context(role_arn=role.arn, region=self._account.region)
        found: dict[str, str] = {}
        for action in actions:
            answer = evaluate_identity(self._identities[role.arn], action, resource, context)
            if answer.access is Access.DENIED:
                found[action] = f"{action} is denied: {clean(answer.words, 300)}."
        return _Denied(actions=tuple(found), words=tuple(found.values())) if found else None

    def _compose(
        self,
        rule: Rule,
        function: FunctionDescription,
        certainty: Certainty,
        *,
        about: str,
        summary: str,
        advice: str,
        evidence: tuple[str, ...] = (),
        mapping: MappingDescription | None = None,
    ) -> Finding:
        involved = {function.arn, function.role_arn, about, mapping.uuid if mapping else ""}
        is_certain = certainty is Certainty.CERTAIN and self._uncertain.isdisjoint(involved)
        return Finding(
            rule=rule,
            certainty=Certainty.CERTAIN if is_certain else Certainty.POSSIBLE,
            account=self._account.account,
            region=self._account.region,
            functions=(function.name,),
            summary=summary,
            fingerprint=compute_fingerprint(rule, (function.arn, about)),
            evidence=evidence,
            advice=(advice,),
            place=self._places.get(function.arn)
            or (self._places.get(mapping.uuid) if mapping else None),
        )


def _list_polled(source: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What a mapping with this source reads, with the actions that it takes there."""
    actions = POLLING.get(_name_service(source), ())
    stream, is_consumer, _ = source.partition(_CONSUMER)
    return ((source, CONSUMING), (stream, actions)) if is_consumer else ((source, actions),)


def _name_service(arn: str) -> str:
    parts = arn.split(":")
    return parts[_SERVICE_PART] if len(parts) > _SERVICE_PART else ""


def _parse_number(value: object) -> float | None:
    """A number of a template, which may be a text; ``None`` where it is unknown."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
