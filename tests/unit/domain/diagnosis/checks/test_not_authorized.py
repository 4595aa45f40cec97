"""A caller is not authorized: denied calls, and roles that name a function they may not invoke."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.domain.account.inventory import Role
from functions.domain.diagnosis.checks import not_authorized
from functions.domain.diagnosis.facts import (
    CallerKind,
    DenialSource,
    DeniedCall,
    NamedCaller,
    SimulatedDecision,
    Simulation,
)
from functions.domain.diagnosis.finding import Certainty
from functions.domain.diagnosis.remedy import PutInlinePolicy
from tests.unit.domain.diagnosis.samples import ACCOUNT, ARN, NOW, admits, allow, deny, facts, role

MACHINE = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:checkout"
CALLER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/checkout"
INVOKE = "lambda:InvokeFunction"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/checkout/run-1"
MESSAGE = (
    f"User: {SESSION} is not authorized to perform: lambda:InvokeFunction on resource: {ARN}"
    " because {}"
)
NO_POLICY = MESSAGE.format("no identity-based policy allows the lambda:InvokeFunction action")
SCP = MESSAGE.format("no service control policy allows the lambda:InvokeFunction action")


def caller(*statements: Any, boundary: Any = None, **changes: Any) -> NamedCaller:
    """A state machine that invokes the function with a role of its own."""
    fields: dict[str, Any] = {
        "kind": CallerKind.STATE_MACHINE,
        "arn": MACHINE,
        "role_arn": CALLER_ROLE,
        "named_in": "its definition",
        "role": role(*statements, boundary=boundary, arn=CALLER_ROLE),
    }
    return NamedCaller(**{**fields, **changes})


def denial(message: str = NO_POLICY, **changes: Any) -> DeniedCall:
    """A denied call that CloudTrail recorded."""
    fields: dict[str, Any] = {
        "source": DenialSource.CLOUDTRAIL,
        "principal_arn": SESSION,
        "message": message,
        "last_at": NOW - timedelta(minutes=20),
    }
    return DeniedCall(**{**fields, **changes})


SCHEDULE = f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/shop/nightly"


def schedule(*statements: Any, **changes: Any) -> NamedCaller:
    """A schedule that invokes the function."""
    return caller(
        *statements,
        **{"kind": CallerKind.SCHEDULE, "arn": SCHEDULE, "named_in": "its target", **changes},
    )


# A schedule as a list tells of it.
UNREAD = schedule(role=None, role_arn="")


def group_failures(count: int = 12) -> DeniedCall:
    """What the group of a schedule counts."""
    return DeniedCall(source=DenialSource.SCHEDULE, principal_arn=CALLER_ROLE, count=count)


def simulated(decision: SimulatedDecision, **details: Any) -> Simulation:
    """What AWS answers for the caller's role."""
    return Simulation(
        principal_arn=CALLER_ROLE, action=INVOKE, resource_arn=ARN, decision=decision, **details
    )


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no statement": ({"callers": (caller(allow("s3:*")),)}, "identity policy"),
    "another function": ({"callers": (caller(allow(INVOKE, f"{ARN}-2")),)}, "identity policy"),
    "only an alias, unqualified invoked": (
        {"callers": (caller(allow(INVOKE, f"{ARN}:*")),)},
        "identity policy",
    ),
    "only the function, alias invoked": (
        {"callers": (caller(allow(INVOKE, ARN), qualifier="live"),)},
        "identity policy",
    ),
    "NotAction": (
        {"callers": (caller({"Effect": "Allow", "NotAction": "lambda:*", "Resource": "*"}),)},
        "identity policy",
    ),
    "a condition that does not hold": (
        {"callers": (caller(allow(INVOKE, Condition={"Bool": {"aws:SecureTransport": "false"}})),)},
        "identity policy",
    ),
    "explicit Deny": ({"callers": (caller(allow("*"), deny(INVOKE)),)}, "explicit Deny"),
    "boundary": (
        {"callers": (caller(allow("*"), boundary=[allow("s3:*")]),)},
        "permissions boundary",
    ),
    "Deny of the resource policy": (
        {
            "callers": (caller(allow("*")),),
            "resource_policies": {"": admits({"AWS": CALLER_ROLE}, effect="Deny")},
        },
        "resource policy",
    ),
    "a schedule whose group fails": (
        {"callers": (schedule(allow("s3:*")),), "denials": (group_failures(),)},
        "identity policy",
    ),
    "a schedule whose group does not fail any more": (
        {"callers": (schedule(allow("s3:*")),)},
        "identity policy",
    ),
    "a schedule of an alias": (
        {
            "callers": (schedule(allow(INVOKE, ARN), qualifier="live"),),
            "denials": (group_failures(),),
        },
        "identity policy",
    ),
    "a schedule under a boundary": (
        {
            "callers": (schedule(allow("*"), boundary=[allow("s3:*")]),),
            "denials": (group_failures(),),
        },
        "permissions boundary",
    ),
    "simulated: SCP": (
        {
            "callers": (caller(allow("*")),),
            "simulations": (
                simulated(SimulatedDecision.IMPLICIT_DENY, allowed_by_organizations=False),
            ),
        },
        "service control policy",
    ),
    "simulated: boundary": (
        {
            "callers": (caller(allow("*"), role=None),),
            "simulations": (simulated(SimulatedDecision.IMPLICIT_DENY, allowed_by_boundary=False),),
        },
        "permissions boundary",
    ),
    "denied, role unknown": ({"denials": (denial(),)}, "identity policy"),
    "denied by an SCP that our evaluation cannot see": (
        {"callers": (caller(allow("*")),), "denials": (denial(SCP),)},
        "service control policy",
    ),
    "denied, in no known words": ({"denials": (denial("Access denied"),)}, "unknown"),
    "denied under a condition that nobody here can decide": (
        {
            "callers": (
                caller(allow(INVOKE, Condition={"StringEquals": {"aws:PrincipalOrgID": "o"}})),
            ),
            "denials": (denial("Access denied"),),
        },
        "condition",
    ),
}


@pytest.mark.parametrize(("changes", "blocker"), REFUSED.values(), ids=REFUSED)
def test_refused(changes: dict[str, Any], blocker: str) -> None:
    """Who may not invoke is found, and which kind of policy stands in the way."""
    finding = not_authorized.examine(facts(**changes))

    assert finding is not None
    assert finding.certainty is Certainty.CERTAIN
    assert finding.causes == (f"{blocker}:{CALLER_ROLE}",)
    assert all(one.kind is None and one.named_only for one in finding.remedies)


WELL: dict[str, dict[str, Any]] = {
    "nobody calls": {},
    "allowed": {"callers": (caller(allow(INVOKE, ARN)),)},
    "allowed on everything": {"callers": (caller(allow("*")),)},
    "allowed by a wildcard": {"callers": (caller(allow("lambda:Invoke*", f"{ARN}*")),)},
    "allowed on the alias that is invoked": {
        "callers": (caller(allow(INVOKE, f"{ARN}:live"), qualifier="live"),)
    },
    "admitted by the resource policy": {
        "callers": (caller(),),
        "resource_policies": {"": admits({"AWS": CALLER_ROLE})},
    },
    "perhaps, under a condition": {
        "callers": (caller(allow(INVOKE, Condition={"StringEquals": {"aws:PrincipalOrgID": "o"}})),)
    },
    "role unknown": {"callers": (caller(role=None),)},
    "role read in part": {
        "callers": (caller(role=Role(arn=CALLER_ROLE, policies=(), is_complete=False)),)
    },
    "resource policy unknown": {"callers": (caller(),), "is_policy_known": False},
    "denied before it was allowed": {
        "callers": (caller(allow(INVOKE, ARN)),),
        "denials": (denial(),),
    },
    "a schedule that may, however often its group fails": {
        "callers": (schedule(allow(INVOKE, ARN)),),
        "denials": (group_failures(),),
    },
    "a schedule that may invoke its alias": {
        "callers": (schedule(allow(INVOKE, f"{ARN}:live"), qualifier="live"),),
        "denials": (group_failures(),),
    },
    "a schedule that may invoke its alias, and nobody else the function": {
        "callers": (schedule(allow(INVOKE, f"{ARN}:live"), qualifier="live"),),
        "denials": (group_failures(),),
        "simulations": (simulated(SimulatedDecision.IMPLICIT_DENY),),
    },
    "a schedule that the resource policy admits": {
        "callers": (schedule(),),
        "denials": (group_failures(),),
        "resource_policies": {"": admits({"AWS": CALLER_ROLE})},
    },
    "a schedule, resource policy unknown": {
        "callers": (schedule(),),
        "denials": (group_failures(),),
        "is_policy_known": False,
    },
    "a schedule whose role nobody has read": {"callers": (UNREAD,)},
    "a failing state machine that the resource policy admits": {
        "callers": (caller(),),
        "denials": (denial("", source=DenialSource.STATE_MACHINE, principal_arn=CALLER_ROLE),),
        "resource_policies": {"": admits({"AWS": CALLER_ROLE})},
    },
    "simulated as allowed": {
        "callers": (caller(),),
        "simulations": (simulated(SimulatedDecision.ALLOWED),),
    },
    "names any version, may invoke one": {
        "callers": (caller(allow(INVOKE, f"{ARN}:live"), is_certain=False),)
    },
    "a denied caller of another account": {
        "denials": (denial(principal_arn="arn:aws:iam::999988887777:role/shop"),)
    },
    "a denial without its principal": {"denials": (denial(principal_arn=""),)},
}


@pytest.mark.parametrize("changes", WELL.values(), ids=WELL)
def test_look_alikes(changes: dict[str, Any]) -> None:
    """Who may invoke, or may perhaps, is not reported."""
    assert not_authorized.examine(facts(**changes)) is None


def test_the_least_statement_on_the_right_principal() -> None:
    """The remedy names the caller's role, this function's ARN, and AWS's broad alternative."""
    finding = not_authorized.examine(facts(callers=(caller(qualifier="live"),)))

    assert finding is not None
    (remedy,) = finding.remedies
    (step,) = remedy.steps
    assert isinstance(step, PutInlinePolicy)
    assert step.role == "checkout"
    (statement,) = json.loads(step.document)["Statement"]
    assert (statement["Action"], statement["Resource"]) == ([INVOKE], [f"{ARN}:live"])
    assert "AWSLambdaRole" in remedy.alternative


def test_a_name_in_the_environment_alone_is_only_likely() -> None:
    """A function that names another may have other reasons than to invoke it."""
    finding = not_authorized.examine(facts(callers=(caller(is_certain=False),)))

    assert finding is not None
    assert finding.certainty is Certainty.LIKELY
    assert finding.summary == "Role checkout names orders and may not invoke it."


def test_a_denied_session_and_a_named_role_with_a_path_are_one_principal() -> None:
    """CloudTrail's session has no path: both are told as one."""
    with_path = CALLER_ROLE.replace("role/", "role/service-role/")
    named = caller(role_arn=with_path, role=role(arn=with_path))
    finding = not_authorized.examine(facts(callers=(named,), denials=(denial(count=7),)))

    assert finding is not None
    assert finding.causes == (f"identity policy:{with_path}",)
    assert any(one.value == 7 for one in finding.evidence)


def test_users_get_no_command_for_roles() -> None:
    """A denied user is told in words; put-role-policy would not fit."""
    user = f"arn:aws:iam::{ACCOUNT}:user/alice"
    finding = not_authorized.examine(facts(denials=(denial(principal_arn=user),)))

    assert finding is not None
    assert finding.remedies[0].steps == ()
    assert finding.summary == "User alice is denied when invoking orders."


def test_only_known_rights_end_a_finding() -> None:
    """While a caller's role is unknown nothing is called healthy."""
    assert not_authorized.is_conclusive(facts(callers=(caller(),)))
    assert not not_authorized.is_conclusive(facts(callers=(caller(role=None),)))


MAY = role(allow(INVOKE, ARN), arn=CALLER_ROLE)
MAY_NOT = role(allow("s3:*"), arn=CALLER_ROLE)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"accused": ((CALLER_ROLE, MAY),)}, True),
        ({"accused": ((CALLER_ROLE, MAY_NOT),)}, False),
        ({"accused": ((CALLER_ROLE, MAY), ("r2", MAY_NOT))}, False),
        ({"accused": ((CALLER_ROLE, None),)}, False),
        ({"accused": ((CALLER_ROLE, Role(arn=CALLER_ROLE, is_complete=False)),)}, False),
        (
            {
                "accused": ((CALLER_ROLE, MAY_NOT),),
                "resource_policies": {"": admits({"AWS": CALLER_ROLE})},
            },
            True,
        ),
        ({"accused": ((CALLER_ROLE, MAY),), "callers": (UNREAD, caller(role=None))}, False),
        ({"accused": ((CALLER_ROLE, MAY),), "callers": (schedule(role=None),)}, False),
        (
            {"accused": ((CALLER_ROLE, MAY),), "callers": (UNREAD, replace(UNREAD, qualifier="x"))},
            False,
        ),
    ],
    ids=[
        "nobody is accused",
        "it may now",
        "it still may not",
        "one of two still may not",
        "its role is unknown",
        "its role is known in part",
        "the resource policy admits it",
        "another caller's role is unknown",
        "its schedule's role is unknown",
        "it may not invoke the alias",
    ],
)
def test_where_schedules_are_unread_the_accused_decide(
    changes: dict[str, Any], *, expected: bool
) -> None:
    """A finding ends when the roles that it names may invoke the function for sure."""
    told = facts(**{"callers": (UNREAD,), **changes})

    assert not_authorized.is_conclusive(told) is expected


def test_the_accused_are_the_roles_that_causes_name() -> None:
    """Users have no schedules."""
    causes = (
        f"identity policy:{CALLER_ROLE}",
        f"permissions boundary:{CALLER_ROLE}",
        f"unknown:arn:aws:iam::{ACCOUNT}:user/alice",
    )

    assert not_authorized.find_accused_roles(causes) == (CALLER_ROLE,)


def test_what_a_whole_group_counts_is_not_said_of_one_schedule() -> None:
    """The words claim no more than that its role may not invoke the function."""
    finding = not_authorized.examine(
        facts(callers=(schedule(allow("s3:*")),), denials=(group_failures(),))
    )

    assert finding is not None
    assert finding.summary == "Role checkout is set up to invoke orders and may not."
    assert [one.compose_sentence() for one in finding.evidence][:2] == [
        "Schedule nightly names it (its target) and acts as role checkout.",
        "Failed invocations of its schedule group, whichever schedule they were of: 12.",
    ]
