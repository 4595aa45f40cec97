"""What a filter says of a concrete event, written straight from the guides and without shortcuts.

The oracle of the tests: it knows every field, so that its answer is yes or no. Comparisons whose
meaning the guides leave open are not asked for here.
"""

import operator
import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

MISSING = object()
SIGNS = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def passes(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event passes a pattern."""
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(passes(choice, event) for choice in wanted):
                return False
        elif isinstance(wanted, Mapping):
            inner = event.get(name, {})
            if not passes(wanted, inner if isinstance(inner, Mapping) else {}):
                return False
        elif not any(value_passes(each, event.get(name, MISSING)) for each in wanted):
            return False
    return True


def value_passes(wanted: Any, value: Any) -> bool:
    """Whether one value passes one alternative."""
    if wanted == {"exists": False}:
        return value is MISSING
    if value is MISSING:
        return False
    if isinstance(value, list):
        return any(value_passes(wanted, each) for each in value)
    if not isinstance(wanted, Mapping):
        return is_same(wanted, value)
    ((name, argument),) = wanted.items()
    match name:
        case "exists":
            return True
        case "anything-but":
            return not any(value_passes(each, value) for each in refused(argument))
        case "numeric":
            return type(value) is int and all(
                SIGNS[sign](value, number)
                for sign, number in zip(argument[::2], argument[1::2], strict=True)
            )
        case _:
            return isinstance(value, str) and text_passes(name, argument, value)


def refused(argument: Any) -> list[Any]:
    """What an anything-but names, each as a comparison of its own."""
    if not isinstance(argument, Mapping):
        return argument if isinstance(argument, list) else [argument]
    ((name, texts),) = argument.items()
    return [{name: each} for each in (texts if isinstance(texts, list) else [texts])]


def is_same(wanted: Any, value: Any) -> bool:
    """Whether two values of JSON are the same: true is no number."""
    return type(wanted) is type(value) and bool(wanted == value)


def text_passes(name: str, argument: Any, value: str) -> bool:
    """Whether a text passes a comparison of texts."""
    if isinstance(argument, Mapping):
        return text_passes(name, argument["equals-ignore-case"].lower(), value.lower())
    match name:
        case "prefix":
            return value.startswith(argument)
        case "suffix":
            return value.endswith(argument)
        case "equals-ignore-case":
            return is_same(argument.lower(), value.lower())
        case "cidr":
            return is_address(value) and ip_address(value) in ip_network(argument)
        case _:
            parts = re.split(r"(\\.|\*)", argument)
            translated = "".join(
                ".*" if part == "*" else re.escape(part[1] if part[:1] == "\\" else part)
                for part in parts
            )
            return re.fullmatch(translated, value, re.DOTALL) is not None


def is_address(value: str) -> bool:
    """Whether a text is an address."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
