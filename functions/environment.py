"""Environment variables as frozen records, read and written by one definition.

The stack writes what a Lambda function reads: both go through the same dataclass, so a name or a
type cannot differ between the two. Standard library only: the settings of every Lambda package
import this module, and so do the stacks.
"""

from __future__ import annotations

import dataclasses
import types
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "LOOPBREAKER_"

_Settings = TypeVar("_Settings")
_TRUTHS: Final = {"true": True, "false": False}


class SettingsError(Exception):
    """Raised when an environment variable is missing or holds a value that is not allowed."""

    def __init__(self, variable: str, value: str | None, allowed: str) -> None:
        found = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{variable} {found}: it must be {allowed}")
        self.variable = variable
        self.value = value
        self.allowed = allowed


def variable_name(field: str) -> str:
    """Name the environment variable of a settings field.

    >>> variable_name("ledger_table")
    'LOOPBREAKER_LEDGER_TABLE'
    """
    return PREFIX + field.upper()


def from_env(cls: type[_Settings], env: Mapping[str, str]) -> _Settings:
    """Build a settings record from environment variables.

    Parameters
    ----------
    cls
        A frozen dataclass whose fields are `str`, `int`, `bool`, `Literal[...]` of strings,
        `tuple[str, ...]` or one of these with `None`.
    env
        Usually `os.environ`. Variables that are not the record's own are ignored.

    Raises
    ------
    SettingsError
        When a variable is missing and its field has no default, or holds a wrong value.
    """
    hints = get_type_hints(cls)
    values: dict[str, object] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        variable = variable_name(field.name)
        text = env.get(variable)
        if text is not None:
            values[field.name] = _parse(variable, text, hints[field.name])
        elif _has_default(field):
            continue
        elif _is_optional(hints[field.name]):
            values[field.name] = None
        else:
            raise SettingsError(variable, None, _allowed(hints[field.name]))
    return cls(**values)


def to_env(settings: object, *, deferred: Mapping[str, str] | None = None) -> dict[str, str]:
    """Render a settings record as environment variables; `from_env` is the inverse.

    Parameters
    ----------
    settings
        The record. A field that is `None` gets no variable.
    deferred
        Text for fields whose value only the deployment knows (a CloudFormation reference);
        it takes the place of the record's own value.
    """
    later = dict(deferred or {})
    env: dict[str, str] = {}
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        if field.name in later:
            env[variable_name(field.name)] = later.pop(field.name)
        elif value is not None:
            env[variable_name(field.name)] = _render(field.name, value)
    if later:
        raise TypeError(f"{type(settings).__name__} has no field {', '.join(sorted(later))}")
    return env


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in {Union, types.UnionType} and types.NoneType in get_args(hint)


def _without_none(hint: Any) -> Any:
    if not _is_optional(hint):
        return hint
    (only,) = (arg for arg in get_args(hint) if arg is not types.NoneType)
    return only


def _allowed(hint: Any) -> str:
    plain = _without_none(hint)
    if get_origin(plain) is Literal:
        return " or ".join(get_args(plain))
    names = {str: "a text that is not empty", int: "a whole number", bool: "true or false"}
    return names.get(plain, "names separated by commas")


def _parse(variable: str, text: str, hint: Any) -> object:
    plain = _without_none(hint)
    wrong = SettingsError(variable, text, _allowed(hint))
    if get_origin(plain) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if get_origin(plain) is Literal:
        if text not in get_args(plain):
            raise wrong
        return text
    if plain is bool:
        if text not in _TRUTHS:
            raise wrong
        return _TRUTHS[text]
    if plain is int:
        try:
            return int(text)
        except ValueError:
            raise wrong from None
    if plain is str:
        if not text:
            raise wrong
        return text
    raise TypeError(f"{variable}: settings cannot hold {hint}")


def _render(field: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, tuple):
        if any("," in part for part in value):
            raise ValueError(f"{field}: a comma separates the parts, none may hold one: {value}")
        return ",".join(value)
    raise TypeError(f"{field}: settings cannot hold {value!r}")
