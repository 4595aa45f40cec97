"""Reads the roles of schedules, which no list has, of few: for an account may have a million."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from functions.domain.account.inventory import Account, Schedule
from functions.domain.diagnosis.collection.failure_metrics import group_of
from functions.domain.diagnosis.collection.ports import ScheduleReader
from functions.domain.diagnosis.facts import FactGap, Part
from functions.domain.diagnosis.invokers import find_scheduled
from functions.domain.errors import LoopbreakerError

# Of schedules in groups that count errors, and again of those of functions that are looked at for
# another reason: neither takes the other's turn.
MOST_READ: Final = 50

_Named: TypeAlias = tuple[str, Schedule]  # with the name of the function that it invokes


def list_groups(account: Account) -> tuple[str, ...]:
    """The names of the groups of which some schedule invokes a function of the account."""
    return tuple(sorted({group_of(one.arn) for _, one in find_scheduled(account)} - {""}))


def add_roles(
    account: Account,
    failing: frozenset[str],
    closely: frozenset[str],
    schedules: ScheduleReader,
    now: datetime,
) -> tuple[Account, Mapping[str, tuple[FactGap, ...]]]:
    """The account with the roles of the schedules that something is suspected of.

    Where there are too many of them each day begins with others.

    Parameters
    ----------
    failing
        Names of the groups that count errors.
    closely
        Functions of which schedules are read however well these do.

    Returns
    -------
    tuple
        The account, without schedules that are gone by now, and what could not be read, by the
        name of the function that is invoked.
    """
    found = [one for one in find_scheduled(account) if not one[1].role_arn]
    watched = [one for one in found if one[0] in closely]
    others = [one for one in found if one[0] not in closely and group_of(one[1].arn) in failing]
    told: dict[str, Schedule | None] = {}
    gaps: dict[str, tuple[FactGap, ...]] = {}
    for turn in (_rotate(watched, now), _rotate(others, now)):
        for name, words in (
            *_read(turn[:MOST_READ], schedules, told),
            *_describe_left(turn[MOST_READ:]),
        ):
            gaps[name] = (*gaps.get(name, ()), FactGap(part=Part.SCHEDULES, words=words))
    kept = (told.get(one.arn, one) for one in account.schedules)
    return replace(account, schedules=tuple(one for one in kept if one is not None)), gaps


def _rotate(found: Sequence[_Named], now: datetime) -> tuple[_Named, ...]:
    """All of them, in an order of their own, from where yesterday's turn ended."""
    ordered = sorted(found, key=lambda one: one[1].arn)
    first = now.toordinal() * MOST_READ % max(1, len(ordered))
    return (*ordered[first:], *ordered[:first])


def _read(
    found: Iterable[_Named], schedules: ScheduleReader, told: dict[str, Schedule | None]
) -> Iterator[tuple[str, str]]:
    """Put what AWS tells into `told`; yield what it does not, with the function's name."""
    for name, one in found:
        try:
            told[one.arn] = schedules.read_schedule(one)
        except LoopbreakerError as error:
            yield name, str(error)


def _describe_left(found: Iterable[_Named]) -> Iterator[tuple[str, str]]:
    names = [name for name, _ in found]
    for name in dict.fromkeys(names):
        count = names.count(name)
        yield name, f"those of {count:,} more were not asked for, to keep the number of calls low"
