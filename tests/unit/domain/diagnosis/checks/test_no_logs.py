"""Logs do not appear: what is reported, and what only looks like it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from functions.domain.diagnosis.checks import no_logs
from functions.domain.diagnosis.facts import SimulatedDecision, Simulation
from functions.domain.diagnosis.finding import Certainty
from functions.domain.diagnosis.remedy import PutInlinePolicy, RefreshCredentials, RemedyKind
from tests.unit.domain.diagnosis.samples import (
    ARN,
    GROUP,
    GROUP_ARN,
    IDLE,
    LOGGING_ROLE,
    NOW,
    ROLE_ARN,
    allow,
    deny,
    facts,
    group,
    logless,
    role,
    traffic,
)

STREAM, EVENTS, CREATE = "logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup"
SILENT = group(has_events=False, last_event_at=None)
CUSTOM = "/shop/orders"
CUSTOM_ARN = GROUP_ARN.replace(GROUP, CUSTOM)

DENIED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no rights at all": ({}, (STREAM, EVENTS)),
    "no policy at all": ({"role": role()}, (STREAM, EVENTS)),
    "no right to write events": ({"role": role(allow(STREAM, GROUP_ARN))}, (EVENTS,)),
    "rights on another group": (
        {"role": role(allow([STREAM, EVENTS], GROUP_ARN.replace(GROUP, "/aws/lambda/other")))},
        (STREAM, EVENTS),
    ),
    "rights on the default group, logs to another": (
        {
            "role": role(allow([STREAM, EVENTS], GROUP_ARN)),
            "log_group": group(name=CUSTOM, has_events=False),
        },
        (STREAM, EVENTS),
    ),
    "group is missing and may not be created": (
        {
            "role": role(allow([STREAM, EVENTS])),
            "log_group": group(exists=False, has_events=None, last_event_at=None),
        },
        (CREATE,),
    ),
    "NotAction leaves it out": (
        {"role": role({"Effect": "Allow", "NotAction": "logs:*", "Resource": "*"})},
        (STREAM, EVENTS),
    ),
    "NotResource leaves it out": (
        {"role": role({"Effect": "Allow", "Action": "logs:*", "NotResource": GROUP_ARN})},
        (STREAM, EVENTS),
    ),
    "it stopped logging hours ago": (
        {"log_group": group(last_event_at=NOW - timedelta(hours=5))},
        (STREAM, EVENTS),
    ),
}


@pytest.mark.parametrize(("changes", "actions"), DENIED.values(), ids=DENIED)
def test_missing_rights(changes: dict[str, Any], actions: tuple[str, ...]) -> None:
    """Rights that are missing are found, and the remedy gives these on this group only."""
    under = logless(**changes)
    wanted = (
        GROUP_ARN if under.log_group is None else GROUP_ARN.replace(GROUP, under.log_group.name)
    )

    finding = no_logs.examine(under)

    assert finding is not None
    assert finding.certainty is Certainty.CERTAIN
    assert finding.causes == tuple(sorted(f"identity policy:{one}" for one in actions))
    remedy = finding.remedies[0]
    assert (remedy.kind, remedy.named_only) == (RemedyKind.LOGS, "")
    grant, refresh = remedy.steps
    assert isinstance(grant, PutInlinePolicy)
    assert isinstance(refresh, RefreshCredentials)
    assert (grant.role, grant.policy_name) == ("orders-role", "Loopbreaker-logs-orders")
    (statement,) = json.loads(grant.document)["Statement"]
    assert statement["Action"] == list(actions)
    assert statement["Resource"] == [wanted]
    assert "AWSLambdaBasicExecutionRole" in remedy.alternative


BLOCKED: dict[str, tuple[dict[str, Any], str]] = {
    "explicit Deny": (
        {"role": role(allow("logs:*"), deny(EVENTS, GROUP_ARN, Sid="Quiet"))},
        "explicit Deny",
    ),
    "Deny with NotResource": (
        {
            "role": role(
                allow("logs:*"),
                {"Effect": "Deny", "Action": EVENTS, "NotResource": "arn:aws:s3:::b"},
            )
        },
        "explicit Deny",
    ),
    "boundary": ({"role": role(allow("logs:*"), boundary=[allow("s3:*")])}, "permissions boundary"),
    "service control policy": (
        {
            "role": LOGGING_ROLE,
            "simulations": tuple(
                Simulation(
                    principal_arn=ROLE_ARN,
                    action=action,
                    resource_arn=GROUP_ARN,
                    decision=SimulatedDecision.IMPLICIT_DENY,
                    allowed_by_organizations=False,
                )
                for action in (STREAM, EVENTS)
            ),
        },
        "service control policy",
    ),
}


@pytest.mark.parametrize(("changes", "blocker"), BLOCKED.values(), ids=BLOCKED)
def test_what_a_statement_cannot_cure_is_only_named(changes: dict[str, Any], blocker: str) -> None:
    """A Deny, a boundary and an SCP are told apart, and the guard offers no change of them."""
    finding = no_logs.examine(logless(**changes))

    assert finding is not None
    assert {cause.split(":")[0] for cause in finding.causes} == {blocker}
    assert [(one.steps, bool(one.named_only)) for one in finding.remedies] == [((), True)]


HEALTHY: dict[str, dict[str, Any]] = {
    "it logs": {},
    "it logs although a right seems to be missing": {"role": role()},
    "never invoked": {"traffic": IDLE, "log_group": SILENT, "role": role()},
    "invoked a moment ago": {
        "traffic": traffic(first_invoked_at=NOW - timedelta(minutes=9)),
        "log_group": SILENT,
        "role": role(),
    },
    "metrics unknown": {"traffic": None, "log_group": SILENT, "role": role()},
    "log group unknown": {"log_group": None, "role": role()},
    "events unknown": {"log_group": group(has_events=None, last_event_at=None), "role": role()},
    "it only logs warnings, by choice": {
        "log_group": group(has_events=False, last_event_at=None, system_log_level="WARN")
    },
    "its newest event is young, as far as AWS says": {
        "log_group": group(last_event_at=NOW - timedelta(hours=1)),
        "role": role(),
    },
    "it was deployed after it was last invoked": {
        "log_group": SILENT,
        "last_modified": NOW - timedelta(minutes=5),
    },
    "a group of its own": {
        "log_group": group(name=CUSTOM),
        "role": role(allow([STREAM, EVENTS], CUSTOM_ARN)),
    },
}


@pytest.mark.parametrize("changes", HEALTHY.values(), ids=HEALTHY)
def test_look_alikes(changes: dict[str, Any]) -> None:
    """What only looks like it, and what is not known, is not reported."""
    assert no_logs.examine(facts(**changes)) is None


def test_unexplained_silence_is_likely_and_only_named() -> None:
    """A function that logs nothing although it may is reported without a change to make."""
    finding = no_logs.examine(facts(log_group=SILENT))

    assert finding is not None
    assert (finding.certainty, finding.causes) == (Certainty.LIKELY, ("unexplained",))
    assert all(one.named_only for one in finding.remedies)


def test_rights_under_an_unknown_condition_are_not_called_missing() -> None:
    """A statement with a condition that nobody can decide makes the finding likely."""
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    finding = no_logs.examine(logless(role=role(allow("logs:*", Condition=condition))))

    assert finding is not None
    assert finding.certainty is Certainty.LIKELY


def test_an_unknown_role_is_not_blamed() -> None:
    """Where the role could not be read nothing is said to be missing."""
    finding = no_logs.examine(logless(role=None))

    assert finding is not None
    assert finding.causes == ("unexplained",)


def test_published_versions_are_not_updated() -> None:
    """The remedy says that the trivial update reaches $LATEST only, where callers use another."""
    plain = no_logs.examine(logless())
    qualified = no_logs.examine(logless(qualifiers=("live",)))

    assert plain is not None
    assert qualified is not None
    assert "Published versions" not in plain.remedies[0].words
    assert "Published versions are not updated by that" in qualified.remedies[0].words


def test_a_deleted_group_is_created_by_fresh_environments() -> None:
    """With the right to create it, a missing group only takes fresh environments."""
    missing = group(exists=False, has_events=None, last_event_at=None)
    finding = no_logs.examine(facts(log_group=missing))

    assert finding is not None
    assert finding.causes == ("log_group_missing",)
    (step,) = finding.remedies[0].steps
    assert isinstance(step, RefreshCredentials)
    assert step.to.startswith("takes orders (Loopbreaker")


def test_the_custom_group_is_named() -> None:
    """A log group of another name is said to be the configured one."""
    finding = no_logs.examine(logless(log_group=group(name=CUSTOM, has_events=False)))

    assert finding is not None
    assert f"Its LoggingConfig names the log group {CUSTOM}." in [
        one.compose_sentence() for one in finding.evidence
    ]


@pytest.mark.parametrize(
    ("changes", "conclusive"),
    [
        ({}, True),
        ({"traffic": IDLE}, True),
        ({"traffic": IDLE, "role": role()}, False),
        ({"traffic": IDLE, "role": None}, False),
        ({"log_group": group(has_events=None, last_event_at=None)}, False),
        ({"traffic": None}, False),
    ],
)
def test_when_silence_of_the_check_means_health(
    changes: dict[str, Any],
    conclusive: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """A function that is not invoked shows nothing, unless its role certainly may write."""
    assert no_logs.is_conclusive(facts(**changes)) is conclusive


def test_a_simulation_overrides_our_own_evaluation() -> None:
    """What AWS answers counts, in both directions."""
    allowed = tuple(
        Simulation(
            principal_arn=ROLE_ARN,
            action=action,
            resource_arn=ARN,
            decision=SimulatedDecision.ALLOWED,
        )
        for action in (STREAM, EVENTS)
    )
    finding = no_logs.examine(logless(simulations=allowed))

    assert finding is not None
    assert finding.causes == ("unexplained",)
