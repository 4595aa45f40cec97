"""Accounts of odd shapes: loops of any length, and names that AWS would not take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from functions.domain.account.inventory import Account, FunctionDescription, NamedPolicy, Role
from tests.corpus.description import ACCOUNT, AT, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def function_arn(name: str) -> str:
    """The ARN of a function."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def role_arn(name: str) -> str:
    """The ARN of the role of a function."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def function(name: str) -> FunctionDescription:
    """A function with a role of its own name."""
    return FunctionDescription(name=name, arn=function_arn(name), role_arn=role_arn(name))


def role(name: str, *statements: Mapping[str, object]) -> Role:
    """A role with one policy."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Role(arn=role_arn(name), policies=(NamedPolicy(name="own", text=text),))


def allow(action: object, resource: object) -> Mapping[str, object]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def invoking(calls: Mapping[str, Sequence[str]]) -> Account:
    """Functions by name, each with those that it may invoke."""
    return Account(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        functions=tuple(map(function, calls)),
        roles={
            role_arn(name): role(name, allow("lambda:InvokeFunction", [*map(function_arn, called)]))
            for name, called in calls.items()
            if called
        },
    )


def ring(count: int) -> Account:
    """One loop through so many functions."""
    names = [f"f{number:04}" for number in range(count)]
    return invoking(dict(zip(names, ([after] for after in [*names[1:], names[0]]), strict=True)))
