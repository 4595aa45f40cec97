"""A saved scan comes back as it was, holds no secret, and a hostile file does no harm."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.worlds.growth import grown
from cdk_loopbreaker.scanning import snapshot as s
from cdk_loopbreaker.scanning.analysis import analyze
from cdk_loopbreaker.scanning.errors import ScanError
from cdk_loopbreaker.scanning.snapshot import (
    Snapshot,
    load_snapshot,
    pack_snapshot,
    unpack_snapshot,
)
from functions.aws.account import facts as f
from functions.aws.account.inventory import build_account
from functions.domain.account.inventory import Area
from functions.domain.graph.refresh import SCHEMA
from tests.unit.cdk_loopbreaker.scanning.samples import (
    AT,
    HastyStop,
    StoppingAccount,
    copy_into,
    read,
    read_sample,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.scanning.reading import RegionFacts


def make_snapshot(*regions: RegionFacts, alias: str = "shop") -> Snapshot:
    """A snapshot of regions, or of the sample."""
    return Snapshot(regions=regions or (read_sample(),), at=AT, alias=alias)


def make_document(**changes: Any) -> dict[str, Any]:
    """What a snapshot holds."""
    document: dict[str, Any] = json.loads(gzip.decompress(pack_snapshot(make_snapshot())))
    return document | changes


def pack(document: Any) -> bytes:
    """A file with this in it."""
    return gzip.compress(json.dumps(document).encode(), mtime=0)


def test_a_snapshot_comes_back_as_it_was() -> None:
    """Every section is there, and the account made of them is the same."""
    before = make_snapshot()
    after = unpack_snapshot(pack_snapshot(before))

    assert (after.at, after.alias, after.regions[0].is_complete) == (AT, "shop", True)
    facts, expected = after.regions[0].facts, before.regions[0].facts
    assert all(facts.of(one) == expected.of(one) for one in f.SECTIONS)
    assert build_account(facts) == build_account(expected)


def test_the_same_scan_gives_the_same_bytes() -> None:
    """In whatever order it was read: two files can be compared."""
    first = pack_snapshot(make_snapshot())
    facts = read_sample().facts
    turned = f.begin(facts.account, facts.region, facts.partition, facts.at)
    for section in f.SECTIONS:
        turned.load(section, dict(reversed(list(facts.of(section).items()))))

    assert pack_snapshot(make_snapshot(replace(read_sample(), facts=turned))) == first
    assert pack_snapshot(unpack_snapshot(first)) == first


def test_a_stopped_scan_comes_back_with_its_gaps() -> None:
    """The report of the file is that of the scan."""
    stop = HastyStop()
    region = read(copy_into(StoppingAccount(stop, 40)), stop)
    back = unpack_snapshot(pack_snapshot(make_snapshot(region))).regions[0]

    assert not back.is_complete
    assert build_account(back.facts) == build_account(region.facts)


def test_what_a_file_lacks_is_a_gap() -> None:
    """A section that somebody took out was not read: nothing is ruled out for want of it."""
    document = make_document()
    for step in ("policies", "steps"):
        document["regions"][0]["sections"].pop(step)
    account = build_account(unpack_snapshot(pack(document)).regions[0].facts)

    assert not account.sees(Area.ROLES)
    assert not all(one.is_policy_known for one in account.functions)


def save_with(values: list[str]) -> bytes:
    """A snapshot of an account with a function that has these variables."""
    account = grown(2)
    account.functions["orders-00000"]["Environment"] = {
        "Variables": {f"V{number}": value for number, value in enumerate(values)}
    }
    return pack_snapshot(make_snapshot(read(account)))


@pytest.mark.thorough
@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.text(min_size=1).map("s3cr3t~".__add__), min_size=1, max_size=4))
@example(values=["token-4711", "arn:aws:sqs:us-east-1:123456789012:s3cr3t-queue"])
@example(values=["https://user:pa55@db.example.com/orders?x=1", '{"key": "4711"}'])
def test_no_value_of_a_variable_is_saved(values: list[str]) -> None:
    """Values that name no known resource leave no trace: other ones give the same bytes."""
    packed = save_with(values)

    assert packed == save_with(["" for _ in values])
    assert b"s3cr3t" not in gzip.decompress(packed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut short"),
        (b"{}", "no gzip file"),
        (gzip.compress(b"{}", mtime=0)[:-4], "cut short"),
        (gzip.compress(b"{}", mtime=0) + b"more", "goes on behind its end"),
        (gzip.compress(b"no json", mtime=0), "holds no JSON"),
        (gzip.compress(b"[" * 100_000, mtime=0), "holds no JSON"),
        (pack([1]), "no snapshot"),
        (pack({"format": "other", "version": 1}), "no snapshot"),
        (pack({"format": s.FORMAT, "version": "1"}), "no snapshot"),
        (pack({"format": s.FORMAT, "version": 2, "schema": 3}), "version 2, schema 3"),
        (pack({"format": s.FORMAT, "version": 1, "schema": 99}), "version 1, schema 99"),
        (pack({"format": s.FORMAT, "version": 1, "schema": SCHEMA}), "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """One line names the file, and what is wrong with it."""
    path = tmp_path / "scan.json.gz"
    path.write_bytes(content)

    with pytest.raises(ScanError, match=words) as raised:
        load_snapshot(path)

    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The operating system's words say why."""
    with pytest.raises(ScanError, match=r"none\.gz: cannot be read: No such file"):
        load_snapshot(tmp_path / "none.gz")


@pytest.mark.thorough
def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that would become a large one is refused while it is unpacked."""
    monkeypatch.setattr(s, "_MOST_BYTES", 1_000_000)

    with pytest.raises(ScanError, match="holds more than 1,000,000 bytes"):
        unpack_snapshot(gzip.compress(b" " * 50_000_000))


def test_a_long_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is unpacked of it."""
    monkeypatch.setattr(s, "_MOST_PACKED_BYTES", 10)

    with pytest.raises(ScanError, match="is longer than 10 bytes"):
        unpack_snapshot(b"x" * 11)


WRONG = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("arn:"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.thorough
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_hostile_file_raises_the_declared_error_only(data: st.DataObject) -> None:
    """Whatever stands anywhere in it, it is refused or read, and what is read can be reported."""
    document = json.loads(json.dumps(_SMALL))
    places = list(_list_places(document))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(WRONG)
    try:
        snapshot = unpack_snapshot(pack(document))
    except ScanError:
        return
    analyze(snapshot.regions, at=snapshot.at)


def _list_places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(items):
        yield value, key
        if isinstance(one, dict | list):
            yield from _list_places(one)


_SMALL = json.loads(gzip.decompress(pack_snapshot(make_snapshot(read(grown(2))))))
