"""What SimulatePrincipalPolicy answers, in its shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.diagnosis.iam_simulation import Simulator
from functions.domain.diagnosis.facts import SimulatedDecision, Simulation
from functions.domain.errors import BusyError, RefusedError
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

ROLE = "arn:aws:iam::123456789012:role/caller"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:orders"
INVOKE = "lambda:InvokeFunction"


script = scripted("iam")


def result(**changes: Any) -> dict[str, Any]:
    """One evaluation."""
    return {
        "EvalActionName": INVOKE,
        "EvalResourceName": FUNCTION,
        "EvalDecision": "implicitDeny",
        **changes,
    }


def simulated(script: Script, *results: dict[str, Any]) -> tuple[Simulation, ...]:
    """What the adapter makes of results."""
    script.answer(
        "simulate_principal_policy",
        {"EvaluationResults": list(results)},
        PolicySourceArn=ROLE,
        ActionNames=[INVOKE],
        ResourceArns=[FUNCTION],
    )
    return Simulator(script.client).simulate(ROLE, (INVOKE,), FUNCTION)


def test_denied_by_nothing_that_allows(script: Script) -> None:
    """No boundary and no organization are not the same as being allowed by them."""
    assert simulated(script, result()) == (
        Simulation(
            principal_arn=ROLE,
            action=INVOKE,
            resource_arn=FUNCTION,
            decision=SimulatedDecision.IMPLICIT_DENY,
        ),
    )


def test_boundary_and_organization_are_told_apart(script: Script) -> None:
    """Each has its own detail."""
    (found,) = simulated(
        script,
        result(
            PermissionsBoundaryDecisionDetail={"AllowedByPermissionsBoundary": False},
            OrganizationsDecisionDetail={"AllowedByOrganizations": True},
            MatchedStatements=[{"SourcePolicyId": "limit"}],
        ),
    )

    assert (found.allowed_by_boundary, found.allowed_by_organizations) == (False, True)
    assert found.matched == ("limit",)


def test_the_answer_for_the_resource_counts(script: Script) -> None:
    """One result holds the answers for several resources."""
    (found,) = simulated(
        script,
        result(
            EvalResourceName="arn:aws:lambda:*:*:function:*",
            EvalDecision="implicitDeny",
            ResourceSpecificResults=[
                {"EvalResourceName": "arn:other", "EvalResourceDecision": "implicitDeny"},
                {"EvalResourceName": FUNCTION, "EvalResourceDecision": "allowed"},
            ],
        ),
    )

    assert found.decision is SimulatedDecision.ALLOWED


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AccessDenied", 403, RefusedError),
        ("NoSuchEntity", 404, RefusedError),
        ("Throttling", 400, BusyError),
        ("ServiceFailure", 500, BusyError),
    ],
)
def test_errors(script: Script, code: str, status: int, error: type[Exception]) -> None:
    """Each names the principal."""
    script.refuse("simulate_principal_policy", code, status=status)

    with pytest.raises(error, match="role/caller"):
        Simulator(script.client).simulate(ROLE, (INVOKE,), FUNCTION)


def test_an_unknown_decision_is_said(script: Script) -> None:
    """A shape that AWS does not document is no answer."""
    with pytest.raises(RefusedError, match="cannot be read"):
        simulated(script, result(EvalDecision="perhaps"))
