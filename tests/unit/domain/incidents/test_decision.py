"""What is decided, as data; and what must never be decided, as properties."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.steps import VersionScaling
from functions.domain.detection.assessment import Assessment, Ground, Reason, Verdict
from functions.domain.detection.evidence import FunctionFacts, FunctionKind
from functions.domain.incidents.decision import (
    Contain,
    DecisionReason,
    Hold,
    Ignore,
    LedgerView,
    Notify,
    decide,
    find_prohibition,
)
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.policy import EXEMPT_TAG, Mode, Policy, Response
from functions.domain.incidents.states import IncidentState

NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"


def _assessment(
    verdict: Verdict, *reasons: Reason, normal_concurrency: int | None = 4
) -> Assessment:
    return Assessment(
        function="orders",
        verdict=verdict,
        at=NOW,
        grounds=tuple(Ground(reason=one) for one in reasons),
        normal_concurrency=normal_concurrency,
    )


def _facts(**changed: object) -> FunctionFacts:
    facts = FunctionFacts(name="orders", arn=ARN, memory_mb=128, timeout_seconds=3)
    return replace(facts, **changed)  # type: ignore[arg-type]


def _on_instances(*counts: int) -> FunctionFacts:
    """A function on Lambda Managed Instances with versions of so many environments."""
    scaling = tuple(
        VersionScaling(qualifier=str(number), minimum=count, maximum=count)
        for number, count in enumerate(counts)
    )
    return _facts(kind=FunctionKind.MANAGED_INSTANCES, scaling=scaling)


def _incident(state: IncidentState, released_at: datetime | None = None) -> Incident:
    return Incident(
        id=incident_id("orders", NOW),
        function="orders",
        function_arn=ARN,
        state=state,
        opened_at=NOW,
        updated_at=NOW,
        assessment=_assessment(Verdict.RUNAWAY),
        decided=DecisionReason.RUNAWAY,
        memory_mb=128,
        timeout_seconds=3,
        released_at=released_at,
    )


TABLE = [
    (Verdict.CALM, Policy(), _facts(), Ignore, DecisionReason.NOTHING_UNUSUAL),
    (Verdict.BUSY, Policy(), _facts(), Ignore, DecisionReason.EXPLAINED),
    (Verdict.RUNAWAY, Policy(), _facts(), Contain, DecisionReason.RUNAWAY),
    (Verdict.RUNAWAY, Policy(response=Response.NOTIFY), _facts(), Contain, DecisionReason.RUNAWAY),
    (Verdict.SUSPECTED, Policy(), _facts(), Hold, DecisionReason.SUSPECTED),
    (
        Verdict.SUSPECTED,
        Policy(response=Response.THROTTLE),
        _facts(),
        Contain,
        DecisionReason.SUSPECTED,
    ),
    (
        Verdict.SUSPECTED,
        Policy(response=Response.NOTIFY),
        _facts(),
        Notify,
        DecisionReason.RESPONSE_IS_NOTIFY,
    ),
    (Verdict.RUNAWAY, Policy(mode=Mode.OBSERVE), _facts(), Notify, DecisionReason.OBSERVE_MODE),
    (
        Verdict.RUNAWAY,
        Policy(exempt=frozenset({"orders"})),
        _facts(),
        Notify,
        DecisionReason.EXEMPT_BY_FLAG,
    ),
    (
        Verdict.RUNAWAY,
        Policy(),
        _facts(tags=MappingProxyType({EXEMPT_TAG: "true"})),
        Notify,
        DecisionReason.EXEMPT_BY_TAG,
    ),
    (
        Verdict.RUNAWAY,
        Policy(),
        _facts(tags=MappingProxyType({EXEMPT_TAG: "false"})),
        Contain,
        DecisionReason.RUNAWAY,
    ),
    (Verdict.RUNAWAY, Policy(), _on_instances(3), Contain, DecisionReason.RUNAWAY),
    (Verdict.RUNAWAY, Policy(), _on_instances(0), Ignore, DecisionReason.ALREADY_STOPPED),
    (Verdict.RUNAWAY, Policy(), _on_instances(), Notify, DecisionReason.SCALING_UNKNOWN),
    (
        Verdict.SUSPECTED,
        Policy(),
        _on_instances(3),
        Notify,
        DecisionReason.NO_CAP_FOR_INSTANCES,
    ),
    (
        Verdict.SUSPECTED,
        Policy(response=Response.THROTTLE),
        _on_instances(3),
        Contain,
        DecisionReason.SUSPECTED,
    ),
    *(
        (
            verdict,
            Policy(response=Response.THROTTLE),
            FunctionFacts.of_edge_replica("us-east-1.orders"),
            Notify,
            DecisionReason.EDGE_REPLICA,
        )
        for verdict in (Verdict.RUNAWAY, Verdict.SUSPECTED)
    ),
    (
        Verdict.RUNAWAY,
        Policy(own_functions=frozenset({"orders"})),
        _facts(),
        Ignore,
        DecisionReason.OWN_FUNCTION,
    ),
    (
        Verdict.RUNAWAY,
        Policy(),
        _facts(reserved_concurrency=0),
        Ignore,
        DecisionReason.ALREADY_STOPPED,
    ),
]


@pytest.mark.parametrize(("verdict", "policy", "facts", "kind", "reason"), TABLE)
def test_each_rule_leads_to_its_decision(
    verdict: Verdict, policy: Policy, facts: FunctionFacts, kind: type, reason: DecisionReason
) -> None:
    """Verdict and policy alone decide, and the decision says why."""
    decision = decide(_assessment(verdict, Reason.PLATEAU), facts, policy, LedgerView())

    assert (type(decision), decision.reason) == (kind, reason)


def test_what_is_only_new_is_held_where_a_shape_is_stopped_at_once() -> None:
    """No loop's shape: `response=throttle` takes nobody to 0 for that."""
    policy = Policy(response=Response.THROTTLE)

    decision = decide(_assessment(Verdict.SUSPECTED), _facts(), policy, LedgerView())

    assert (type(decision), decision.reason) == (Hold, DecisionReason.SUSPECTED)


HELD = [
    (IncidentState.NOTIFIED, Contain, DecisionReason.RUNAWAY),
    (IncidentState.CONTAINING, Ignore, DecisionReason.ALREADY_OPEN),
    (IncidentState.CAPPING, Ignore, DecisionReason.ALREADY_OPEN),
    (IncidentState.CONTAINED, Ignore, DecisionReason.ALREADY_OPEN),
    (IncidentState.CAPPED, Ignore, DecisionReason.ALREADY_OPEN),
    (IncidentState.RESTORING, Ignore, DecisionReason.RESTORING),
    (IncidentState.RESTORED, Contain, DecisionReason.RUNAWAY),
]


@pytest.mark.parametrize(("state", "kind", "reason"), HELD)
def test_an_open_incident_has_its_say(
    state: IncidentState, kind: type, reason: DecisionReason
) -> None:
    """What is held already is not held twice; what was only told may still be stopped."""
    view = LedgerView(open_incident=_incident(state))

    decision = decide(_assessment(Verdict.RUNAWAY), _facts(), Policy(), view)

    assert (type(decision), decision.reason) == (kind, reason)


@pytest.mark.parametrize(("minutes", "kind"), [(59, Notify), (60, Contain)])
def test_a_released_function_is_only_watched_until_the_cooling_off_ends(
    minutes: int, kind: type
) -> None:
    """For an hour a person's release is respected, whatever the function does."""
    released = _incident(IncidentState.RELEASED, NOW - timedelta(minutes=minutes))

    decision = decide(
        _assessment(Verdict.RUNAWAY), _facts(), Policy(), LedgerView(open_incident=released)
    )

    assert type(decision) is kind


def test_native_drops_alone_are_told() -> None:
    """Where AWS itself stopped the chain, people hear of it and nothing is changed."""
    busy = _assessment(Verdict.BUSY, Reason.NATIVE_DROPS)

    decision = decide(busy, _facts(), Policy(), LedgerView())

    assert (type(decision), decision.reason) == (Notify, DecisionReason.STOPPED_BY_AWS)


@pytest.mark.parametrize("decided", [DecisionReason.CANNOT_BE_HELD, DecisionReason.SUSPECTED])
@pytest.mark.parametrize(
    ("minutes", "reason", "kind"),
    [
        (14, Reason.LOOP_PROVEN, Hold),
        (15, Reason.LOOP_PROVEN, Contain),
        (600, Reason.PLATEAU, Hold),
    ],
)
def test_a_certain_loop_that_cannot_be_held_is_stopped_after_people_had_their_time(
    minutes: int, reason: Reason, kind: type, decided: DecisionReason
) -> None:
    """It does not burn until somebody wakes up. Any other goes on: to hold it is tried again."""
    suspected = _assessment(Verdict.SUSPECTED, reason)
    told = replace(
        _incident(IncidentState.NOTIFIED),
        opened_at=NOW - timedelta(minutes=minutes),
        decided=decided,
    )

    decision = decide(suspected, _facts(), Policy(), LedgerView(open_incident=told))

    assert type(decision) is kind


def test_what_was_told_for_another_reason_is_held_first() -> None:
    """An exemption that was taken away an hour later is no reason to skip the experiment."""
    told = replace(
        _incident(IncidentState.NOTIFIED),
        opened_at=NOW - timedelta(hours=1),
        decided=DecisionReason.EXEMPT_BY_TAG,
    )

    decision = decide(
        _assessment(Verdict.SUSPECTED), _facts(), Policy(), LedgerView(open_incident=told)
    )

    assert type(decision) is Hold


assessments = st.builds(
    _assessment,
    st.sampled_from(Verdict),
    normal_concurrency=st.none() | st.integers(min_value=0, max_value=3000),
)
tags = st.dictionaries(
    st.sampled_from([EXEMPT_TAG, "team"]), st.sampled_from(["true", "TRUE", "false", ""])
)
facts_of_any_kind = st.builds(
    lambda reserved, given_tags: _facts(
        reserved_concurrency=reserved, tags=MappingProxyType(given_tags)
    ),
    st.none() | st.integers(min_value=0, max_value=1000),
    tags,
)
policies = st.builds(
    Policy,
    mode=st.sampled_from(Mode),
    response=st.sampled_from(Response),
    exempt=st.sampled_from([frozenset[str](), frozenset({"orders"})]),
    own_functions=st.sampled_from([frozenset[str](), frozenset({"orders"})]),
)
views = st.builds(
    LedgerView,
    open_incident=st.none()
    | st.builds(
        _incident,
        st.sampled_from(IncidentState),
        st.none() | st.integers(0, 200).map(lambda m: NOW - timedelta(minutes=m)),
    ),
    blast_radius_reached=st.booleans(),
)


@given(assessments, facts_of_any_kind, policies, views)
def test_deciding_twice_is_deciding_once(
    assessment: Assessment, facts: FunctionFacts, policy: Policy, view: LedgerView
) -> None:
    """The decision depends on its arguments alone."""
    assert decide(assessment, facts, policy, view) == decide(assessment, facts, policy, view)


@pytest.mark.parametrize("decided", DecisionReason)
def test_observe_mode_forbids_all_but_what_a_person_ordered(decided: DecisionReason) -> None:
    """What protects a function protects it from an order, too."""
    incident = replace(_incident(IncidentState.CONTAINED), decided=decided.value)
    observing = Policy(mode=Mode.OBSERVE)
    exempt = _facts(tags=MappingProxyType({EXEMPT_TAG: "true"}))

    allowed = find_prohibition(_facts(), observing, incident)

    assert (allowed is None) == (decided is DecisionReason.ORDERED)
    assert find_prohibition(_facts(), observing) is DecisionReason.OBSERVE_MODE
    assert find_prohibition(exempt, observing, incident) is DecisionReason.EXEMPT_BY_TAG


@given(assessments, facts_of_any_kind, policies, views)
def test_what_must_not_be_touched_never_is(
    assessment: Assessment, facts: FunctionFacts, policy: Policy, view: LedgerView
) -> None:
    """No verdict, incident or response leads to a change where one of the rules forbids it."""
    decision = decide(assessment, facts, policy, view)

    forbidden = (
        policy.mode is Mode.OBSERVE
        or "orders" in policy.exempt
        or "orders" in policy.own_functions
        or facts.tags.get(EXEMPT_TAG, "").lower() == "true"
        or view.blast_radius_reached
        or assessment.verdict in (Verdict.CALM, Verdict.BUSY)
        or facts.reserved_concurrency == 0
    )
    assert not (forbidden and isinstance(decision, Contain | Hold))
