"""Short ways to write policies, and their verdicts."""

import json
from collections.abc import Mapping
from typing import Any

from functions.domain.account.inventory import NamedPolicy, Role
from functions.domain.iam.access import (
    Access,
    Identity,
    read_identity,
)

ROLE = "arn:aws:iam::111122223333:role/enrich"
BUCKET = "arn:aws:s3:::orders"
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
# An action that has no resources is asked for something that only a statement on `*` reaches.
NO_RESOURCE = "${*}"
ALLOWED, POSSIBLE, DENIED = Access.ALLOWED, Access.POSSIBLE, Access.DENIED
Statement = Mapping[str, Any]


def allow(actions: object, resources: object = "*", **more: object) -> Statement:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: object, resources: object = "*", **more: object) -> Statement:
    """A Deny statement."""
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def inverted(statement: Statement, *elements: str) -> Statement:
    """A statement with NotAction or NotResource instead."""
    return {f"Not{key}" if key in elements else key: value for key, value in statement.items()}


def policy(name: str, *statements: Statement) -> NamedPolicy:
    """A policy of these statements."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return NamedPolicy(name=name, text=json.dumps(document))


def identity(
    *statements: Statement, boundary: tuple[Statement, ...] | None = None, is_complete: bool = True
) -> Identity:
    """A role with one policy ``own``, and perhaps a boundary ``edge``."""
    role = Role(
        arn=ROLE,
        policies=(policy("own", *statements),),
        boundary=None if boundary is None else policy("edge", *boundary),
        is_complete=is_complete,
    )
    return read_identity(role)


ANY_WRITE = allow("s3:*", f"{BUCKET}/*", Sid="Writes")
IF_TAGGED = {"StringEquals": {"aws:PrincipalTag/team": "orders"}}
