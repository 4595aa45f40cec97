"""EventFacts stay small, whatever is in them, and say what they leave out."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.incidents.states import Transition
from functions.domain.notices.events.diagnosis_facts import FindingFact
from functions.domain.notices.events.encode import encode_facts, to_plain
from functions.domain.notices.events.envelope import compose_event
from functions.domain.notices.events.facts import (
    CostFact,
    EventFacts,
)
from functions.domain.notices.events.incident import describe_transition
from functions.domain.notices.events.record import MOST_FACT_BYTES
from functions.domain.notices.notice import Notice
from tests.examples import examples
from tests.unit.domain.notices.samples.account import CONTEXT, DEPLOYMENT, NOW
from tests.unit.domain.notices.samples.stops import contained

TEXTS = st.text(max_size=400) | st.sampled_from(["x" * 4_000, "🔁" * 400, '"\\' * 300, "\ud800"])


@settings(max_examples=examples(100), deadline=None)
@given(name=TEXTS, words=TEXTS, count=st.integers(0, 60))
def test_every_event_is_below_8_kb(name: str, words: str, count: int) -> None:
    """Hostile names, endless lists, AWS's longest words."""
    grounds = tuple(
        Ground(reason=Reason.ABOVE_RECENT, value=1e300, unit=Unit.PER_MINUTE, reference=0.1)
        for _ in range(count)
    )
    incident = contained(function=name or "x")
    incident = replace(
        incident,
        assessment=replace(incident.assessment, grounds=grounds),
        actor=words,
        ordered_by=words,
    )
    context = replace(CONTEXT, loop=replace(CONTEXT.loop, drawing=words, broken_by=words))
    event = describe_transition(Transition.RELEASED, incident, context, NOW)
    made = compose_event(Notice(subject=words, body="b", event=event), words, DEPLOYMENT)

    assert made is not None
    assert len(event.facts.encode()) <= MOST_FACT_BYTES
    assert len(made.text.encode()) <= 8_000
    told = json.loads(made.text)["incident"]
    assert len(told["reasons"]) + told["reasons_left_out"] == count


@given(count=st.integers(0, 40), length=st.integers(0, 300))
def test_a_list_counts_what_it_leaves_out(count: int, length: int) -> None:
    """However long the entries are."""
    finding = FindingFact(
        function="f" * 64,
        entry="no_logs",
        title="t",
        summary="é" * length,
        certainty="certain",
        state="new",
    )
    written = json.loads(encode_facts(EventFacts(findings=(finding,) * count, findings_left_out=3)))

    assert len(written["findings"]) + written["findings_left_out"] == count + 3


def test_what_is_not_finite_is_left_out() -> None:
    """JSON has no word for it."""
    assert to_plain(CostFact(per_hour_usd=float("inf"), so_far_usd=0.000_012_345)) == {
        "so_far_usd": 1.23e-05
    }


def test_the_same_event_has_the_same_id_and_another_one_another() -> None:
    """Whoever gets it twice can tell."""
    event = describe_transition(Transition.CONTAINED, contained(), CONTEXT, NOW)
    notice = Notice(subject="s", body="b", event=event)
    ids = {
        made.id
        for key, one, place in (
            ("a", notice, DEPLOYMENT),
            ("a", replace(notice, subject="(again) s", body="other"), DEPLOYMENT),
            ("b", notice, DEPLOYMENT),
            ("a", notice, replace(DEPLOYMENT, region="us-east-1")),
        )
        if (made := compose_event(one, key, place)) is not None
    }

    assert len(ids) == 3
