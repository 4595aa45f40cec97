"""JSON of the account, read as texts that may be hostile.

IAM, EventBridge and SNS refuse what is refused here, so that a text that is refused was not
understood, not merely unusual.
"""

import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from functions.domain.errors import LoopbreakerError

Json: TypeAlias = "bool | int | float | str | list[Json] | Mapping[str, Json] | None"

# The largest document that AWS takes is a tenth of this, and none nests a fifth as deep.
LONGEST_CHARACTERS: Final = 1_000_000
DEEPEST: Final = 100


class UnreadableJsonError(LoopbreakerError):
    """When a text is not JSON, names a key twice, nests too deep or is too long."""


def read_json(text: str) -> Json:
    """Read a JSON text.

    Raises
    ------
    UnreadableJsonError
        With what is wrong, in one line, without the text itself.
    """
    if len(text) > LONGEST_CHARACTERS:
        raise UnreadableJsonError(f"longer than {LONGEST_CHARACTERS:,} characters")
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_parse_object, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise UnreadableJsonError(
            f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise UnreadableJsonError("not JSON: a number that is too long") from error
    except RecursionError as error:
        raise UnreadableJsonError(f"nested more than {DEEPEST} levels deep") from error
    _measure(value)
    return value


def _measure(value: Json) -> None:
    level: list[Json] = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _list_children(outer)]
        if not level:
            return
    raise UnreadableJsonError(f"nested more than {DEEPEST} levels deep")


def _list_children(value: Json) -> tuple[Json, ...]:
    if isinstance(value, Mapping):
        return tuple(value.values())
    return tuple(value) if isinstance(value, list) else ()


def _parse_object(pairs: list[tuple[str, Json]]) -> Mapping[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableJsonError("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> Json:
    raise UnreadableJsonError(f"not JSON: {name}")
