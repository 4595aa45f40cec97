"""Facts in the table: what is written, what is read back, and what is found to be broken."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account import facts as f
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.inventory import build_account
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.aws.records import fact_store
from functions.aws.records.fact_store import FactStore
from functions.aws.records.items import read_text
from functions.aws.records.writes import Delete, PutItem
from functions.domain.account.inventory import Area, FunctionDescription
from functions.domain.graph.refresh import Manifest
from functions.domain.serialization import UnreadableError
from tests.fake_table import MemoryTable
from tests.fakes.faults import SimulatedCrash

if TYPE_CHECKING:
    from functions.aws.records.table import Refusals
    from functions.aws.records.writes import Write

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


class FragileTable(MemoryTable):
    """A table that remembers what was put, and at which a process may die.

    Attributes
    ----------
    written
        The sort keys of what was put.
    is_broken
        Whether a process that deletes something dies.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.is_broken = False

    def write(self, *writes: Write) -> Refusals | None:
        """See `Table`."""
        for one in writes:
            if isinstance(one, Delete) and self.is_broken:
                raise SimulatedCrash("delete")
            if isinstance(one, PutItem):
                self.written.append(read_text(one.item, "sk"))
        return super().write(*writes)


def test_every_section_is_listed() -> None:
    """A section that is not listed is neither held nor stored."""
    named = {name for name, one in vars(f).items() if isinstance(one, f.Section)}
    listed = {name for name in named if getattr(f, name) in f.SECTIONS}

    assert named == listed, f"add to SECTIONS of facts.py: {sorted(named - listed)}"
    assert len(f.SECTIONS) == len({one.name for one in f.SECTIONS}) == len(named)


def store(table: FragileTable, account: str = ACCOUNT) -> FactStore:
    """A store on the table."""
    return FactStore(table, account=account, region=REGION, partition="aws")


def read_facts(functions: int = 30) -> f.Facts:
    """Facts of an account with a bit of everything."""
    facts = f.begin(ACCOUNT, REGION, "aws", NOW)
    asker = ReadClient(grown(functions).client, RateLimiter({}))
    AccountReader(asker, suspects=lambda _: ["orders-00000"], side_by_side=run_one_by_one).read(
        facts
    )
    facts.note_gap(Area.LOGS, "AccessDenied: no", action="logs:DescribeAccountPolicies")
    return facts


def test_facts_come_back_as_they_were() -> None:
    """Every section is read as it was written, and so is the account made of it."""
    table, facts = FragileTable(), read_facts()
    manifest = store(table).save(facts)
    loaded = store(table).load(manifest)

    assert {one.name: loaded.of(one) for one in f.SECTIONS} == {
        one.name: facts.of(one) for one in f.SECTIONS
    }
    assert build_account(loaded) == build_account(facts)
    assert loaded.changed == set()


def test_writes_only_what_changed() -> None:
    """A change of one function writes the part that it is in, and nothing else."""
    table, facts = FragileTable(), read_facts()
    first = store(table).save(facts)
    table.written.clear()
    facts.drop(f.POLICIES, "orders-00007")
    second = store(table).save(facts, first)

    assert len(table.written) == 1
    assert len(set(first.parts.items()) - set(second.parts.items())) == 1


def test_a_second_reading_of_the_same_account_writes_nothing() -> None:
    """Equal parts have equal names, so what is stored already is not stored again."""
    table = FragileTable()
    first = store(table).save(read_facts())
    table.written.clear()
    second = store(table).save(read_facts(), stored=[first])

    assert (table.written, second.parts) == ([], first.parts)


def test_facts_that_were_saved_before_stay_as_they_are() -> None:
    """An older manifest still gives the older facts."""
    table, facts = FragileTable(), read_facts()
    first = store(table).save(facts)
    facts.put(f.POLICIES, "orders-00007", "changed")
    store(table).save(facts, first)

    assert store(table).load(first).of(f.POLICIES)["orders-00007"] != "changed"


def test_large_parts_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is larger than an item is kept in several, and read as one."""
    monkeypatch.setattr(fact_store, "MOST_BYTES", 1_000)
    table = FragileTable()
    facts = f.begin(ACCOUNT, REGION, "aws", NOW)
    noise = secrets.token_hex(8_000)
    one = FunctionDescription(name="a", arn="arn:a", role_arn="", runtime=noise)
    facts.put(f.FUNCTIONS, "a", one)
    manifest = store(table).save(facts)

    assert len(table.items) > 5
    assert store(table).load(manifest).of(f.FUNCTIONS)["a"] == one


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_a_part_that_is_not_whole_is_found_out(damage: str) -> None:
    """Facts that lost a part are refused: half an account would look free of loops."""
    table = FragileTable()
    manifest = store(table).save(read_facts())
    key = next(iter(table.items))
    if damage == "gone":
        del table.items[key]
    else:
        data = table.items[key]["data"]["B"]
        table.items[key]["data"]["B"] = data[:-1] if damage == "cut" else b"other"

    with pytest.raises(UnreadableError, match="missing or incomplete"):
        store(table).load(manifest)


def test_facts_of_a_later_version_are_refused() -> None:
    """Another schema is not guessed at."""
    with pytest.raises(UnreadableError, match="schema 99"):
        store(FragileTable()).load(Manifest(at=NOW, schema=99))


def test_another_account_sees_nothing() -> None:
    """Facts are kept apart by account and Region."""
    table = FragileTable()
    manifest = store(table).save(read_facts())

    with pytest.raises(UnreadableError):
        store(table, account="210987654321").load(manifest)


def test_clears_what_no_manifest_names() -> None:
    """Parts of facts that are not valid any more are deleted, all others stay."""
    table, facts = FragileTable(), read_facts()
    first = store(table).save(facts)
    facts.put(f.POLICIES, "orders-00007", "changed")
    second = store(table).save(facts, first)

    assert store(table).clear([second]) == 1
    assert store(table).load(second).of(f.POLICIES)["orders-00007"] == "changed"
