"""What is held now and what was, read from the ledger for whoever asks."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.errors import LoopbreakerError
from functions.domain.incidents.history import FILED_KEPT, FiledIncident, LiveLedger
from functions.domain.incidents.incident import KEPT_AFTER_CLOSE, Incident
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.requests.answer import HistoryAnswer, StatusAnswer
from functions.domain.requests.request import MOST_ENTRIES, HistoryRequest, StatusRequest
from functions.domain.requests.summary import (
    summarize_ended,
    summarize_finding,
    summarize_open,
    summarize_remedy,
)
from functions.workflows.rollback.rollback import Rollback

# The names of functions with ended incidents are known for so long.
NAMES_KNOWN_FOR: Final = FILED_KEPT
_A_MOMENT: Final = timedelta(microseconds=1)


def read_status(request: StatusRequest, rollback: Rollback) -> StatusAnswer:
    """Read a page of what is open; the first page has the rest, too.

    Raises
    ------
    LedgerUnavailableError
        When the ledger cannot be read.
    """
    world = rollback.world
    now = world.clock()
    live = world.ledger.read_live()
    still_open = sorted(
        (one for one in live.incidents if not one.is_closed), key=lambda one: one.id
    )
    page = [one for one in still_open if one.id > request.after][:MOST_ENTRIES]
    has_more = bool(page) and page[-1].id < still_open[-1].id
    answer = _Page(incidents=tuple(page), now=now, next_after=page[-1].id if has_more else "")
    return answer.write() if request.after else answer.write_first(live, rollback)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Some of the open incidents."""

    incidents: tuple[Incident, ...]
    now: datetime
    next_after: str

    def write(self) -> StatusAnswer:
        return StatusAnswer(
            at=self.now,
            open=tuple(summarize_open(one, self.now) for one in self.incidents),
            next_after=self.next_after,
        )

    def write_first(self, live: LiveLedger, rollback: Rollback) -> StatusAnswer:
        """Write the page with what stands beside the incidents; what cannot be read is left out."""
        found = rollback.remediation.remediations.read_findings().open
        newest = sorted(found, key=lambda one: (one.first_seen, one.function), reverse=True)
        return StatusAnswer(
            at=self.now,
            open=self.write().open,
            next_after=self.next_after,
            tagged=_find_tagged(live, rollback)[:MOST_ENTRIES],
            unreadable=live.unreadable[:MOST_ENTRIES],
            remedies=tuple(
                summarize_remedy(one) for one in rollback.find_open_remediations()[:MOST_ENTRIES]
            ),
            findings=tuple(map(summarize_finding, newest[:MOST_ENTRIES])),
            findings_open=len(found),
        )


def _find_tagged(live: LiveLedger, rollback: Rollback) -> tuple[str, ...]:
    """The functions whose tags alone report a stop, as far as AWS lists them now."""
    known = {one.function for one in live.incidents if not one.is_closed}
    found = set()
    with suppress(LoopbreakerError):
        for arn in rollback.world.functions.tagged(SNAPSHOT_TAG):
            with suppress(InvalidFunctionReferenceError):
                found.add(parse_function_name(arn))
    return tuple(sorted(found - known))


def read_history(request: HistoryRequest, rollback: Rollback) -> HistoryAnswer:
    """Read ended incidents, newest first: of the named functions, or of all.

    The ledger files ended incidents under the names of their functions, for 400 days. Which
    functions had any is known for 90 days; of what an earlier version filed, for 14 days.

    Raises
    ------
    LedgerUnavailableError
        When the ledger cannot be read.
    """
    world = rollback.world
    now = world.clock()
    live = world.ledger.read_live()
    kept = KEPT_AFTER_CLOSE if request.functions else NAMES_KNOWN_FOR
    known_since = now - kept
    since = max(known_since, request.since or known_since)
    before = (request.before or now + timedelta(days=1), request.before_id)
    if request.functions:
        oldest = dict.fromkeys(request.functions, since)
    else:
        filed = world.ledger.read_filed(since - _A_MOMENT)
        oldest = _find_functions(live, filed, since, before[0], request.limit + 1)
    ended: dict[str, Incident] = {}
    for name, first in oldest.items():
        ended |= {one.id: one for one in world.ledger.read_closed(name, first - _A_MOMENT)}
    found = sorted(
        (one for one in ended.values() if since <= one.ended_at and _get_place(one) < before),
        key=_get_place,
        reverse=True,
    )
    return HistoryAnswer(
        at=now,
        ended=tuple(map(summarize_ended, found[: request.limit])),
        known_since=known_since,
        has_more=len(found) > request.limit,
    )


def _find_functions(
    live: LiveLedger,
    filed: Iterable[FiledIncident],
    since: datetime,
    before: datetime,
    most: int,
) -> dict[str, datetime]:
    """The functions of the newest ended incidents, each with when its oldest one of them ended."""
    past = {(one.until, one.function) for one in live.past}
    past |= {(one.until, one.function) for one in filed}
    past |= {(one.ended_at, one.function) for one in live.incidents if one.is_closed}
    newest = sorted((one for one in past if since <= one[0] <= before), reverse=True)
    at_bound = sum(one[0] == before for one in newest)
    oldest: dict[str, datetime] = {}
    for at, name in newest[: most + at_bound]:
        oldest[name] = min(at, oldest.get(name, at))
    return oldest


def _get_place(incident: Incident) -> tuple[datetime, str]:
    """Where an ended incident stands in the history: several may have ended in one moment."""
    return incident.ended_at, incident.id
