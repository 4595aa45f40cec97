import dataclasses
import inspect
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.aws.records.incidents.incident_items import load
from functions.aws.records.incidents.incident_record import (
    dump_incident,
    load_incident,
    pack_incident,
)
from functions.aws.records.items import MOST_BYTES
from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import EventSourceMapping, StepOutcome, follow_up_steps
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import LedgerUnavailableError, RecordTooLargeError
from functions.domain.holding.watch import Lever, Phase, Watch
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.snapshot import Snapshot
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.notices.outbox import CUT
from functions.domain.record_format import UnreadableRecordError
from tests.contract.stage import an_incident
from tests.examples import examples
from tests.strategies import incidents
from tests.unit.domain.notices.samples.holds import hold_plan

QUEUE = "arn:aws:sqs:us-east-1:123456789012:a-queue-with-a-name-of-some-length"


@pytest.mark.thorough
@given(incident=incidents)
@settings(max_examples=examples(150), deadline=None)
def test_reads_what_it_wrote(incident: Incident) -> None:
    """Every incident comes back as it was, whatever it holds."""
    assert incident == load_incident(dump_incident(incident))


@pytest.mark.parametrize("reserved", [None, 0, 1])
def test_keeps_none_and_zero_apart(reserved: int | None) -> None:
    """Nothing reserved, 0 and 1 are three different things to put back."""
    incident = an_incident("orders", snapshot=Snapshot(reserved_concurrency=reserved))

    snapshot = load_incident(dump_incident(incident)).snapshot

    assert snapshot is not None
    assert snapshot.reserved_concurrency == reserved
    assert type(snapshot.reserved_concurrency) is type(reserved)


def test_the_strategy_covers_every_field() -> None:
    """A field that is added to the incident is added to the strategy of the test above."""
    fields = {one.name for one in dataclasses.fields(Incident)}

    given_fields = {name for name in fields if f"    {name}=" in _strategies_source()}

    assert fields == given_fields


def _strategies_source() -> str:
    import tests.strategies  # noqa: PLC0415

    return inspect.getsource(tests.strategies).partition("incidents: Final")[2]


def _record(**changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(dump_incident(an_incident("orders")))
    record["incident"].update(changes)
    return record


def test_leaves_unknown_fields_alone() -> None:
    """A record of a later deployment that only knows more is read."""
    record = _record(mood="bad")
    record["incident"]["assessment"]["colour"] = "red"

    assert an_incident("orders") == load_incident(json.dumps(record))


def test_takes_defaults_for_missing_fields() -> None:
    """A record of an earlier deployment that did not know a field is read."""
    record = _record()
    for name in ("closing", "actor", "outbox", "architecture"):
        del record["incident"][name]

    assert an_incident("orders") == load_incident(json.dumps(record))


def _kept(name: str) -> Incident:
    """A record as a deployment wrote it that kept the first reservation's moment only."""
    return load_incident((Path(__file__).parent / f"{name}.json").read_text())


def test_a_record_without_the_moment_of_the_stop() -> None:
    """Where no cap came first, the moment that was kept is the one of the stop."""
    stopped = _kept("stopped")

    assert stopped.stopped_at == stopped.contained_at == datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
    assert stopped.capped_at is None
    assert stopped.snapshot is not None
    assert stopped.snapshot.reserved_concurrency == 7


def test_a_record_of_a_cap_without_the_moment_of_the_stop() -> None:
    """Where a cap came first, the moment that was kept is the cap's, and the stop's is unknown."""
    stopped = _kept("stopped_after_cap")

    assert stopped.capped_at == datetime(2026, 11, 23, 3, 9, tzinfo=UTC)
    assert stopped.stopped_at is None
    assert stopped.is_at_zero
    assert stopped.routes is None


def test_a_record_of_a_cap_without_a_hold() -> None:
    """A deployment that capped what it suspected kept no watch: there is none to go on with."""
    capped = _kept("capped")

    assert capped.state is IncidentState.CAPPED
    assert (capped.watch, capped.is_shown) == (None, False)
    assert (capped.target, capped.prior, capped.ours) == (5, 7, (5,))
    assert capped.capped_at == datetime(2026, 11, 23, 3, 15, tzinfo=UTC)


def test_keeps_a_hold_in_each_of_its_phases() -> None:
    """Whoever takes a hold up after a crash knows how far it had got, to the second."""
    at = datetime(2026, 11, 23, 3, 15, 20, tzinfo=UTC)
    held = Watch(
        plan=hold_plan(Lever.PAUSE),
        phase=Phase.HELD,
        since=at,
        held_at=at,
        spike_since=at,
        sources=(Source(kind=SourceKind.QUEUE, name="orders", loop=LoopProof.POSSIBLE),),
        normal_per_minute=3,
        before_per_minute=900.5,
        served_before_per_minute=900,
    )
    trial = held.letting_go(at, concurrency=4, seconds=180, waiting=40, outside_per_minute=0.5)
    again = trial.holding_again(at).seeing(17, at)

    for watch in (held, trial, again):
        stored = dump_incident(an_incident("orders", watch=watch, is_shown=True))
        assert load_incident(stored).watch == watch
        assert load_incident(stored).is_shown


def _without(name: str) -> dict[str, Any]:
    record = _record()
    del record["incident"][name]
    return record


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("", "JSONDecodeError"),
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("null", "TypeError"),
        ("{}", "KeyError 'record'"),
        (json.dumps({"record": 1}), "KeyError 'incident'"),
        (json.dumps({"record": 1, "incident": 5}), "TypeError"),
        (json.dumps({**_record(), "record": 2}), "version 2, this code reads up to 1"),
        (json.dumps(_without("id")), "'id'"),
        (json.dumps(_record(state="lost")), "'lost' is not a valid IncidentState"),
        (json.dumps(_record(memory_mb="128")), "Incident.memory_mb: TypeError str where int"),
        (json.dumps(_record(opened_at="noon")), "noon"),
        (json.dumps(_record(opened_at=None)), "TypeError"),
        (
            json.dumps(_record(version=None)),
            "Incident.version: TypeError NoneType where int belongs",
        ),
        (json.dumps(_record(snapshot=[])), "TypeError"),
        (
            json.dumps(_record(steps=[{"step": {"kind_": "Explode"}}])),
            "Incident.steps.0.step: KeyError 'Explode'",
        ),
        (json.dumps(_record(steps=7)), "TypeError"),
    ],
)
def test_says_what_it_cannot_read(record: str, why: str) -> None:
    """An unreadable record is a clear error, and one that the guard goes on after."""
    with pytest.raises(UnreadableRecordError) as refused:
        load_incident(record)

    assert why in str(refused.value)
    assert isinstance(refused.value, LedgerUnavailableError)


@given(text=st.text())
def test_never_fails_otherwise(text: str) -> None:
    """Whatever the table holds, reading it fails in the one expected way."""
    with pytest.raises(UnreadableRecordError):
        load_incident(text)


def test_fits_into_an_item() -> None:
    """Notices too long for DynamoDB are cut, those first that are sent; nothing else is."""
    long = "x─" * 50_000
    incident = (
        an_incident("orders", snapshot=Snapshot(reserved_concurrency=5))
        .with_notice(Transition.CONTAINED, "sent", long)
        .with_notice(Transition.RELEASED, "pending", "y" * 250_000)
    )
    incident = incident.with_notice_as(incident.outbox[0].sent())

    text = dump_incident(incident)
    read = load_incident(text)

    assert len(text.encode()) <= MOST_BYTES
    sent, pending = read.outbox
    assert (len(sent.body), sent.body[-len(CUT) :]) == (200, CUT)
    assert pending == incident.outbox[1]
    assert dataclasses.replace(read, outbox=incident.outbox) == incident


def test_cuts_pending_notices_last() -> None:
    """Where only pending notices are left, the longest gives way and keeps its beginning."""
    incident = an_incident("orders").with_notice(Transition.CONTAINED, "subject", "a" * 900_000)

    text = dump_incident(incident)
    (notice,) = load_incident(text).outbox

    assert len(text.encode()) <= MOST_BYTES
    assert notice.body.startswith("a" * 200_000)
    assert notice.body.endswith(CUT)


def _with_mappings(count: int) -> Incident:
    """An incident that disables mappings whose ids have no pattern, as AWS's."""
    mappings = tuple(
        EventSourceMapping(
            uuid=str(uuid5(NAMESPACE_OID, str(number))),
            source_arn=f"arn:aws:sqs:us-east-1:123456789012:tenant-{number:05d}-orders-in",
            enabled=True,
            function="orders",
        )
        for number in range(count)
    )
    steps = follow_up_steps("orders", (), mappings)
    incident = an_incident(
        "orders", snapshot=Snapshot(reserved_concurrency=None, mappings=mappings)
    )
    return dataclasses.replace(incident, steps=tuple(StepOutcome(step=one) for one in steps))


@pytest.mark.parametrize(("count", "kind"), [(3, "S"), (3_000, "B")])
def test_thousands_of_mappings_fit(count: int, kind: str) -> None:
    """A record that is too long as text is compressed: nothing of it is cut."""
    incident = _with_mappings(count).with_notice(Transition.CONTAINED, "subject", "y" * 30_000)

    record = pack_incident(incident)

    assert list(record) == [kind]
    assert len(record[kind]) <= MOST_BYTES
    assert load({"record": record}) == incident


def test_a_record_that_cannot_fit_is_an_error() -> None:
    """Whoever writes it knows why, and that nothing is stored."""
    with pytest.raises(RecordTooLargeError):
        pack_incident(_with_mappings(12_000))


@pytest.mark.thorough
def test_a_record_with_everything_in_it_fits() -> None:
    """Days of refusals, of a function with 500 mappings, while SNS takes no notice."""
    mappings = tuple(
        EventSourceMapping(
            uuid=f"00000000-0000-4000-8000-{number:012d}", source_arn=QUEUE, enabled=True
        )
        for number in range(500)
    )
    incident = an_incident("orders", state=IncidentState.CONTAINING).with_reservation(0, 5)
    incident = incident.with_mappings(mappings)
    words = "AccessDeniedException: " + "x" * 5_000
    for outcome in incident.steps:
        incident = incident.with_outcome(outcome.step, StepStatus.FAILED, words)
        incident = incident.with_restored(outcome.step, StepStatus.FAILED, words)
    for number in range(100):
        incident = incident.with_notice(Transition.RESTORE_FAILED, "subject " * 12, "y" * 30_000)
        incident = incident.with_reported(Attempt.RESTORE, f"{number} {words}")

    text = dump_incident(incident)
    read = load_incident(text)

    assert len(text.encode()) <= MOST_BYTES
    assert read.snapshot == incident.snapshot
    assert [one.step for one in read.steps] == [one.step for one in incident.steps]
    assert [one.id for one in read.outbox] == [one.id for one in incident.outbox]
