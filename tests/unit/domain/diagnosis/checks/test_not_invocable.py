"""A trigger cannot invoke: the resource policy, with and without qualifiers."""

from typing import Any

import pytest

from functions.domain.diagnosis.checks import not_invocable
from functions.domain.diagnosis.facts import (
    DenialSource,
    DeniedCall,
    FactGap,
    FoundTrigger,
    InvokerKind,
    Part,
)
from functions.domain.diagnosis.finding import Certainty
from functions.domain.diagnosis.remedy import AddPermission, RemedyKind
from functions.domain.notices.text import capitalize
from tests.unit.domain.diagnosis.samples import ACCOUNT, ARN, RULE, admits, facts, rule

EVENTS = {"Service": "events.amazonaws.com"}
BUCKET = "arn:aws:s3:::order-uploads"
FOREIGN = "arn:aws:iam::999988887777:role/shop"
API = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2c3/*/GET/orders"


def bucket(**changes: Any) -> FoundTrigger:
    """A notification of a bucket of this account."""
    return rule(
        kind=InvokerKind.BUCKET,
        principal="s3.amazonaws.com",
        source_arn=BUCKET,
        evidence="bucket order-uploads notifies it",
        **changes,
    )


def given(policy: str | None = None, **qualified: str) -> dict[str, str]:
    """Resource policies by qualifier."""
    return {**({} if policy is None else {"": policy}), **qualified}


SHUT: dict[str, tuple[FoundTrigger, dict[str, str], str]] = {
    "no policy": (rule(), given(), "there is no resource policy"),
    "another service": (
        rule(),
        given(admits({"Service": "s3.amazonaws.com"})),
        "no statement of the resource policy is for events.amazonaws.com",
    ),
    "another rule": (
        rule(),
        given(admits(EVENTS, source_arn=RULE.replace("nightly", "hourly"))),
        "given admits another source ARN",
    ),
    "the rule of another Region": (
        rule(),
        given(admits(EVENTS, source_arn=RULE.replace("eu-west-1", "us-east-1"))),
        "given admits another source ARN",
    ),
    "another account": (
        bucket(),
        given(admits({"Service": "s3.amazonaws.com"}, source_arn=BUCKET, source_account="1" * 12)),
        "given admits another source account",
    ),
    "a wildcard that does not reach": (
        rule(),
        given(admits(EVENTS, source_arn=RULE.replace("nightly", "daily-*"))),
        "given admits another source ARN",
    ),
    "explicit Deny": (
        rule(),
        given(admits("*", effect="Deny")),
        "given denies it",
    ),
    "another method of the API": (
        rule(
            kind=InvokerKind.API,
            principal="apigateway.amazonaws.com",
            source_arn=API,
            evidence="API a1b2c3 invokes it for GET/orders",
        ),
        given(
            admits(
                {"Service": "apigateway.amazonaws.com"},
                source_arn=API.replace("/GET/", "/POST/"),
            )
        ),
        "given admits another source ARN",
    ),
    "an alias, but the function is invoked": (
        rule(),
        given(live=admits(EVENTS, source_arn=RULE, resource=f"{ARN}:live")),
        "there is no resource policy; it is admitted to live, but invokes the unqualified function",
    ),
    "the function, but an alias is invoked": (
        rule(qualifier="live"),
        given(admits(EVENTS, source_arn=RULE)),
        "there is no resource policy; it is admitted to the unqualified function, but invokes live",
    ),
}


@pytest.mark.parametrize(("trigger", "policies", "words"), SHUT.values(), ids=SHUT)
def test_shut_out(trigger: FoundTrigger, policies: dict[str, str], words: str) -> None:
    """A trigger that no statement admits is reported with what comes nearest."""
    finding = not_invocable.examine(facts(triggers=(trigger,), resource_policies=policies))

    assert finding is not None
    assert finding.certainty is Certainty.CERTAIN
    assert finding.evidence[0].compose_sentence() == f"{capitalize(trigger.evidence)}; {words}."


ADMITTED: dict[str, tuple[FoundTrigger, dict[str, str]]] = {
    "exactly": (rule(), given(admits(EVENTS, source_arn=RULE))),
    "by a wildcard source ARN": (
        rule(),
        given(admits(EVENTS, source_arn=f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/*")),
    ),
    "by the service alone": (rule(), given(admits(EVENTS))),
    "by everybody": (rule(), given(admits("*"))),
    "by a list of source ARNs": (
        rule(),
        given(admits(EVENTS, source_arn=["arn:aws:s3:::b", RULE])),
    ),
    "on the alias that it invokes": (
        rule(qualifier="live"),
        given(live=admits(EVENTS, source_arn=RULE, resource=f"{ARN}:live")),
    ),
    "$LATEST is the unqualified function": (
        rule(qualifier="$LATEST"),
        given(admits(EVENTS, source_arn=RULE)),
    ),
    "its bucket by ARN and account": (
        bucket(),
        given(admits({"Service": "s3.amazonaws.com"}, source_arn=BUCKET, source_account=ACCOUNT)),
    ),
    "under a condition that nobody here can decide": (
        rule(),
        given(admits(EVENTS, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    ),
    "a policy that cannot be read": (rule(), given("not JSON")),
    "disabled": (rule(is_enabled=False), given()),
    "one method of its API": (
        rule(kind=InvokerKind.API, principal="apigateway.amazonaws.com", source_arn=API),
        given(admits({"Service": "apigateway.amazonaws.com"}, source_arn=API)),
    ),
    "one stage of its API": (
        rule(kind=InvokerKind.API, principal="apigateway.amazonaws.com", source_arn=API),
        given(
            admits(
                {"Service": "apigateway.amazonaws.com"},
                source_arn=API.replace("/*/", "/prod/"),
            )
        ),
    ),
    "any method of any stage of its API": (
        rule(kind=InvokerKind.API, principal="apigateway.amazonaws.com", source_arn=API),
        given(
            admits(
                {"Service": "apigateway.amazonaws.com"},
                source_arn=f"{API.partition('/')[0]}/*/*/*",
            )
        ),
    ),
    "some of its API": (
        rule(
            kind=InvokerKind.API,
            principal="apigateway.amazonaws.com",
            source_arn=f"{API.partition('/')[0]}/*",
            is_exact=False,
        ),
        given(admits({"Service": "apigateway.amazonaws.com"}, source_arn=API)),
    ),
    "a role of the same account": (
        rule(kind=InvokerKind.ACCOUNT, principal=f"arn:aws:iam::{ACCOUNT}:role/own"),
        given(),
    ),
}


@pytest.mark.parametrize(("trigger", "policies"), ADMITTED.values(), ids=ADMITTED)
def test_look_alikes(trigger: FoundTrigger, policies: dict[str, str]) -> None:
    """A trigger that is admitted, or may be, is not reported."""
    under = facts(triggers=(trigger,), resource_policies=policies)

    assert not_invocable.examine(under) is None


def test_an_unknown_policy_admits_and_denies_nothing() -> None:
    """Where the resource policy could not be read nothing is reported."""
    gap = FactGap(part=Part.RESOURCE_POLICY, words="AccessDenied")

    assert not_invocable.examine(facts(triggers=(rule(),), is_policy_known=False)) is None
    assert not_invocable.examine(facts(triggers=(rule(),), gaps=(gap,))) is None


def test_the_exact_statement_for_a_rule() -> None:
    """The statement has the rule's ARN as its condition; the account is in that ARN."""
    finding = not_invocable.examine(facts(triggers=(rule(),)))

    assert finding is not None
    remedy = finding.remedies[0]
    assert (remedy.kind, remedy.named_only) == (RemedyKind.PERMISSIONS, "")
    assert remedy.steps == (
        AddPermission(
            function="orders",
            statement_id="Loopbreaker-events-228f8fbe90",
            principal="events.amazonaws.com",
            source_arn=RULE,
        ),
    )


def test_the_exact_statement_for_a_bucket_and_an_alias() -> None:
    """A bucket's ARN names no account, so the account is a condition of its own."""
    finding = not_invocable.examine(facts(triggers=(bucket(qualifier="live"),)))

    assert finding is not None
    (step,) = finding.remedies[0].steps
    assert isinstance(step, AddPermission)
    assert (step.source_arn, step.source_account, step.qualifier) == (BUCKET, ACCOUNT, "live")


def test_many_triggers_are_one_finding_with_a_statement_each() -> None:
    """Two triggers of the same function are told together."""
    finding = not_invocable.examine(facts(triggers=(rule(), bucket())))

    assert finding is not None
    assert len(finding.causes) == 2
    assert len(finding.remedies[0].steps) == 2


NAMED: dict[str, FoundTrigger] = {
    "source ARN unknown": rule(source_arn=""),
    "account unknown": rule(source_account=""),
    "source in another account": rule(
        source_arn=RULE.replace(ACCOUNT, "9" * 12), source_account="9" * 12
    ),
    "only the API is known": rule(
        kind=InvokerKind.API,
        principal="apigateway.amazonaws.com",
        source_arn=f"{API.partition('/')[0]}/*",
        is_exact=False,
    ),
    "a role of another account": rule(
        kind=InvokerKind.ACCOUNT, principal=FOREIGN, source_arn="", source_account="999988887777"
    ),
}


@pytest.mark.parametrize("trigger", NAMED.values(), ids=NAMED)
def test_only_named(trigger: FoundTrigger) -> None:
    """What would let in more than was found, or an identity, is left to people."""
    finding = not_invocable.examine(facts(triggers=(trigger,)))

    assert finding is not None
    assert [bool(one.named_only) for one in finding.remedies] == [True]


def test_a_denied_call_from_another_account_needs_both_sides() -> None:
    """The caller's own account is named with the statement that it needs there."""
    call = DeniedCall(
        source=DenialSource.CLOUDTRAIL,
        principal_arn="arn:aws:sts::999988887777:assumed-role/shop/session-1",
        count=3,
    )
    finding = not_invocable.examine(facts(denials=(call, call)))

    assert finding is not None
    (remedy,) = finding.remedies
    assert f"lambda:InvokeFunction on {ARN} in the identity policy there" in remedy.words
    (step,) = remedy.steps
    assert isinstance(step, AddPermission)
    assert (step.principal, step.source_arn) == (FOREIGN, "")
    assert "was denied 3 times" in finding.evidence[0].compose_sentence()


def test_a_foreign_role_that_is_admitted_meanwhile_is_no_finding() -> None:
    """A denial of the past counts for nothing once the policy admits the role."""
    call = DeniedCall(source=DenialSource.CLOUDTRAIL, principal_arn=FOREIGN)
    policies = given(admits({"AWS": FOREIGN}))

    assert not_invocable.examine(facts(denials=(call,), resource_policies=policies)) is None


def test_failed_invocations_are_evidence() -> None:
    """What the source counted stands beside what was found."""
    finding = not_invocable.examine(facts(triggers=(rule(failed_invocations=12),)))

    assert finding is not None
    assert "Failed invocations of EventBridge rule nightly: 12." in [
        one.compose_sentence() for one in finding.evidence
    ]


def test_statement_ids_are_valid_and_stable() -> None:
    """AWS takes letters, digits, ``-`` and ``_``; the same trigger always has the same id."""
    odd = rule(kind=InvokerKind.ACCOUNT, principal="arn:aws:iam::9:role/a+b=c,d@e")

    for trigger in (rule(), bucket(), odd):
        name = not_invocable.compute_statement_id(trigger)
        assert name.replace("-", "").isalnum()
        assert len(name) <= 100
        assert name == not_invocable.compute_statement_id(trigger)
