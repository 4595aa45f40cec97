"""Two lists that the emulator does not know: queues by their dead-letter queue, account policies.

There are no account policies of CloudWatch Logs here, so their list is empty.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.core.responses import json_response
from ministack.services import cloudwatch_logs, sqs

from sandbox.patches.hooks import check, replace

if TYPE_CHECKING:
    from sandbox.world import World

ACCOUNT_POLICIES = "DescribeAccountPolicies"


def apply(world: World) -> None:  # noqa: ARG001 - every patch is given the world
    """Answer ListDeadLetterSourceQueues and DescribeAccountPolicies."""
    check(sqs, "_act_list_queues", ("data", "_u"))
    sqs._HANDLERS["ListDeadLetterSourceQueues"] = _dead_letter_sources
    original = replace(
        cloudwatch_logs,
        "handle_request",
        None,
        ("method", "path", "headers", "body", "query_params"),
    )

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any
    ) -> Any:
        if headers.get("x-amz-target", "").endswith(f".{ACCOUNT_POLICIES}"):
            return json_response({"accountPolicies": []})
        return await original(method, path, headers, body, query_params)

    cloudwatch_logs.handle_request = handle


def _dead_letter_sources(data: dict[str, Any], queue_url: str) -> dict[str, Any]:
    name = (data.get("QueueUrl") or queue_url).rpartition("/")[2]
    return {"queueUrls": [url for url, queue in sqs._queues.items() if _target(queue) == name]}


def _target(queue: dict[str, Any]) -> str:
    """The name of the dead-letter queue of a queue; empty for none."""
    policy = queue["attributes"].get("RedrivePolicy")
    told = json.loads(policy) if isinstance(policy, str) and policy else policy or {}
    return str(told.get("deadLetterTargetArn", "")).rpartition(":")[2]
