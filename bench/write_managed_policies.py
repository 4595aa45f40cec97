"""Writes the managed policies of AWS into the package, reduced to what the event graph asks.

    python -m bench.write_managed_policies

The documents are those that moto collects from AWS. Of each statement the actions stay that the
graph and the checks of templates ask about by name, and the others of the same services unless they
only read. Of all other services one statement stays for the whole policy, which names the services
of which something may be changed: who listens for such changes hears of possible events, never of
certain ones. So what a reduced policy allows is at least what the policy allows. Policies that only
a service may attach to its own role are left out.
"""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any, Final

from moto.iam.aws_managed_policies import aws_managed_policies_data

from cdk_loopbreaker.checking import troubleshooting
from cdk_loopbreaker.templates import managed_policies
from functions.domain.graph.triggers.invoke_permissions import _FEEDS
from functions.domain.graph.writes.read_calls import is_read
from functions.domain.graph.writes.service_calls import _DATA_CALLS
from functions.domain.graph.writes.write_actions import EVERY_ACTION
from functions.domain.iam.wildcard import matches

FILE: Final = Path(managed_policies.__file__).with_name(managed_policies.DATA)
_OF_SERVICES: Final = "/aws-service-role/"
# What is asked beside writes and feeds: see `function_writes`, `assumed_roles`.
_OTHERS: Final = (
    "scheduler:CreateSchedule",
    "lambda:CheckpointDurableExecution",
    "sts:AssumeRole",
    "xray:PutTelemetryRecords",
    "ec2:CreateNetworkInterface",
)
ASKED: Final = frozenset(
    {action for _, _, action in EVERY_ACTION}
    | {action for actions in _FEEDS.values() for action in actions}
    | troubleshooting.ASKED
    | set(_OTHERS)
)
_BY_SERVICE: Final = {
    service: tuple(one for one in sorted(ASKED) if one.partition(":")[0].lower() == service)
    for service in {action.partition(":")[0].lower() for action in ASKED}
}


@cache
def list_documents() -> dict[str, list[dict[str, Any]]]:
    """The statements of each policy, by its name."""
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return {
        name: _list_values(policy["Document"]["Statement"])
        for name, policy in sorted(policies.items())
        if policy["Path"] != _OF_SERVICES
    }


def reduce_policies() -> str:
    """The policies as the package has them, as JSON: statements with their numbers, by name."""
    reduced = {name: _reduce(statements) for name, statements in list_documents().items()}
    return json.dumps(reduced, separators=(",", ":"), sort_keys=True)


def _list_values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _reduce(statements: list[dict[str, Any]]) -> list[list[Any]]:
    if any(one["Effect"] == "Deny" and "NotAction" in one for one in statements):
        # It denies services that it does not name: whether a change is left is seen in the whole.
        return [
            [number, {key: value for key, value in one.items() if key != "Sid"}]
            for number, one in enumerate(statements, 1)
        ]
    kept: list[list[Any]] = []
    changed: set[str] = set()
    first = 0
    for number, statement in enumerate(statements, 1):
        said = {key: value for key, value in statement.items() if key != "Sid"}
        if "Action" in said:
            actions = _list_values(said["Action"])
            others = {
                action.partition(":")[0].lower()
                for action in actions
                if said["Effect"] == "Allow" and not _is_kept(action) and _is_change(action)
            }
            first = first or (number if others else 0)
            changed |= others
            said["Action"] = [action for action in actions if _is_kept(action)]
            if not said["Action"]:
                continue
        kept.append([number, said])
    return [*kept, [f"{first} and others", sorted(changed)]] if changed else kept


@cache
def _is_kept(action: str) -> bool:
    service, _, verb = action.lower().partition(":")
    if not verb or "*" in service or "?" in service:
        return True
    asked = _BY_SERVICE.get(service)
    if asked is None:
        return False
    return _is_change(action) or any(matches(action, one, ignore_case=True) for one in asked)


def _is_change(action: str) -> bool:
    return not is_read(action.partition(":")[2]) and action.lower() not in _DATA_CALLS


def write_file() -> None:
    """Write the file."""
    data = lzma.compress(reduce_policies().encode(), preset=9 | lzma.PRESET_EXTREME)
    FILE.write_bytes(data)
    print(f"{FILE.name}: {len(list_documents())} policies, {len(data):,} bytes")


if __name__ == "__main__":
    write_file()
