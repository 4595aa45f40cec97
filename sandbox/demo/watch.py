"""Looks at the running account again and again, and remembers when things happened."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox.demo.journal import Journal
from sandbox.scenarios.provision import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.demo.journal import Decided
    from sandbox.local_aws import LocalAws, Mail
    from sandbox.scenarios.provision import FunctionSettings

LOOK_SECONDS: Final = 0.15
READ_SECONDS: Final = 1.0
ALARM_PREFIX: Final = "Loopbreaker-signal-"
STOPPED: Final = "STOPPED"
KEPT: Final = "LOOP, HELD"
UNDECIDED: Final = "HELD, YOU DECIDE"  # on a busy machine a loop may go round too seldom to be told
CONTAINED: Final = (STOPPED, KEPT, UNDECIDED)  # what the mail of a containment may begin with
HELD: Final = "HELD "
WARNING: Final = "WARNING"


class NotInTimeError(TimeoutError):
    """When something that the demonstration waits for did not happen."""


@dataclass(slots=True)
class Happened:
    """Moments in real seconds from the start of the loop; unknown ones are missing."""

    alarm: float | None = None
    held: float | None = None
    contained: float | None = None
    mail: float | None = None
    fixed: float | None = None
    rolled_back: float | None = None
    handled: float | None = None


@dataclass(slots=True)
class Watch:
    """The account as it was at the last look.

    Attributes
    ----------
    loop, healthy
        Names of the functions.
    on_look
        Called after each look, to show it.
    until_held
        How often the looping functions had run when the first of them was seen held, or stopped;
        counted before that was asked, so it is never too high.
    minutes, minutes_until_held, minutes_until_contained
        CloudWatch's minutes since the loop started, which differ in length.
    """

    aws: LocalAws
    loop: tuple[str, ...]
    healthy: tuple[str, ...]
    on_look: Callable[[Watch], None] = lambda _watch: None
    happened: Happened = field(default_factory=Happened)
    rates: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    ringing: tuple[str, ...] = ()
    settings: dict[str, FunctionSettings] = field(default_factory=dict)
    until_held: int = 0
    minutes: float = 0.0
    minutes_until_held: float = 0.0
    minutes_until_contained: float = 0.0
    journal: Journal = field(init=False)
    _began: float | None = None
    _began_virtual: float = 0.0
    _counted_before: int = 0
    _settings_before: dict[str, FunctionSettings] = field(default_factory=dict)
    _looked: float = 0.0
    _read: float = 0.0

    def __post_init__(self) -> None:
        self.journal = Journal(self.aws)

    @property
    def seconds(self) -> float | None:
        """Real seconds since the loop started."""
        return None if self._began is None else time.monotonic() - self._began

    @property
    def held(self) -> tuple[str, ...]:
        """The functions of the loop of which something is not as it was when it started."""
        return tuple(
            name
            for name in self.loop
            if self._began is not None and self.settings.get(name) != self._settings_before[name]
        )

    @property
    def contained(self) -> tuple[str, ...]:
        """The functions of the loop that the guard has decided to stop, or to keep held."""
        found = [one.function for one in self.journal.decisions if one.is_containing]
        return tuple(name for name in self.held if name in found)

    def begin(self) -> None:
        """The loop starts now."""
        self._counted_before = self._loop_count(self.aws.counts())
        self._settings_before = {name: settings_of(self.aws, name) for name in self.loop}
        self._began, self._began_virtual = time.monotonic(), self.aws.clock.timestamp()

    def look(self) -> None:
        """Look at the account, at most every `LOOK_SECONDS`."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        state: dict[str, Any] = self.aws.state()
        self.rates, self.counts = state["rates"], state["counts"]
        self.ringing = tuple(
            alarm["name"].removeprefix(ALARM_PREFIX)
            for alarm in state["alarms"]
            if alarm["name"].startswith(ALARM_PREFIX) and alarm["state"] == "ALARM"
        )
        self.settings = {name: settings_of(self.aws, name) for name in self.loop}
        if now - self._read >= READ_SECONDS:
            self._read = now
            self.journal.read()
        if self._began is not None:
            self.minutes = (state["clock"]["now"] - self._began_virtual) / 60
            self._note()
        self.on_look(self)

    def until(self, condition: Callable[[], bool], what: str, minutes: float) -> None:
        """Look until something is the case.

        Raises
        ------
        NotInTimeError
            When it is not the case within so many of CloudWatch's minutes.
        """
        began = self.aws.clock.timestamp()
        while not condition():
            if self.aws.clock.timestamp() - began > 60 * minutes:
                raise NotInTimeError(f"{what}: not within {minutes:g} CloudWatch minutes")
            self.look()
            time.sleep(LOOK_SECONDS / 2)

    def for_seconds(self, seconds: float) -> None:
        """Look for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(LOOK_SECONDS / 2)

    def counted_loop(self) -> int:
        """How often the looping functions have run at all."""
        return self._loop_count(self.aws.counts())

    def loop_invocations(self) -> int:
        """How often the looping functions have run since the loop started."""
        return self._loop_count(self.aws.counts()) - self._counted_before

    def mail_of_containment(self) -> Mail | None:
        """The mail that tells that a function of the loop was stopped, or is kept held."""
        mails = (self._mail_about_loop(lead) for lead in CONTAINED)
        return next((mail for mail in mails if mail is not None), None)

    def mail_of_hold(self) -> Mail | None:
        """The mail that tells that a function of the loop is held."""
        return self._mail_about_loop(HELD)

    def _mail_about_loop(self, lead: str) -> Mail | None:
        return next(
            (
                mail
                for mail in self.aws.mails()
                if lead in mail.subject and any(name in mail.subject for name in self.loop)
            ),
            None,
        )

    def mail_of_warning(self) -> Mail | None:
        """The mail that tells that the functions could loop, from before the first event."""
        return next(
            (
                mail
                for mail in self.aws.mails()
                if WARNING in mail.subject and any(name in mail.body for name in self.loop)
            ),
            None,
        )

    def decision(self) -> Decided | None:
        """The decision that stopped the loop, or keeps it held."""
        containing = (one for one in self.journal.decisions if one.is_containing)
        return next((one for one in containing if one.function in self.loop), None)

    def _note(self) -> None:
        at, happened = self.seconds, self.happened
        if happened.alarm is None and self.ringing:
            happened.alarm = at
        if happened.held is None:
            if self.held:
                happened.held, self.minutes_until_held = at, self.minutes
            else:
                self.until_held = self._loop_count(self.counts) - self._counted_before
        if happened.contained is None:
            if self.contained:
                happened.contained, self.minutes_until_contained = at, self.minutes
        elif happened.rolled_back is None and not self.held:
            happened.rolled_back = at
        if happened.mail is None and happened.contained and self.mail_of_containment() is not None:
            happened.mail = at

    def _loop_count(self, counts: dict[str, int]) -> int:
        return sum(counts.get(name, 0) for name in self.loop)


def state_of(settings: FunctionSettings, name: str) -> str:
    """What of a function's settings stops or holds it, in words."""
    if settings.reserved_concurrency is not None:
        return f"the reserved concurrency of {name} is {settings.reserved_concurrency}"
    paused = sum("isabl" in state for _, state in settings.mappings)
    return f"{paused} of {len(settings.mappings)} mappings of {name} paused"
