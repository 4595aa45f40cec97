"""The CloudFormation stacks of drills: created, found, and removed with all that was made."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.errors import DrillError, explain, get_words
from cdk_loopbreaker.drill.model import STACK_PREFIX, Helper, Names
from functions.aws.runtime.errors import get_code
from functions.domain.requests.drill import DRILL_TAG

if TYPE_CHECKING:
    from datetime import datetime

    from cdk_loopbreaker.drill.aws.clients import Clients

# Real seconds: CloudFormation does not live by the clock of the metrics.
_POLL_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 900.0
_GONE: Final = "DELETE_COMPLETE"
# What the drill itself puts on the role of its probe, and CloudFormation knows nothing of.
PROBE_POLICY: Final = "loopbreaker-drill-probe"
_MOST_REASONS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStack:
    """A stack of a drill."""

    name: str
    created_at: datetime

    @property
    def names(self) -> Names:
        """What its parts are called."""
        return Names(id=self.name.removeprefix(STACK_PREFIX))


def find_stacks(clients: Clients) -> tuple[FoundStack, ...]:
    """Stacks that drills have left, or that a drill uses now.

    Raises
    ------
    DrillError
    """
    found = []
    with explain("Looking for stacks of earlier drills", clients.region):
        pages = clients("cloudformation").get_paginator("list_stacks")
        for page in pages.paginate():
            found += [
                FoundStack(
                    name=one["StackName"],
                    created_at=one["CreationTime"],
                )
                for one in page["StackSummaries"]
                if one["StackName"].startswith(STACK_PREFIX) and one["StackStatus"] != _GONE
            ]
    return tuple(found)


def create_stack(clients: Clients, names: Names, template: str) -> None:
    """Create the stack of a drill, and wait until it is there.

    Raises
    ------
    DrillError
        When CloudFormation refuses it; the stack may be there in part.
    """
    cloudformation = clients("cloudformation")
    with explain("Creating the stack of the drill", clients.region):
        cloudformation.create_stack(
            StackName=names.stack,
            TemplateBody=template,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            OnFailure="DO_NOTHING",  # its events say why, and the drill removes it
            Tags=[{"Key": DRILL_TAG, "Value": names.id}],
        )
        status = _wait(clients, names.stack)
    if status != "CREATE_COMPLETE":
        raise DrillError(
            f"CloudFormation did not create the stack of the drill ({status}):"
            f" {'; '.join(list_failures(clients, names.stack)) or 'no reason given'}"
        )


def delete_stack(clients: Clients, names: Names) -> None:
    """Remove the stack of a drill with everything that belongs to it, and wait until it is gone.

    Raises
    ------
    DrillError
        When something is left; the message says what.
    """
    cloudformation = clients("cloudformation")
    with explain(f"Removing the stack {names.stack}", clients.region):
        _remove_probe_policies(clients, names)
        cloudformation.delete_stack(StackName=names.stack)
        status = _wait(clients, names.stack)
    if status != _GONE:
        raise DrillError(
            f"the stack {names.stack} could not be removed ({status}):"
            f" {'; '.join(list_failures(clients, names.stack)) or 'no reason given'}."
            " loopbreaker drill --clean tries again"
        )


def list_failures(clients: Clients, stack: str) -> tuple[str, ...]:
    """What CloudFormation says of resources that failed, the first ones."""
    try:
        events = clients("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    except Exception as error:  # noqa: BLE001 - it only explains another failure
        return (get_words(error),)
    reasons = [
        f"{one.get('LogicalResourceId', '')}: {one['ResourceStatusReason']}"
        for one in reversed(events)
        if one.get("ResourceStatus", "").endswith("_FAILED") and one.get("ResourceStatusReason")
    ]
    return tuple(reasons[:_MOST_REASONS])


def _remove_probe_policies(clients: Clients, names: Names) -> None:
    """CloudFormation deletes no role with a policy that it has not made."""
    with suppress(clients("iam").exceptions.NoSuchEntityException):
        clients("iam").delete_role_policy(
            RoleName=names.role(Helper.PROBE), PolicyName=PROBE_POLICY
        )


def _wait(clients: Clients, stack: str) -> str:
    """The state of a stack once it does not change any more."""
    until = time.monotonic() + _LONGEST_SECONDS
    while (status := _read_status(clients, stack)).endswith("_IN_PROGRESS"):
        if time.monotonic() > until:
            return status
        time.sleep(_POLL_SECONDS)
    return status


def _read_status(clients: Clients, stack: str) -> str:
    try:
        described: Any = clients("cloudformation").describe_stacks(StackName=stack)
    except Exception as error:
        if get_code(error) == "ValidationError":  # there is none of this name any more
            return _GONE
        raise
    return str(described["Stacks"][0]["StackStatus"])
