"""The changes that remedies make, call by call, and AWS's refusals in the domain's words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from functions.aws.diagnosis.function_changes import AwsFunctionChanges
from functions.aws.runtime.retry import CHANGES
from functions.domain.diagnosis.ports import Configuration
from functions.domain.diagnosis.remedy import AddPermission
from functions.domain.errors import BusyError, FunctionNotFoundError, RefusedError
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.aws.stubs import Script

ROLE = "orders-role"
POLICY = "Loopbreaker-logs-orders"
DOCUMENT = '{"Statement":[],"Version":"2012-10-17"}'
RULE = "arn:aws:events:us-east-1:123456789012:rule/nightly"
STATEMENT = {
    "Sid": "Loopbreaker-events-1",
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:orders",
    "Condition": {"ArnLike": {"AWS:SourceArn": RULE}},
}
PERMISSION = AddPermission(
    function="orders",
    statement_id="Loopbreaker-events-1",
    principal="events.amazonaws.com",
    source_arn=RULE,
)


script = scripted("lambda")
iam = scripted("iam")


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that were made."""
    return []


@pytest.fixture
def repairs(script: Script, iam: Script, pauses: list[float]) -> AwsFunctionChanges:
    """The adapter."""
    return AwsFunctionChanges(
        script.client, iam.client, retry=replace(CHANGES, sleep=pauses.append)
    )


def configured(**changes: Any) -> dict[str, Any]:
    """A function's configuration, as AWS answers it."""
    return {
        "FunctionName": "orders",
        "MemorySize": 512,
        "Description": "takes orders",
        "TracingConfig": {"Mode": "Active"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        **changes,
    }


# -- configuration


def test_what_is_configured(repairs: AwsFunctionChanges, script: Script) -> None:
    """Memory, tracing and description come from one call."""
    script.answer("get_function_configuration", configured(), FunctionName="orders")

    assert repairs.read_configuration("orders") == Configuration(
        memory_mb=512, tracing_mode="Active", description="takes orders"
    )


def test_a_function_without_description_has_an_empty_one(
    repairs: AwsFunctionChanges, script: Script
) -> None:
    """AWS leaves out what was never set."""
    answer = configured()
    del answer["Description"], answer["TracingConfig"]
    script.answer("get_function_configuration", answer)

    assert repairs.read_configuration("orders") == Configuration(
        memory_mb=512, tracing_mode="PassThrough", description=""
    )


@pytest.mark.parametrize(
    ("change", "request_"),
    [
        (lambda own: own.set_memory("orders", 1024), {"MemorySize": 1024}),
        (lambda own: own.set_tracing("orders", "Active"), {"TracingConfig": {"Mode": "Active"}}),
        (lambda own: own.set_description("orders", "x"), {"Description": "x"}),
    ],
)
def test_a_change_names_one_setting_and_waits_until_it_is_made(
    repairs: AwsFunctionChanges,
    script: Script,
    pauses: list[float],
    change: Callable[[AwsFunctionChanges], None],
    request_: dict[str, Any],
) -> None:
    """What the request leaves out stays as it is; the next change finds the function settled."""
    script.answer("update_function_configuration", configured(), FunctionName="orders", **request_)
    script.answer("get_function_configuration", configured(LastUpdateStatus="InProgress"))
    script.answer("get_function_configuration", configured())

    change(repairs)

    assert len(pauses) == 1


def test_a_change_waits_for_one_that_is_under_way(
    repairs: AwsFunctionChanges, script: Script, pauses: list[float]
) -> None:
    """A conflict passes by itself."""
    script.refuse("update_function_configuration", "ResourceConflictException", status=409)
    script.answer("update_function_configuration", configured())
    script.answer("get_function_configuration", configured())

    repairs.set_memory("orders", 1024)

    assert len(pauses) == 1


def test_a_conflict_that_stays_is_busy(repairs: AwsFunctionChanges, script: Script) -> None:
    """After six attempts somebody else has to try."""
    for _ in range(6):
        script.refuse("update_function_configuration", "ResourceConflictException", status=409)

    with pytest.raises(BusyError, match="tried 6 times"):
        repairs.set_memory("orders", 1024)


def test_an_update_that_failed_is_a_refusal(repairs: AwsFunctionChanges, script: Script) -> None:
    """AWS takes the request and says later why nothing came of it."""
    script.answer("update_function_configuration", configured())
    script.answer(
        "get_function_configuration",
        configured(LastUpdateStatus="Failed", LastUpdateStatusReason="no subnet has room"),
    )

    with pytest.raises(RefusedError, match="no subnet has room"):
        repairs.set_memory("orders", 1024)


def test_an_update_without_end_is_busy(repairs: AwsFunctionChanges, script: Script) -> None:
    """It is looked at six times."""
    script.answer("update_function_configuration", configured())
    for _ in range(6):
        script.answer("get_function_configuration", configured(LastUpdateStatus="InProgress"))

    with pytest.raises(BusyError, match="still under way"):
        repairs.set_memory("orders", 1024)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ResourceNotFoundException", 404, FunctionNotFoundError),
        ("AccessDeniedException", 403, RefusedError),
        ("TooManyRequestsException", 429, BusyError),
        ("ServiceException", 500, BusyError),
        ("InvalidParameterValueException", 400, RefusedError),
    ],
)
def test_lambda_s_errors(
    repairs: AwsFunctionChanges, script: Script, code: str, status: int, error: type[Exception]
) -> None:
    """Each error is told in the domain's words, once."""
    script.refuse("update_function_configuration", code, status=status)

    with pytest.raises(error, match="orders"):
        repairs.set_tracing("orders", "Active")


# -- inline policies


def test_an_inline_policy_is_read_decoded(repairs: AwsFunctionChanges, iam: Script) -> None:
    """IAM answers documents URL-encoded."""
    iam.answer(
        "get_role_policy",
        {"RoleName": ROLE, "PolicyName": POLICY, "PolicyDocument": quote(DOCUMENT)},
        RoleName=ROLE,
        PolicyName=POLICY,
    )

    found = repairs.inline_policy(ROLE, POLICY)

    assert found is not None
    assert json.loads(found) == json.loads(DOCUMENT)


def test_no_inline_policy(repairs: AwsFunctionChanges, iam: Script) -> None:
    """Nothing is nothing, not an error."""
    iam.refuse("get_role_policy", "NoSuchEntity", status=404)

    assert repairs.inline_policy(ROLE, POLICY) is None


def test_an_inline_policy_is_written_as_it_is(repairs: AwsFunctionChanges, iam: Script) -> None:
    """The document goes to IAM as it was planned."""
    iam.answer("put_role_policy", RoleName=ROLE, PolicyName=POLICY, PolicyDocument=DOCUMENT)

    repairs.put_inline_policy(ROLE, POLICY, DOCUMENT)


@pytest.mark.parametrize("name", ["own", "", "loopbreaker-logs"])
def test_only_own_policies_are_written_and_deleted(repairs: AwsFunctionChanges, name: str) -> None:
    """A name of somebody else's never reaches IAM, whoever asks."""
    with pytest.raises(RefusedError):
        repairs.put_inline_policy(ROLE, name, DOCUMENT)
    with pytest.raises(RefusedError):
        repairs.delete_inline_policy(ROLE, name)


def test_deleting_what_is_gone_is_done(repairs: AwsFunctionChanges, iam: Script) -> None:
    """Undoing twice is harmless."""
    iam.refuse("delete_role_policy", "NoSuchEntity", status=404)

    repairs.delete_inline_policy(ROLE, POLICY)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("NoSuchEntity", 404, FunctionNotFoundError),
        ("AccessDenied", 403, RefusedError),
        ("LimitExceeded", 409, RefusedError),
        ("UnmodifiableEntity", 400, RefusedError),
        ("Throttling", 400, BusyError),
        ("ServiceFailure", 500, BusyError),
    ],
)
def test_iam_s_errors(
    repairs: AwsFunctionChanges, iam: Script, code: str, status: int, error: type[Exception]
) -> None:
    """Each error names the role."""
    iam.refuse("put_role_policy", code, status=status)

    with pytest.raises(error, match=ROLE):
        repairs.put_inline_policy(ROLE, POLICY, DOCUMENT)


def test_a_role_that_is_being_changed_is_waited_for(
    repairs: AwsFunctionChanges, iam: Script, pauses: list[float]
) -> None:
    """IAM refuses two changes at the same moment."""
    iam.refuse("put_role_policy", "ConcurrentModification", status=409)
    iam.answer("put_role_policy")

    repairs.put_inline_policy(ROLE, POLICY, DOCUMENT)

    assert len(pauses) == 1


# -- permissions


def test_a_statement_is_found_by_its_id(repairs: AwsFunctionChanges, script: Script) -> None:
    """One statement of the policy, as JSON."""
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": "other"}, STATEMENT]}
    script.answer("get_policy", {"Policy": json.dumps(policy)}, FunctionName="orders")

    found = repairs.read_permission("orders", "", "Loopbreaker-events-1")

    assert found is not None
    assert json.loads(found) == STATEMENT


@pytest.mark.parametrize("policy", ["", "no JSON", '{"Statement":{"Sid":"other"}}', "[]", "{}"])
def test_no_such_statement(repairs: AwsFunctionChanges, script: Script, policy: str) -> None:
    """Whatever the policy looks like, the statement is not in it."""
    script.answer("get_policy", {"Policy": policy})

    assert repairs.read_permission("orders", "", "Loopbreaker-events-1") is None


def test_no_policy_at_all(repairs: AwsFunctionChanges, script: Script) -> None:
    """The function is there, its policy is not."""
    script.refuse("get_policy", "ResourceNotFoundException", status=404)
    script.answer("get_function_configuration", configured())

    assert repairs.read_permission("orders", "", "x") is None


def test_no_function_at_all(repairs: AwsFunctionChanges, script: Script) -> None:
    """AWS says the same of both; the second question tells them apart."""
    script.refuse("get_policy", "ResourceNotFoundException", status=404)
    script.refuse("get_function_configuration", "ResourceNotFoundException", status=404)

    with pytest.raises(FunctionNotFoundError):
        repairs.read_permission("orders", "", "x")


def test_a_permission_is_added_with_its_conditions(
    repairs: AwsFunctionChanges, script: Script
) -> None:
    """Source, account and qualifier where there are any, and nothing else."""
    script.answer(
        "add_permission",
        FunctionName="orders",
        StatementId="Loopbreaker-events-1",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=RULE,
    )

    repairs.add_permission(PERMISSION)


def test_a_permission_of_an_alias(repairs: AwsFunctionChanges, script: Script) -> None:
    """It goes to the alias, and names the account where an ARN does not."""
    script.answer(
        "add_permission",
        FunctionName="orders",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::photos",
        SourceAccount="123456789012",
        Qualifier="live",
    )

    repairs.add_permission(
        AddPermission(
            function="orders",
            statement_id="s",
            principal="s3.amazonaws.com",
            source_arn="arn:aws:s3:::photos",
            source_account="123456789012",
            qualifier="live",
        )
    )


@pytest.mark.parametrize("principal", ["*", ""])
def test_everybody_is_never_admitted(repairs: AwsFunctionChanges, principal: str) -> None:
    """Such a permission never reaches AWS, whoever asks."""
    with pytest.raises(RefusedError):
        repairs.add_permission(
            AddPermission(function="orders", statement_id="s", principal=principal)
        )


def test_a_statement_that_is_there_is_no_conflict_to_wait_for(
    repairs: AwsFunctionChanges, script: Script, pauses: list[float]
) -> None:
    """AWS gives it the same code as an update that is under way."""
    script.refuse("add_permission", "ResourceConflictException", "exists already", status=409)

    with pytest.raises(RefusedError, match="exists already"):
        repairs.add_permission(PERMISSION)

    assert pauses == []


def test_removing_what_is_gone_is_done(repairs: AwsFunctionChanges, script: Script) -> None:
    """Undoing twice is harmless."""
    script.refuse("remove_permission", "ResourceNotFoundException", status=404)

    repairs.remove_permission("orders", "live", "s")
