"""Which functions on loops the pulse reads by name, and which of them are worth an assessment.

The account as a whole hides a loop that adds a tenth to it. The event graph names the few functions
that may loop, and a metric that is asked for by name has the same price whatever the account does:
CloudWatch bills metrics, not datapoints (aws.amazon.com/cloudwatch/pricing). So the pulse reads
them in turn, each every few minutes.

The minute of the clock decides whose turn it is. Nothing is stored: a pulse that is lost, comes
twice or is tried again changes nothing about the next one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.deployment.guard_cost import MINUTES_PER_MONTH
from functions.domain.detection.evidence import MINUTE_SECONDS, LoopProof, Series
from functions.domain.detection.lateness import LATEST, count_young, read_back
from functions.domain.detection.precedent import compute_highest_mean
from functions.domain.detection.shapes import RISE_MINUTES, RISE_TIMES
from functions.domain.graph.loop_lookup import OnLoop

# A loop shows with its first full datapoint: read so often it is seen within five of them.
SHORT_MINUTES: Final = 5
# Few functions are read more often, as long as that takes no more than this share of the budget.
FASTER_SHARE: Final = 1 / 3
# Loops that cannot be read so often are not read by name. For the same money the pulse's looks at
# all functions then see as many of them, and others as well.
SLOWEST_MINUTES: Final = 12
# A loop of several functions is read as often though each of them is read more seldom.
MOST_TURNS: Final = 2

# A new rate lies above what the same reading shows of the time before, these minutes apart.
GUARD_MINUTES: Final = 4
_LATE_MINUTES: Final = LATEST // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Functions that are read in turn, each once in so many minutes.

    Attributes
    ----------
    functions
        By their order in the rotation: neighbours are read within the same minute or the next.
    """

    functions: tuple[str, ...]
    every_minutes: int

    @property
    def metrics_a_month(self) -> int:
        """Metrics that any 30 days ask for at most."""
        return count_metrics_a_month(len(self.functions), self.every_minutes)

    def list_due(self, minute: int) -> tuple[str, ...]:
        """The functions of one minute, counted from the epoch."""
        phase, count = minute % self.every_minutes, len(self.functions)
        first = -(-phase * count // self.every_minutes)
        last = -(-(phase + 1) * count // self.every_minutes)
        return self.functions[first:last]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopWatch:
    """What the pulse reads by name.

    Attributes
    ----------
    left_out
        Functions on loops that are too many to be read by name.
    """

    rotations: tuple[Rotation, ...] = ()
    left_out: int = 0

    @property
    def metrics_a_month(self) -> int:
        """Metrics that any 30 days ask for at most."""
        return sum(one.metrics_a_month for one in self.rotations)

    @property
    def functions(self) -> int:
        """How many functions are read."""
        return sum(len(one.functions) for one in self.rotations)

    def list_due(self, now: datetime) -> dict[str, int]:
        """The functions of this minute, the surest loops first, and how often each is read."""
        minute = int(now.timestamp()) // MINUTE_SECONDS
        return {
            name: rotation.every_minutes
            for rotation in self.rotations
            for name in rotation.list_due(minute)
        }


def count_metrics_a_month(functions: int, every_minutes: int) -> int:
    """Metrics that any 30 days ask for, at most."""
    return functions * -(-MINUTES_PER_MONTH // every_minutes)


def plan_watch(
    on_loops: Sequence[OnLoop], most_metrics: int, left_alone: Collection[str] = ()
) -> LoopWatch:
    """Choose who is read, and how often.

    Where all can be read every `SHORT_MINUTES`, all are; few of them more often. Where they cannot,
    functions on certain loops come first, and the others are read as often as what is left pays
    for. Loops that cannot be read every `SLOWEST_MINUTES` are left out.

    Parameters
    ----------
    most_metrics
        That any 30 days may ask for.
    left_alone
        Functions that are never touched.
    """
    known = [one for one in on_loops if one.function not in left_alone]
    every = _find_shortest_interval(len(known), most_metrics)
    if every is not None:
        return LoopWatch(rotations=(_build_rotation(known, every),) if known else ())
    left, rotations = most_metrics, []
    for some in _group_by_certainty(known):
        loops = len({one.loop or one.function for one in some})
        slowest = int(SLOWEST_MINUTES * min(MOST_TURNS, len(some) / loops))
        slow = _find_first_within(len(some), left, range(SHORT_MINUTES, slowest + 1))
        if slow is None:
            break
        rotations.append(_build_rotation(some, slow))
        left -= rotations[-1].metrics_a_month
    watched = sum(len(one.functions) for one in rotations)
    return LoopWatch(rotations=tuple(rotations), left_out=len(known) - watched)


def stands_out(
    invocations: Series, floor_per_minute: float, now: datetime, every_minutes: int
) -> bool:
    """Whether a function may have begun to loop since it was read last.

    Its newest minutes are at the floor, and `RISE_TIMES` what as many minutes (`RISE_MINUTES` at
    most) had before: an assessment suspects nothing less. The rise began after the reading before
    the last one, so that a lost pulse loses no loop. After a few readings the function rests until
    it rises again as much.

    Minutes that are still young say what is there, and not what is missing: see
    `functions.domain.detection.lateness`.
    """
    longest = 2 * every_minutes + _LATE_MINUTES + 1
    return any(
        _is_new(as_of, floor_per_minute, longest, count_young(as_of, now))
        for as_of in read_back(invocations, now)
    )


def _is_new(series: Series, floor: float, longest: int, young: int) -> bool:
    """Whether any run of the newest minutes, up to the longest, lies so far above the time before.

    A young minute without a datapoint breaks no run.
    """
    settled = len(series.values) - young
    counts = [0.0 if value is None else value for value in series.values]
    lowest = float("inf")
    for minutes in range(1, min(longest, len(counts)) + 1):
        first = len(counts) - minutes
        if series.values[first] is not None or first < settled:
            lowest = min(lowest, counts[first])
        if lowest < floor:
            return False
        before = compute_highest_mean(counts, first - GUARD_MINUTES, min(minutes, RISE_MINUTES))
        if lowest >= RISE_TIMES * before:
            return True
    return False


def _find_shortest_interval(functions: int, most_metrics: int) -> int | None:
    """Every how many minutes all of them are read; ``None`` where that would be too seldom."""
    faster = int(FASTER_SHARE * most_metrics)
    return _find_first_within(functions, faster, range(1, SHORT_MINUTES)) or _find_first_within(
        functions, most_metrics, range(SHORT_MINUTES, SHORT_MINUTES + 1)
    )


def _find_first_within(functions: int, most_metrics: int, minutes: range) -> int | None:
    fitting = (
        every for every in minutes if count_metrics_a_month(functions, every) <= most_metrics
    )
    return next(fitting, None)


def _group_by_certainty(known: Sequence[OnLoop]) -> Iterator[list[OnLoop]]:
    """Certain loops that AWS does not stop, the other certain ones, those that are possible."""
    ranks: dict[int, list[OnLoop]] = defaultdict(list)
    for one in known:
        is_certain = one.proof is LoopProof.CERTAIN
        ranks[0 if is_certain and not one.is_stopped_by_aws else 1 if is_certain else 2].append(one)
    for rank in sorted(ranks):
        yield ranks[rank]


def _build_rotation(some: Sequence[OnLoop], every_minutes: int) -> Rotation:
    """In an order in which the functions of one loop lie far apart: it is read the more often."""
    loops: dict[str, list[str]] = defaultdict(list)
    for one in sorted(some, key=lambda one: one.function):
        loops[one.loop or one.function].append(one.function)
    places = sorted(
        ((number / len(loops) + turn / len(names)) % 1.0, name)
        for number, names in enumerate(loops.values())
        for turn, name in enumerate(names)
    )
    return Rotation(functions=tuple(name for _, name in places), every_minutes=every_minutes)
