"""Asynchronous invocations through the sandbox's queue, for every service that makes them."""

from __future__ import annotations

import contextvars
import hashlib
import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.core.concurrency import esm_wake
from ministack.core.responses import new_uuid, request_scope
from ministack.services import eventbridge, lambda_svc, sns, sqs

from sandbox.async_queue import AsyncQueue, AsyncTarget
from sandbox.patches.functions.execution_role import role_may
from sandbox.patches.functions.late_concurrency import in_force
from sandbox.patches.hooks import replace
from sandbox.patches.metrics.service_metrics import count_attempt, count_failure, is_schedule
from sandbox.patches.permissions.policies import service_may_invoke
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.world import World

logger = logging.getLogger("sandbox.async")

_dispatching = threading.local()
_request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "sandbox_request_id", default=None
)


def live_function(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record of a function as it is now, whatever copy of it the caller holds."""
    found = lambda_svc._functions.get_scoped(ACCOUNT_ID, REGION, config.get("FunctionName", ""))
    return found if isinstance(found, dict) else None


def deliver(arn: str, document: Any, attributes: dict[str, str]) -> None:
    """Send a document to a queue, a topic, a bus or a function."""
    body = json.dumps(document)
    kind = arn.split(":")[2]
    with request_scope(ACCOUNT_ID, REGION):
        if kind == "sqs" and (queue := sqs._queue_by_arn(arn)) is not None:
            sent = {k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()}
            now = time.time()
            message: dict[str, Any] = {
                "id": new_uuid(),
                "body": body,
                "md5_body": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
                "md5_attrs": sqs._md5_msg_attrs(sent),
                "message_attributes": sent,
                "receipt_handle": None,
                "sent_at": now,
                "visible_at": now + sqs.queue_delay(queue),
                "receive_count": 0,
            }
            sqs._ensure_msg_fields(message)
            queue["messages"].append(message)
            esm_wake.set()
        elif kind == "sns":
            sns.publish_internal(arn, body)
        elif kind == "events":
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {attributes or 'Failure'}",
                "Detail": body,
                "EventBusName": arn,
            }
            eventbridge._put_events({"Entries": [entry]})
        elif kind == "lambda" and (func := lambda_svc._get_func_record_for_ref(arn)[0]):
            lambda_svc.invoke_async_with_retry(func, document)
        else:
            logger.error("cannot deliver to %s", arn)


def _may_invoke(
    world: World,
    func: Mapping[str, Any],
    arn: str,
    target: Mapping[str, Any],
    rule: Mapping[str, Any],
) -> bool:
    """Whether a rule's function admits it, or whether the role of a schedule may invoke it."""
    if not is_schedule(rule):
        return service_may_invoke(func, "events.amazonaws.com", rule.get("Arn", ""))
    role = target.get("RoleArn", "").rpartition("/")[2]
    return not world.settings.auth or role_may(role, "lambda:InvokeFunction", arn)


class EmulatedLambda:
    """The queue's view of the emulator's Lambda."""

    def __init__(self, world: World) -> None:
        self._world = world

    def target(self, function_arn: str) -> AsyncTarget | None:
        """The function's settings now."""
        with request_scope(ACCOUNT_ID, REGION):
            base, _, _ = lambda_svc._get_base_func_record_for_ref(function_arn)
        if base is None:
            return None
        qualifier = function_arn.split(":")[7] if function_arn.count(":") > 6 else None  # noqa: PLR2004
        plain = None if qualifier == "$LATEST" else qualifier
        settings: dict[str, Any] = lambda_svc._event_invoke_config(base, plain) or {}
        destinations = settings.get("DestinationConfig") or {}
        dead_letter = (base["config"].get("DeadLetterConfig") or {}).get("TargetArn")
        return AsyncTarget(
            reserved=in_force(self._world, base),
            maximum_retries=int(settings.get("MaximumRetryAttempts", 2)),
            maximum_age_seconds=int(settings.get("MaximumEventAgeInSeconds", 21_600)),
            on_failure=(destinations.get("OnFailure") or {}).get("Destination"),
            on_success=(destinations.get("OnSuccess") or {}).get("Destination"),
            dead_letter=dead_letter or None,
        )

    def execute(self, function_arn: str, event: Any, request_id: str) -> dict[str, Any]:
        """Run the function once with its present code."""
        token = _request_id.set(request_id)
        try:
            return self._execute(function_arn, event)
        finally:
            _request_id.reset(token)

    @staticmethod
    def _execute(function_arn: str, event: Any) -> dict[str, Any]:
        with request_scope(ACCOUNT_ID, REGION):
            func, config, _ = lambda_svc._get_func_record_for_ref(function_arn)
            if func is None:
                return {}
            run = lambda_svc._execution_record_for_config(func, config)
            result: dict[str, Any] = lambda_svc._execute_function(run, event)
            return result

    def deliver(self, arn: str, document: Any, attributes: dict[str, str]) -> None:
        """Send a failed or finished event on."""
        deliver(arn, document, attributes)

    def new_id(self) -> str:
        """A request id."""
        return str(new_uuid())


def apply(world: World) -> AsyncQueue:
    """Put the queue behind S3, SNS, EventBridge, Logs, IoT, the Invoke API and alarm actions.

    What CloudFormation asks of a custom resource comes here as well, see `cloudformation`.
    """
    queue = AsyncQueue(world, EmulatedLambda(world))

    def invoke(func: dict[str, Any], event: Any) -> None:
        config = func.get("config") or func
        queue.submit(config["FunctionArn"], config["FunctionName"], event)

    replace(lambda_svc, "invoke_async_with_retry", invoke, ("func", "event"))
    _keep_request_ids()
    _take_in_what_nobody_waits_for(invoke)

    def from_rule(arn: str, payload: str) -> None:
        try:
            event = json.loads(payload)
        except ValueError:
            event = payload
        target: dict[str, Any] = getattr(_dispatching, "target", {})
        rule: dict[str, Any] = getattr(_dispatching, "rule", {})
        func, _, name = lambda_svc._get_func_record_for_ref(arn)
        if func is None:
            reason, message = "RESOURCE_NOT_FOUND", f"The function {name} does not exist."
        elif not _may_invoke(world, func, arn, target, rule):
            reason = "NO_PERMISSIONS"
            message = f"No policy lets EventBridge invoke {name}."
        else:
            invoke(func, event)
            return
        logger.error("%s: %s", rule.get("Arn"), message)
        count_failure(world, rule)
        dead_letter = (target.get("DeadLetterConfig") or {}).get("Arn")
        if dead_letter and not is_schedule(rule):
            attributes = {
                "RULE_ARN": rule.get("Arn", ""),
                "TARGET_ARN": arn,
                "ERROR_CODE": reason,
                "ERROR_MESSAGE": message,
            }
            deliver(dead_letter, event, attributes)

    replace(eventbridge, "_dispatch_to_lambda", from_rule, ("arn", "payload"))

    def invoke_target(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        _dispatching.target, _dispatching.rule = target, rule
        count_attempt(world, rule)
        try:
            original(target, event, rule, view)
        finally:
            _dispatching.target, _dispatching.rule = {}, {}

    original = replace(
        eventbridge, "_invoke_target", invoke_target, ("target", "event", "rule", "view")
    )

    def from_topic(  # noqa: PLR0917 - as the emulator calls it
        endpoint: str,
        envelope: str,
        topic_arn: str,  # noqa: ARG001
        sub_arn: str,
        msg_id: str,  # noqa: ARG001
        raw_message: str,  # noqa: ARG001
        message_attributes: dict[str, Any],  # noqa: ARG001
    ) -> None:
        func, _, name = lambda_svc._get_func_record_for_ref(endpoint)
        if func is None:
            logger.error("the topic's subscriber %s does not exist", name)
            return
        notification = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": sub_arn,
            "Sns": json.loads(envelope),
        }
        invoke(func, {"Records": [notification]})

    replace(
        sns,
        "_deliver_to_lambda",
        from_topic,
        (
            "endpoint",
            "envelope",
            "topic_arn",
            "sub_arn",
            "msg_id",
            "raw_message",
            "message_attributes",
        ),
    )
    return queue


def _take_in_what_nobody_waits_for(invoke: Callable[[dict[str, Any], Any], None]) -> None:
    """Put what a subscription of Logs or a rule of IoT sends to a function into the queue.

    The emulator runs the function on a thread of its own. Such a thread is the only caller that has
    no context at all; whoever waits for the answer has at least an account and a Region.
    """

    def execute(func: dict[str, Any], event: Any) -> Any:
        if len(contextvars.copy_context()):
            return original(func, event)
        invoke(func, event)
        return {}

    original = replace(
        lambda_svc, "_execute_function_with_config_scope", execute, ("func", "event")
    )


def _keep_request_ids() -> None:
    """Let every attempt of an asynchronous event have the event's request id, as on AWS."""

    def dispatch(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        return original(func, config, event, _request_id.get() or request_id, started)

    original = replace(
        lambda_svc,
        "_execute_function_dispatch",
        dispatch,
        ("func", "config", "event", "request_id", "started"),
    )
