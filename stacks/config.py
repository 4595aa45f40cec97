"""The context flags of a deployment (`cdk deploy -c <flag>=<value>`), checked in one place.

The values that the CDK command line passes on are texts ("5" stays "5"), so each is parsed here.
The first wrong one ends the synthesis with one line that names the flag, the value and what is
allowed.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from stacks.names import EXEMPT_TAG, EXEMPT_VALUE, GUARD_FUNCTIONS, PRESENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Mode: TypeAlias = Literal["enforce", "observe"]
Response: TypeAlias = Literal["hold", "throttle", "notify"]
RollbackMode: TypeAlias = Literal["now", "probation"]
RollbackForce: TypeAlias = Literal["no", "yes"]
Coverage: TypeAlias = Literal["account", "function"]
Switch: TypeAlias = Literal["on", "off"]
Remedy: TypeAlias = Literal["logs", "traces", "permissions", "memory"]

ROLLBACK_ALL: Final = "all"
NO_EMAIL: Final = "none"
_FLAGS_FOR_ONE_DEPLOYMENT: Final = frozenset(
    {"rollback", "rollback_mode", "rollback_force", "diagnose"}
)

NO_RECIPIENT: Final = (
    "Loopbreaker: nobody would be notified: give -c email=you@example.com, or -c email=none if "
    "others subscribe to the topic, or -c mode=observe"
)
NO_RECIPIENT_OF_CONSTRUCT: Final = (
    'Loopbreaker: nobody would be notified: give email="you@example.com", or email="none" if '
    'others subscribe to the topic, or mode="observe"'
)
# A template holds at most 500 resources and each address is one of them; a mailing list is none.
MOST_ADDRESSES: Final = 50
# Longer than any number that is allowed. Python refuses to read one of more than 4,300 digits.
_MOST_DIGITS: Final = 12

# Keys of the CDK hold a character such as `@` or `:`, with these exceptions, which its command
# line writes for `cdk acknowledge` and `cdk cli-telemetry`.
_LIKE_A_KEY_OF_THE_CDK: Final = re.compile(r"[@:/]")
_KEYS_OF_THE_CDK: Final = frozenset({"acknowledged-issue-numbers", "cli-telemetry"})

_EMAIL: Final = re.compile(r"[^@\s,<>\"]+@[^@\s,<>\"]+\.[^@\s,<>\".]+")
_FUNCTION_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The same as in `functions.domain.account.names`, which stacks may not import: a test compares
# them.
REGION_PATTERN: Final = r"(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-[0-9]"
_FUNCTION_ARN: Final = re.compile(
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


class ConfigFileError(Exception):
    """Raised when the file with lasting flags is not what it must be."""

    def __init__(self, path: Path, wrong: str) -> None:
        super().__init__(f"Loopbreaker: file {path.name} {wrong}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the operator asks of a deployment. docs/deploying.md explains every flag.

    Attributes
    ----------
    email
        Addresses that receive the notices, or ("none",) when others subscribe to the topic.
    mode
        `observe` decides and tells, and changes nothing.
    response
        What is done about a suspected function. A proven loop is always throttled.
    rollback
        Functions to restore with this deployment, by name or ARN, or ("all",).
    rollback_mode
        How they are restored: `now`, or on `probation`, with a little let go first, and watched.
    rollback_force
        Whether they are restored although their loop is still closed in the event graph.
    exempt
        Functions that are never contained, by name or ARN.
    danger_usd_per_minute
        What a function may cost a minute, in dollars. One that costs more is in danger, and
        suspected after one minute; a held one is let go by no more than that. Of the values in
        docs/detection-figures.md the default hastens the most loops for each healthy function.
    floor_per_minute
        A function below so many invocations per minute is never suspected.
    account_alarm_per_minute
        Invocations per minute of the whole account that set off the account-wide alarm; 0 for a
        number above what is normal in the account.
    coverage
        `function` adds an alarm that watches each function by itself.
    sweep_minutes
        Minutes between two sweeps over all functions; 0 for none.
    blast_radius
        Most functions that are contained within one hour.
    accepted_loops
        Functions whose loops are intended, by name or ARN: no warning is sent, and these loops do
        not count as proof.
    diagnose
        Function to examine with this deployment, by name or ARN; empty for none.
    remedies
        Kinds of remedies that are applied without asking; without any, they are only named.
    memory_ceiling_mb
        Most memory that the remedy `memory` may give a function; 0 when it is not allowed.
    events
        Whether the guard publishes an event of each notice on the default bus.
    chat
        Whether there is a topic with messages for Amazon Q Developer in chat applications.
    dashboard
        Whether there is a CloudWatch dashboard with what the guard holds.
    """

    email: tuple[str, ...] = ()
    mode: Mode = "enforce"
    response: Response = "hold"
    rollback: tuple[str, ...] = ()
    rollback_mode: RollbackMode = "now"
    rollback_force: RollbackForce = "no"
    exempt: tuple[str, ...] = ()
    floor_per_minute: int = 500
    danger_usd_per_minute: int = 1
    account_alarm_per_minute: int = 0
    coverage: Coverage = "account"
    sweep_minutes: int = 60
    blast_radius: int = 3
    accepted_loops: tuple[str, ...] = ()
    diagnose: str = ""
    remedies: tuple[Remedy, ...] = ()
    memory_ceiling_mb: int = 0
    events: Switch = "on"
    chat: Switch = "off"
    dashboard: Switch = "off"

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Config:
        """Read the flags out of everything in the CDK's context.

        Raises
        ------
        ConfigError
            On the first flag that is unknown, wrong or in contradiction to another.
        """
        _refuse_unknown(context)
        given = {
            flag: context[flag]
            for flag in FLAGS
            if context.get(flag) is not None and context[flag] != []
        }
        config = cls(**{flag: FLAGS[flag](flag, _text(flag, one)) for flag, one in given.items()})
        for flag in ("rollback_mode", "rollback_force"):
            if flag in given and not config.rollback:
                raise ConfigError(
                    flag,
                    getattr(config, flag),
                    "give it together with rollback=<function>[,<function>...] or rollback=all",
                )
        if config.rollback_mode == "probation" and config.rollback_force == "yes":
            raise ConfigError(
                "rollback_force",
                config.rollback_force,
                "leave it out: rollback_mode=probation needs no force",
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
        if config.remedies and config.mode == "observe" and not config.rollback:
            # With `rollback` they mean: undo them. Nothing else brings the permission to do so.
            raise ConfigError(
                "remedies",
                ",".join(config.remedies),
                "mode=observe changes nothing, so leave it out, or give it together with rollback",
            )
        config.refuse_several_homes()
        return config

    @classmethod
    def from_properties(cls, properties: Mapping[str, object]) -> Config:
        """Read the flags out of the properties of a construct, in Python's own types.

        What is left at its default is not given, and several texts may be any sequence.

        Raises
        ------
        ConfigError
            As `from_context`.
        """
        defaults = {field.name: field.default for field in fields(cls)}
        return cls.from_context(
            {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in properties.items()
                if value != defaults[name]
            }
        )

    @property
    def own_functions(self) -> tuple[str, ...]:
        """The guard functions that are deployed."""
        return (*GUARD_FUNCTIONS, PRESENT) if self.dashboard == "on" else GUARD_FUNCTIONS

    @property
    def addresses(self) -> tuple[str, ...]:
        """Whom this deployment subscribes to the topic."""
        return () if self.email == (NO_EMAIL,) else self.email

    @property
    def is_recipient_missing(self) -> bool:
        """Whether functions would be stopped without anybody being asked who is notified."""
        return self.mode == "enforce" and not self.email

    def arns(self) -> Iterator[tuple[str, re.Match[str]]]:
        """Each ARN that was given, with its flag; `region`, `account` and `name` are its groups."""
        for flag in ("rollback", "diagnose", "exempt", "accepted_loops"):
            value = getattr(self, flag)
            for reference in (value,) if isinstance(value, str) else value:
                arn = _FUNCTION_ARN.fullmatch(reference)
                if arn is not None:
                    yield flag, arn

    def refuse_several_homes(self) -> None:
        """Raise `ConfigError` unless all ARNs are of one account and one Region."""
        first: tuple[str, re.Match[str]] | None = None
        for flag, arn in self.arns():
            first = first or (flag, arn)
            if _home(arn) != _home(first[1]):
                raise ConfigError(
                    flag,
                    arn[0],
                    f"is in {_home(arn)}, but {first[0]}={first[1][0]} is in {_home(first[1])}; "
                    "a deployment watches one account and one Region",
                )

    def refuse_other_homes(self, account: str | None, region: str | None) -> None:
        """Raise `ConfigError` for an ARN of another account or Region than that of the deployment.

        Parameters
        ----------
        account, region
            Where the stack goes; ``None`` where that is not known before the deployment.
        """
        for flag, arn in self.arns():
            if (account or arn["account"], region or arn["region"]) != (
                arn["account"],
                arn["region"],
            ):
                here = " ".join(
                    [f"account {account}"] * bool(account) + [f"Region {region}"] * bool(region)
                )
                raise ConfigError(
                    flag, arn[0], f"is in {_home(arn)}, but this deployment goes to {here}"
                )

    def environment_error(self, function: str, size_bytes: int, limit_bytes: int) -> ConfigError:
        """The error for an environment that Lambda would refuse, which names the longest flag."""
        longest = max(
            ("email", "exempt", "accepted_loops"), key=lambda one: len(",".join(getattr(self, one)))
        )
        value = getattr(self, longest)
        instead = {
            "email": "one address of a mailing list",
            "exempt": f"the tag {EXEMPT_TAG}={EXEMPT_VALUE} on the functions",
            "accepted_loops": "the tag loopbreaker:accepted-loop=<reason> on the functions",
        }[longest]
        return ConfigError(
            longest,
            ",".join(value),
            f"with {len(value)} entries the environment of {function} has {size_bytes:,} bytes, "
            f"Lambda takes {limit_bytes:,}; use {instead} instead",
        )

    def lasting_flags(self) -> str:
        """Render the flags that the next deployment must repeat, as the command line takes them.

        The CDK does not remember flags: a deployment without `exempt` exempts nothing. Flags with
        their default value, and those for one deployment only, are left out.

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


def function_names(references: tuple[str, ...]) -> tuple[str, ...]:
    """Answer the bare names of functions that were given by name or ARN."""
    return tuple(
        reference if (arn := _FUNCTION_ARN.fullmatch(reference)) is None else arn["name"]
        for reference in references
    )


def flags_from_file(path: Path) -> dict[str, Any]:
    """Read lasting flags out of a JSON file; without the file there are none.

    Raises
    ------
    ConfigError
        When it is not a JSON object, or holds something else than flags that last.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFileError(path, f"cannot be read: {error}") from error
    try:
        flags = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigFileError(path, f"is not JSON: {error}") from error
    if not isinstance(flags, dict):
        raise ConfigFileError(path, 'must hold an object such as {"email": "you@example.com"}')
    for key in flags:
        _refuse_unknown_key(key, flags[key])
        if key in _FLAGS_FOR_ONE_DEPLOYMENT:
            raise ConfigFileError(path, f"must not hold {key}: give it with -c, for one deployment")
    return flags


def _home(arn: re.Match[str]) -> str:
    return f"account {arn['account']} Region {arn['region']}"


def _refuse_unknown(context: Mapping[str, Any]) -> None:
    for key in context:
        if key not in _KEYS_OF_THE_CDK and not _LIKE_A_KEY_OF_THE_CDK.search(key):
            _refuse_unknown_key(key, context[key])


def _refuse_unknown_key(key: str, value: object) -> None:
    if key not in FLAGS:
        near = difflib.get_close_matches(key.lower().replace("-", "_"), FLAGS, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/deploying.md lists those that exist"
        raise ConfigError(key, value, f"unknown flag, {hint}")


def _text(flag: str, value: object) -> str:
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
    if not _FUNCTION_ARN.fullmatch(reference) and not _FUNCTION_NAME.fullmatch(reference):
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
