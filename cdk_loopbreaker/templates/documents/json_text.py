"""JSON with the lines of its logical ids."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NoReturn

from cdk_loopbreaker.templates.documents.text_error import MOST_DEPTH, TextError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEXEME: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:\n]', re.DOTALL)
_HALF_OF_A_PAIR: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_OF_A_RESOURCE: Final = 2  # how deep logical ids stand


def parse_json(text: str) -> tuple[object, Mapping[str, int]]:
    """The values of a JSON text, and the line of each key under `Resources`.

    Half of a surrogate pair is no character: it becomes the replacement character.

    Raises
    ------
    TextError
        When the text is no JSON, or nests too deeply.
    """
    text = _HALF_OF_A_PAIR.sub(r"\\ufffd", text)
    keys = _scan(text)
    try:
        values = json.loads(text, parse_constant=_refuse)
        return values, {json.loads(key): line for key, line in keys.items()}
    except json.JSONDecodeError as error:
        raise TextError(error.msg, error.lineno) from error
    except ValueError as error:  # a number of thousands of digits
        raise TextError(str(error).partition(";")[0]) from error


def _refuse(constant: str) -> NoReturn:
    raise TextError(f"{constant} is no value of JSON")


def _scan(text: str) -> dict[str, int]:
    """The line of each quoted key under `Resources`; the parser after it recurses, this does not.

    Raises
    ------
    TextError
        When values nest too deeply.
    """
    lines: dict[str, int] = {}
    depth, line, section, text_before = 0, 1, "", ""
    for match in _LEXEME.finditer(text):
        lexeme = match[0]
        if lexeme in "{[":
            depth += 1
            if depth > MOST_DEPTH:
                raise TextError(f"values nest more than {MOST_DEPTH} deep", line)
        elif lexeme in "}]":
            depth -= 1
        elif lexeme == "\n":
            line += 1
        elif lexeme == ":":
            if depth == 1:
                section = text_before
            elif depth == _OF_A_RESOURCE and section == '"Resources"':
                lines[text_before] = line
        else:
            text_before = lexeme
            line += lexeme.count("\n")
    return lines
