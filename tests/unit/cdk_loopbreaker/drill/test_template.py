"""The stack of a drill: disposable, capped, and each function may do no more than its round."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from cdk_loopbreaker.cli.main import main
from cdk_loopbreaker.drill.model import STACK_PREFIX, Helper, LoopKind, Names
from cdk_loopbreaker.drill.plan import RESERVED
from cdk_loopbreaker.drill.template import MOST_CODE, build_template, read_code
from functions.domain.requests.drill import is_of_drill

if TYPE_CHECKING:
    from pathlib import Path

NAMES: Final = Names(id="3f9a1c")
TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012:Loopbreaker-Notices"
ALL: Final[dict[str, Any]] = json.loads(
    build_template(NAMES, tuple(LoopKind), tuple(Helper), TOPIC)
)["Resources"]


def of_type(wanted: str) -> dict[str, dict[str, Any]]:
    """The properties of the resources of a type."""
    return {name: one["Properties"] for name, one in ALL.items() if one["Type"] == wanted}


def test_the_code_fits_inline() -> None:
    """CloudFormation takes no more, and no bucket is needed."""
    assert len(read_code()) <= MOST_CODE
    compile(read_code(), "index.py", "exec")


def test_each_function_is_capped_tagged_and_named() -> None:
    """Its name says DRILL, and its log group is removed with it."""
    functions = of_type("AWS::Lambda::Function")

    assert len(functions) == len(LoopKind) + len(Helper)
    log_groups = {one["LogGroupName"] for one in of_type("AWS::Logs::LogGroup").values()}
    for one in functions.values():
        tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        assert is_of_drill(one["FunctionName"], tags)
        assert "DRILL" in one["FunctionName"]
        assert one["ReservedConcurrentExecutions"] in {2, 3}
        assert f"/aws/lambda/{one['FunctionName']}" in log_groups
    reserved = {kind: functions[kind.title()]["ReservedConcurrentExecutions"] for kind in RESERVED}
    assert reserved == RESERVED


def test_aws_does_not_stop_the_loops_itself() -> None:
    """And would stop the others."""
    allowed = {
        name
        for name, one in of_type("AWS::Lambda::Function").items()
        if one["RecursiveLoop"] == "Allow"
    }

    assert allowed == {kind.title() for kind in LoopKind}


def test_everything_has_the_prefix_that_the_policy_names() -> None:
    """So that the rights of a drill reach nothing else."""
    named = ("RoleName", "TableName", "QueueName", "Name")
    names = [
        one["Properties"][key] for one in ALL.values() for key in named if key in one["Properties"]
    ]

    assert names
    assert all(one.startswith(STACK_PREFIX) for one in names)
    assert NAMES.stack.startswith(STACK_PREFIX)


def test_no_role_may_do_anything_everywhere() -> None:
    """Each statement names its resources; nobody may create log groups."""
    for role in of_type("AWS::IAM::Role").values():
        (policy,) = role["Policies"]
        for one in policy["PolicyDocument"]["Statement"]:
            assert "*" not in one["Resource"]
            assert "logs:CreateLogGroup" not in one["Action"]
            assert all("*" not in action for action in one["Action"])


@pytest.mark.parametrize("kind", LoopKind)
def test_a_stack_may_hold_one_loop_alone(kind: LoopKind) -> None:
    """With the table of its rounds and the queue of the notices."""
    found = json.loads(build_template(NAMES, (kind,), (), TOPIC))["Resources"]

    functions = [one for one in found.values() if one["Type"] == "AWS::Lambda::Function"]
    assert len(functions) == 1
    assert {"Progress", "Notices", "NoticesSubscription"} <= found.keys()


def test_the_check_finds_its_loops_and_no_other(tmp_path: Path) -> None:
    """They are certain, and the healthy function and the probe are on none."""
    template = tmp_path / "drill.json"
    template.write_text(build_template(NAMES, tuple(LoopKind), tuple(Helper), TOPIC))

    result = CliRunner().invoke(main, ["check", str(template), "--json"])

    findings = json.loads(result.stdout)["findings"]
    loops = [one for one in findings if one["steps"]]
    assert len(loops) == len(LoopKind)
    assert {one["certainty"] for one in loops} == {"certain"}
    assert not any(helper in json.dumps(loops) for helper in ("-healthy", "-probe"))
