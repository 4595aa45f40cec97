"""Shows the demonstration: live on a terminal, line by line in a log."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from sandbox.demo.watch import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from sandbox.demo.report import Report, Stage
    from sandbox.demo.watch import Watch

BARS: Final = " ▁▂▃▄▅▆▇█"
BAR_SECONDS: Final = 40
LOG_SECONDS: Final = 3.0
LOG_WIDTH: Final = 100
DOCUMENT_LINES: Final = 12
REFRESHES_PER_SECOND: Final = 8


class Screen:
    """Where people watch.

    Parameters
    ----------
    shows_full_mails
        Whether a document is shown to its end, and not only its first lines.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        shows_full_mails: bool = False,
    ) -> None:
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console = Console(highlight=False, width=LOG_WIDTH, file=self.console.file)
        self._shows_full_mails = shows_full_mails
        self._began = time.monotonic()
        self._live: Live | None = None
        self._logged = 0.0

    @property
    def seconds(self) -> float:
        """Real seconds since the demonstration began."""
        return time.monotonic() - self._began

    def title(self, text: str, *lines: str) -> None:
        """The beginning."""
        self.console.print(Panel(Text("\n".join(lines)), title=Text(text, style="bold")))

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """One step: its name before, how long it took after."""
        self.console.print()
        self.console.print(Text.assemble(("▸ ", "bold cyan"), (stage.name, "bold")))
        spinner = Spinner("dots", Text(" working", style="dim"))
        with Live(
            spinner,
            console=self.console,
            transient=True,
            refresh_per_second=REFRESHES_PER_SECOND,
            # In a log there is nothing to refresh: the lines are the story.
            auto_refresh=self.console.is_terminal,
        ) as live:
            self._live = live if self.console.is_terminal else None
            if self._live is None:
                live.update("")
            try:
                yield
            finally:
                self._live = None
        self.line(f"done in {self.seconds - stage.began_at:.1f} s", "dim")

    def line(self, text: str, style: str = "") -> None:
        """One line of the story."""
        self.console.print(Padding(Text(text, style=style), (0, 0, 0, 2), expand=False))

    def command(self, text: str) -> None:
        """A command as a person would type it."""
        # Never wrapped: people copy it.
        self.console.print(Text(f"  $ {text}", style="green"), soft_wrap=True)

    def document(self, title: str, text: str, file: Path) -> None:
        """The first lines of a text as it was received, and where all of it is.

        The subject of a mail stands in the title.
        """
        lines = text.splitlines()
        if not self._shows_full_mails and len(lines) > DOCUMENT_LINES:
            text = "\n".join(lines[:DOCUMENT_LINES]).rstrip()
            rest = f"{len(lines) - DOCUMENT_LINES} more lines (FULL=1 shows them): "
        else:
            rest = ""
        self._document(title, text)
        self.line(f"{rest}{file.parent.parent.name}/{file.parent.name}/{file.name}", "dim")

    def _document(self, title: str, text: str) -> None:
        if self.console.is_terminal:
            self.console.print(Panel(Text(text), title=Text(title, style="bold"), expand=False))
            return
        self.console.print(Text(f"  ----- {title}"))
        for line in text.splitlines():
            self.console.print(Text(f"  | {line}"), soft_wrap=True)
        self.console.print(Text("  -----"))

    def look(self, watch: Watch) -> None:
        """Show the account as it is now."""
        if self._live is not None:
            self._live.update(self._picture(watch))
        elif time.monotonic() - self._logged >= LOG_SECONDS:
            self._logged = time.monotonic()
            self.line(self._log_line(watch))

    def _time(self, watch: Watch) -> str:
        seconds = watch.seconds
        if seconds is None:
            return "before the loop"
        return f"{seconds:.0f} s = {watch.minutes:.1f} CloudWatch minutes"

    def _log_line(self, watch: Watch) -> str:
        seconds = watch.seconds
        rates = ", ".join(
            f"{name} {_newest(watch, name)}/s" for name in (*watch.loop, *watch.healthy)
        )
        alarm = f"; ALARM {', '.join(watch.ringing)}" if watch.ringing else ""
        stopped = "; ".join(("", *(state_of(watch.settings[one], one) for one in watch.held)))
        return f"{'before' if seconds is None else f'{seconds:5.0f} s'}  {rates}{alarm}{stopped}"

    def _picture(self, watch: Watch) -> RenderableType:
        table = Table(box=None, padding=(0, 1))
        table.add_column("function", min_width=16)
        table.add_column("per second", justify="right")
        table.add_column(f"the last {BAR_SECONDS} s", min_width=BAR_SECONDS)
        table.add_column("invocations", justify="right")
        table.add_column("reserved")
        for name in (*watch.loop, *watch.healthy):
            is_loop = name in watch.loop
            style = "bold red" if is_loop else "blue"
            settings = watch.settings.get(name)
            reserved = None if settings is None else settings.reserved_concurrency
            table.add_row(
                Text(name, style=style),
                str(_newest(watch, name)),
                Text(_bars(watch.rates.get(name, [])[-BAR_SECONDS:]), style=style),
                f"{watch.counts.get(name, 0):,}",
                ("-" if reserved is None else str(reserved)) if is_loop else "",
            )
        alarm = Text("quiet", style="green")
        if watch.ringing:
            alarm = Text(f"ALARM ({', '.join(watch.ringing)})", style="bold red")
        pulse = watch.journal.pulse or "not yet"
        facts = Text.assemble("alarm: ", alarm, "   pulse: ", pulse, style="dim")
        return Panel(
            Group(table, Text(), facts), title=self._time(watch), title_align="left", expand=False
        )

    def summary(self, report: Report) -> None:
        """What it all came to."""
        table = Table(title="What happened", title_justify="left", show_header=False)
        table.add_column()
        table.add_column()
        for name, value in _summary_rows(report):
            table.add_row(name, value)
        self.console.print()
        self.console.print(table)


def _summary_rows(report: Report) -> list[tuple[str, str]]:
    contained = "no"
    if report.contained and report.seconds_to_contain is not None:
        contained = (
            f"yes, {report.seconds_to_contain:.1f} s after its start"
            f" ({report.cloudwatch_minutes_to_contain or 0:.1f} CloudWatch minutes),"
            f" found by the {report.contained_by or 'guard'}"
        )
    count = "unknown"
    if report.invocations_until_held is not None:
        count = (
            f"{report.invocations_until_held:,} until held, "
            f"{report.invocations_until_contained or 0:,} until contained, "
            f"{report.invocations_after_contained or 0:,} after"
        )
    held = "no"
    if report.seconds_to_hold is not None:
        held = (
            f"yes, {report.seconds_to_hold:.1f} s after its start"
            f" ({report.cloudwatch_minutes_to_hold or 0:.1f} CloudWatch minutes)"
        )
    healthy = ", ".join(f"{name} {n:,} runs" for name, n in report.healthy_invocations.items())
    fixed = f"found {_yes(report.story_found)}, fixed {_yes(report.story_fixed)}"
    untold = f"look-alikes not reported {_yes(report.look_alike_untold)}"
    story = [(f"then: {report.story}", f"{fixed}, {untold}")]
    return [
        ("loop", f"{report.loop}: {', '.join(report.functions)}"),
        ("weather", f"{report.weather}, seed {report.seed}"),
        (
            "warned before",
            _yes(report.warned_before) if report.is_certain else "a possible loop: in the digest",
        ),
        ("held", held),
        ("contained", contained),
        ("its invocations", count),
        ("healthy functions untouched", f"{_yes(report.healthy_untouched)} ({healthy})"),
        ("mail received", _yes(report.mail_received)),
        ("works again", _yes(report.works_again)),
        ("restored exactly", _yes(report.restored_exactly)),
        *(story if report.story else ()),
        ("took", f"{report.total_seconds:.0f} s"),
    ]


def _yes(value: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "yes" if value else "NO"


def _newest(watch: Watch, name: str) -> int:
    """Invocations in the newest second that is over."""
    rates = watch.rates.get(name, [0])
    return rates[-1]


def _bars(values: list[int]) -> str:
    highest = max(8, *values) if values else 8
    steps = len(BARS) - 1
    return "".join(BARS[min(steps, -(-value * steps // highest))] for value in values)
