"""Whether AWS itself would let a principal do something, by its own simulator of policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.aws.runtime.errors import AWS_ERRORS, translate_reading_error
from functions.domain.diagnosis.facts import SimulatedDecision, Simulation
from functions.domain.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_iam import IAMClient

IAM_ACTIONS: Final = frozenset({"iam:SimulatePrincipalPolicy"})


class Simulator:
    """SimulatePrincipalPolicy.

    It reads identity policies, the boundary and what AWS Organizations sets; a resource policy
    only for users, so none is handed to it here.

    Parameters
    ----------
    wait
        Returns when the next call may go out.
    """

    def __init__(self, client: IAMClient, wait: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._wait = wait

    def simulate(
        self, principal_arn: str, actions: Sequence[str], resource_arn: str
    ) -> tuple[Simulation, ...]:
        """What AWS answers for each action.

        Raises
        ------
        RefusedError
            When AWS does not simulate: no permission, an unknown principal.
        BusyError
            When it is throttled beyond the client's retries.
        """
        self._wait()
        try:
            answer: Any = self._client.simulate_principal_policy(
                PolicySourceArn=principal_arn,
                ActionNames=list(actions),
                ResourceArns=[resource_arn],
            )
            results = answer["EvaluationResults"]
            return tuple(_read(results, principal_arn, resource_arn))
        except AWS_ERRORS as error:
            raise translate_reading_error(error, principal_arn) from error
        except (KeyError, TypeError, ValueError) as error:
            raise RefusedError(
                f"{principal_arn}: the simulator's answer cannot be read: "
                f"{type(error).__name__} {error}"
            ) from error


def _read(
    results: Sequence[Mapping[str, Any]], principal_arn: str, resource_arn: str
) -> Iterator[Simulation]:
    for result in results:
        specific: Mapping[str, Any] = next(
            (
                one
                for one in result.get("ResourceSpecificResults", ())
                if one.get("EvalResourceName") == resource_arn
            ),
            {},
        )
        decision = specific.get("EvalResourceDecision", result["EvalDecision"])
        boundary = specific.get(
            "PermissionsBoundaryDecisionDetail", result.get("PermissionsBoundaryDecisionDetail")
        )
        statements = specific.get("MatchedStatements", result.get("MatchedStatements", ()))
        yield Simulation(
            principal_arn=principal_arn,
            action=result["EvalActionName"],
            resource_arn=resource_arn,
            decision=SimulatedDecision(decision),
            allowed_by_boundary=(boundary or {}).get("AllowedByPermissionsBoundary"),
            allowed_by_organizations=(result.get("OrganizationsDecisionDetail") or {}).get(
                "AllowedByOrganizations"
            ),
            matched=tuple(one.get("SourcePolicyId", "") for one in statements),
        )
