"""What each guard function may do, as statements of its policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from stacks.components.permissions.actions import (
    ADMIT,
    CHANGE_CONCURRENCY,
    CHANGE_CONFIGURATION,
    CHANGE_MAPPINGS,
    CHANGE_ROLES,
    CHANGE_TAGS,
    CHART_KEYS,
    COUNT_FUNCTIONS,
    EXPEL,
    FIND_TAGGED,
    LIST_MAPPINGS,
    LIST_VERSIONS,
    LIVE_KEYS,
    PUBLISH,
    READ_ACCOUNT,
    READ_ACCOUNT_ALIAS,
    READ_APIS,
    READ_CONFIGURATION,
    READ_FOR_DIAGNOSIS,
    READ_FUNCTIONS,
    READ_LIVE,
    READ_MAPPINGS,
    READ_METRICS,
    READ_PAGE,
    READ_QUEUES,
    READ_RECORDS,
    READ_REPORTS,
    READ_RESERVED,
    READ_STREAMS,
    RESERVE,
    SCHEDULE,
    SEND_EVENTS,
    SHOWN_KEYS,
    SIMULATE,
    TAG,
    TAKE_MESSAGES,
    UNTAG,
    USE_CHART,
    USE_LEDGER,
)
from stacks.components.permissions.resources import (
    any_capacity_provider,
    any_function,
    any_mapping,
    any_queue,
    any_role,
    any_stream,
    apis,
    compose_scheduler_arn,
    guarded_functions,
    own_functions,
    restore_arn,
    untouched_roles,
)
from stacks.names import (
    EVENT_SOURCE,
    EXEMPT_TAG,
    EXEMPT_VALUE,
    HOLD_SCHEDULES,
    SNAPSHOT_TAG,
    TAG_PREFIX,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _allow(
    sid: str,
    actions: Sequence[str],
    *resources: str,
    conditions: Mapping[str, object] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
    )


def _deny(
    sid: str,
    actions: Sequence[str],
    *resources: str,
    conditions: Mapping[str, object] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        actions=list(actions),
        resources=list(resources),
        conditions=conditions,
    )


def _change_functions() -> list[iam.PolicyStatement]:
    """Read and change any function, but never one of our own."""
    return [
        _allow("ReadFunctions", READ_FUNCTIONS, any_function()),
        _allow("ReadInstances", LIST_VERSIONS, any_capacity_provider()),
        _allow("ListMappings", LIST_MAPPINGS, "*"),
        _allow("ReadMappings", READ_MAPPINGS, any_mapping()),
        _allow("ChangeConcurrency", CHANGE_CONCURRENCY, any_function()),
        _allow("ChangeMappings", CHANGE_MAPPINGS, any_mapping()),
        _allow(
            "ChangeOwnTags",
            CHANGE_TAGS,
            any_function(),
            conditions={"ForAllValues:StringLike": {"aws:TagKeys": [f"{TAG_PREFIX}*"]}},
        ),
        _deny("NeverOurOwnFunctions", (*CHANGE_CONCURRENCY, *CHANGE_TAGS), own_functions()),
        # A mapping's ARN does not tell its function; this condition key does.
        _deny(
            "NeverOurOwnMappings",
            CHANGE_MAPPINGS,
            any_mapping(),
            conditions={"ArnLike": {"lambda:FunctionArn": own_functions()}},
        ),
        # Whether a function is exempt is for people to say, not for the guard.
        _deny(
            "NeverTheExemptTag",
            CHANGE_TAGS,
            any_function(),
            conditions={"ForAnyValue:StringEquals": {"aws:TagKeys": [EXEMPT_TAG]}},
        ),
    ]


def invoke_restore() -> iam.PolicyStatement:
    """What a schedule that ends a hold may do."""
    return _allow("InvokeRestore", ("lambda:InvokeFunction",), restore_arn())


def _schedule_ends(hold_role_arn: str) -> list[iam.PolicyStatement]:
    """Make, move and delete the schedules that end holds, with one role and no other."""
    return [
        _allow("ScheduleEnds", SCHEDULE, compose_scheduler_arn(f"schedule/{HOLD_SCHEDULES}/*")),
        _allow(
            "HandOverTheRole",
            ("iam:PassRole",),
            hold_role_arn,
            conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """Where notices and their events may go.

    Attributes
    ----------
    chat_topic_arn
        ``None`` where there is no topic for chat.
    has_events
        Whether events go to the default bus.
    """

    topic_arn: str
    chat_topic_arn: str | None = None
    has_events: bool = False


def _notify(outlets: Outlets) -> list[iam.PolicyStatement]:
    """Publish to the topics, and events of our own source to the default bus.

    UNCONFIRMED A-068: that AWS holds ``events:source`` against each entry of PutEvents. If it does
    not, events are refused; they are given up in the log, and every mail is sent all the same.
    """
    chat = () if outlets.chat_topic_arn is None else (outlets.chat_topic_arn,)
    statements = [_allow("Tell", PUBLISH, outlets.topic_arn, *chat)]
    if outlets.has_events:
        bus = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/default"
        only_ours = {"StringEquals": {"events:source": EVENT_SOURCE}}
        statements.append(_allow("SendEvents", SEND_EVENTS, bus, conditions=only_ours))
    return statements


def contain_statements(
    outlets: Outlets, *, ledger_arn: str, hold_role_arn: str
) -> list[iam.PolicyStatement]:
    """What `contain` may do."""
    exempt = {"StringEquals": {f"aws:ResourceTag/{EXEMPT_TAG}": EXEMPT_VALUE}}
    return [
        _allow("ReadMetrics", READ_METRICS, "*"),
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        _allow("CountFunctions", COUNT_FUNCTIONS, "*"),
        _allow("ReadQueues", READ_QUEUES, any_queue()),
        _allow("ReadStreams", READ_STREAMS, any_stream()),
        *_change_functions(),
        # Only `contain` is kept off exempt functions. `restore` is not: a function that gets the
        # tag while it is contained must still be put back.
        # UNCONFIRMED A-055: that AWS evaluates aws:ResourceTag for each of these actions. If it
        # does not for one of them, the check in the code remains.
        _deny(
            "NeverExemptFunctions",
            (*CHANGE_CONCURRENCY, *TAG),
            any_function(),
            conditions=exempt,
        ),
        # Its own note of a stop goes when that is recorded, also where the function has become
        # exempt since.
        _deny(
            "NeverExemptTags",
            UNTAG,
            any_function(),
            conditions={
                **exempt,
                "ForAnyValue:StringNotLike": {"aws:TagKeys": [f"{SNAPSHOT_TAG}*"]},
            },
        ),
        *_schedule_ends(hold_role_arn),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        *_notify(outlets),
    ]


def restore_statements(
    outlets: Outlets, *, ledger_arn: str, hold_role_arn: str, remedies: Sequence[str] = ()
) -> list[iam.PolicyStatement]:
    """What `restore` may do: put back contained functions, and take allowed remedies back."""
    return [
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        *_change_functions(),
        *_undo_remedies(remedies),
        # What `loopbreaker status --html` shows.
        _allow("ReadPage", READ_PAGE, "*"),
        *_schedule_ends(hold_role_arn),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        *_notify(outlets),
    ]


def _undo_remedies(remedies: Sequence[str]) -> list[iam.PolicyStatement]:
    kinds = frozenset(remedies)
    statements = []
    if "logs" in kinds:
        statements += [
            _allow("TakeBackGrants", ("iam:DeleteRolePolicy", "iam:GetRolePolicy"), any_role()),
            _deny("NeverTheseRoles", ("iam:DeleteRolePolicy",), *untouched_roles()),
        ]
    if kinds & {"logs", "traces", "memory"}:
        statements += [
            _allow(
                "PutBackConfiguration",
                ("lambda:GetFunctionConfiguration", *CHANGE_CONFIGURATION),
                any_function(),
            ),
            _deny("NeverOurOwnConfiguration", CHANGE_CONFIGURATION, own_functions()),
        ]
    if "permissions" in kinds:
        statements += [
            _allow(
                "TakeBackPermissions", ("lambda:GetFunctionConfiguration", *EXPEL), any_function()
            ),
            _deny("NeverOurOwnPermissions", EXPEL, own_functions()),
        ]
    return statements


def diagnose_statements(
    outlets: Outlets, *, ledger_arn: str, denials_arn: str, remedies: Sequence[str]
) -> list[iam.PolicyStatement]:
    """What `diagnose` may do: read, tell, and change what the operator allowed by name."""
    logs = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
    users = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:user/*"
    return [
        _allow("ReadConfiguration", (*READ_CONFIGURATION, *READ_FOR_DIAGNOSIS), "*"),
        _allow("ReadApis", READ_APIS, *apis()),
        _allow("ReadReports", READ_REPORTS, logs),
        _allow("TakeDenials", TAKE_MESSAGES, denials_arn),
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        _allow("Simulate", SIMULATE, any_role(), users),
        *_apply_remedies(remedies),
        _allow("UseLedger", USE_LEDGER, ledger_arn),
        *_notify(outlets),
    ]


def _apply_remedies(remedies: Sequence[str]) -> list[iam.PolicyStatement]:
    """Changes of the allowed kinds, never on our own, exempt or AWS's things.

    IAM has no condition on the name or the content of an inline policy: that a grant is one of
    three actions on one log group is checked in the code alone.
    """
    kinds = frozenset(remedies)
    exempt = {"StringEquals": {f"aws:ResourceTag/{EXEMPT_TAG}": EXEMPT_VALUE}}
    statements: list[iam.PolicyStatement] = []
    changes: list[str] = []
    if "logs" in kinds:
        statements += [
            _allow("GrantLogs", CHANGE_ROLES, any_role()),
            _deny("NeverTheseRoles", CHANGE_ROLES, *untouched_roles()),
            _deny("NeverExemptRoles", CHANGE_ROLES, any_role(), conditions=exempt),
        ]
    if kinds & {"logs", "traces", "memory"}:
        changes += CHANGE_CONFIGURATION
        statements.append(_allow("Configure", CHANGE_CONFIGURATION, any_function()))
    if "permissions" in kinds:
        changes += (*ADMIT, *EXPEL)
        statements += [
            # Services only: an account or a role is never let in, whoever asks.
            _allow(
                "AdmitServices",
                ADMIT,
                any_function(),
                conditions={
                    "StringLike": {
                        "lambda:Principal": ["*.amazonaws.com", "*.amazonaws.com.cn"],
                    }
                },
            ),
            _allow("TakeBackPermissions", EXPEL, any_function()),
        ]
    if changes:
        statements += [
            _deny("NeverOurOwnFunctions", changes, own_functions()),
            _deny("NeverExemptFunctions", changes, any_function(), conditions=exempt),
        ]
    return statements


def chart_statements(outlets: Outlets, *, ledger_arn: str) -> list[iam.PolicyStatement]:
    """What `chart` may do: read the configuration of the account, keep what it read, tell."""
    return [
        _allow("ReadConfiguration", READ_CONFIGURATION, "*"),
        _allow("ReadAccountAlias", READ_ACCOUNT_ALIAS, "*"),
        _allow("ReadApis", READ_APIS, *apis()),
        _allow(
            "KeepTheChart",
            USE_CHART,
            ledger_arn,
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(CHART_KEYS)}},
        ),
        _allow(
            "SeeWhatIsHeld",
            READ_LIVE,
            ledger_arn,
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(LIVE_KEYS)}},
        ),
        *_notify(outlets),
    ]


def present_statements(*, ledger_arn: str) -> list[iam.PolicyStatement]:
    """What `present` may do: read what the page shows, and nothing else."""
    return [
        _allow("ReadPage", READ_PAGE, "*"),
        _allow("FindTagged", FIND_TAGGED, "*"),
        _allow(
            "ReadReserved",
            READ_RESERVED,
            *guarded_functions(),
        ),
        _allow(
            "ReadRecords",
            READ_RECORDS,
            ledger_arn,
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(SHOWN_KEYS)}},
        ),
    ]


def protect_statements(outlets: Outlets) -> list[iam.PolicyStatement]:
    """What `protect` may do: read limits and traffic, reserve for the guard functions, notify."""
    return [
        _allow("ReadAccount", (*READ_ACCOUNT, "cloudwatch:GetMetricData"), "*"),
        _allow("CheckExempt", ("lambda:GetFunctionConcurrency",), any_function()),
        _allow(
            "Reserve",
            RESERVE,
            *guarded_functions(),
        ),
        *_notify(outlets),
    ]
