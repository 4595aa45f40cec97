"""``python -m sandbox.demo``: a loop is found, stopped, mailed and rolled back."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Final

from sandbox.demo.report import Report
from sandbox.demo.screen import Screen
from sandbox.demo.settings import DEFAULT_SPEED, PROJECT, DemoSettings
from sandbox.demo.story import Story
from sandbox.scenarios.catalogue import LOOPS
from sandbox.scenarios.misconfigurations import MISCONFIGURATIONS
from sandbox.weather.seeded import MOST_SEED, WeatherKind, new_seed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

INTERRUPTED: Final = 130
HIGHEST_SPEED: Final = 60.0


def parse(arguments: Sequence[str] | None = None) -> DemoSettings:
    """The settings on the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument(
        "--loop", choices=sorted(LOOPS), default="dynamodb", help="through what it loops"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=DEFAULT_SPEED,
        help="how much faster than real time CloudWatch lives (default: %(default)g)",
    )
    parser.add_argument(
        "--story",
        choices=sorted(MISCONFIGURATIONS),
        default="",
        help="which misconfiguration follows the loop",
    )
    parser.add_argument(
        "--weather",
        choices=sorted(WeatherKind),
        default=WeatherKind.AWS,
        help="calm: metrics at once and everything once, unlike on AWS (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=_seed, help="what the weather is drawn from (default: another each time)"
    )
    parser.add_argument("--full", action="store_true", help="show mails in full")
    given = parser.parse_args(arguments)
    return DemoSettings(
        loop=given.loop,
        speed=given.speed,
        story=given.story,
        weather=WeatherKind(given.weather),
        seed=new_seed() if given.seed is None else given.seed,
        shows_full_mails=given.full,
    )


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= HIGHEST_SPEED:
        raise argparse.ArgumentTypeError(
            f"{text} is not a speed: must be a number from 1 to {HIGHEST_SPEED:g}"
        )
    return value


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= MOST_SEED:
        raise argparse.ArgumentTypeError(
            f"{text} is not a seed: must be a whole number from 0 to {MOST_SEED - 1}"
        )
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0 only if everything happened that it is to show."""
    settings = parse(arguments)
    # Refused calls of the healthy functions are counted; their traces belong in no story.
    logging.getLogger("sandbox").setLevel(logging.CRITICAL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    report = Report(
        loop=settings.loop,
        speed=settings.speed,
        story=settings.story,
        weather=settings.weather,
        seed=settings.seed,
    )
    screen = Screen(shows_full_mails=settings.shows_full_mails)
    screen.title(
        "Loopbreaker",
        f"A function that invokes itself (by way of: {settings.loop}) is found, stopped, told of",
        "and put back, on this machine.",
        report.clock_note,
        report.weather_note,
    )
    try:
        Story(settings, screen, report).tell()
    except KeyboardInterrupt:
        screen.line("Interrupted. Everything that was started is stopped.", "bold red")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, the report and the exit code say so
        report.failure = f"{type(error).__name__}: {error}"
        (settings.output / "error.txt").write_text(traceback.format_exc())
    report.total_seconds = round(screen.seconds, 1)
    report.write(settings.output / "report.json")
    screen.summary(report)
    kept = settings.output.relative_to(PROJECT)
    screen.line(
        f"{kept}/report.json, timeline.png, loops.svg, mail-*.txt, guard.log, sandbox.log", "dim"
    )
    if report.shortcomings:
        screen.line(f"The same again: {settings.same_again}", "dim")
    for shortcoming in report.shortcomings:
        screen.line(f"FAILED: {shortcoming}", "bold red")
    return 1 if report.shortcomings else 0


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that everything is stopped; a second signal changes nothing."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
