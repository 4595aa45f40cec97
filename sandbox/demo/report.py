"""What a demonstration showed, for people and for programs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox.weather.seeded import WeatherKind

if TYPE_CHECKING:
    from pathlib import Path

CLOCK_NOTE: Final = (
    "The local CloudWatch runs {speed:g} times as fast as real time: one of its minutes lasts "
    "{minute:g} s, and longer while this machine is busy."
)
REAL_CLOCK_NOTE: Final = "The local CloudWatch runs in real time."
WEATHER_NOTE: Final = (
    "AWS's weather, seed {seed}: metrics appear minutes late, and changes take effect late. How "
    "late they are on AWS is not documented; the figures of this account are assumptions."
)
CALM_NOTE: Final = "Calm weather: metrics and changes are there at once, unlike on AWS."


@dataclass(slots=True, kw_only=True)
class Stage:
    """One step of the demonstration, in real seconds."""

    name: str
    began_at: float
    seconds: float | None = None
    is_done: bool = False


@dataclass(slots=True, kw_only=True)
class Report:
    """What happened. All that did not happen yet is false, empty or unknown."""

    loop: str
    speed: float
    weather: str = WeatherKind.CALM
    seed: int = 0
    functions: tuple[str, ...] = ()
    is_certain: bool = True
    warned_before: bool = False
    seconds_to_warn: float | None = None
    contained: bool = False
    contained_by: str = ""
    verdict: str = ""
    seconds_to_hold: float | None = None
    cloudwatch_minutes_to_hold: float | None = None
    invocations_until_held: int | None = None
    seconds_to_contain: float | None = None
    cloudwatch_minutes_to_contain: float | None = None
    invocations_until_contained: int | None = None
    invocations_after_contained: int | None = None
    healthy_untouched: bool = False
    healthy_invocations: dict[str, int] = field(default_factory=dict)
    healthy_errors: list[str] = field(default_factory=list)
    mail_received: bool = False
    mails: list[str] = field(default_factory=list)
    works_again: bool = False
    restored_exactly: bool = False
    story: str = ""
    story_found: bool = False
    story_fixed: bool = False
    look_alike_untold: bool = False
    stages: list[Stage] = field(default_factory=list)
    total_seconds: float = 0.0
    failure: str = ""

    @property
    def clock_note(self) -> str:
        """What the sandbox's clock means for the figures."""
        if self.speed == 1:
            return REAL_CLOCK_NOTE
        return CLOCK_NOTE.format(speed=self.speed, minute=60 / self.speed)

    @property
    def weather_note(self) -> str:
        """What the sandbox's weather means for the figures."""
        if self.weather == WeatherKind.CALM:
            return CALM_NOTE
        return WEATHER_NOTE.format(seed=self.seed)

    @property
    def shortcomings(self) -> list[str]:
        """What did not happen of what a demonstration is to show."""
        missing = {
            "nobody was warned before the first event": self.warned_before or not self.is_certain,
            "the loop was not contained": self.contained,
            "the mail was not received": self.mail_received,
            "the healthy functions did not run on untouched": self.healthy_untouched,
            "the function does not work again": self.works_again,
            "the settings are not what they were before": self.restored_exactly,
        }
        if self.story:
            missing |= {
                "the misconfiguration was not found": self.story_found,
                "the function was not fixed": self.story_fixed,
                "a look-alike was reported": self.look_alike_untold,
            }
        found = [self.failure] if self.failure else []
        return found + [what for what, happened in missing.items() if not happened]

    def document(self) -> dict[str, Any]:
        """The report as it is written to the file."""
        document = dataclasses.asdict(self)
        document["functions"] = list(self.functions)
        document["stages"] = [
            {
                "name": stage.name,
                "began_at": round(stage.began_at, 1),
                "seconds": None if stage.seconds is None else round(stage.seconds, 1),
                "done": stage.is_done,
            }
            for stage in self.stages
        ]
        document["clock_note"] = self.clock_note
        document["weather_note"] = self.weather_note
        document["shortcomings"] = self.shortcomings
        return document

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.write_text(json.dumps(self.document(), indent=2) + "\n")
