"""What a hold shows: whether a function feeds itself.

Held, a loop falls silent. Let go a little, it comes back out of nothing, at the speed of its
cycle; held again, it falls silent again. Three things look alike for a while, and are told apart:

- *What others send* goes on while the function is held, or ends by itself and does not come back
  just when we let go. A second burst that does must in addition be as large as what is let go
  allows, begin and end within the trial, and be many times larger than what waited.
- *What a function writes about its own work* ends: `generations` stays at or below what it writes
  for each event. A loop passes every bound.
- *Clients that wait for each answer*, and producers that watch the depth of a queue, follow what
  we do as a loop does. No count tells them apart; whoever acts on `Shown` must know.

That something is there is concluded from young minutes too, that it is not there from settled ones
only (see `functions.domain.detection.lateness`). A function is let go early on a guess, because
that harms nobody, and called a loop only when every minute that it rests on is settled.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.detection.traffic import CEILING_SHARE
from functions.domain.holding.balance import Balance, multiplies
from functions.domain.holding.case import GUESSED_TIMES, Case, Figures, count_figures
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldAgain,
    HoldVerdict,
    LetGo,
    Release,
    ReleaseReason,
    Shown,
    TryLonger,
    UntoldReason,
    Wait,
)
from functions.domain.holding.plan import (
    GENERATIONS,
    LONGEST_TRIAL_SECONDS,
    QUIET_MINUTES,
    SHARE_TO_BIND,
)
from functions.domain.holding.tally import Counts, Tally
from functions.domain.holding.watch import Lever, Phase, Watch

FEW_GENERATIONS: Final = 8.0  # that a loop passes, where it could have had many more
FEW_SHARE: Final = 0.2  # of the generations that a loop could have had
OUTSIDE_SHARE: Final = 0.5  # of the arrivals before, that go on while it is held
BACKLOG_SHARE: Final = 0.2  # of what ran just before the hold: if less arrived, it was there before
MOST_WRITES: Final = 6.0  # events for each, that a function that ends may write
BACK_SHARE: Final = 0.3  # of what a loop would send during the trial: less, and it did not return
LEVEL_TIMES: Final = 1.6  # more than what was let go can have written
SERVED_TIMES: Final = 1.15  # of what ran during the trial, with full batches
UNEVEN: Final = (0.25, 2.5)  # each minute of the trial over their mean
ROOM: Final = 1.4  # and its concurrency higher
RUNS_TO_COUNT: Final = 3000.0  # a minute, that tell how much each execution writes
SHARE_TO_COUNT: Final = 0.25  # of the concurrency before, at least: it may be none after all
ENOUGH_TIMES: Final = 1.1  # of the generations that show a loop, foreseen: the trial may end
ENOUGH_MINUTES: Final = 3
GONE_SHARE: Final = 0.05  # of a minute of the trial: less, and perhaps nothing comes back
GONE_MINUTES: Final = 2
DEPTH_SECONDS: Final = 55.0  # between two looks at the depth of a queue
DEPTH_SHARE: Final = 0.1  # of the trial's rate, by which a queue may grow when it is silent
FILLED_SHARE: Final = 0.5  # of its rate, that comes in the broken minutes of the trial too
EDGE_SHARE: Final = 0.05  # of what came, that stays uncertain when the function stands still
GROWING: Final = 1.1  # events that arrived for each that was served: it multiplies them
SLOWING: Final = 1.5  # times as long as before the hold, that an execution of the trial takes
SIGMAS: Final = 3.0


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
    released = _judge_outside(case)
    if released is not None:
        return released
    watch, tally = case.watch, case.tally
    if Lever.ZERO in watch.plan.levers and watch.lag_seconds is None:
        return CannotTell(reason=UntoldReason.UNCOUNTED, figures=case.figures)
    ready = watch.held_at + watch.plan.settling
    if len(tally.whole(ready, tally.now)) >= QUIET_MINUTES:
        depth = tally.depth if Lever.PAUSE in watch.plan.levers else 0.0
        if depth is not None or tally.has_queued:
            return _let_go(case, depth)
    if tally.now >= watch.held_at + timedelta(seconds=watch.plan.held_seconds):
        return CannotTell(reason=UntoldReason.UNCOUNTED, figures=case.figures)
    return Wait(watch=watch, figures=case.figures)


def _judge_outside(case: Case) -> Release | None:
    """Whether it is fed from outside: that something arrives is told as soon as it is seen."""
    tally = case.tally
    before = tally.before_per_minute
    is_empty = before < 1 and len(tally.known(tally.before)) == len(tally.before)
    if is_empty or _works_off(case):
        return Release(reason=ReleaseReason.NOT_ARRIVING, figures=case.figures)
    seen = tally.seen(case.held)
    if not seen:
        return None
    still = tally.unserved(seen)
    # A cap leaves a loop this share of its arrivals, and half of the rest is people's.
    left = min(1.0, (case.watch.plan.cap or 0) / case.watch.plan.ran_before)
    is_free = tally.rate(seen) >= (left + OUTSIDE_SHARE * (1 - left)) * before
    if is_free or still >= OUTSIDE_SHARE * before:
        return Release(reason=ReleaseReason.STILL_ARRIVING, figures=case.figures)
    if (1 + MOST_WRITES) * _count_least(case, seen) >= before:
        return Release(reason=ReleaseReason.WRITES_EXPLAIN, figures=case.figures)
    return None


def _count_least(case: Case, held: Sequence[int]) -> float:
    """What arrives a minute from outside, at least, while the function is held.

    Of a few events in one minute, the last that ran may have come late: less is certain.
    """
    still = case.tally.unserved(held)
    return still - math.sqrt(still / max(1, len(held)))


def _works_off(case: Case) -> bool:
    """Whether much more ran just before the hold than arrived: it works off what was there.

    A loop writes at least one event for each that it is given, and within the minute where it goes
    round faster.
    """
    tally = case.tally
    newest = tally.known(tally.before[-1:])
    if not newest or case.watch.plan.around_seconds > MINUTE_SECONDS / 2:
        return False
    ran = tally.counts.invocations.values[newest[0]] or 0.0
    return ran > 0 and tally.rate(newest) < BACKLOG_SHARE * ran


def _let_go(case: Case, depth: float | None) -> LetGo:
    """How much to let go: what waits is to go round so often that only a loop does.

    Of a stream or of asynchronous events the counts that tell what waits are late, each by
    itself, so that it is guessed from the rate before. A trial that turns out to be too short
    goes on.
    """
    tally, watch, plan = case.tally, case.watch, case.watch.plan
    seen = tally.seen(case.held)
    outside = tally.unserved(seen) if seen else tally.normal_per_minute
    before = tally.before_per_minute
    waiting = depth or 0.0
    if depth is None or plan.levers != (Lever.PAUSE,):
        guessed = before * case.guess_round(watch.lag_seconds or 0.0) / MINUTE_SECONDS
        waiting = max(waiting, guessed, tally.queued(case.held) or 0.0)
    seconds = case.compute_trial_seconds(waiting, outside)
    lead = plan.opening_seconds + MINUTE_SECONDS
    events = GENERATIONS * ROOM * (waiting + outside * (seconds + lead) / MINUTE_SECONDS)
    wanted = events * tally.duration / seconds / tally.batch
    least = float(plan.least_trial)
    if plan.cap is not None:
        # What is throttled is tried again later and later: places stay empty meanwhile.
        least = max(least, plan.cap / SHARE_TO_BIND)
        wanted = plan.ran_before
    if multiplies(case):
        counted = RUNS_TO_COUNT * tally.duration / MINUTE_SECONDS
        wanted = min(wanted, max(counted, SHARE_TO_COUNT * plan.ran_before))
    most = max(least, min(plan.ran_before, case.affordable_concurrency))
    return LetGo(
        concurrency=math.ceil(min(most, max(least, wanted))),
        seconds=seconds,
        waiting=waiting,
        outside_per_minute=outside,
        figures=replace(case.figures, waiting=waiting),
    )


def _judge_trial(case: Case) -> HoldVerdict:
    released = _judge_outside(case)
    if released is not None:
        return released
    tally, watch = case.tally, case.watch
    minutes = case.trial
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
    if _is_short(case, watch.stretched_seconds):
        return Wait(watch=watch, figures=case.figures)
    more = _compute_stretch(case)
    if more is None:
        return HoldAgain(figures=case.figures)
    return Wait(watch=watch.stretching(more), figures=case.figures)


def _compute_stretch(case: Case) -> float | None:
    """By how many seconds a trial lasts longer that has come to its end and tells too little.

    So much waited that it did not turn over: a backlog is worked off then, and a loop goes on. It
    costs no more for that than the longest trial at the highest price; ``None``: it ends. What a
    loop writes that becomes slower becomes less, as if it were worked off: it gets no more time.
    """
    watch, plan = case.watch, case.watch.plan
    if (
        watch.stretched_seconds
        or watch.rounds > 1
        or _starves_others(watch)
        or case.times_slower > SLOWING
    ):
        return None
    times = case.affordable_concurrency / max(1, watch.trial_concurrency or 1)
    more = min(plan.stretch.total_seconds(), plan.longest_trial_seconds * (times - 1))
    return more if more > 0 and _is_short(case, more) else None


def _compute_retry(case: Case, limit: UntoldReason, possible: float) -> float | None:
    """By how many seconds more than twice as long a second trial lasts; ``None``: there is none.

    There is one where a loop would come back often enough in it. A healthy function is let go
    then, whose bursts came with the first trial by chance. A loop that becomes slower would be too.

    Parameters
    ----------
    possible
        How often a loop would have come back in the first one.
    """
    more = _compute_stretch(case)
    is_hopeless = limit is UntoldReason.TOO_DEAR or case.times_slower > SLOWING
    if more is not None or case.watch.rounds > 1 or is_hopeless:
        return more
    return 0.0 if 2 * possible >= GENERATIONS else None


def _starves_others(watch: Watch) -> bool:
    """Whether the trial takes much of the account's concurrency: others do not wait for its end."""
    account = watch.plan.account_concurrency
    return account is not None and watch.let_go_concurrency > CEILING_SHARE * account


def _is_gone(case: Case, known: Sequence[int]) -> bool:
    """Whether what comes during the trial is no loop's, for minutes."""
    newest = known[-GONE_MINUTES:]
    most = BACK_SHARE * case.expected + case.outside
    return len(newest) == GONE_MINUTES and all(case.tally.arrived[at] < most for at in newest)


def _is_enough(case: Case) -> bool:
    """Whether it will have come back often enough, once the figures of by now are there.

    What is not seen yet is taken to be as little as in the lowest of the minutes seen.
    """
    tally, plan = case.tally, case.watch.plan
    seen = tally.seen(case.trial)
    least = case.watch.since + plan.opening + timedelta(seconds=plan.trial_seconds)
    if tally.now >= least and multiplies(case) and not case.watch.is_retry:
        return True
    if len(case.trial) < ENOUGH_MINUTES or not seen:
        return False
    began = tally.index(case.watch.since)
    since = range(began, tally.index(tally.now))
    rate = min(tally.arrived[at] for at in seen)
    came = sum(max(tally.arrived[at], rate if at > seen[-1] else 0.0) for at in since)
    more = came - case.outside * len(since)
    wanted = ENOUGH_TIMES * GENERATIONS * (case.waiting + case.unwritten * len(since))
    return rate >= BACK_SHARE * case.expected + case.outside and more >= wanted


def _is_short(case: Case, stretched_seconds: float) -> bool:
    """Whether more waited than was thought, so that the trial must go on."""
    watch, end = case.watch, case.watch.again_at or case.tally.now
    ran = (end - (watch.trial_at or end) - watch.plan.opening).total_seconds()
    most = LONGEST_TRIAL_SECONDS + stretched_seconds
    return ran < case.compute_trial_seconds(case.waiting, case.unwritten, most)


def _judge_held_again(case: Case) -> HoldVerdict:
    released = _judge_outside(case)
    if released is not None:
        return released
    tally, watch = case.tally, case.watch
    seen = tally.seen(case.again)
    level = tally.rate(tally.seen(case.trial))
    if seen and tally.unserved(seen) >= OUTSIDE_SHARE * max(1.0, level):
        return Release(reason=ReleaseReason.CAME_ON, figures=case.figures)
    depth = tally.depth
    if watch.plan.levers == (Lever.PAUSE,) and depth is not None and watch.depth_at is None:
        ready = (watch.again_at or tally.now) + watch.plan.settling
        if tally.now >= ready:
            return Wait(watch=watch.seeing(depth, tally.now), figures=case.figures)
    is_large = multiplies(case)  # what waits: its depth tells nothing so exactly
    is_settled = tally.index(watch.again_at or tally.now) < tally.settled
    if case.closing or (is_settled and _is_still(case, level) and not is_large):
        return _conclude(case)
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


def _conclude(case: Case) -> HoldVerdict:
    """The verdict, once all the minutes are settled that it rests on."""
    tally, figures = case.tally, case.figures
    minutes = case.trial
    level = tally.rate(minutes) - case.outside
    if not minutes or level < BACK_SHARE * case.expected:
        return Release(reason=ReleaseReason.NOT_COME_BACK, figures=figures)
    outside = max(tally.unserved(tally.seen(case.again)), _count_least(case, tally.seen(case.held)))
    if (1 + MOST_WRITES) * outside >= level + outside:
        return Release(reason=ReleaseReason.CAME_ON, figures=figures)
    if _has_ended(case):
        return Release(reason=ReleaseReason.ENDED, figures=figures)
    balance = Balance.of(case)
    accounts = balance is not None and balance.shows_loop
    stops = _stops_with_runs(case, balance) if accounts and balance else _stops_at_once(case)
    if not stops and case.fan_out <= GROWING and not _is_silent_again(case):
        return Release(reason=ReleaseReason.CAME_ON, figures=figures)
    if not _is_like_trial(case):
        return Release(reason=ReleaseReason.UNLIKE_TRIAL, figures=figures)
    generations = figures.generations or 0.0
    if stops and generations >= GENERATIONS:
        return Shown(figures=figures)
    if stops and balance is not None and accounts:
        written = round(balance.multiplies, 2)
        return Shown(figures=replace(figures, written_for_each=written))
    came = case.unwritten * len(minutes)
    possible = case.expected * len(minutes) / (case.waiting + came)
    if generations < min(FEW_GENERATIONS, FEW_SHARE * possible):
        return Release(reason=ReleaseReason.FEW_GENERATIONS, figures=figures)
    limit = _name_limit(case, came)
    more = _compute_retry(case, limit, possible)
    if more is not None:
        return TryLonger(seconds=more, reason=limit, figures=figures)
    return CannotTell(reason=limit, figures=figures)


def _is_silent_again(case: Case) -> bool:
    """Whether a loop that was shown before falls silent, with more of it waiting than before.

    One that multiplies its events a little has gathered more of them in two trials.
    """
    return case.watch.was_shown and not _goes_on(case)


def _has_ended(case: Case) -> bool:
    """Whether it fell silent within the trial, although it ran."""
    last = case.tally.arrived[case.trial[-1]] - case.outside
    return last < BACK_SHARE * min(case.expected, case.tally.rate(case.trial) - case.outside)


def _is_like_trial(case: Case) -> bool:
    """Whether what came is what was let go can have written: as much, minute after minute."""
    tally, minutes = case.tally, case.trial
    mean = tally.rate(minutes)
    noise = SIGMAS * math.sqrt(mean)
    if mean - case.outside > LEVEL_TIMES * case.most_expected + noise:
        return False
    ran = sum(tally.counts.invocations.values[at] or 0.0 for at in minutes)
    wrote = SERVED_TIMES * case.most_for_each * ran + case.waiting
    if mean * len(minutes) > wrote + SIGMAS * math.sqrt(wrote):
        return False
    low, high = UNEVEN
    return _fills_trial(case) and all(
        low * mean - noise <= tally.arrived[at] <= high * mean + noise for at in minutes
    )


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

    What waits grows during the trial of a loop that multiplies its events: it tells nothing here.
    """
    tally = case.tally
    edge = case.closing
    if not edge or _goes_on(case):
        return False
    wrote = balance.written_each * sum(tally.counts.invocations.values[at] or 0.0 for at in edge)
    under_way = tally.rate(case.trial) * case.guess_round() / MINUTE_SECONDS
    came = sum(tally.arrived[at] for at in edge)
    return came <= SERVED_TIMES * wrote + under_way + SIGMAS * math.sqrt(wrote)


def _count_edge(case: Case) -> tuple[float, float, float]:
    """What came until the function stood still, what of it was not served, and minutes of that.

    The depth of queues tells that at once; else it follows from counts that are settled by now.
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
