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
from typing import TYPE_CHECKING, Any, Final

from stacks.flag_values import (
    FLAGS,
    FUNCTION_ARN,
    NO_EMAIL,
    ConfigError,
    describe_home,
    read_text,
)
from stacks.names import EXEMPT_TAG, EXEMPT_VALUE, GUARD_FUNCTIONS, PRESENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from stacks.flag_values import (
        Coverage,
        Mode,
        Remedy,
        Response,
        RollbackForce,
        RollbackMode,
        Switch,
    )

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
# Keys of the CDK hold a character such as `@` or `:`, with these exceptions, which its command
# line writes for `cdk acknowledge` and `cdk cli-telemetry`.
_LIKE_A_KEY_OF_THE_CDK: Final = re.compile(r"[@:/]")
_KEYS_OF_THE_CDK: Final = frozenset({"acknowledged-issue-numbers", "cli-telemetry"})


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
        What is done about a suspected function. One whose loop AWS itself has stopped is always
        stopped.
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
        config = cls(
            **{flag: FLAGS[flag](flag, read_text(flag, one)) for flag, one in given.items()}
        )
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
                arn = FUNCTION_ARN.fullmatch(reference)
                if arn is not None:
                    yield flag, arn

    def refuse_several_homes(self) -> None:
        """Raise `ConfigError` unless all ARNs are of one account and one Region."""
        first: tuple[str, re.Match[str]] | None = None
        for flag, arn in self.arns():
            first = first or (flag, arn)
            if describe_home(arn) != describe_home(first[1]):
                raise ConfigError(
                    flag,
                    arn[0],
                    f"is in {describe_home(arn)}, but {first[0]}={first[1][0]} is in "
                    f"{describe_home(first[1])}; a deployment watches one account and one Region",
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
                    flag, arn[0], f"is in {describe_home(arn)}, but this deployment goes to {here}"
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


def _refuse_unknown(context: Mapping[str, Any]) -> None:
    for key in context:
        if key not in _KEYS_OF_THE_CDK and not _LIKE_A_KEY_OF_THE_CDK.search(key):
            _refuse_unknown_key(key, context[key])


def _refuse_unknown_key(key: str, value: object) -> None:
    if key not in FLAGS:
        near = difflib.get_close_matches(key.lower().replace("-", "_"), FLAGS, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/deploying.md lists those that exist"
        raise ConfigError(key, value, f"unknown flag, {hint}")
