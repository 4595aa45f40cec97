"""JSON with the lines of its logical ids."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NoReturn

from cdk_loopbreaker.templates.documents.text_error import MOST_DEPTH, TextError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_HALF_OF_A_PAIR: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_BETWEEN: Final = re.compile(r"[\s,:]*")
_DECODER: Final = json.JSONDecoder()


def parse_json(text: str) -> tuple[object, Mapping[str, int]]:
    """The values of a JSON text, and the line of each key under `Resources`.

    Half of a surrogate pair is no character: it becomes the replacement character.

    Raises
    ------
    TextError
        When the text is no JSON, or nests too deeply.
    """
    if "\\ud" in text or "\\uD" in text:
        text = _HALF_OF_A_PAIR.sub(r"\\ufffd", text)
    try:
        values = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise TextError(error.msg, error.lineno) from error
    except RecursionError as error:
        raise TextError(f"values nest more than {MOST_DEPTH} deep") from error
    except ValueError as error:  # a number of thousands of digits
        raise TextError(str(error).partition(";")[0]) from error
    _check_depth(values)
    return values, _find_lines(text) if isinstance(values, dict) else {}


def _refuse(constant: str) -> NoReturn:
    raise TextError(f"{constant} is no value of JSON")


def _check_depth(values: object) -> None:
    level = [values]
    for _ in range(MOST_DEPTH + 1):
        level = [
            inner for outer in level if isinstance(outer, dict | list) for inner in _list(outer)
        ]
        if not level:
            return
    raise TextError(f"values nest more than {MOST_DEPTH} deep")


def _list(values: dict[str, object] | list[object]) -> Iterable[object]:
    return values.values() if isinstance(values, dict) else values


def _find_lines(text: str) -> dict[str, int]:
    """The line of each key under `Resources`, in a text that is known to be JSON."""
    lines: dict[str, int] = {}
    for section, _, start in _walk_members(text, text.index("{")):
        if section == "Resources" and text[start] == "{":
            line, counted = 1, 0
            for key, position, _ in _walk_members(text, start):
                line += text.count("\n", counted, position)
                counted = position
                lines[key] = line
            break
    return lines


def _walk_members(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Each key of an object: itself, its position, and that of its value.

    The parser in C jumps over values, which is several times faster than looking at each token.
    """
    position = _skip(text, start + 1)
    while text[position] != "}":
        key, end = _DECODER.raw_decode(text, position)
        value = _skip(text, end)
        yield key, position, value
        _, end = _DECODER.raw_decode(text, value)
        position = _skip(text, end)


def _skip(text: str, position: int) -> int:
    found = _BETWEEN.match(text, position)
    return found.end() if found else position
