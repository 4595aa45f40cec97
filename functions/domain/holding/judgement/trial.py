"""How much longer a trial lasts that shows too little, and whether a second one follows."""

from typing import Final

from functions.domain.detection.traffic import CEILING_SHARE
from functions.domain.holding.judgement.case import Case
from functions.domain.holding.outcomes import UntoldReason
from functions.domain.holding.plan import GENERATIONS, LONGEST_TRIAL_SECONDS
from functions.domain.holding.watch import Watch

SLOWING: Final = 1.5  # times as long as before the hold, that an execution of the trial takes


def compute_stretch(case: Case) -> float | None:
    """By how many seconds a trial lasts longer that has come to its end and shows too little.

    So much waited that it did not turn over: a backlog is worked off then, and a loop goes on. It
    costs no more for that than the longest trial at the highest price; ``None``: it ends. What a
    loop writes that becomes slower becomes less, as if it were worked off: it gets no more time.
    """
    watch, plan = case.watch, case.watch.plan
    if watch.stretched_seconds or _starves_others(watch) or not _may_try_more(case):
        return None
    times = case.affordable_concurrency / max(1, watch.trial_concurrency or 1)
    more = min(plan.stretch.total_seconds(), plan.longest_trial_seconds * (times - 1))
    return more if more > 0 and is_short(case, more) else None


def compute_retry(case: Case, limit: UntoldReason, possible: float) -> float | None:
    """By how many seconds more than twice as long a second trial lasts; ``None``: there is none.

    There is one where a loop would come back often enough in it. A healthy function is let go
    then, whose bursts came with the first trial by chance. A loop that becomes slower would be too.
    There is always one after a trial that ended early because events seemed to multiply.

    Parameters
    ----------
    possible
        How often a loop would have come back in the first one.
    """
    if case.watch.rounds > 1:
        return None
    if case.watch.was_cut_short:
        return 0.0
    if not _may_try_more(case):
        return None
    more = compute_stretch(case)
    if more is None and limit is not UntoldReason.TOO_DEAR and 2 * possible >= GENERATIONS:
        return 0.0
    return more


def _may_try_more(case: Case) -> bool:
    """Whether no round had its time, and what is shown is not less only because it takes longer."""
    is_first = case.watch.rounds == 1 or (case.watch.is_retry and case.watch.was_cut_short)
    return is_first and case.times_slower <= SLOWING


def _starves_others(watch: Watch) -> bool:
    """Whether the trial takes much of the account's concurrency: others do not wait for its end."""
    account = watch.plan.account_concurrency
    return account is not None and watch.let_go_concurrency > CEILING_SHARE * account


def is_short(case: Case, stretched_seconds: float) -> bool:
    """Whether more waited than was thought, so that the trial must go on."""
    watch, end = case.watch, case.watch.again_at or case.tally.now
    ran = (end - (watch.trial_at or end) - watch.plan.opening).total_seconds()
    most = LONGEST_TRIAL_SECONDS + stretched_seconds
    return ran < case.compute_trial_seconds(case.waiting, case.unwritten, most)
