"""What the demonstration was asked to do, and the commands which that makes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.scenarios.misconfigurations import MISCONFIGURATIONS
from sandbox.settings import ACCOUNT_ID, REGION
from sandbox.weather.seeded import WeatherKind

PROJECT: Final = Path(__file__).resolve().parents[2]
OUTPUT: Final = PROJECT / "build" / "demo"
ADDRESS: Final = "on-call@example.com"

DEFAULT_SPEED: Final = 12.0
SECONDS_PER_MINUTE: Final = 60

# Rates of this machine in invocations per real second. A CloudWatch minute is shorter at a higher
# speed and counts fewer of them, so thresholds per minute are divided by the speed.
_FLOOR_PER_MINUTE: Final = 300  # lower than the default: a slow machine loops slowly
_ACCOUNT_ALARM_PER_MINUTE: Final = 480  # 8 a second; the healthy functions make 3

ROUNDS: Final = 3  # events that go round in the loop at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """One demonstration.

    Attributes
    ----------
    loop
        Which kind of loop, see ``sandbox.scenarios.catalogue``.
    speed
        How many times faster than real time the sandbox's CloudWatch lives.
    story
        Which misconfiguration is shown after the loop, see
        ``sandbox.scenarios.misconfigurations``; empty for none.
    weather, seed
        Whether metrics and changes are as late as on AWS, and what that is drawn from.
    shows_full_mails
        Whether a mail is shown to its end.
    output
        Where the report, the picture, the mails and the logs are written.
    """

    loop: str
    speed: float = DEFAULT_SPEED
    story: str = ""
    weather: WeatherKind = WeatherKind.AWS
    seed: int = 0
    shows_full_mails: bool = False
    output: Path = OUTPUT

    @property
    def minute_seconds(self) -> float:
        """How long a CloudWatch minute takes."""
        return SECONDS_PER_MINUTE / self.speed

    @property
    def same_again(self) -> str:
        """The command that shows the same in the same weather."""
        return shlex.join(
            [
                "make",
                "demo",
                f"LOOP={self.loop}",
                f"SPEED={self.speed:g}",
                *([f"STORY={self.story}"] if self.story else []),
                f"WEATHER={self.weather}",
                f"SEED={self.seed}",
            ]
        )

    @property
    def flags(self) -> dict[str, str]:
        """The context flags of every deployment."""
        return {
            "email": ADDRESS,
            "sweep_minutes": "5",
            "floor_per_minute": str(round(_FLOOR_PER_MINUTE / self.speed)),
            "account_alarm_per_minute": str(round(_ACCOUNT_ALARM_PER_MINUTE / self.speed)),
            **(MISCONFIGURATIONS[self.story].flags if self.story else {}),
        }

    @property
    def why(self) -> str:
        """Why these flags."""
        why = "sweep: every function is looked at every 5 minutes"
        if self.speed == 1:
            return why
        return f"{why}; thresholds: {self.speed:g} times lower, as minutes are that much shorter"

    @property
    def bootstrap(self) -> tuple[str, ...]:
        """The arguments of the CDK command that prepares the account."""
        return ("bootstrap", f"aws://{ACCOUNT_ID}/{REGION}")

    @property
    def deploy(self) -> tuple[str, ...]:
        """The arguments of the CDK command that deploys the guard."""
        return ("deploy", *_context(self.flags))

    def rollback(self, functions: tuple[str, ...]) -> tuple[str, ...]:
        """The arguments of the CDK command that restores functions.

        Most fixes are in the code, which the event graph does not know.
        """
        asked = {"rollback": ",".join(functions), "rollback_force": "yes"}
        return ("deploy", *_context({**self.flags, **asked}))


def _context(flags: dict[str, str]) -> list[str]:
    return [part for name, value in flags.items() for part in ("-c", f"{name}={value}")]


def spoken(arguments: tuple[str, ...]) -> str:
    """A CDK command as a person types it."""
    return shlex.join(["npx", "cdk", *arguments])
