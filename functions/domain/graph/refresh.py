"""Where the refresh of the event graph stands, and what is due next."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from functions.domain.account.configuration_change import Change
from functions.domain.errors import LoopbreakerError
from functions.domain.notices.notice import Notice

# The parts of version 1 held the values of environment variables. Those of version 2 held no trust
# policies, and took a bare name in a variable for whatever has that name.
SCHEMA: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Which parts make up the facts that began to be read at `at`.

    Attributes
    ----------
    schema
        The version of the parts' shapes. What was stored without one is of the first.
    parts
        By ``section#shard``: the part's name, which is ``<digest>#<number of items>``.
    """

    at: datetime
    schema: int = 1
    parts: Mapping[str, str] = field(default_factory=dict)


class TurnLostError(LoopbreakerError):
    """When another run has taken over: this one was held up for longer than it may take."""


class PassKind(StrEnum):
    """How thorough a reading is."""

    FULL = "full"  # everything
    LIGHT = "light"  # all lists, and the details of what is new on them


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A reading that goes on in the next run. `runs` have been spent on it."""

    kind: PassKind
    manifest: Manifest
    runs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartState:
    """Where charting stands.

    Attributes
    ----------
    facts
        The complete facts that the book was made of; ``None`` before the first.
    full_at, listed_at
        When the last full pass, and the last pass of any kind, began to be read.
    going
        A pass that is not at its end.
    told
        Keys of the loops that people were notified of (`make_notified_key`), oldest first.
    digest_at
        When the last digest of possible loops was due; ``None`` before the first.
    told_gaps
        Missing permissions that people were notified of, as ``area|action``.
    """

    facts: Manifest | None = None
    full_at: datetime | None = None
    listed_at: datetime | None = None
    going: Pass | None = None
    told: tuple[str, ...] = ()
    told_gaps: tuple[str, ...] = ()
    digest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedChange:
    """A change with the mark of its last note: a later one of the same kind has another."""

    change: Change
    mark: str


def make_notice_id(now: datetime, number: int, notice: Notice) -> str:
    """An id by which notices of one moment sort in their order."""
    text = f"{notice.subject}\n{notice.body}"
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:12]
    return f"{now.isoformat(timespec='microseconds')}#{number:03}#{digest}"


class RefreshAction(StrEnum):
    """What a tick does."""

    FULL = "full pass"
    LIGHT = "light pass"
    GO_ON = "pass goes on"
    CHANGES = "changes"
    NOTHING = "nothing"
    BUSY = "another run is at it"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshIntervals:
    """How often the account is read."""

    full: timedelta = timedelta(hours=24)
    light: timedelta = timedelta(hours=1)


def choose_action(
    state: ChartState, now: datetime, intervals: RefreshIntervals, *, has_changes: bool
) -> RefreshAction:
    """What the next tick has to do."""
    if state.going is not None:
        return RefreshAction.GO_ON
    if state.facts is None or state.full_at is None or now - state.full_at >= intervals.full:
        return RefreshAction.FULL
    if state.listed_at is None or now - state.listed_at >= intervals.light:
        return RefreshAction.LIGHT
    return RefreshAction.CHANGES if has_changes else RefreshAction.NOTHING
