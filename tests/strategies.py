"""Hypothesis strategies for the domain's records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from functions.domain.account.origin import FunctionOrigin
from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EventSourceMapping,
    LimitMapping,
    ProvisionedConcurrency,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    StepOutcome,
    VersionScaling,
)
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.outbox import IncidentNotice
from functions.domain.incidents.refusals import Attempt, Refusals
from functions.domain.incidents.snapshot import EventRoutes, FoundReservation, HeldInstead, Snapshot
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.notices.outbox import NoticeStatus

if TYPE_CHECKING:
    from functions.domain.changes.steps import Step
from functions.domain.probation.record import (
    Probation,
    ProbationFigures,
    ProbationOutcome,
    ProbationPhase,
)

names: Final = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
texts: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
counts: Final = st.integers(0, 10_000)
numbers: Final = st.floats(0, 1e12)
zones: Final = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])
moments: Final = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(2099, 12, 31),  # noqa: DTZ001
    timezones=zones,
)
# ``None`` and 0 are both frequent on purpose.
reservations: Final = st.one_of(st.none(), st.just(0), counts)

grounds: Final = st.builds(
    Ground,
    reason=st.sampled_from(Reason),
    value=st.none() | numbers,
    unit=st.sampled_from(Unit),
    reference=st.none() | numbers,
)
assessments: Final = st.builds(
    Assessment,
    function=names,
    verdict=st.sampled_from(Verdict),
    at=moments,
    grounds=st.lists(grounds, max_size=4).map(tuple),
    rate_per_minute=numbers,
    normal_per_minute=st.none() | numbers,
    since=st.none() | moments,
    normal_concurrency=st.none() | counts,
    mean_duration_ms=st.none() | numbers,
    invocations_since=numbers,
)
provisioned: Final = st.builds(ProvisionedConcurrency, qualifier=names, requested=counts)
mappings: Final = st.builds(
    EventSourceMapping,
    uuid=st.uuids().map(str),
    source_arn=texts,
    enabled=st.booleans(),
    maximum_concurrency=reservations,
)
scalings: Final = st.builds(
    VersionScaling, qualifier=names, minimum=reservations, maximum=reservations
)
snapshots: Final = st.builds(
    Snapshot,
    reserved_concurrency=reservations,
    provisioned=st.none() | st.lists(provisioned, max_size=3).map(tuple),
    mappings=st.none() | st.lists(mappings, max_size=3).map(tuple),
    scaling=st.lists(scalings, max_size=3).map(tuple),
)
steps: Final[st.SearchStrategy[Step]] = st.one_of(
    st.builds(RemoveProvisioned, function=names, qualifier=names, prior=counts),
    st.builds(Reserve, function=names, to=counts, prior=reservations),
    st.builds(ScaleToZero, function=names, prior=scalings),
    st.builds(DisableMapping, function=names, uuid=st.uuids().map(str), source_arn=texts),
    st.builds(
        LimitMapping,
        function=names,
        uuid=st.uuids().map(str),
        source_arn=texts,
        to=counts,
        prior=reservations,
        earlier=st.lists(counts, max_size=3).map(tuple),
    ),
)
outcomes: Final = st.builds(
    StepOutcome,
    step=steps,
    status=st.sampled_from(StepStatus),
    detail=texts,
    restored=st.none() | st.sampled_from(StepStatus),
    restored_detail=texts,
    done_at=st.none() | moments,
)
outbox_notices: Final = st.builds(
    IncidentNotice,
    id=texts,
    transition=st.sampled_from(Transition),
    subject=texts,
    body=texts,
    status=st.sampled_from(NoticeStatus),
    claimed_at=st.none() | moments,
    attempts=counts,
)
triggers: Final = st.builds(
    Trigger, kind=st.sampled_from(TriggerKind), service=texts, source_arn=texts, mapping_uuid=texts
)
routes: Final = st.builds(
    EventRoutes,
    triggers=st.none() | st.lists(triggers, max_size=3).map(tuple),
    async_target_arn=st.none() | texts,
)
refusals: Final = st.builds(
    Refusals,
    attempt=st.sampled_from(Attempt),
    count=counts,
    until=st.none() | moments,
    told=st.lists(texts, max_size=2).map(tuple),
)
seconds: Final = st.floats(0, 1e6)
sources: Final = st.builds(
    Source, kind=st.sampled_from(SourceKind), name=texts, loop=st.sampled_from(LoopProof)
)
hold_plans: Final = st.builds(
    HoldPlan,
    levers=st.lists(st.sampled_from(Lever), max_size=2).map(tuple),
    cap=reservations,
    settling_seconds=seconds,
    opening_seconds=seconds,
    held_seconds=seconds,
    held_again_seconds=seconds,
    trial_seconds=seconds,
    longest_trial_seconds=seconds,
    ran_before=numbers,
    around_seconds=seconds,
    batch_size=st.none() | counts,
    usd_per_event=numbers,
    most_usd_per_minute=st.none() | numbers,
    kept_seconds=st.none() | seconds,
    stretched_trial_seconds=st.none() | seconds,
    account_concurrency=st.none() | st.integers(0, 10_000),
)
watches: Final = st.builds(
    Watch,
    plan=hold_plans,
    phase=st.sampled_from(Phase),
    since=moments,
    held_at=moments,
    spike_since=moments,
    sources=st.lists(sources, max_size=2).map(tuple),
    normal_per_minute=numbers,
    before_per_minute=numbers,
    served_before_per_minute=numbers,
    lag_seconds=st.none() | seconds,
    trial_at=st.none() | moments,
    again_at=st.none() | moments,
    waiting=st.none() | numbers,
    outside_per_minute=st.none() | numbers,
    trial_concurrency=st.none() | counts,
    trial_seconds=st.none() | seconds,
    depth=st.none() | numbers,
    depth_at=st.none() | moments,
    generations=st.none() | numbers,
    rounds=st.integers(1, 2),
    first_trial_at=st.none() | moments,
    first_again_at=st.none() | moments,
    stretched_seconds=seconds,
    is_retry=st.booleans(),
)
probations: Final = st.builds(
    Probation,
    begun_at=moments,
    before=reservations,
    was_stopped=st.booleans(),
    concurrency=reservations,
    stages=st.integers(0, 4),
    phase=st.sampled_from(ProbationPhase),
    since=moments,
    let_go_at=st.none() | moments,
    last_let_go_at=st.none() | moments,
    again_at=st.none() | moments,
    is_watched=st.booleans(),
    outcome=st.none() | st.sampled_from(ProbationOutcome),
    figures=st.none() | st.builds(ProbationFigures, minutes=numbers, rounds=st.none() | numbers),
)
origins: Final = st.builds(
    FunctionOrigin,
    owners=st.lists(texts, max_size=2).map(tuple),
    stack=texts,
    changed_at=st.none() | moments,
    runbook=texts,
)
incidents: Final = st.builds(
    Incident,
    id=texts,
    function=names,
    function_arn=texts,
    state=st.sampled_from(IncidentState),
    opened_at=moments,
    updated_at=moments,
    assessment=assessments,
    decided=texts,
    memory_mb=counts,
    timeout_seconds=counts,
    architecture=st.sampled_from(["x86_64", "arm64"]),
    version=counts,
    snapshot=st.none() | snapshots,
    steps=st.lists(outcomes, max_size=4).map(tuple),
    target=reservations,
    written=st.lists(counts, max_size=3).map(tuple),
    contained_at=st.none() | moments,
    stopped_at=st.none() | moments,
    freed_at=st.none() | moments,
    is_freed_at_known=st.booleans(),
    routes=st.none() | routes,
    released_at=st.none() | moments,
    closed_at=st.none() | moments,
    lease_until=st.none() | moments,
    unsure_until=st.none() | moments,
    unsure_keys=st.lists(texts, max_size=2).map(tuple),
    closing=st.sampled_from(IncidentState),
    actor=texts,
    is_durable=st.booleans(),
    async_target_arn=texts,
    outbox=st.lists(outbox_notices, max_size=3).map(tuple),
    released_to=st.none() | st.builds(FoundReservation, reserved_concurrency=reservations),
    is_withdrawn=st.booleans(),
    refusals=st.lists(refusals, max_size=2).map(tuple),
    watch=st.none() | watches,
    is_shown=st.booleans(),
    ordered_by=texts,
    probation=st.none() | probations,
    origin=st.none() | origins,
    instead=st.none()
    | st.builds(HeldInstead, function=names, because=grounds, per_minute=st.floats(0, 1e9)),
)
