"""EventFacts of an event as JSON, within `MOST_FACT_BYTES` whatever names and texts they hold."""

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from functions.domain.notices.events.facts import EventFacts
from functions.domain.notices.events.record import MOST_FACT_BYTES
from functions.domain.notices.text import clean, replace_unprintable

MOST_ENTRIES: Final = 8
LONGEST_TEXT: Final = 300
LONGEST_NAME: Final = 150
_LONGEST_COMMAND: Final = 1_200
_LEFT_OUT: Final = "_left_out"
# What goes, one after the other, where the lists are empty and it is still too long.
_SPARED: Final = ("loop", "commands", "finding", "remedy", "guard", "incident")
_DIGITS: Final = 4


def cut_text(text: str, limit: int = LONGEST_TEXT) -> str:
    """A text from outside on one line, of at most so many characters."""
    return clean(text, limit)


def cut_name(text: str) -> str:
    """A name or an ARN from outside."""
    return clean(text, LONGEST_NAME)


def cut_texts(texts: Iterable[str], limit: int = LONGEST_TEXT) -> tuple[str, ...]:
    """The first of many texts, each cut; `count_rest` says how many follow."""
    return tuple(cut_text(one, limit) for one in list(texts)[:MOST_ENTRIES])


def count_rest(entries: Sequence[object], most: int = MOST_ENTRIES) -> int:
    """How many entries there is no room for."""
    return max(0, len(entries) - most)


def take_command(command: str) -> str | None:
    """A command, whole or not at all: half of one does something else."""
    is_whole = len(command) <= _LONGEST_COMMAND and command.isprintable()
    return command if command and is_whole else None


def to_plain(value: Any) -> Any:
    """EventFacts in JSON's terms: what is ``None`` is left out, moments are in UTC."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: to_plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {name: one for name, one in fields.items() if one is not None}
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case str():
            return replace_unprintable(value)
        case float():
            return _round(value)
        case tuple():
            return [to_plain(one) for one in value]
        case _:
            return value


def encode_facts(facts: EventFacts) -> str:
    """The facts as a JSON object of at most `MOST_FACT_BYTES`.

    Where there are too many, the longest list is halved until they fit, and counts what it leaves
    out.
    """
    plain: dict[str, Any] = to_plain(facts)
    while len((text := _dump(plain)).encode(errors="backslashreplace")) > MOST_FACT_BYTES:
        if not _halve_longest_list(plain):
            first = next((one for one in _SPARED if one in plain), None)
            if first is None:
                return "{}"
            del plain[first]
    return text


def _dump(plain: dict[str, Any]) -> str:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


def _round(value: float) -> float | None:
    """Numbers as people read them: 4 digits after the point, more only for what is very small."""
    if not math.isfinite(value):
        return None
    rounded = round(value, _DIGITS)
    return rounded if rounded or not value else float(f"{value:.2e}")


def _halve_longest_list(plain: dict[str, Any]) -> bool:
    """Take half of the list that takes the most room; false where all are empty."""
    found = max(_list_lists(plain), key=lambda one: one[0], default=None)
    if found is None:
        return False
    _, owner, name = found
    kept = len(owner[name]) // 2
    owner[f"{name}{_LEFT_OUT}"] += len(owner[name]) - kept
    owner[name] = owner[name][:kept]
    return True


def _list_lists(value: Any) -> list[tuple[int, dict[str, Any], str]]:
    """All lists that can be shortened, with their sizes."""
    found = []
    if isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, list) and one and f"{name}{_LEFT_OUT}" in value:
                found.append((len(json.dumps(one)), value, name))
            found += _list_lists(one)
    elif isinstance(value, list):
        for one in value:
            found += _list_lists(one)
    return found
