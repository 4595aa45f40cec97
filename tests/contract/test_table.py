"""The table: what its reads and writes answer, on DynamoDB and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.records.items import build_key
from functions.aws.records.table import Table
from functions.aws.records.writes import (
    NEW,
    AttributeAbsent,
    Compare,
    ConditionCheck,
    Delete,
    PutItem,
    Update,
)
from functions.aws.runtime import clients
from functions.domain.errors import LedgerUnavailableError
from sandbox.scenarios.provision import create_ledger
from tests.contract.stage import unique
from tests.fake_table import MemoryTable

if TYPE_CHECKING:
    from functions.aws.records.writes import (
        WriteCondition,
    )
    from sandbox.local_aws import LocalAws

KEY = build_key("partition", "a")
OTHER = build_key("partition", "b")
ITEM = {**KEY, "state": {"S": "open"}, "until": {"N": "10.5"}, "text": {"S": "ä"}}


@pytest.fixture(params=["memory", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Table:
    """An empty table."""
    if request.param == "memory":
        return MemoryTable()
    aws: LocalAws = request.getfixturevalue("shared_aws")
    return Table(
        clients.make_dynamodb_client, create_ledger(aws.client("dynamodb"), unique("table"))
    )


CONDITIONS = [
    (NEW, False, True),
    (AttributeAbsent("state"), False, True),
    (AttributeAbsent("missing"), True, True),
    (Compare("state", "=", {"S": "open"}), True, False),
    (Compare("state", "=", {"S": "closed"}), False, False),
    (Compare("state", "=", {"N": "1"}), False, False),
    (Compare("state", "<>", {"S": "open"}), False, True),
    (Compare("state", "<>", {"S": "closed"}), True, True),
    (Compare("state", "<=", {"S": "p"}), True, False),
    (Compare("state", "<=", {"S": "o"}), False, False),
    (Compare("text", "<=", {"S": "z"}), False, False),  # by their bytes
    (Compare("until", "<=", {"N": "10.50"}), True, False),
    (Compare("until", "<=", {"N": "9"}), False, False),
    (Compare("until", "=", {"N": "10.500000"}), True, False),
    (Compare("missing", "<=", {"N": "9"}), False, False),
    (NEW | Compare("state", "=", {"S": "open"}), True, True),
    (NEW & Compare("state", "=", {"S": "open"}), False, False),
    (AttributeAbsent("missing") & (NEW | Compare("until", "<=", {"N": "11"})), True, True),
]


@pytest.mark.parametrize(("condition", "of_item", "of_nothing"), CONDITIONS)
def test_conditions(
    table: Table, condition: WriteCondition, *, of_item: bool, of_nothing: bool
) -> None:
    """A write is done where its condition holds, and else answers what is stored."""
    refusals = table.write(PutItem(item={**OTHER, "state": {"S": "new"}}, condition=condition))
    assert refusals == (None if of_nothing else [{}])

    table.write(PutItem(item=ITEM))
    refusals = table.write(Delete(key=KEY, condition=condition))
    assert refusals == (None if of_item else [ITEM])
    assert table.get(KEY) == (None if of_item else ITEM)


def test_an_item_is_replaced_or_updated(table: Table) -> None:
    """A put leaves nothing of what was there, an update leaves all that it does not name."""
    assert table.get(KEY) is None
    table.write(PutItem(item=ITEM))
    update = Update(
        key=KEY,
        values={"state": {"S": "closed"}},
        removed=("until", "missing"),
        added={"count": {"N": "1"}},
    )
    table.write(update)
    after = {**KEY, "state": {"S": "closed"}, "text": {"S": "ä"}, "count": {"N": "1"}}

    assert table.get(KEY) == after
    assert table.update(update) == {**after, "count": {"N": "2"}}
    assert table.update(Update(key=KEY, values={"state": {"S": "x"}}, condition=NEW)) is None
    table.write(PutItem(item={**KEY, "state": {"S": "new"}}))
    assert table.get(KEY) == {**KEY, "state": {"S": "new"}}


def test_an_update_creates_what_is_not_there(table: Table) -> None:
    """Nothing has to be written before."""
    table.write(Update(key=KEY, values={"last": {"S": "now"}}, added={"count": {"N": "1"}}))

    assert table.get(KEY) == {**KEY, "last": {"S": "now"}, "count": {"N": "1"}}


def test_all_or_nothing(table: Table) -> None:
    """A transaction answers for each write whether it stands in the way, and what is stored."""
    table.write(PutItem(item=ITEM))
    writes = (
        PutItem(item={**OTHER, "state": {"S": "new"}}, condition=NEW),
        ConditionCheck(key=KEY, condition=Compare("state", "=", {"S": "closed"})),
        Delete(key=build_key("partition", "c")),
    )

    assert table.write(*writes) == [None, ITEM, None]
    assert table.get(OTHER) is None
    table.write(Update(key=KEY, values={"state": {"S": "closed"}}))
    assert table.write(*writes) is None
    assert table.get(OTHER) == {**OTHER, "state": {"S": "new"}}


def test_a_partition_is_read_in_order(table: Table) -> None:
    """All of it, or from a key on, or one item, or one attribute; whatever its size."""
    long = {"S": "x" * 300_000}
    for name in ("b", "a", "Z", "c", "ä", "ab"):
        table.write(PutItem(item={**build_key("partition", name), "text": long}))
    table.write(PutItem(item=build_key("another", "a")))

    def names(**given: Any) -> list[str]:
        return [one["sk"]["S"] for one in table.query("partition", **given)]

    assert names() == ["Z", "a", "ab", "b", "c", "ä"]
    assert names(newest_first=True) == ["ä", "c", "b", "ab", "a", "Z"]
    assert names(after="ab", newest_first=True) == ["ä", "c", "b", "ab"]
    assert names(only="b") == ["b"]
    assert names(only="x") == []
    assert list(table.query("another", attribute="sk")) == [{"sk": {"S": "a"}}]


def test_what_is_too_large_is_not_written(table: Table) -> None:
    """Nor is anything of the same transaction."""
    large = PutItem(item={**KEY, "text": {"S": "x" * 420_000}})

    with pytest.raises(LedgerUnavailableError, match="ValidationException"):
        table.write(large)
    with pytest.raises(LedgerUnavailableError, match="ValidationException"):
        table.write(PutItem(item=OTHER), large)

    assert list(table.query("partition")) == []


def test_marks_are_of_one_length(table: Table) -> None:
    """They are digits that nobody draws twice."""
    marks = {table.draw() for _ in range(100)}

    assert len(marks) == 100
    assert {len(one) for one in marks} == {16}
    assert len(table.draw(256)) == 64
