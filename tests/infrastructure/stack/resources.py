"""Names and resources of the template that the tests of the stack look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Json, Synthesized

CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART = (
    f"Loopbreaker-{verb}" for verb in ("contain", "restore", "protect", "diagnose", "chart")
)
# By the beginning of a rule's name: whom it wakes. All others wake `contain`.
OWNERS = {"Loopbreaker-diagnosis": DIAGNOSE, "Loopbreaker-chart": CHART}
LASTING = (
    "-c email=a@example.com,b@example.com -c mode=observe -c response=notify "
    "-c exempt=billing,audit -c floor_per_minute=120 -c account_alarm_per_minute=5000 "
    "-c coverage=function -c sweep_minutes=0 -c blast_radius=7 "
    "-c accepted_loops=archiver,requeue "
    "-c remedies=logs,traces,permissions,memory -c memory_ceiling_mb=2048 "
    "-c events=off -c chat=on -c dashboard=on"
)
ACCOUNT = "AWS::AccountId"
RULE = "AWS::Events::Rule"


def logical_id(synthesized: Synthesized, resource_type: str, key: str, value: str) -> str:
    """Logical id of the resource with a property."""
    (found,) = (
        name
        for name, resource in synthesized.of_type(resource_type).items()
        if resource["Properties"].get(key) == value
    )
    return found


def arn_of(synthesized: Synthesized, function: str) -> Json:
    """The reference to the ARN of a guard function."""
    name = logical_id(synthesized, "AWS::Lambda::Function", "FunctionName", function)
    return {"Fn::GetAtt": [name, "Arn"]}


def contain_arn(synthesized: Synthesized) -> Json:
    """The reference to the ARN of `contain`."""
    return arn_of(synthesized, CONTAIN)


def variable(synthesized: Synthesized, function: str, name: str) -> str:
    """A setting of a guard function."""
    variables: dict[str, str] = synthesized.function(function)["Environment"]["Variables"]
    return variables[f"LOOPBREAKER_{name}"]


SIGNAL_ALARMS = {"invocations", "concurrency", "dropped"}
