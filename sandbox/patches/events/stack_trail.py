"""CloudTrail's events for the calls that CloudFormation makes for the resources of a stack.

The emulator makes such resources without any call of an API. Told are the calls that make a
function with its role, what invokes it, and what takes that away again.

Nothing is told of the guard's own stack. On AWS its deployment takes minutes, and what CloudTrail
tells of it is spread over more; here it takes a moment, and would start as many workers as calls.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ministack.services.cloudformation import provisioners

from sandbox.patches.events import trail
from sandbox.patches.hooks import PatchDoesNotFitError
from stacks.names import STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.world import World

    _Properties: TypeAlias = Mapping[str, Any]
    _Ways: TypeAlias = Callable[[str, _Properties], Iterator["_Call"]]

logger = logging.getLogger("sandbox.trail")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    service: str
    operation: str
    request: Mapping[str, Any]
    response: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """The calls for one type of resource, by its physical id and its properties."""

    created: _Ways
    deleted: _Ways
    updated: _Ways | None = None


def apply(world: World) -> None:
    """Report what is made for a stack, once it is made."""
    known: set[str] = set()
    world.on_reset.append(known.clear)
    for resource_type, told in _TYPES.items():
        handlers = provisioners._RESOURCE_HANDLERS.get(resource_type, {})
        if not {"create", "update", "delete"} <= handlers.keys():
            raise PatchDoesNotFitError(f"{resource_type} has other handlers than expected")
        _wrap(world, handlers, told, known)


def _wrap(world: World, handlers: dict[str, Any], told: _Told, known: set[str]) -> None:
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        result = create(logical_id, props, stack_name)
        if stack_name != STACK_NAME:
            known.add(result[0])
            _tell(world, told.created, result[0], props)
        return result

    def updated(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        *more: Any,
        **named: Any,
    ) -> Any:
        result = update(physical_id, old, new, stack_name, *more, **named)
        if stack_name != STACK_NAME:
            known.add(result[0])
            is_same = result[0] == physical_id
            _tell(world, (is_same and told.updated) or told.created, result[0], new)
        return result

    def deleted(physical_id: str, props: dict[str, Any], *more: Any, **named: Any) -> Any:
        result = delete(physical_id, props, *more, **named)
        if physical_id in known:
            _tell(world, told.deleted, physical_id, props)
        return result

    handlers.update(create=created, update=updated, delete=deleted)


def _tell(world: World, ways: _Ways, physical_id: str, props: _Properties) -> None:
    try:
        for call in ways(physical_id, props):
            trail.publish(
                world,
                call.operation,
                identity=trail.BY_CLOUDFORMATION,
                request=call.request,
                response=call.response,
                service=call.service,
            )
    except Exception:
        logger.exception("cannot tell of %s", physical_id)


# -- the calls


def _functions(operation: str) -> _Ways:
    def calls(name: str, _: _Properties) -> Iterator[_Call]:
        yield _Call(service="lambda", operation=operation, request={"FunctionName": name})

    return calls


def _mappings(operation: str) -> _Ways:
    def calls(uuid: str, props: _Properties) -> Iterator[_Call]:
        request = {"UUID": uuid, "FunctionName": props.get("FunctionName", "")}
        response = {"UUID": uuid}
        yield _Call(service="lambda", operation=operation, request=request, response=response)

    return calls


def _permissions(operation: str) -> _Ways:
    def calls(_: str, props: _Properties) -> Iterator[_Call]:
        request = {"FunctionName": props.get("FunctionName", "")}
        yield _Call(service="lambda", operation=operation, request=request)

    return calls


def _role(name: str, props: _Properties) -> Iterator[_Call]:
    for arn in props.get("ManagedPolicyArns") or ():
        request = {"RoleName": name, "PolicyArn": arn}
        yield _Call(service="iam", operation="AttachRolePolicy", request=request)
    for policy in props.get("Policies") or ():
        request = {"RoleName": name, "PolicyName": policy.get("PolicyName", "")}
        yield _Call(service="iam", operation="PutRolePolicy", request=request)


def _policies(operation: str) -> _Ways:
    def calls(_: str, props: _Properties) -> Iterator[_Call]:
        for role in props.get("Roles") or ():
            request = {"RoleName": role, "PolicyName": props.get("PolicyName", "")}
            yield _Call(service="iam", operation=operation, request=request)

    return calls


def _bucket(name: str, props: _Properties) -> Iterator[_Call]:
    if props.get("NotificationConfiguration"):
        yield _Call(service="s3", operation="PutBucketNotification", request={"BucketName": name})


def _bucket_gone(name: str, _: _Properties) -> Iterator[_Call]:
    yield _Call(service="s3", operation="DeleteBucket", request={"BucketName": name})


def _subscriptions(operation: str) -> _Ways:
    def calls(arn: str, props: _Properties) -> Iterator[_Call]:
        request = {"SubscriptionArn": arn, "TopicArn": props.get("TopicArn", "")}
        response = {"SubscriptionArn": arn}
        yield _Call(service="sns", operation=operation, request=request, response=response)

    return calls


def _rules(*operations: str) -> _Ways:
    def calls(name: str, props: _Properties) -> Iterator[_Call]:
        bus = {"EventBusName": props["EventBusName"]} if props.get("EventBusName") else {}
        for operation in operations:
            key = "Rule" if operation.endswith("Targets") else "Name"
            yield _Call(service="events", operation=operation, request={key: name, **bus})

    return calls


def _schedules(operation: str) -> _Ways:
    def calls(name: str, props: _Properties) -> Iterator[_Call]:
        request = {"Name": name, "GroupName": props.get("GroupName") or "default"}
        yield _Call(service="scheduler", operation=operation, request=request)

    return calls


_TYPES: Mapping[str, _Told] = {
    "AWS::Lambda::Function": _Told(
        created=_functions("CreateFunction"),
        updated=_functions("UpdateFunctionConfiguration"),
        deleted=_functions("DeleteFunction"),
    ),
    "AWS::Lambda::EventSourceMapping": _Told(
        created=_mappings("CreateEventSourceMapping"),
        updated=_mappings("UpdateEventSourceMapping"),
        deleted=_mappings("DeleteEventSourceMapping"),
    ),
    "AWS::Lambda::Permission": _Told(
        created=_permissions("AddPermission"), deleted=_permissions("RemovePermission")
    ),
    # A role that is deleted has no function any more: what was attached to it does not matter.
    "AWS::IAM::Role": _Told(created=_role, deleted=lambda *_: iter(())),
    "AWS::IAM::Policy": _Told(
        created=_policies("PutRolePolicy"), deleted=_policies("DeleteRolePolicy")
    ),
    "AWS::S3::Bucket": _Told(created=_bucket, deleted=_bucket_gone),
    "AWS::SNS::Subscription": _Told(
        created=_subscriptions("Subscribe"),
        updated=_subscriptions("SetSubscriptionAttributes"),
        deleted=_subscriptions("Unsubscribe"),
    ),
    "AWS::Events::Rule": _Told(
        created=_rules("PutRule", "PutTargets"), deleted=_rules("RemoveTargets", "DeleteRule")
    ),
    "AWS::Scheduler::Schedule": _Told(
        created=_schedules("CreateSchedule"),
        updated=_schedules("UpdateSchedule"),
        deleted=_schedules("DeleteSchedule"),
    ),
}
