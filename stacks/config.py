"""The context flags of a deployment (`cdk deploy -c <flag>=<value>`), checked in one place.

The values that the CDK command line passes on are texts ("5" stays "5"), so each is parsed here.
The first wrong one ends the synthesis with one line that names the flag, the value and what is
allowed.
"""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Mode: TypeAlias = Literal["enforce", "observe"]
Response: TypeAlias = Literal["cap", "throttle", "notify"]
RollbackMode: TypeAlias = Literal["now"]
Coverage: TypeAlias = Literal["account", "function"]
Remedy: TypeAlias = Literal["logs", "traces", "permissions", "memory"]

ROLLBACK_ALL: Final = "all"
_FLAGS_FOR_ONE_DEPLOYMENT: Final = frozenset({"rollback", "rollback_mode", "diagnose"})

# Keys of the CDK hold a character such as `@` or `:`, with these exceptions, which its command
# line writes for `cdk acknowledge` and `cdk cli-telemetry`.
_FLAG_LIKE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_KEYS_OF_THE_CDK: Final = frozenset({"acknowledged-issue-numbers", "cli-telemetry"})

_EMAIL: Final = re.compile(r"[^@\s,<>\"]+@[^@\s,<>\"]+\.[^@\s,<>\".]+")
_FUNCTION_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FUNCTION_ARN: Final = re.compile(
    r"(?P<home>arn:(aws|aws-cn|aws-us-gov|aws-eusc|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f)"
    r":lambda:[a-z]{2,4}(-[a-z]+)+-\d:\d{12}):function:(?P<name>[A-Za-z0-9_-]{1,64})"
)
_OWN_PREFIX: Final = "Loopbreaker-"

_A_FUNCTION: Final = (
    "a function name or an ARN like arn:aws:lambda:eu-west-1:123456789012:function:orders"
)


class ConfigError(Exception):
    """Raised when a context flag is unknown, has a wrong value or contradicts another."""

    def __init__(self, flag: str, value: object, allowed: str) -> None:
        shown = "".join(char if char.isprintable() else " " for char in str(value))
        super().__init__(f"Loopbreaker: flag {flag}={shown}: {allowed}")
        self.flag = flag
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the operator asks of a deployment. docs/deploying.md explains every flag.

    Attributes
    ----------
    email
        Addresses that receive the notices.
    mode
        `observe` decides and tells, and changes nothing.
    response
        What is done about a suspected function. A proven loop is always throttled.
    rollback
        Functions to restore with this deployment, by name or ARN, or ("all",).
    rollback_mode
        How they are restored.
    exempt
        Names of functions that are never contained.
    floor_per_minute
        A function below so many invocations per minute is never suspected.
    account_alarm_per_minute
        Invocations per minute of the whole account that set off the account-wide alarm.
    coverage
        `function` adds an alarm that watches each function by itself.
    sweep_minutes
        Minutes between two sweeps over all functions; 0 for none.
    blast_radius
        Most functions that are contained within one hour.
    accepted_loops
        Names of functions whose loops are intended: they are not told of, and prove nothing.
    diagnose
        Function to examine with this deployment, by name or ARN; empty for none.
    remedies
        Kinds of remedies that are applied without asking; without any, they are only named.
    memory_ceiling_mb
        Most memory that the remedy `memory` may give a function; 0 when it is not allowed.
    """

    email: tuple[str, ...] = ()
    mode: Mode = "enforce"
    response: Response = "cap"
    rollback: tuple[str, ...] = ()
    rollback_mode: RollbackMode = "now"
    exempt: tuple[str, ...] = ()
    floor_per_minute: int = 500
    account_alarm_per_minute: int = 10_000
    coverage: Coverage = "account"
    sweep_minutes: int = 60
    blast_radius: int = 3
    accepted_loops: tuple[str, ...] = ()
    diagnose: str = ""
    remedies: tuple[Remedy, ...] = ()
    memory_ceiling_mb: int = 0

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Config:
        """Read the flags out of everything in the CDK's context.

        Raises
        ------
        ConfigError
            On the first flag that is unknown, wrong or in contradiction to another.
        """
        _refuse_unknown(context)
        given = {flag: context[flag] for flag in FLAGS if context.get(flag) is not None}
        config = cls(**{flag: FLAGS[flag](flag, str(value)) for flag, value in given.items()})
        if "rollback_mode" in given and not config.rollback:
            raise ConfigError(
                "rollback_mode",
                config.rollback_mode,
                "give it together with rollback=<function>[,<function>...] or rollback=all",
            )
        if "memory" in config.remedies and not config.memory_ceiling_mb:
            raise ConfigError(
                "remedies",
                given["remedies"],
                "give it together with memory_ceiling_mb=<most megabytes of a function>",
            )
        if config.memory_ceiling_mb and "memory" not in config.remedies:
            raise ConfigError(
                "memory_ceiling_mb",
                config.memory_ceiling_mb,
                "give it together with remedies=memory",
            )
        return config

    def lasting_flags(self) -> str:
        """Render the flags that the next deployment must repeat, as the command line takes them.

        The CDK does not remember flags: a deployment without `email` takes the subscriptions
        away. Flags with their default value, and those for one deployment only, are left out.

        >>> Config(email=("a@example.com",), blast_radius=5).lasting_flags()
        '-c email=a@example.com -c blast_radius=5'
        """
        given = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default and field.name not in _FLAGS_FOR_ONE_DEPLOYMENT:
                text = ",".join(value) if isinstance(value, tuple) else str(value)
                given.append(f"-c {shlex.quote(f'{field.name}={text}')}")
        return " ".join(given)


def _refuse_unknown(context: Mapping[str, Any]) -> None:
    for key in context:
        if key in FLAGS or key in _KEYS_OF_THE_CDK or not _FLAG_LIKE.fullmatch(key):
            continue
        near = difflib.get_close_matches(key.lower().replace("-", "_"), FLAGS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        known = ", ".join(FLAGS)
        raise ConfigError(key, context[key], f"unknown flag, {hint}known are {known}")


def _choice(*allowed: str) -> Callable[[str, str], str]:
    def parse(flag: str, value: str) -> str:
        if value not in allowed:
            raise ConfigError(flag, value, f"must be {' or '.join(allowed)}")
        return value

    return parse


def _rollback_mode(flag: str, value: str) -> str:
    if value == "probation":
        raise ConfigError(flag, value, "is not available in this version, must be now")
    return _choice(*get_args(RollbackMode))(flag, value)


def _whole(lowest: int, highest: int, *, off: bool = False) -> Callable[[str, str], int]:
    allowed = f"must be a whole number from {lowest} to {highest}" + (", or 0 for off" * off)

    def parse(flag: str, value: str) -> int:
        # isdecimal() alone would take digits of other scripts.
        number = int(value) if value.isascii() and value.isdecimal() else -1
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
    allowed = "an address like you@example.com"
    addresses = _parts(flag, value, allowed)
    for address in addresses:
        if not _EMAIL.fullmatch(address):
            raise ConfigError(flag, address, f"must be {allowed}")
    _refuse_twice(flag, tuple(address.lower() for address in addresses))
    return addresses


def _names(flag: str, value: str) -> tuple[str, ...]:
    allowed = "a function name (letters, digits, - and _, at most 64)"
    names = _parts(flag, value, allowed)
    for name in names:
        if not _FUNCTION_NAME.fullmatch(name):
            raise ConfigError(flag, name, f"must be {allowed}")
    _refuse_twice(flag, names)
    return names


def _rollback(flag: str, value: str) -> tuple[str, ...]:
    functions = _parts(flag, value, f"{_A_FUNCTION}, or all")
    if ROLLBACK_ALL in functions:
        if functions != (ROLLBACK_ALL,):
            raise ConfigError(flag, value, "must be either all or functions, not both")
        return functions
    names: list[str] = []
    homes: set[str] = set()
    for function in functions:
        arn = _FUNCTION_ARN.fullmatch(function)
        if arn is None and not _FUNCTION_NAME.fullmatch(function):
            raise ConfigError(flag, function, f"must be {_A_FUNCTION}, or all")
        if arn is not None:
            homes.add(arn["home"])
        names.append(function if arn is None else arn["name"])
    if len(homes) > 1:
        raise ConfigError(flag, value, "must name functions of one account and one Region")
    for name in names:
        if name.startswith(_OWN_PREFIX):
            raise ConfigError(flag, name, "is a function of Loopbreaker, which is never contained")
    _refuse_twice(flag, tuple(names))
    return functions


def _function(flag: str, value: str) -> str:
    arn = _FUNCTION_ARN.fullmatch(value)
    if arn is None and not _FUNCTION_NAME.fullmatch(value):
        raise ConfigError(flag, value, f"must be {_A_FUNCTION}")
    name = value if arn is None else arn["name"]
    if name.startswith(_OWN_PREFIX):
        raise ConfigError(flag, name, "is a function of Loopbreaker, which is never diagnosed")
    return value


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
    "response": _choice(*get_args(Response)),
    "rollback": _rollback,
    "rollback_mode": _rollback_mode,
    "exempt": _names,
    "floor_per_minute": _whole(1, 1_000_000),
    "account_alarm_per_minute": _whole(1, 100_000_000),
    "coverage": _choice(*get_args(Coverage)),
    "sweep_minutes": _whole(5, 1440, off=True),
    "blast_radius": _whole(1, 50),
    "accepted_loops": _names,
    "diagnose": _function,
    "remedies": _remedies,
    "memory_ceiling_mb": _whole(128, 10_240),
}
