"""Play seeds: `python -m tests.simulation --seed 7`, or many: `--from 0 --count 100000`.

One seed: its schedule in plain English, what happened call by call, and which rules it broke, made
as short as possible. Many: progress on the terminal, or a line now and then in a log.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.drawing import draw
from tests.simulation.play import play
from tests.simulation.shorten import shorten

_PART: Final = 100  # seeds that a process plays at a time
_LOG_SECONDS: Final = 15.0
_SHOWN: Final = 5  # failing seeds that are shown in full


@dataclass(slots=True)
class Part:
    """What some seeds led to."""

    seeds: int = 0
    runs: int = 0
    changes: int = 0
    mails: int = 0
    cpu_seconds: float = 0.0
    broken: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def add(self, other: Part) -> None:
        """Count another part in."""
        self.seeds += other.seeds
        self.runs += other.runs
        self.changes += other.changes
        self.mails += other.mails
        self.cpu_seconds += other.cpu_seconds
        self.broken |= other.broken


def play_part(first: int, count: int) -> Part:
    """Play seeds in a row."""
    began = time.process_time()
    part = Part()
    for seed in range(first, first + count):
        told = play(draw(seed))
        part.seeds += 1
        part.runs += told.runs
        part.changes += told.changes
        part.mails += told.mails
        if told.broken:
            part.broken[seed] = tuple(sorted({one.rule for one in told.broken}))
    part.cpu_seconds = time.process_time() - began
    return part


def show(seed: int, *, shortens: bool) -> str:
    """A seed's schedule with its story; made short first, where it breaks a rule."""
    schedule = draw(seed)
    broken = play(schedule).broken
    lines = []
    if broken and shortens:
        schedule = shorten(schedule, broken[0].rule)
        lines.append(f"made as short as it still breaks the rule '{broken[0].rule}':")
    told = play(schedule, tells=True)
    busy = {one.run for one in told.story if not one.is_quiet}
    story = [one.text for one in told.story if one.run in busy]
    lines += [*schedule.lines(), "", "what happened, without the runs that changed nothing:"]
    lines += [*story, ""]
    lines += [f"broken: {one}" for one in told.broken] or ["no rule is broken"]
    lines.append(f"again: {replay(seed)}")
    return "\n".join(lines)


def replay(seed: int) -> str:
    """The command that plays a seed again."""
    return f"python -m tests.simulation --seed {seed}"


def soak(first: int, count: int, jobs: int, seconds: float) -> Part:
    """Play many seeds on several cores, until all are played or the time is over."""
    whole = Part()
    began = said = time.monotonic()
    is_terminal = sys.stderr.isatty()
    starts = range(first, first + count, _PART)
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        waiting = {
            pool.submit(play_part, start, min(_PART, first + count - start)) for start in starts
        }
        for done in as_completed(waiting):
            part = done.result()
            whole.add(part)
            for seed, rules in part.broken.items():
                line_end = "\n" if is_terminal else ""
                print(f"{line_end}{', '.join(rules)}: {replay(seed)}", file=sys.stderr)
            now = time.monotonic()
            if is_terminal or now - said >= _LOG_SECONDS:
                said = now
                _progress(whole, count, now - began, is_terminal=is_terminal)
            if now - began > seconds:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    if is_terminal:
        print(file=sys.stderr)
    return whole


def _progress(whole: Part, count: int, seconds: float, *, is_terminal: bool) -> None:
    text = (
        f"{whole.seeds:,} of {count:,} schedules, {whole.seeds / seconds:.0f} a second,"
        f" {len(whole.broken)} broke a rule"
    )
    print(f"\r{text}  " if is_terminal else text, end="" if is_terminal else "\n", file=sys.stderr)
    sys.stderr.flush()


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one and tell all about it")
    parser.add_argument("--full", action="store_true", help="do not make it shorter first")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first of many")
    parser.add_argument("--count", type=int, default=2_000, help="how many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after these")
    given = parser.parse_args()
    if given.seed is not None:
        print(show(given.seed, shortens=not given.full))
        return 1 if play(draw(given.seed)).broken else 0
    began = time.monotonic()
    whole = soak(given.first, given.count, given.jobs, given.minutes * 60)
    seconds = time.monotonic() - began
    for seed in sorted(whole.broken)[:_SHOWN]:
        print(show(seed, shortens=True), end="\n\n")
    rules = Counter(rule for found in whole.broken.values() for rule in found)
    print(
        f"{whole.seeds:,} schedules in {seconds:.0f} s ({whole.seeds / seconds:.1f} a second, "
        f"{whole.cpu_seconds / max(1, whole.seeds) * 1000:.1f} ms of CPU each):"
        f" {whole.runs:,} runs, {whole.changes:,} changes, {whole.mails:,} mails;"
        f" {len(whole.broken)} broke a rule"
    )
    for rule, number in rules.most_common():
        seeds = [seed for seed, found in sorted(whole.broken.items()) if rule in found]
        print(f"  {rule}: {number}, seeds {', '.join(map(str, seeds[:20]))}")
    return 1 if whole.broken else 0


if __name__ == "__main__":
    sys.exit(main())
