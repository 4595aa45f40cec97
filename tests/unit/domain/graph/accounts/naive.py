"""What AWS's rules mean for one object: said as simply as possible.

Nothing of the product is used here: everything is enumerated, and each is asked by itself.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BUCKETS: Final = ("b", "ab")
LETTERS: Final = "ab/x"  # x stands for whatever no pattern names
LONGEST_KEY: Final = 5
OBJECTS: Final = tuple(
    (bucket, "".join(letters))
    for bucket in BUCKETS
    for length in range(1, LONGEST_KEY + 1)
    for letters in product(LETTERS, repeat=length)
)


@cache
def fits(pattern: str, text: str) -> bool:
    """Whether a pattern with ``*`` and ``?`` matches a text."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    translated = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.compile(translated, re.DOTALL)


@cache
def objects_of(pattern: str) -> frozenset[int]:
    """The numbers of the objects whose ARN a pattern matches."""
    found = _compiled(pattern)
    return frozenset(
        number
        for number, (bucket, key) in enumerate(OBJECTS)
        if found.fullmatch(f"arn:aws:s3:::{bucket}/{key}")
    )


def spoken_of(statement: Mapping[str, Any]) -> frozenset[int]:
    """The objects that a statement is about."""
    patterns = statement.get("Resource", statement.get("NotResource"))
    named = frozenset().union(*map(objects_of, patterns))
    return frozenset(range(len(OBJECTS))) - named if "NotResource" in statement else named


def may_create(own: Iterable[Mapping[str, Any]], boundary: Any = None) -> frozenset[int]:
    """The objects that statements let a role create, by one action or the other."""
    found: frozenset[int] = frozenset()
    for action in ("s3:PutObject", "s3:ReplicateObject"):
        by_action = _allowed(own, action)
        found |= by_action if boundary is None else by_action & _allowed(boundary, action)
    return found


def _allowed(statements: Iterable[Mapping[str, Any]], action: str) -> frozenset[int]:
    allowed: frozenset[int] = frozenset()
    denied: frozenset[int] = frozenset()
    for statement in statements:
        if not fits(statement["Action"], action):
            continue
        if statement["Effect"] == "Allow":
            allowed |= spoken_of(statement)
        else:
            denied |= spoken_of(statement)
    return allowed - denied
