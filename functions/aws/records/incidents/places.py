"""Places within the blast radius: who has one, since when and until when."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from functions.aws.records.items import build_key, read_item, read_text, write_epoch
from functions.aws.records.writes import NEW, Compare, Delete, PutItem
from functions.aws.runtime.observability import logger
from functions.domain.errors import LedgerUnavailableError
from functions.domain.incidents.history import counts_when_closed
from functions.domain.incidents.ports import BlastRadiusReached

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from functions.aws.records.table import Refusals, Table
    from functions.aws.records.writes import Write
    from functions.domain.incidents.incident import Incident
    from functions.domain.incidents.ports import BlastRadius

_SLOT: Final = "slot"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A place that is taken.

    Attributes
    ----------
    since, until
        In seconds since the epoch. A place without `since` is of an earlier version.
    """

    function: str
    incident: str
    until: float
    since: float | None = None


class Places:
    """The places of all functions."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def write_with_place(
        self,
        writes: Sequence[Write],
        incident: Incident,
        now: datetime,
        blast_radius: BlastRadius | None,
    ) -> Refusals | BlastRadiusReached | None:
        """Write together with a place within the blast radius, if there is one.

        Answers ``None`` when it is done, and what became of the writes when one was refused.
        """
        if blast_radius is None:
            return self._table.write(*writes)
        # Functions try different places first, and each the one that it had before.
        number = zlib.crc32(incident.function.encode(errors="backslashreplace")) % max(
            1, blast_radius.most
        )
        instead_of = incident.id
        while True:
            if number < blast_radius.most:
                claim = _claim(number, incident, now, blast_radius.window, instead_of)
                refusals = self._table.write(*writes, claim)
                if refusals is None or any(one is not None for one in refusals[:-1]):
                    return refusals
            taken = self._read_taken(now)
            found = _choose_place(incident.function, taken, blast_radius.most)
            if found is None and not blast_radius.is_binding:
                return self._table.write(*writes)
            if found is None:
                functions = {one.function for one in taken.values()}
                return BlastRadiusReached(contained=tuple(sorted(functions)))
            number, instead_of = found, taken[found].incident if found in taken else incident.id

    def give_back(
        self, incident: Incident, closed_since: Callable[[str, datetime], tuple[Incident, ...]]
    ) -> None:
        """Give the place of an incident back that holds nothing any more.

        What it had in its window stays counted where the function was held before by another
        incident of that time. A place that could not be given back is free at the end of its
        window.

        Parameters
        ----------
        closed_since
            The closed incidents of a function since a moment.
        """
        try:
            for item in self._table.query(_SLOT):
                place = read_item(_Place, item)
                if place.incident != incident.id or place.since is None:
                    continue
                window_seconds = place.until - place.since
                began = datetime.fromtimestamp(place.since - window_seconds, UTC)
                others = closed_since(incident.function, began)
                if any(one.id != incident.id and counts_when_closed(one) for one in others):
                    continue
                is_its_own = Compare("incident", "=", {"S": incident.id})
                key = build_key(_SLOT, read_text(item, "sk"))
                self._table.write(Delete(key=key, condition=is_its_own))
        except LedgerUnavailableError as error:
            logger.warning("place not given back", about=incident.id, why=str(error))

    def _read_taken(self, now: datetime) -> dict[int, _Place]:
        """The places that count now."""
        moment = float(write_epoch(now)["N"])
        places = {
            int(read_text(item, "sk")): read_item(_Place, item) for item in self._table.query(_SLOT)
        }
        return {number: place for number, place in places.items() if place.until > moment}


def _choose_place(function: str, taken: Mapping[int, _Place], most: int) -> int | None:
    """The place that a function may take: its own, a free one, or one too many of another's.

    A function may have come to two places; a limit of functions is not reached by that.
    """
    own = [number for number, one in taken.items() if one.function == function]
    free = [number for number in range(most) if number not in taken]
    counts = Counter(one.function for one in taken.values())
    spare = sorted((one.until, number) for number, one in taken.items() if counts[one.function] > 1)
    numbers = (*sorted(own), *free, *(number for _, number in spare))
    return next((one for one in numbers if one < most), None)


def _claim(
    number: int, incident: Incident, now: datetime, window: timedelta, instead_of: str
) -> PutItem:
    """Take a place: a free one, the function's own, or the one of the named incident."""
    is_over = Compare("until", "<=", write_epoch(now))
    is_its_own = Compare("function", "=", {"S": incident.function})
    is_given_up = Compare("incident", "=", {"S": instead_of})
    return PutItem(
        item={
            **build_key(_SLOT, f"{number:02d}"),
            "incident": {"S": incident.id},
            "function": {"S": incident.function},
            "since": write_epoch(now),
            "until": write_epoch(now + window),
        },
        condition=NEW | is_over | is_its_own | is_given_up,
    )
