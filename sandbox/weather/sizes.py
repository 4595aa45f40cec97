"""How large things may be on AWS and which names it takes, with its error messages.

The figures are those of AWS's pages on quotas. Sizes that the emulator checks itself are not here:
items of DynamoDB, messages of SNS and SQS, templates of CloudFormation. An SQS message may have
1 MiB by now, unless its queue says less; one that SNS delivers has 256 KiB at most.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, Final

from botocore.session import get_session

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT_BYTES: Final = 4096
FUNCTION_POLICY_BYTES: Final = 20_480
QUEUE_POLICY_BYTES: Final = 8192
QUEUE_POLICY_STATEMENTS: Final = 20


def _compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def environment_refusal(variables: Mapping[str, Any]) -> str | None:
    """Why a function cannot have an environment; nothing when it can.

    Measured is the JSON of the variables, as AWS's message says.
    """
    measured = _compact(dict(variables))
    if len(measured.encode()) <= ENVIRONMENT_BYTES:
        return None
    return (
        "Lambda was unable to configure your environment variables because the environment "
        f"variables you have provided exceeded the 4KB limit. String measured: {measured}"
    )


def function_policy_refusal(policy: Mapping[str, Any]) -> str | None:
    """Why a function's resource policy is too long; nothing when it is not."""
    size = len(_compact(policy).encode())
    if size <= FUNCTION_POLICY_BYTES:
        return None
    return f"The final policy size ({size}) is bigger than the limit ({FUNCTION_POLICY_BYTES})."


def queue_policy_refusal(policy: str | Mapping[str, Any] | None) -> str | None:
    """Why a queue cannot have a policy; nothing when it can.

    Nobody could confirm the AWS error message of the two cases, nor that both have the same code.
    """
    if not policy:
        return None
    text = policy if isinstance(policy, str) else _compact(policy)
    if len(text.encode()) > QUEUE_POLICY_BYTES:
        return f"Invalid value for the parameter Policy: longer than {QUEUE_POLICY_BYTES} bytes."
    try:
        document = json.loads(text)
    except ValueError:
        return None
    statements = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(statements, list) and len(statements) > QUEUE_POLICY_STATEMENTS:
        return (
            "Invalid value for the parameter Policy: "
            f"more than {QUEUE_POLICY_STATEMENTS} statements."
        )
    return None


@functools.cache
def _function_name_rules(operation: str) -> tuple[str, int] | None:
    model = get_session().get_service_model("lambda").operation_model(operation)
    members = model.input_shape.members if model.input_shape else {}
    shape = members.get("FunctionName")
    if shape is None or "pattern" not in shape.metadata:
        return None
    return str(shape.metadata["pattern"]), int(shape.metadata.get("max", 256))


def function_name_refusal(operation: str, name: str) -> str | None:
    """Why an operation of Lambda does not take a function's name; nothing when it does.

    Operations differ: some take a dot in a name and some do not.
    """
    rules = _function_name_rules(operation)
    if rules is None:
        return None
    pattern, longest = rules
    if len(name) > longest:
        constraint = f"Member must have length less than or equal to {longest}"
    elif re.fullmatch(pattern, name) is None:
        constraint = f"Member must satisfy regular expression pattern: {pattern}"
    else:
        return None
    return (
        f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy "
        f"constraint: {constraint}"
    )
