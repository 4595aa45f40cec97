"""What a hold shows: whether a function feeds itself.

Held, a loop falls silent. Let go a little, it comes back out of nothing, at the speed of its
cycle; held again, it falls silent again. Three things look alike for a while:

- *What others send* goes on while the function is held, or ends by itself and does not come back
  just when we let go. A second burst that does must in addition be as large as what is let go
  allows, begin and end within the trial, and be many times larger than what waited.
- *What a function writes about its own work* ends: `generations` stays at or below what it writes
  for each event. A loop passes every bound.
- *Clients that wait for each answer*, and producers that watch the depth of a queue, follow what
  we do as a loop does. No count distinguishes them; whoever acts on `Shown` must know.

That something is there is concluded from young minutes too, that it is not there from settled ones
only (see `functions.domain.detection.lateness`). A function is let go early on a guess, because
that harms nobody, and called a loop only when every minute that it rests on is settled.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median_low
from typing import Final

from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.detection.traffic import CEILING_SHARE
from functions.domain.holding.judgement.balance import (
    multiplies,
    multiplies_in_trial,
    wrote_all,
)
from functions.domain.holding.judgement.case import BACK_SHARE, Case, Figures, count_figures
from functions.domain.holding.judgement.catching_up import (
    LEFT_SHARE,
    is_level_again,
    may_loop_beside_work,
)
from functions.domain.holding.judgement.conclusion import conclude
from functions.domain.holding.judgement.outside import OUTSIDE_SHARE, judge_outside
from functions.domain.holding.judgement.tally import Counts, Tally
from functions.domain.holding.judgement.trial import compute_stretch, is_short
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldAgain,
    HoldVerdict,
    LetGo,
    Release,
    ReleaseReason,
    UntoldReason,
    Wait,
)
from functions.domain.holding.plan import (
    GENERATIONS,
    PULSE_SECONDS,
    QUIET_MINUTES,
    SHARE_TO_BIND,
)
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch

ROOM: Final = 1.4  # by which the concurrency of a trial is higher than it takes
RUNS_TO_COUNT: Final = 3000.0  # a minute, that show how much each execution writes
GUESSED_SHARE: Final = 0.75  # of the concurrency before, where what waits is only guessed
SHARE_TO_COUNT: Final = 0.25  # of the concurrency before, at least: it may be none after all
ENOUGH_MINUTES: Final = 3
MORE_FROM_OUTSIDE: Final = 1.2  # than was seen while it was held, when that is counted again
# Of the shortest trial: it shows how much each execution writes. The second round lasts as long as
# it can, because nobody waits for it.
MULTIPLYING_SHARE: Final = 2 / 3
GONE_SHARE: Final = 0.05  # of a minute of the trial: less, and perhaps nothing comes back
GONE_MINUTES: Final = 2
BESIDE_WORK_TIMES: Final = 2.0  # the shortest trial: what waits is served in it too
LEVEL_SECONDS: Final = 85.0  # after what waited is served, that hold a whole minute or nearly
DEPTH_SECONDS: Final = 55.0  # between two looks at the depth of a queue
DEPTH_SHARE: Final = 0.1  # of the trial's rate, by which a queue may grow when it is silent


def judge_hold(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
    """What to do with a function that is held.

    Parameters
    ----------
    counts
        Reaching back to the hold at least, and to an hour before the spike at best.
    """
    tally = Tally.of(watch, counts, now)
    passed = (now - watch.held_at) / timedelta(minutes=1)
    if tally is None:
        return CannotTell(reason=UntoldReason.UNCOUNTED, figures=Figures(minutes=passed))
    case = Case(tally=tally, figures=count_figures(tally, passed))
    match watch.phase:
        case Phase.HELD:
            return _judge_held(case)
        case Phase.TRIAL:
            return _judge_trial(case)
        case Phase.HELD_AGAIN:
            return _judge_held_again(case)


def _judge_held(case: Case) -> HoldVerdict:
    released = judge_outside(case)
    if released is not None:
        return released
    watch, tally = case.watch, case.tally
    if Lever.ZERO in watch.plan.levers and watch.lag_seconds is None:
        return CannotTell(reason=UntoldReason.UNCOUNTED, figures=case.figures)
    ready = watch.held_at + watch.plan.settling
    if len(tally.whole(ready, tally.now)) >= QUIET_MINUTES and not _stands_longer(case):
        depth = tally.depth if Lever.PAUSE in watch.plan.levers else 0.0
        if depth is not None or tally.has_queued:
            return _let_go(case, depth)
    if tally.now >= watch.held_at + timedelta(seconds=watch.plan.held_seconds):
        return CannotTell(reason=UntoldReason.UNCOUNTED, figures=case.figures)
    return Wait(watch=watch, figures=case.figures)


def _stands_longer(case: Case) -> bool:
    """Whether it is held for one pulse more, so that more waits: see `catching_up`.

    A queue is paused and opened so slowly that enough waits anyway.
    """
    if case.watch.plan.levers == (Lever.PAUSE,) or not may_loop_beside_work(case):
        return False
    longest = case.watch.held_at + timedelta(seconds=case.watch.plan.held_seconds)
    return case.tally.now + timedelta(seconds=PULSE_SECONDS) <= longest


def _let_go(case: Case, depth: float | None) -> LetGo:
    """How much to let go: what waits is to go round so often that only a loop does.

    Of a stream or of asynchronous events the counts of what waits are late, each by
    itself, so that it is guessed from the rate before. A trial that turns out to be too short
    goes on.
    """
    tally, watch, plan = case.tally, case.watch, case.watch.plan
    seen = tally.seen(case.held)
    outside = tally.unserved(seen) if seen else tally.normal_per_minute
    before = tally.before_per_minute
    waiting = depth or 0.0
    if depth is None or plan.levers != (Lever.PAUSE,):
        guessed = case.estimate_under_way(before, watch.lag_seconds or 0.0)
        waiting = max(waiting, guessed, tally.queued(case.held) or 0.0)
    seconds = case.compute_trial_seconds(waiting, outside)
    lead = plan.opening_seconds + MINUTE_SECONDS
    events = GENERATIONS * ROOM * (waiting + outside * (seconds + lead) / MINUTE_SECONDS)
    wanted = events * tally.duration / seconds / tally.batch
    least = float(plan.least_trial)
    if Lever.ZERO in plan.levers:
        wanted = max(wanted, GUESSED_SHARE * plan.ran_before)
    if plan.cap is not None:
        # What is throttled is tried again later and later: places stay empty meanwhile.
        least = max(least, plan.cap / SHARE_TO_BIND)
        wanted = plan.ran_before
    if multiplies(case):
        counted = RUNS_TO_COUNT * tally.duration / MINUTE_SECONDS
        wanted = min(wanted, max(counted, SHARE_TO_COUNT * plan.ran_before))
    most = plan.ran_before
    if may_loop_beside_work(case):
        wanted = most = _compute_room(plan)
        seconds = BESIDE_WORK_TIMES * plan.trial_seconds
    most = max(least, min(most, case.affordable_concurrency))
    return LetGo(
        concurrency=math.ceil(min(most, max(least, wanted))),
        seconds=seconds,
        waiting=waiting,
        outside_per_minute=outside,
        figures=replace(case.figures, waiting=waiting),
    )


def _compute_room(plan: HoldPlan) -> float:
    """A little more than ran before, so that what waits is served beside what comes.

    Not where that is more than half of the account: other functions need the rest.
    """
    half = CEILING_SHARE * (plan.account_concurrency or math.inf)
    return max(plan.ran_before, min(ROOM * plan.ran_before, half))


def _judge_trial(case: Case) -> HoldVerdict:
    released = judge_outside(case)
    if released is not None:
        return released
    tally, watch = case.tally, case.watch
    minutes = case.trial
    if may_loop_beside_work(case):
        return _judge_trial_beside_work(case)
    if _is_gone(case, tally.known(minutes)):
        return Release(reason=ReleaseReason.NOT_COME_BACK, figures=case.figures)
    if tally.now >= watch.since + watch.plan.opening + watch.longest_trial:
        return HoldAgain(figures=case.figures)
    if _is_enough(case):
        return HoldAgain(figures=case.figures)
    if tally.now < case.trial_ends:
        return Wait(watch=watch, figures=case.figures)
    seen = tally.seen(minutes)
    if seen and tally.rate(seen) < GONE_SHARE * case.expected:
        return Wait(watch=watch, figures=case.figures)
    if is_short(case, watch.stretched_seconds):
        return Wait(watch=watch, figures=case.figures)
    more = compute_stretch(case)
    if more is None:
        return HoldAgain(figures=case.figures)
    return Wait(watch=watch.stretching(more), figures=case.figures)


def _judge_trial_beside_work(case: Case) -> Wait | HoldAgain:
    """Whether it has served what waited, and shows what it writes when nothing waits any more."""
    tally, watch = case.tally, case.watch
    minutes = case.trial
    # Under a cap most of what was throttled is back by then; its figures are late.
    is_over = case.is_capped and len(minutes) >= ENOUGH_MINUTES
    if is_over or tally.now >= case.trial_ends or is_level_again(case, tally.seen(minutes[:-1])):
        return HoldAgain(figures=case.figures)
    if watch.plan.levers != (Lever.PAUSE,) or tally.depth is None:
        return Wait(watch=watch, figures=case.figures)
    if watch.depth_at is not None:
        is_over = tally.now >= watch.depth_at + timedelta(seconds=LEVEL_SECONDS)
    elif tally.depth <= LEFT_SHARE * case.waiting:
        watch = watch.seeing(tally.depth, tally.now)
    return HoldAgain(figures=case.figures) if is_over else Wait(watch=watch, figures=case.figures)


def _is_gone(case: Case, known: Sequence[int]) -> bool:
    """Whether what comes during the trial is no loop's, for minutes."""
    newest = known[-GONE_MINUTES:]
    most = BACK_SHARE * case.expected + case.outside
    return len(newest) == GONE_MINUTES and all(case.tally.arrived[at] < most for at in newest)


def _is_enough(case: Case) -> bool:
    """Whether it will have come back often enough, once the figures of by now are there.

    A minute that is not settled is taken to be like the middle one of those seen: its figures are
    late, or a part of it.
    """
    tally, watch, plan = case.tally, case.watch, case.watch.plan
    seen = tally.seen(case.trial)
    is_first = watch.rounds == 1
    share = MULTIPLYING_SHARE if is_first else 1.0
    least = watch.since + plan.opening + timedelta(seconds=share * plan.trial_seconds)
    may_be_short = tally.now >= least and not watch.is_retry
    if may_be_short and (multiplies(case) or (is_first and wrote_all(case))):
        return True
    if len(case.trial) < ENOUGH_MINUTES or not seen:
        return False
    began = tally.index(watch.since)
    since = range(began, tally.index(tally.now))
    rate = median_low(tally.arrived[at] for at in seen)
    came = sum(max(tally.arrived[at], rate if at >= tally.settled else 0.0) for at in since)
    under_way = case.estimate_under_way(rate, watch.lag_seconds or 0.0)
    more = came - case.outside * len(since) - under_way
    others = MORE_FROM_OUTSIDE * case.unwritten * len(since)
    wanted = GENERATIONS * (case.waiting + others)
    lowest = BACK_SHARE * case.expected + case.outside
    return more >= wanted and all(tally.arrived[at] >= lowest for at in tally.known(seen))


def _judge_held_again(case: Case) -> HoldVerdict:
    released = judge_outside(case)
    if released is not None:
        return released
    tally, watch = case.tally, case.watch
    seen = tally.seen(case.again)
    level = tally.rate(tally.seen(case.trial))
    is_fed = seen and tally.unserved(seen) >= OUTSIDE_SHARE * max(1.0, level)
    if is_fed and not may_loop_beside_work(case):
        return Release(reason=ReleaseReason.CAME_ON, figures=case.figures)
    depth = tally.depth
    if watch.plan.levers == (Lever.PAUSE,) and depth is not None and watch.depth_at is None:
        ready = (watch.again_at or tally.now) + watch.plan.settling
        if tally.now >= ready:
            return Wait(watch=watch.seeing(depth, tally.now), figures=case.figures)
    # What waits grew then, or others send most of it: its depth shows nothing so exactly.
    is_large = multiplies(case) or multiplies_in_trial(case) or may_loop_beside_work(case)
    is_settled = tally.index(watch.again_at or tally.now) < tally.settled
    if case.closing or (is_settled and _is_still(case, level) and not is_large):
        return conclude(case)
    held_again = timedelta(seconds=watch.plan.held_again_seconds)
    if tally.now >= (watch.again_at or tally.now) + held_again:
        return CannotTell(reason=UntoldReason.DATA_LATE, figures=case.figures)
    return Wait(watch=watch, figures=case.figures)


def _is_still(case: Case, level: float) -> bool:
    """Whether the queues did not grow between two looks: nothing is sent to them.

    Their depth is known at once, what was sent only minutes later. UNCONFIRMED A-035 how exact it
    is: it is approximate, and follows within a minute (SQS developer guide, *Resources required to
    process messages*). What was sent between the looks shows in it by then, or in the next look.
    """
    watch, depth = case.watch, case.tally.depth
    if watch.depth is None or watch.depth_at is None or depth is None:
        return False
    passed = (case.tally.now - watch.depth_at).total_seconds()
    grown = depth - watch.depth
    most = DEPTH_SHARE * level * passed / MINUTE_SECONDS
    return passed >= DEPTH_SECONDS and grown <= most
