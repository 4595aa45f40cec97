"""The managed policies of AWS, as far as the event graph asks about them, without a network.

The data file is written by ``python -m bench.write_managed_policies``, which says what is left out.
"""

from __future__ import annotations

import json
import lzma
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

from functions.domain.account.inventory import NamedPolicy

DATA: Final = "managed_policies.json.xz"
_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(?:[\w+=,.@/-]*/)?([\w+=,.@-]+)")


def is_managed_by_aws(arn: str) -> bool:
    """Whether an ARN is one of a policy that AWS manages, in whatever partition."""
    return _ARN.fullmatch(arn) is not None


def find_managed_policy(arn: str) -> NamedPolicy | None:
    """The policy with this ARN, reduced; ``None`` for one that is not known here."""
    found = _ARN.fullmatch(arn)
    return _read_policies().get(found[1]) if found else None


@cache
def _read_policies() -> dict[str, NamedPolicy]:
    data = files("cdk_loopbreaker.templates").joinpath(DATA).read_bytes()
    reduced: dict[str, list[Any]] = json.loads(lzma.decompress(data))
    return {name: _expand(name, statements) for name, statements in reduced.items()}


def _expand(name: str, statements: list[Any]) -> NamedPolicy:
    """A policy out of its statements: each with its number, and the services of all others."""
    document = [
        {"Sid": f"statement {number}", **said}
        if isinstance(said, dict)
        else {
            "Sid": f"statement {number}",
            "Effect": "Allow",
            "Action": [f"{service}:*" for service in said],
            "Resource": "*",
        }
        for number, said in statements
    ]
    text = json.dumps({"Statement": document}, separators=(",", ":"))
    return NamedPolicy(name=name, text=text)
