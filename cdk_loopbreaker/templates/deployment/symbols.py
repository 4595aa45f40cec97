"""Texts for parameters without a value that name a resource of the template.

``BucketName: !Ref Name`` is a bucket of which only its name is unknown. A text made up for the
parameter keeps what else names the bucket (``!Sub arn:aws:s3:::${Name}/*``) together with it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.identity.names import find_naming_property

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_loopbreaker.templates.intrinsics.stack import Stack

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")


def make_symbols(stack: Stack) -> Mapping[str, str]:
    """By parameter: the text that stands for it where it has no value."""
    parameters = stack.section("Parameters")
    if not parameters:
        return {}
    naming = {
        name
        for resource in stack.section("Resources").values()
        for name in _find_references(_read_naming_property(resource))
    }
    return {name: _make_symbol(stack, name) for name in sorted(naming & parameters.keys())}


def _read_naming_property(resource: object) -> object:
    match resource:
        case {"Type": str(kind), "Properties": dict(properties)}:
            return properties.get(find_naming_property(kind))
    return None


def _find_references(raw: object) -> Iterator[str]:
    """What `Ref` and `Fn::Sub` name in a value."""
    pending = [raw]
    while pending:
        match pending.pop():
            case {"Ref": str(name)}:
                yield name
            case str(text):
                yield from _VARIABLE.findall(text)
            case dict(values):
                pending.extend(values.values())
            case list(values):
                pending.extend(values)


def _make_symbol(stack: Stack, name: str) -> str:
    """Lower-case letters, digits and hyphens: what every kind of name may hold."""
    digest = hashlib.sha256(f"{stack.id} {name}".encode()).hexdigest()[:8]
    return f"{_NOT_IN_NAMES.sub('-', name.lower())[:20].strip('-')}-{digest}"
