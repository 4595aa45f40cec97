"""CloudFormation properties which the emulator ignores or refuses, and custom resources."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch, dynamodb, lambda_svc
from ministack.services.cloudformation import custom_resource, provisioners

from sandbox.alarms import record
from sandbox.patches.events import trail
from sandbox.patches.functions.lambda_api import concurrency_refusal
from sandbox.patches.functions.late_concurrency import note_change
from sandbox.patches.hooks import check, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.world import World

CREATE = ("logical_id", "props", "stack_name")
UPDATE = ("physical_id", "old_props", "new_props", "stack_name", "logical_id")

_custom = threading.local()


class CustomResourceFailedError(RuntimeError):
    """When a custom resource answered FAILED."""


def apply(world: World) -> None:
    """Complete functions, alarms, tables and custom resources."""
    _functions(world)
    _alarms(world)
    _tables()
    _custom_resources()


def _wrap(
    provisioners: Any,
    resource_type: str,
    created: Callable[[str, Mapping[str, Any]], None],
    updated: Callable[[str, Mapping[str, Any], Mapping[str, Any]], None],
) -> None:
    """Run something of ours after a resource type was created or updated."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handlers["create"], handlers["update"]
    check(provisioners, create.__name__, CREATE)
    check(provisioners, update.__name__, UPDATE)

    def create_and_complete(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        result = create(logical_id, props, stack_name)
        created(result[0], props)
        return result

    def update_and_complete(
        physical_id: str,
        old_props: dict[str, Any],
        new_props: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Any:
        result = update(physical_id, old_props, new_props, stack_name, logical_id)
        if result[0] == physical_id:
            updated(result[0], old_props, new_props)
        else:
            created(result[0], new_props)
        return result

    handlers["create"], handlers["update"] = create_and_complete, update_and_complete


def _functions(world: World) -> None:
    def reserve(name: str, value: Any) -> None:
        func = lambda_svc._functions[name]
        before = func.get("concurrency")
        why = None if value is None else concurrency_refusal(world, name, int(value))
        if why is not None:
            raise ValueError(
                f'Resource handler returned message: "{why} (Service: Lambda, Status Code: 400, '
                f'Request ID: {uuid.uuid4()})" (HandlerErrorCode: InvalidRequest)'
            )
        func["concurrency"] = None if value is None else int(value)
        if func["concurrency"] != before:
            note_change(world, name, before)

    def settle(name: str, props: Mapping[str, Any]) -> None:
        func = lambda_svc._functions[name]
        func["recursive_loop"] = props.get("RecursiveLoop", "Terminate")
        if props.get("DeadLetterConfig"):
            func["config"]["DeadLetterConfig"] = dict(props["DeadLetterConfig"])
        else:
            func["config"].pop("DeadLetterConfig", None)

    def created(name: str, props: Mapping[str, Any]) -> None:
        settle(name, props)
        try:
            reserve(name, props.get("ReservedConcurrentExecutions"))
        except ValueError:
            lambda_svc._functions.pop(name, None)
            raise

    def updated(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        settle(name, new)
        # A property that did not change in the template is left as it is.
        before, after = (p.get("ReservedConcurrentExecutions") for p in (old, new))
        if before != after:
            reserve(name, after)
            _tell_of_reservation(world, name, after)

    _wrap(provisioners, "AWS::Lambda::Function", created, updated)


def _tell_of_reservation(world: World, name: str, value: Any) -> None:
    request: dict[str, Any] = {"FunctionName": name}
    if value is None:
        operation, response = "DeleteFunctionConcurrency", None
    else:
        operation = "PutFunctionConcurrency"
        response = {"ReservedConcurrentExecutions": int(value)}
        request |= response
    trail.publish(
        world, operation, identity=trail.BY_CLOUDFORMATION, request=request, response=response
    )


def _alarms(world: World) -> None:
    def alarm_record(name: str, props: dict[str, Any]) -> dict[str, Any]:
        request = props | {"AlarmName": name}
        return record.alarm_record(request, cloudwatch._alarms.get(name), world.clock.now())

    replace(provisioners, "_cw_metric_alarm_record", alarm_record, ("name", "props"))


def _tables() -> None:
    def settle(name: str, props: Mapping[str, Any]) -> None:
        ttl = props.get("TimeToLiveSpecification")
        if ttl:
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": ttl})
        recovery = props.get("PointInTimeRecoverySpecification")
        if recovery:
            dynamodb._update_continuous_backups(
                {"TableName": name, "PointInTimeRecoverySpecification": recovery}
            )
        encryption = props.get("SSESpecification") or {}
        if encryption.get("SSEEnabled") or encryption.get("Enabled"):
            dynamodb._tables[name]["SSEDescription"] = {
                "Status": "ENABLED",
                "SSEType": encryption.get("SSEType", "KMS"),
            }

    _wrap(provisioners, "AWS::DynamoDB::Table", settle, lambda name, _, new: settle(name, new))


def _custom_resources() -> None:
    def execute(func: dict[str, Any], event: Any) -> Any:
        # CloudFormation invokes asynchronously: throttles are retried, as the queue does.
        if getattr(_custom, "is_invoking", False):
            return lambda_svc.invoke_async_with_retry(func, event)
        return original_execute(func, event)

    original_execute = replace(
        lambda_svc, "_execute_function_with_config_scope", execute, ("func", "event")
    )

    def invoke(*arguments: Any, **named: Any) -> Any:
        _custom.is_invoking = True
        try:
            return original(*arguments, **named)
        except RuntimeError as error:
            raise CustomResourceFailedError(
                "Received response status [FAILED] from custom resource. Message returned: "
                f"{error} (RequestId: {uuid.uuid4()})"
            ) from error
        finally:
            _custom.is_invoking = False

    original = replace(
        custom_resource,
        "invoke_custom_resource",
        invoke,
        (
            "request_type",
            "logical_id",
            "props",
            "stack_name",
            "stack_id",
            "resource_type",
            "physical_id",
            "old_props",
        ),
    )
