"""What Lambda does in a function's name, by the function's role: its logs and its traces.

The emulator writes logs whatever the role may do, and knows no X-Ray. Where IAM is enforced, an
execution environment keeps the rights that its role had when it started: a right that is added
counts once the function is updated, as Lambda's page on troubleshooting says of outdated
credentials.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.services import cloudwatch_logs, iam, lambda_svc

from sandbox.metrics.store import dimensions_of
from sandbox.patches.functions import durations
from sandbox.patches.hooks import check, replace
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.world import World

MEMORY_USED_MB = 60
"""What a small function takes: the emulator measures its own children together."""

_PLATFORM_LINES = 3  # START, END, REPORT
_TRACING = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


def apply(world: World, is_settled: Callable[[str], bool]) -> None:
    """Let logs and traces depend on the role, and count log events in AWS/Logs.

    ``is_settled`` tells whether what is written of a role's policies counts already.
    """
    environments = Environments(is_enforced=world.settings.auth, is_settled=is_settled)
    world.on_reset.append(environments.clear)
    writing = threading.RLock()

    def emit(
        func: dict[str, Any],
        request_id: str,
        log_text: str,
        error: bool,  # noqa: FBT001 - as the emulator calls it
        duration_ms: int,  # noqa: ARG001 - with the start of the worker
        *,
        log_source: str | None = None,
    ) -> None:
        config = func.get("config") or func
        if _is_traced(config) and environments.may(config, _TRACING, "*"):
            name = config["FunctionName"]
            world.traces[name] = world.traces.get(name, 0) + 1
        group = _log_group(config)
        if not _may_log(environments, config, group):
            return
        took = max(1, int(durations.seconds() * 1000))
        # Of two first executions at once the emulator would create the group twice and lose what
        # one of them has written.
        with writing:
            original(func, request_id, log_text, error, took, log_source=log_source)
        key = ("AWS/Logs", "IncomingLogEvents", dimensions_of({"LogGroupName": group}))
        lines = _PLATFORM_LINES + len(log_text.splitlines())
        world.metrics.record(key, float(lines), world.clock.now(), unit="Count")

    original = replace(
        lambda_svc,
        "_emit_lambda_logs",
        emit,
        ("func", "request_id", "log_text", "error", "duration_ms", "log_source"),
    )
    replace(
        lambda_svc,
        "_probe_peak_memory_mb",
        lambda func: _memory_used(world, func),
        ("func",),
    )


class Environments:
    """What the roles of running execution environments allowed when these started.

    Rights that do not count yet at that time are no part of it: they come by themselves.
    """

    def __init__(self, *, is_enforced: bool, is_settled: Callable[[str], bool]) -> None:
        self._is_enforced = is_enforced
        self._is_settled = is_settled
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, tuple[str, ...], str], bool] = {}
        check(iam_evaluator, "_gather_role_policies", ("role_name", "account_id"))
        check(iam_evaluator, "_permissions_boundary", ("store", "name", "account_id"))

    def may(self, config: Mapping[str, Any], actions: tuple[str, ...], resource: str) -> bool:
        """Whether a function's environment may do all of some actions on a resource."""
        if not self._is_enforced:
            return True
        key = (config["FunctionArn"], config.get("RevisionId", ""), actions, resource)
        with self._lock:
            if key in self._known:
                return self._known[key]
            role = config.get("Role", "").rpartition("/")[2]
            is_final = self._is_settled(role)
            is_allowed = all(role_may(role, action, resource) for action in actions)
            if is_final:
                self._known[key] = is_allowed
            return is_allowed

    def clear(self) -> None:
        """All environments have ended."""
        with self._lock:
            self._known.clear()


def role_may(role: str, action: str, resource: str) -> bool:
    """Whether a role may do something now, by its policies and its boundary."""
    context = EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/sandbox",
        principal_type="AssumedRole",
        principal_account=ACCOUNT_ID,
        action=action,
        resource_arn=resource,
        region=REGION,
        source_ip="127.0.0.1",
        secure_transport=True,
    )
    policies = iam_evaluator._gather_role_policies(role, ACCOUNT_ID)
    limits = iam_evaluator._permissions_boundary(iam._roles, role, ACCOUNT_ID)
    return bool(iam_evaluator.evaluate(context, policies, *limits).decision == "Allow")


def _may_log(environments: Environments, config: Mapping[str, Any], group: str) -> bool:
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}"
    if group not in cloudwatch_logs._log_groups and not environments.may(
        config, ("logs:CreateLogGroup",), f"{arn}:log-stream:"
    ):
        return False
    return environments.may(
        config, ("logs:CreateLogStream", "logs:PutLogEvents"), f"{arn}:log-stream:any"
    )


def _log_group(config: Mapping[str, Any]) -> str:
    chosen = (config.get("LoggingConfig") or {}).get("LogGroup")
    return str(chosen or f"/aws/lambda/{config.get('FunctionName', 'unknown')}")


def _is_traced(config: Mapping[str, Any]) -> bool:
    return bool((config.get("TracingConfig") or {}).get("Mode") == "Active")


def _memory_used(world: World, func: Mapping[str, Any]) -> int:
    config = func.get("config") or func
    usual = min(MEMORY_USED_MB, int(config.get("MemorySize", 128)))
    return world.memory_used_mb.get(config.get("FunctionName", ""), usual)
