"""What a round of a hold has shown, once all the minutes are settled that it rests on."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Final

from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.holding.judgement.balance import Balance
from functions.domain.holding.judgement.case import BACK_SHARE, GUESSED_TIMES, Case
from functions.domain.holding.judgement.catching_up import (
    CatchingUp,
    is_level_again,
    may_loop_beside_work,
)
from functions.domain.holding.judgement.outside import (
    MOST_WRITES,
    count_least_outside,
    is_explained_by_writes,
)
from functions.domain.holding.judgement.trial import compute_retry
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldVerdict,
    Release,
    ReleaseReason,
    Shown,
    TryLonger,
    UntoldReason,
)
from functions.domain.holding.plan import GENERATIONS
from functions.domain.holding.watch import Lever

FEW_GENERATIONS: Final = 8.0  # that a loop passes, where it could have had many more
FEW_SHARE: Final = 0.2  # of the generations that a loop could have had
MANY_WRITES: Final = 8.0  # events for each, of a function whose trial did not show a loop
LEVEL_TIMES: Final = 1.6  # more than what was let go can have written
SERVED_TIMES: Final = 1.15  # of what ran during the trial, with full batches
UNEVEN: Final = (0.25, 2.5)  # each minute of the trial over their mean
FILLED_SHARE: Final = 0.5  # of its rate, that comes in the broken minutes of the trial too
EDGE_SHARE: Final = 0.05  # of what came, that stays uncertain when the function stands still
GROWING: Final = 1.1  # events that arrived for each that was served: it multiplies them
SIGMAS: Final = 3.0


def conclude(case: Case) -> HoldVerdict:
    """The verdict, once all the minutes are settled that it rests on."""
    return _conclude_beside_work(case) or _conclude_rounds(case)


def _conclude_rounds(case: Case) -> HoldVerdict:
    """What goes round, against what comes from outside."""
    tally, figures = case.tally, case.figures
    minutes = case.trial
    level = tally.rate(minutes) - case.outside
    if not minutes or level < BACK_SHARE * case.expected:
        return Release(reason=ReleaseReason.NOT_COME_BACK, figures=figures)
    before = count_least_outside(case, tally.seen(case.held))
    outside = max(before, tally.unserved(tally.seen(case.again)))
    if (1 + MOST_WRITES) * outside >= level + outside:
        return Release(reason=ReleaseReason.CAME_ON, figures=figures)
    if _has_ended(case):
        return Release(reason=ReleaseReason.ENDED, figures=figures)
    balance = Balance.of(case)
    account = balance if balance is not None and balance.shows_loop else None
    stops = _stops_with_runs(case, account) if account else _stops_at_once(case)
    if not stops and case.fan_out <= GROWING and not _is_silent_again(case):
        return Release(reason=ReleaseReason.CAME_ON, figures=figures)
    if not _is_like_trial(case, account):
        return Release(reason=ReleaseReason.UNLIKE_TRIAL, figures=figures)
    generations = figures.generations or 0.0
    if stops and generations >= GENERATIONS:
        return Shown(figures=figures)
    if stops and account is not None:
        written = round(account.multiplies, 2)
        return Shown(figures=replace(figures, written_for_each=written))
    came = case.unwritten * len(minutes)
    possible = case.expected * len(minutes) / (case.waiting + came)
    if generations < min(FEW_GENERATIONS, FEW_SHARE * possible):
        return Release(reason=ReleaseReason.FEW_GENERATIONS, figures=figures)
    limit = _name_limit(case, came)
    more = compute_retry(case, limit, possible)
    if more is not None:
        return TryLonger(seconds=more, reason=limit, figures=figures)
    return CannotTell(reason=limit, figures=figures)


def _conclude_beside_work(case: Case) -> Shown | Release | None:
    """What the trial shows of a loop inside a busy function; ``None``: nothing of that kind."""
    if not may_loop_beside_work(case):
        return None
    catching_up = CatchingUp.of(case) if is_level_again(case, case.trial[-1:]) else None
    if catching_up is not None and catching_up.shows_loop and _stops_at_once(case):
        figures = replace(
            case.figures,
            wrote_minutes=catching_up.wrote,
            writer_minutes=catching_up.ran + catching_up.still,
        )
        return Shown(figures=figures, is_beside_work=True)
    is_writer = catching_up is not None and catching_up.shows_writer
    if is_writer or is_explained_by_writes(case, MANY_WRITES):
        return Release(reason=ReleaseReason.WRITES_EXPLAIN, figures=case.figures)
    return None


def _is_silent_again(case: Case) -> bool:
    """Whether a loop that was shown before falls silent, with more of it waiting than before.

    One that multiplies its events a little has gathered more of them in two trials.
    """
    return case.watch.was_shown and not _goes_on(case)


def _has_ended(case: Case) -> bool:
    """Whether it fell silent within the trial, although it ran."""
    last = case.tally.arrived[case.trial[-1]] - case.outside
    return last < BACK_SHARE * min(case.expected, case.tally.rate(case.trial) - case.outside)


def _is_like_trial(case: Case, account: Balance | None) -> bool:
    """Whether what came is what was let go can have written: as much, minute after minute.

    Of a loop that still grew when it was held, the minutes before show less than it can write. The
    account of its events has shown that it wrote all of them.
    """
    tally, minutes = case.tally, case.trial
    mean = tally.rate(minutes)
    noise = SIGMAS * math.sqrt(mean)
    if account is None and not _could_write(case, mean, noise):
        return False
    low, high = UNEVEN
    return _fills_trial(case) and all(
        low * mean - noise <= tally.arrived[at] <= high * mean + noise for at in minutes
    )


def _could_write(case: Case, mean: float, noise: float) -> bool:
    """Whether a loop of its rate before could have written so many a minute in the trial."""
    if mean - case.outside > LEVEL_TIMES * case.most_expected + noise:
        return False
    minutes = case.trial
    ran = sum(case.tally.counts.invocations.values[at] or 0.0 for at in minutes)
    wrote = SERVED_TIMES * case.most_for_each * ran + case.waiting
    return mean * len(minutes) <= wrote + SIGMAS * math.sqrt(wrote)


def _fills_trial(case: Case) -> bool:
    """Whether it came from the beginning of the trial to its end, and not only in between."""
    tally, watch, minutes = case.tally, case.watch, case.trial
    around = case.waiting / max(1.0, tally.before_per_minute) * MINUTE_SECONDS
    around = max(GUESSED_TIMES * tally.duration, watch.plan.around_seconds, around)
    # The first of what comes back is written a round later.
    opened = (watch.trial_at or tally.now) + watch.plan.opening + timedelta(seconds=around)
    closed = watch.again_at or tally.now
    begins = tally.counts.invocations.moment(minutes[0])
    ends = tally.counts.invocations.moment(minutes[-1] + 1)
    spans = [(range(minutes[-1] + 1, tally.index(closed) + 1), closed - ends)]
    # What was throttled comes back slowly, and so does the polling of a queue.
    if watch.plan.levers == (Lever.ZERO,):
        spans.append((range(tally.index(opened), minutes[0]), begins - opened))
    for edge, lasts in spans:
        came = sum(tally.arrived[at] for at in edge if at < len(tally.arrived))
        wanted = FILLED_SHARE * tally.rate(minutes) * max(0.0, lasts / timedelta(minutes=1))
        if came < wanted - SIGMAS * math.sqrt(wanted):
            return False
    return True


def _goes_on(case: Case) -> bool:
    """Whether clearly more arrives in the second hold than in the first."""
    tally, level = case.tally, case.tally.rate(case.trial)
    again = tally.rate(tally.seen(case.again)) - tally.rate(tally.seen(case.held))
    return again > EDGE_SHARE * level + SIGMAS * math.sqrt(level)


def _stops_at_once(case: Case) -> bool:
    """Whether no more came after the function stood still than had waited before.

    What a loop writes ends with its executions, and waits then, as much as before. A burst that
    ends by itself ends at some other moment.
    """
    if _goes_on(case):
        return False
    came, after, minutes = _count_edge(case)
    noise = SIGMAS * math.sqrt(came) + EDGE_SHARE * came
    return after <= case.waiting + case.outside * minutes + noise


def _stops_with_runs(case: Case, balance: Balance) -> bool:
    """Whether no more came after it was held again than its last executions wrote.

    What waits grows during the trial of a loop that multiplies its events: it shows nothing here.
    """
    tally = case.tally
    edge = case.closing
    if not edge or _goes_on(case):
        return False
    wrote = balance.written_each * sum(tally.counts.invocations.values[at] or 0.0 for at in edge)
    # Where another function works on a part of them, what is under way comes by more than once.
    # And executions that began together write together, those of two rounds in the last of them.
    rate = max(1.0, balance.multiplies) * tally.rate(case.trial)
    under_way = case.estimate_under_way(rate, tally.duration)
    came = sum(tally.arrived[at] for at in edge)
    return came <= SERVED_TIMES * wrote + under_way + SIGMAS * math.sqrt(wrote)


def _count_edge(case: Case) -> tuple[float, float, float]:
    """What came until the function stood still, what of it was not served, and minutes of that.

    The depth of queues shows that at once; else it follows from counts that are settled by now.
    """
    tally, watch = case.tally, case.watch
    began = watch.again_at or tally.now
    if watch.depth is not None and watch.depth_at is not None:
        minutes = (watch.depth_at - began) / timedelta(minutes=1)
        return tally.rate(case.trial) * minutes, watch.depth, minutes
    edge = case.closing or range(tally.index(began), tally.settled)
    served = tally.counts.invocations.values
    ran = sum(served[at] or 0.0 for at in case.trial)
    batch = sum(tally.arrived[at] for at in case.trial) / ran if ran else 1.0
    came = sum(tally.arrived[at] for at in edge)
    after = came - batch * sum(served[at] or 0.0 for at in edge)
    return came, after, len(edge)


def _name_limit(case: Case, came: float) -> UntoldReason:
    if came > case.waiting:
        return UntoldReason.TOO_MUCH_OUTSIDE
    is_dear = (case.watch.trial_concurrency or 1) >= case.affordable_concurrency
    return UntoldReason.TOO_DEAR if is_dear else UntoldReason.TOO_SLOW
