"""What each flag may be: its text is parsed, or refused with what is allowed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Mode: TypeAlias = Literal["enforce", "observe"]
Response: TypeAlias = Literal["hold", "throttle", "notify"]
RollbackMode: TypeAlias = Literal["now", "probation"]
RollbackForce: TypeAlias = Literal["no", "yes"]
Coverage: TypeAlias = Literal["account", "function"]
Switch: TypeAlias = Literal["on", "off"]
Remedy: TypeAlias = Literal["logs", "traces", "permissions", "memory"]
ROLLBACK_ALL: Final = "all"
NO_EMAIL: Final = "none"
# A template holds at most 500 resources and each address is one of them; a mailing list is none.
MOST_ADDRESSES: Final = 50
# Longer than any number that is allowed. Python refuses to read one of more than 4,300 digits.
_MOST_DIGITS: Final = 12
_EMAIL: Final = re.compile(r"[^@\s,<>\"]+@[^@\s,<>\"]+\.[^@\s,<>\".]+")
_FUNCTION_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The same as in `functions.domain.account.names`, which stacks may not import: a test compares
# them.
REGION_PATTERN: Final = r"(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-[0-9]"
FUNCTION_ARN: Final = re.compile(
    r"arn:(aws|aws-cn|aws-us-gov|aws-eusc|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f)"
    rf":lambda:(?P<region>{REGION_PATTERN}):(?P<account>[0-9]{{12}})"
    r":function:(?P<name>[A-Za-z0-9_-]{1,64})"
)
_OWN_PREFIX: Final = "Loopbreaker-"
_A_FUNCTION: Final = (
    "a function name or an ARN like arn:aws:lambda:eu-west-1:123456789012:function:orders"
)
_MOST_SHOWN: Final = 200


class ConfigError(Exception):
    """Raised when a context flag is unknown, has a wrong value or contradicts another."""

    def __init__(self, flag: str, value: object, allowed: str) -> None:
        shown = "".join(char if char.isprintable() else " " for char in str(value))
        if len(shown) > _MOST_SHOWN:
            shown = f"{shown[:_MOST_SHOWN]}..."
        super().__init__(f"Loopbreaker: flag {flag}={shown}: {allowed}")
        self.flag = flag
        self.value = value
        self.shown = shown
        self.allowed = allowed


def function_names(references: tuple[str, ...]) -> tuple[str, ...]:
    """Answer the bare names of functions that were given by name or ARN."""
    return tuple(
        reference if (arn := FUNCTION_ARN.fullmatch(reference)) is None else arn["name"]
        for reference in references
    )


def describe_home(arn: re.Match[str]) -> str:
    """The account and Region of an ARN, for people."""
    return f"account {arn['account']} Region {arn['region']}"


def read_text(flag: str, value: object) -> str:
    """A value as the command line would give it; a file may hold a JSON list instead."""
    if not isinstance(value, list):
        return str(value)
    if flag not in _LISTS:
        raise ConfigError(flag, json.dumps(value), "must be one value, not a list")
    for one in value:
        if not isinstance(one, str) or "," in one:
            raise ConfigError(flag, json.dumps(value), 'must be a list of texts like ["a", "b"]')
    return ",".join(value)


def _choice(*allowed: str) -> Callable[[str, str], str]:
    def parse(flag: str, value: str) -> str:
        if value not in allowed:
            raise ConfigError(flag, value, f"must be {' or '.join(allowed)}")
        return value

    return parse


def _response(flag: str, value: str) -> str:
    if value == "cap":
        raise ConfigError(flag, value, "is hold now: leave the flag out, or give response=hold")
    return _choice(*get_args(Response))(flag, value)


def _whole(lowest: int, highest: int, *, off: bool = False) -> Callable[[str, str], int]:
    allowed = f"must be a whole number from {lowest} to {highest}" + (", or 0 for off" * off)

    def parse(flag: str, value: str) -> int:
        # isdecimal() alone would take digits of other scripts.
        is_whole = value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS
        number = int(value) if is_whole else -1
        if lowest <= number <= highest or (off and number == 0):
            return number
        raise ConfigError(flag, value, allowed)

    return parse


def _parts(flag: str, value: str, allowed: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in value.split(","))
    if not all(parts):
        raise ConfigError(flag, value, f"must be {allowed}; several are separated by commas")
    return parts


def _emails(flag: str, value: str) -> tuple[str, ...]:
    allowed = f"an address like you@example.com, or {NO_EMAIL}"
    addresses = _parts(flag, value, allowed)
    if addresses == (NO_EMAIL,):
        return addresses
    if len(addresses) > MOST_ADDRESSES:
        raise ConfigError(
            flag,
            value,
            f"has {len(addresses):,} addresses, {MOST_ADDRESSES} are allowed; use a mailing list",
        )
    for address in addresses:
        if not _EMAIL.fullmatch(address):
            raise ConfigError(flag, address, f"must be {allowed}")
    _refuse_twice(flag, tuple(address.lower() for address in addresses))
    return addresses


def _functions(flag: str, value: str) -> tuple[str, ...]:
    functions = _parts(flag, value, _A_FUNCTION)
    for function in functions:
        _refuse_no_function(flag, function, _A_FUNCTION)
    names = function_names(functions)
    _refuse_own(flag, names, "which is never contained")
    _refuse_twice(flag, names)
    return functions


def _rollback(flag: str, value: str) -> tuple[str, ...]:
    allowed = f"{_A_FUNCTION}, or all"
    functions = _parts(flag, value, allowed)
    if ROLLBACK_ALL in functions:
        if functions != (ROLLBACK_ALL,):
            raise ConfigError(flag, value, "must be either all or functions, not both")
        return functions
    for function in functions:
        _refuse_no_function(flag, function, allowed)
    names = function_names(functions)
    _refuse_own(flag, names, "which is never contained")
    _refuse_twice(flag, names)
    return functions


def _function(flag: str, value: str) -> str:
    _refuse_no_function(flag, value, _A_FUNCTION)
    _refuse_own(flag, function_names((value,)), "which is never diagnosed")
    return value


def _refuse_no_function(flag: str, reference: str, allowed: str) -> None:
    if not FUNCTION_ARN.fullmatch(reference) and not _FUNCTION_NAME.fullmatch(reference):
        raise ConfigError(flag, reference, f"must be {allowed}")


def _refuse_own(flag: str, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name.startswith(_OWN_PREFIX):
            raise ConfigError(flag, name, f"is a function of Loopbreaker, {why}")


def _remedies(flag: str, value: str) -> tuple[str, ...]:
    kinds = get_args(Remedy)
    allowed = " or ".join(kinds)
    given = _parts(flag, value, allowed)
    for one in given:
        if one not in kinds:
            raise ConfigError(flag, one, f"must be {allowed}")
    _refuse_twice(flag, given)
    return given


def _refuse_twice(flag: str, names: tuple[str, ...]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ConfigError(flag, name, "must be given once, not twice")


FLAGS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "email": _emails,
    "mode": _choice(*get_args(Mode)),
    "response": _response,
    "rollback": _rollback,
    "rollback_mode": _choice(*get_args(RollbackMode)),
    "rollback_force": _choice(*get_args(RollbackForce)),
    "exempt": _functions,
    "floor_per_minute": _whole(1, 1_000_000),
    "danger_usd_per_minute": _whole(1, 10_000),
    "account_alarm_per_minute": _whole(1, 100_000_000),
    "coverage": _choice(*get_args(Coverage)),
    "sweep_minutes": _whole(5, 1440, off=True),
    "blast_radius": _whole(1, 50),
    "accepted_loops": _functions,
    "diagnose": _function,
    "remedies": _remedies,
    "memory_ceiling_mb": _whole(128, 10_240),
    "events": _choice(*get_args(Switch)),
    "chat": _choice(*get_args(Switch)),
    "dashboard": _choice(*get_args(Switch)),
}
_LISTS: Final = frozenset({"email", "rollback", "exempt", "accepted_loops", "remedies"})
