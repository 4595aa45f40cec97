"""The chart's memory: the fake that the stories use, and DynamoDB."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.stub import Stubber

from functions.aws.records.chart_store import MOST_TOLD, ChartStore
from functions.aws.records.fact_store import FactStore
from functions.aws.records.graph_summary import KEPT, LoopBookStore
from functions.aws.records.table import WRITES, Table
from functions.aws.runtime import clients
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.refresh import (
    SCHEMA,
    ChartState,
    Manifest,
    Pass,
    PassKind,
    TurnLostError,
)
from functions.domain.graph.summary import Entry, LoopBook
from tests.contract.stage import unique
from tests.fake_chart import FakeChartMemory, FakeChartStore, a_notice
from tests.unit.aws.account.test_storage import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.staging.aws import AwsStage

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
STATE = ChartState(
    facts=Manifest(at=NOW, schema=SCHEMA, parts={"functions#00": "abc#1"}),
    full_at=NOW,
    listed_at=NOW,
    going=Pass(kind=PassKind.LIGHT, manifest=Manifest(at=LATER, schema=SCHEMA), runs=3),
    told=("0123456789abcdef",),
    told_gaps=("queues|sqs:ListQueues",),
)
ROLE = Change(kind=ChangeKind.ROLE, name="orders-role")
BOOK = LoopBook(
    account="123456789012",
    region="us-east-1",
    at=NOW,
    entries={"orders": Entry(proof=LoopProof.CERTAIN)},
    functions=1,
)

Store: TypeAlias = Any


@pytest.fixture
def table(aws_stage: AwsStage) -> str:
    """The name of an empty table."""
    return aws_stage.table


@pytest.fixture(params=["fake", "aws"])
def run(request: pytest.FixtureRequest) -> Callable[[str], Store]:
    """Makes the store of a run, by the run's name; all share one memory."""
    if request.param == "fake":
        memory = FakeChartMemory()
        return lambda holder: FakeChartStore(memory, holder=holder)
    table: str = request.getfixturevalue("table")
    return lambda holder: ChartStore(Table(clients.make_dynamodb_client, table), holder=holder)


def test_one_run_at_a_time(run: Callable[[str], Store]) -> None:
    """Who comes while another run has the turn is sent away, until that ends or its time is up."""
    assert run("a").take_turn(NOW, LATER) == ChartState()
    assert run("b").take_turn(NOW, LATER) is None
    assert run("a").take_turn(NOW, LATER) == ChartState()
    assert run("b").take_turn(LATER, LATER + timedelta(minutes=15)) == ChartState()
    run("b").end_turn()
    assert run("a").take_turn(LATER, LATER + timedelta(minutes=15)) == ChartState()


def test_who_lost_the_turn_writes_nothing(run: Callable[[str], Store]) -> None:
    """A run that was held up for too long does not undo what its successor did."""
    run("a").take_turn(NOW, LATER)
    run("b").take_turn(LATER, LATER + timedelta(minutes=15))

    for notices in ((), (a_notice(),)):
        with pytest.raises(TurnLostError):
            run("a").save(STATE, notices)
    assert run("b").read_notices() == ()
    run("a").end_turn()
    assert run("c").take_turn(LATER, LATER + timedelta(minutes=15)) is None


def test_the_state_comes_back_as_it_was(run: Callable[[str], Store]) -> None:
    """What one run saves, the next one finds."""
    run("a").take_turn(NOW, LATER)
    run("a").save(STATE)
    run("a").end_turn()

    assert run("b").take_turn(NOW, LATER) == STATE


def test_state_and_notices_are_written_together(run: Callable[[str], Store]) -> None:
    """Notices are there with the state that they follow from, in their order."""
    run("a").take_turn(NOW, LATER)
    run("a").save(STATE, [a_notice(1), a_notice(2)])

    assert run("a").read_notices() == (a_notice(1), a_notice(2))


def test_notices_are_claimed_and_dropped(run: Callable[[str], Store]) -> None:
    """A notice keeps what was written of it, until it is dropped."""
    run("a").take_turn(NOW, LATER)
    run("a").save(STATE, [a_notice()])
    run("a").keep_notice(a_notice().claimed(NOW))

    assert run("a").read_notices() == (a_notice().claimed(NOW),)
    run("a").keep_notice(a_notice().sent())
    assert run("a").read_notices() == ()


def test_changes_are_noted_once(run: Callable[[str], Store]) -> None:
    """The same change twice is one note; one that came again after it was read stays."""
    run("a").note([ROLE], "first", NOW)
    read = run("a").read_noted()
    run("b").note([ROLE], "second", NOW)
    run("a").forget(read)

    assert [(one.change, one.mark) for one in run("a").read_noted()] == [(ROLE, "second")]
    run("a").forget(run("a").read_noted())
    assert run("a").read_noted() == ()


# -- DynamoDB only


def test_another_transaction_in_the_way_does_not_cost_the_turn() -> None:
    """What is saved with its notices is tried again; the turn is lost to another run only."""
    client: Any = clients.make_session().create_client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    pauses: list[float] = []
    table = Table(lambda: client, "table", retry=replace(WRITES, sleep=pauses.append))
    store = ChartStore(table, holder="a")
    with Stubber(client) as stubber:
        for codes in (("None", "TransactionConflict"), ("ConditionalCheckFailed", "None")):
            stubber.add_client_error(
                "transact_write_items",
                "TransactionCanceledException",
                modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
            )
        with pytest.raises(TurnLostError):
            store.save(STATE, [a_notice()])

        assert len(pauses) == 1
        stubber.assert_no_pending_responses()


def test_names_of_any_length(table: str) -> None:
    """A name that is longer than a key may be is noted all the same."""
    store = ChartStore(Table(clients.make_dynamodb_client, table), holder="a")
    change = Change(kind=ChangeKind.RULE, name="x" * 3000)
    store.note([change], "m", NOW)

    assert [one.change for one in store.read_noted()] == [change]
    store.forget(store.read_noted())
    assert store.read_noted() == ()


def test_a_state_that_cannot_be_read_is_none(table: str) -> None:
    """Whatever stands there, charting begins anew instead of never again."""
    client = clients.make_dynamodb_client()
    for number, record in enumerate((b"no zlib", b"x\x9c\x03\x00\x00\x00\x00\x01")):
        client.put_item(
            TableName=table,
            Item={"pk": {"S": "chart"}, "sk": {"S": "state"}, "record": {"B": record}},
        )
        store = ChartStore(Table(lambda: client, table), holder=str(number))
        assert store.take_turn(NOW, LATER) == ChartState()


def test_what_was_told_is_bounded(table: str) -> None:
    """The oldest loops that were told of are forgotten first."""
    store = ChartStore(Table(clients.make_dynamodb_client, table), holder="a")
    store.take_turn(NOW, LATER)
    store.save(replace(STATE, told=tuple(f"{number:016x}" for number in range(MOST_TOLD + 5))))
    state = store.take_turn(NOW, LATER)

    assert state is not None
    assert (len(state.told), state.told[0]) == (MOST_TOLD, f"{5:016x}")


@pytest.mark.thorough
def test_facts_come_back_from_the_table(table: str) -> None:
    """Parts of real items are read as they were written, and cleared when nothing names them."""
    client = clients.make_dynamodb_client()
    store = FactStore(
        Table(lambda: client, table), account="123456789012", region="us-east-1", partition="aws"
    )
    facts = read_facts()
    first = store.save(facts)
    again = store.save(read_facts(10), stored=[first])
    loaded = store.load(first)

    assert {name: loaded._entries[name] for name in loaded._entries} == facts._entries
    assert store.clear([again]) > 0
    assert store.load(again).account == "123456789012"


def test_contain_reads_the_book_now_and_then(table: str) -> None:
    """The book is read by one call and kept for minutes."""
    now = [NOW]
    client = clients.make_dynamodb_client()
    books = LoopBookStore(Table(lambda: client, table), clock=lambda: now[0])
    ChartStore(Table(lambda: client, table), holder="a").write_book(BOOK)
    first = books.load()
    ChartStore(Table(lambda: client, table), holder="a").write_book(replace(BOOK, at=LATER))

    assert first == BOOK
    assert books.load() == BOOK
    now[0] += KEPT
    assert books.load() == replace(BOOK, at=LATER)


def test_no_book_is_no_error(table: str) -> None:
    """Before the first reading, and where the table is gone, nothing is known."""
    client = clients.make_dynamodb_client()

    assert LoopBookStore(Table(lambda: client, table), clock=lambda: NOW).load() is None
    assert LoopBookStore(Table(lambda: client, unique("none")), clock=lambda: NOW).load() is None
