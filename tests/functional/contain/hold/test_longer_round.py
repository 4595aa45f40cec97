"""A trial that told nothing is followed by a longer one, once, where AWS allows it."""

from datetime import datetime, timedelta

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.holding.judgement.case import Figures
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.judgement.verdict import judge_hold
from functions.domain.holding.outcomes import CannotTell, HoldVerdict, TryLonger, UntoldReason
from functions.domain.holding.watch import Phase, Watch
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.states import IncidentState
from functions.workflows.holding import observe
from tests.functional.contain.hold.held import Held, held, is_held_again
from tests.functional.contain.hold.test_hold_story import DENIED, LETS_GO

LONGER = timedelta(hours=2)
KINDS = list(LETS_GO)


@pytest.fixture(autouse=True)
def nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the first trial shows is too little, and whatever the second one shows."""

    def judge(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        if watch.phase is not Phase.HELD_AGAIN:
            return judge_hold(watch, counts, now)
        figures, reason = Figures(minutes=1), UntoldReason.TOO_SLOW
        if watch.is_retry:
            return CannotTell(reason=reason, figures=figures)
        return TryLonger(seconds=LONGER.total_seconds(), reason=reason, figures=figures)

    monkeypatch.setattr(observe, "judge_hold", judge)


def _pass_first_trial(kind: SourceKind) -> Held:
    story = held(kind)
    story.pass_until(is_held_again)
    return story


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_back_waits_for_it(kind: SourceKind) -> None:
    """And nobody is stopped or told for the first trial."""
    story = _pass_first_trial(kind)

    story.pass_minutes(1)

    watch = story.scene.incident().watch
    assert watch is not None
    assert (watch.phase, watch.rounds, watch.is_retry) == (Phase.TRIAL, 2, True)
    ((_, due),) = story.scene.account.way_back.due.values()
    assert due > watch.ends_at > story.scene.now + LONGER


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_made_once(kind: SourceKind) -> None:
    """What it does not tell either, people decide."""
    story = _pass_first_trial(kind)

    story.pass_minutes(60)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert incident.decided == DecisionReason.CANNOT_BE_TOLD
    assert incident.watch is not None
    assert incident.watch.rounds == 2


@pytest.mark.parametrize("kind", KINDS)
def test_people_decide_where_aws_refuses_it(kind: SourceKind) -> None:
    """The function stays held: its way back may not come before."""
    story = _pass_first_trial(kind)
    story.scene.account.faults.fail(LETS_GO[kind], DENIED, times=-1)

    story.pass_minutes(5)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert incident.decided == DecisionReason.CANNOT_BE_TOLD
    assert story.scene.account.calls("cancel")
