"""What only the real ledger does: its calls, what it leaves behind, what it makes of errors."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ConnectionClosedError
from botocore.stub import Stubber

from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import WRITES, Table
from functions.aws.runtime import clients
from functions.domain.errors import LedgerUnavailableError, StaleIncidentError
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.ports import BlastRadius, BlastRadiusReached, Opened
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.pulse.memory import PulseMemory
from functions.domain.record_format import UnreadableRecordError
from tests.contract.stage import NOON, an_incident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from functions.domain.incidents.incident import Incident
    from functions.domain.incidents.ports import LatelyClosed, Opening
    from tests.contract.staging.aws import AwsStage

HOUR = timedelta(hours=1)
THREE = BlastRadius(most=3, window=HOUR)
ONE = BlastRadius(most=1, window=HOUR)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The names of the calls that reach DynamoDB."""
    calls: list[str] = []
    events = clients.make_dynamodb_client().meta.events

    def count(model: Any, **_: Any) -> None:
        calls.append(model.name)

    events.register("before-call.dynamodb", count)
    try:
        yield calls
    finally:
        events.unregister("before-call.dynamodb", count)


@contextmanager
def failing(call: str) -> Iterator[None]:
    """DynamoDB does not answer a call."""
    events = clients.make_dynamodb_client().meta.events

    def fail(**_: Any) -> None:
        raise ConnectionClosedError(endpoint_url="dynamodb")

    events.register(f"before-call.dynamodb.{call}", fail)
    try:
        yield
    finally:
        events.unregister(f"before-call.dynamodb.{call}", fail)


def opened(opening: Opening | LatelyClosed) -> Incident:
    """The incident that was opened."""
    assert isinstance(opening, Opened)
    return opening.incident


def items(stage: AwsStage) -> list[dict[str, Any]]:
    """All that is in the table."""
    found: list[dict[str, Any]] = stage.aws.client("dynamodb").scan(TableName=stage.table)["Items"]
    return found


def test_the_way_to_a_throttle_is_one_call(aws_stage: AwsStage) -> None:
    """Opening is one call, whether it succeeds or the function has an incident already."""
    ledger = aws_stage.ledger
    with counted() as calls:
        ledger.open(an_incident("orders"), THREE)
        ledger.open(an_incident("orders"), THREE)
        ledger.open(an_incident("orders", NOON + HOUR), THREE)
        ledger.open(an_incident("other"), None)

    assert calls == ["TransactWriteItems"] * 4


def test_the_calls_of_a_containment(aws_stage: AwsStage) -> None:
    """Each step of an incident's life is one call; only a full blast radius takes a second."""
    ledger = aws_stage.ledger
    noted = opened(ledger.open(an_incident("a"), None))
    with counted() as calls:
        held = opened(ledger.hold(noted.to(IncidentState.CONTAINING, NOON), ONE))
        saved = ledger.save(held.leased(NOON))
        ledger.find("a")
        ledger.read_live()
        restoring = saved.to(IncidentState.RESTORING, NOON)
        closed = ledger.save(restoring.to(IncidentState.RESTORED, NOON))
        ledger.file_away(closed)
        ledger.read_closed("a", NOON - HOUR)
        refused = ledger.open(an_incident("b"), ONE)

    assert isinstance(refused, BlastRadiusReached)
    assert calls == [
        "TransactWriteItems",
        "UpdateItem",
        "GetItem",
        "Query",
        "TransactWriteItems",
        "TransactWriteItems",
        "Query",
        "TransactWriteItems",
        "Query",
    ]


def test_two_places_of_one_function_keep_nobody_out(aws_stage: AwsStage) -> None:
    """Places are taken without a look at the others; what is one too many is given to the next."""
    ledger = aws_stage.ledger
    for number in ("00", "01"):
        place = {"pk": {"S": "slot"}, "sk": {"S": number}, "function": {"S": "twice"}}
        seconds = NOON.timestamp() + 1_800 + int(number)
        aws_stage.aws.client("dynamodb").put_item(
            TableName=aws_stage.table,
            Item={**place, "incident": {"S": f"i{number}"}, "until": {"N": str(seconds)}},
        )
    two = replace(THREE, most=2)

    first, second = (ledger.open(an_incident(name), two) for name in ("a", "b"))

    assert isinstance(first, Opened)
    assert second == BlastRadiusReached(contained=("a", "twice"))


def test_a_place_that_cannot_be_given_back_is_kept(aws_stage: AwsStage) -> None:
    """The incident is saved all the same; the place is free at the end of its window."""
    ledger = aws_stage.ledger
    noted = opened(ledger.open(an_incident("a"), ONE)).to(IncidentState.NOTIFIED, NOON)
    with failing("Query"):
        saved = ledger.save(noted)

    assert ledger.find("a") == saved
    assert isinstance(ledger.open(an_incident("b"), ONE), BlastRadiusReached)


def test_every_process_has_the_same_key_for_tags(aws_stage: AwsStage) -> None:
    """The first one creates it, each reads it once, and it is of no use to guess it."""
    table = aws_stage.table
    first, second = (DynamoLedger(Table(clients.make_dynamodb_client, table)) for _ in range(2))
    assert (first.get_known_tag_key(), second.get_known_tag_key()) == (None, None)

    keys = {first.read_tag_key(), second.read_tag_key()}
    with counted() as calls:
        keys |= {first.read_tag_key(), second.read_tag_key(), first.get_known_tag_key() or b""}

    assert (len(keys), calls) == (1, [])
    assert len(keys.pop()) == 32


def test_who_creates_a_key_at_the_same_moment_takes_the_other_one(aws_stage: AwsStage) -> None:
    """Two processes that find none both end up with the one that was written."""
    table = aws_stage.table
    first, second = (DynamoLedger(Table(clients.make_dynamodb_client, table)) for _ in range(2))
    keys = [first._tag_key.create(), second._tag_key.create()]

    assert keys[0] == keys[1]


def test_an_outage_is_noted_once_it_is_over(aws_stage: AwsStage) -> None:
    """By each process that saw it, for all of them, and for a day."""
    times = iter([NOON, NOON + HOUR])
    table = aws_stage.table
    seeing = DynamoLedger(Table(clients.make_dynamodb_client, table, clock=lambda: next(times)))
    with failing("Query"):
        for _ in range(3):
            with pytest.raises(LedgerUnavailableError):
                seeing.read_live()
    outage = (NOON, NOON + HOUR)

    assert seeing.read_live().outages == (outage,)
    assert seeing.read_live().outages == aws_stage.ledger.read_live().outages == (outage,)
    ((expires,),) = [
        [one["expires_at"]["N"]] for one in items(aws_stage) if one["sk"]["S"].startswith("outage")
    ]
    assert float(expires) == (NOON + HOUR + 24 * HOUR).timestamp()
    live = LiveLedger(outages=(outage,))
    assert live.was_away(NOON - timedelta(minutes=2))
    assert not live.was_away(NOON - timedelta(minutes=5))


def test_reads_what_was_written_last(aws_stage: AwsStage) -> None:
    """Every read is consistent: a run sees what the run before it wrote."""
    asked: list[tuple[str, Any]] = []
    events = clients.make_dynamodb_client().meta.events

    def keep(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked.append((model.name, params.get("ConsistentRead")))

    events.register("before-parameter-build.dynamodb", keep)
    aws_stage.ledger.find("orders")
    aws_stage.ledger.read_live()
    aws_stage.ledger.read_closed("orders", NOON)
    events.unregister("before-parameter-build.dynamodb", keep)

    assert asked == [("GetItem", True), ("Query", True), ("Query", True)]


def test_only_closed_incidents_expire(aws_stage: AwsStage) -> None:
    """Nothing that is still needed carries a time to live; what is filed away does."""
    ledger = aws_stage.ledger
    ledger.remember_pulse(PulseMemory(looked_at=NOON))
    ledger.claim_request("nonce", "request", NOON)
    ledger.open(an_incident("open"), THREE)
    ended = opened(ledger.open(an_incident("ended"), THREE)).to(IncidentState.ENDED, NOON)
    ledger.file_away(ledger.save(ended))

    expiring = {
        one["pk"]["S"] + "/" + one["sk"]["S"].split("#")[0]: float(one["expires_at"]["N"])
        for one in items(aws_stage)
        if "expires_at" in one
    }

    day = 86_400
    assert expiring == {
        "closed#ended/2026-03-10T12:00:30.000000+00:00": NOON.timestamp() + 400 * day,
        "filed/2026-03-10T12:00:30.000000+00:00": NOON.timestamp() + 90 * day,
        "lately/ended": NOON.timestamp() + 180 * 60,
        "live/past": NOON.timestamp() + 14 * day + 180 * 60,
    }


def _plant(stage: AwsStage, key: str, **attributes: Any) -> None:
    stage.aws.client("dynamodb").put_item(
        TableName=stage.table,
        Item={"pk": {"S": "live"}, "sk": {"S": key}, **attributes},
    )


def test_an_unreadable_record_hides_no_other(
    aws_stage: AwsStage, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is left out and logged with its key; the others are all there."""
    incident = opened(aws_stage.ledger.open(an_incident("orders"), THREE))
    _plant(aws_stage, "incident#broken", record={"S": '{"record": 99}'})
    _plant(aws_stage, "incident#empty")
    _plant(aws_stage, "past#broken", since={"S": "noon"})
    _plant(aws_stage, "past#odd", function={"N": "1"}, since={"L": []}, until={"S": "noon"})
    _plant(aws_stage, "pulse", looks={"S": "many"})
    _plant(aws_stage, "from-the-future", record={"S": "?"})

    live = aws_stage.ledger.read_live()

    assert live.incidents == (incident,)
    assert (live.pulse, live.past) == (PulseMemory(), ())
    assert live.unreadable == ("broken", "empty")
    logged = [one.__dict__["key"] for one in caplog.records if one.levelname == "ERROR"]
    assert logged == ["incident#broken", "incident#empty", "past#broken", "past#odd", "pulse"]


def test_an_unreadable_record_is_said_to_be(aws_stage: AwsStage) -> None:
    """Where the record itself is wanted, an unreadable one is a ledger unavailable."""
    _plant(aws_stage, "incident#orders", record={"S": "rubbish"}, id={"S": "x"})

    with pytest.raises(UnreadableRecordError):
        aws_stage.ledger.find("orders")
    with pytest.raises(UnreadableRecordError):
        aws_stage.ledger.open(an_incident("orders"), THREE)


def test_an_unreadable_closed_record_hides_no_other(aws_stage: AwsStage) -> None:
    """The closed incidents that can be read are answered."""
    ledger = aws_stage.ledger
    ended = opened(ledger.open(an_incident("a"), THREE)).to(IncidentState.ENDED, NOON)
    ledger.file_away(ledger.save(ended))
    aws_stage.aws.client("dynamodb").put_item(
        TableName=aws_stage.table,
        Item={"pk": {"S": "closed#a"}, "sk": {"S": "2099"}, "record": {"S": "{}"}},
    )

    assert [ended.id] == [one.id for one in ledger.read_closed("a", NOON - HOUR)]


def test_reads_page_by_page(aws_stage: AwsStage) -> None:
    """More than one page of open incidents (1 MB) is read to the end."""
    body = "x" * 200_000
    for number in range(7):
        incident = an_incident(f"function-{number}").with_notice(Transition.NOTIFIED, "s", body)
        aws_stage.ledger.open(incident, None)

    with counted() as calls:
        live = aws_stage.ledger.read_live()

    assert len(live.incidents) == 7
    assert len(calls) >= 2


CALLS: list[Callable[[DynamoLedger], object]] = [
    lambda ledger: ledger.open(an_incident("orders"), THREE),
    lambda ledger: ledger.open(an_incident("orders"), None),
    lambda ledger: ledger.hold(an_incident("orders"), THREE),
    lambda ledger: ledger.save(an_incident("orders")),
    lambda ledger: ledger.find("orders"),
    lambda ledger: ledger.read_live(),
    lambda ledger: ledger.supersede(
        an_incident("orders", state=IncidentState.SUPERSEDED), an_incident("orders"), THREE
    ),
    lambda ledger: ledger.file_away(an_incident("orders", state=IncidentState.ENDED)),
    lambda ledger: ledger.read_closed("orders", NOON),
    lambda ledger: ledger.remember_pulse(PulseMemory()),
    lambda ledger: ledger.claim_request("nonce", "request", NOON),
    lambda ledger: ledger.settle_request("nonce", "request", is_done=True),
    lambda ledger: ledger.read_attempts("matter"),
    lambda ledger: ledger.count_attempt("matter", NOON),
    lambda ledger: ledger.read_tag_key(),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_missing_table_is_an_unavailable_ledger(
    shared_aws: object, call: Callable[[DynamoLedger], object]
) -> None:
    """Every method says that the ledger is unavailable when the table is not there."""
    ledger = DynamoLedger(Table(clients.make_dynamodb_client, "missing"))

    with pytest.raises(LedgerUnavailableError, match="ResourceNotFoundException"):
        call(ledger)


@pytest.mark.thorough
@pytest.mark.parametrize("call", CALLS)
def test_a_lost_connection_is_an_unavailable_ledger(
    call: Callable[[DynamoLedger], object],
) -> None:
    """Every method says that the ledger is unavailable when nothing answers."""
    from botocore.config import Config  # noqa: PLC0415

    client = clients.make_session().create_client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(connect_timeout=1, retries={"total_max_attempts": 1}),
    )

    with pytest.raises(LedgerUnavailableError, match="Could not connect"):
        call(DynamoLedger(Table(lambda: cast("Any", client), "ledger")))


class Stubbed:
    """A ledger whose calls are answered from a list."""

    def __init__(self) -> None:
        client = clients.make_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        self.stubber = Stubber(client)
        self.stubber.activate()
        self.pauses: list[float] = []
        self.ledger = DynamoLedger(
            Table(
                lambda: cast("Any", client),
                "ledger",
                retry=replace(WRITES, sleep=self.pauses.append),
            )
        )

    def refuse(self, operation: str, code: str, **fields: Any) -> None:
        """Let the next call fail."""
        self.stubber.add_client_error(operation, code, "AWS's words", modeled_fields=fields)

    def cancel(self, *codes: str, item: dict[str, Any] | None = None) -> None:
        """Let the next transaction be cancelled for these reasons, one for each of its items."""
        reasons: list[dict[str, Any]] = [{"Code": code} for code in codes]
        if item is not None:
            reasons[0]["Item"] = item
        self.refuse(
            "transact_write_items", "TransactionCanceledException", CancellationReasons=reasons
        )


@pytest.fixture
def stubbed() -> Stubbed:
    """A ledger whose calls are answered from a list."""
    return Stubbed()


def test_waits_for_other_transactions(stubbed: Stubbed) -> None:
    """A transaction that another one is in the way of is tried again, after growing pauses."""
    stubbed.cancel("None", "TransactionConflict")
    stubbed.cancel("ThrottlingError", "None")
    stubbed.stubber.add_response("transact_write_items", {})

    opening = stubbed.ledger.open(an_incident("orders"), THREE)

    assert isinstance(opening, Opened)
    assert len(stubbed.pauses) == 2
    assert 0 < stubbed.pauses[0] <= 0.1 <= stubbed.pauses[1] <= 0.2
    stubbed.stubber.assert_no_pending_responses()


def test_does_not_wait_forever(stubbed: Stubbed) -> None:
    """After five conflicts the ledger is said to be unavailable."""
    for _ in range(5):
        stubbed.cancel("TransactionConflict", "None")

    with pytest.raises(LedgerUnavailableError, match="tried 5 times"):
        stubbed.ledger.open(an_incident("orders"), THREE)

    assert len(stubbed.pauses) == 4
    assert sum(stubbed.pauses) < 2


def test_a_conflict_on_one_item_is_waited_for(stubbed: Stubbed) -> None:
    """An update that a transaction is in the way of is tried again."""
    stubbed.refuse("update_item", "TransactionConflictException")
    stubbed.stubber.add_response("update_item", {})

    assert stubbed.ledger.save(an_incident("orders")).version == 1


def test_a_place_refused_during_a_conflict_decides_nothing(stubbed: Stubbed) -> None:
    """A taken place beside a conflict on the incident is tried again, not read as an answer."""
    stubbed.cancel("TransactionConflict", "ConditionalCheckFailed")
    stubbed.stubber.add_response("transact_write_items", {})

    assert isinstance(stubbed.ledger.open(an_incident("orders"), THREE), Opened)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "Unknown"])
def test_other_refusals_are_not_tried_again(stubbed: Stubbed, code: str) -> None:
    """What does not pass by itself is said at once, in AWS's words."""
    stubbed.refuse("transact_write_items", code)

    with pytest.raises(LedgerUnavailableError, match=f"{code}: AWS's words"):
        stubbed.ledger.open(an_incident("orders"), THREE)

    assert stubbed.pauses == []


def test_a_cancelled_transaction_without_a_condition_is_no_answer(stubbed: Stubbed) -> None:
    """A transaction cancelled for another reason never passes for a refusal."""
    stubbed.cancel("None", "ItemCollectionSizeLimitExceeded")

    with pytest.raises(LedgerUnavailableError):
        stubbed.ledger.open(an_incident("orders"), THREE)


class LosesAnswers:
    """Lets a client's next call take effect and then be sent a second time, as after a timeout."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client = client
        self._operation = operation

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name != self._operation:
            return real

        def twice(**request: Any) -> Any:
            real(**request)
            return real(**request)

        return twice


def test_knows_its_own_write_after_a_lost_answer(aws_stage: AwsStage) -> None:
    """An update that is sent twice because its answer was lost counts once and is no conflict."""
    table = aws_stage.table
    incident = opened(aws_stage.ledger.open(an_incident("orders"), THREE))
    client: Any = LosesAnswers(clients.make_dynamodb_client(), "update_item")
    ledger = DynamoLedger(Table(lambda: client, table))

    saved = ledger.save(incident.leased(NOON))

    assert saved.version == 2
    assert aws_stage.ledger.find("orders") == saved
    with pytest.raises(StaleIncidentError):
        ledger.save(incident.leased(NOON))


def test_a_long_incident_is_kept(aws_stage: AwsStage) -> None:
    """Even with notices longer than an item may be, an incident is written."""
    incident = an_incident("orders")
    for number in range(4):
        incident = incident.with_notice(Transition.NOTIFIED, f"{number}", "x" * 262_144)

    stored = opened(aws_stage.ledger.open(incident, THREE))
    closed = aws_stage.ledger.save(replace(stored, state=IncidentState.ENDED, closed_at=NOON))

    (live,) = aws_stage.ledger.read_live().incidents
    assert (live.id, live.version, len(live.outbox)) == (closed.id, 2, 4)
