import string
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.steps import ProvisionedConcurrency
from functions.domain.detection.evidence import FunctionFacts
from functions.domain.incidents.tags.seal import FoundSnapshot, find_snapshot, seal
from functions.domain.incidents.tags.snapshot import (
    REMOVED_TAG,
    SNAPSHOT_TAG,
    TaggedSnapshot,
    UnreadableSnapshotError,
)

KEY = b"a key"
# Lambda developer guide, *Using tags on Lambda functions*: and letters of any alphabet.
TAG_CHARACTERS = set(string.ascii_letters + string.digits + " _.:/=+-@")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"
TAGGED = TaggedSnapshot(reserved_concurrency=5, at=datetime(2026, 3, 10, 12, tzinfo=UTC))
FACTS = FunctionFacts(
    name="orders", arn=ARN, memory_mb=128, timeout_seconds=3, reserved_concurrency=0
)


VALUE = TAGGED.to_tags()[SNAPSHOT_TAG]


def carrying(value: str, arn: str = ARN, **others: str) -> FunctionFacts:
    """A function whose tag holds a value."""
    return replace(FACTS, arn=arn, tags=MappingProxyType({SNAPSHOT_TAG: value, **others}))


def make_seal(value: str, arn: str, key: bytes | None) -> str:
    """The value of the tag, with its seal."""
    return seal({SNAPSHOT_TAG: value}, arn, key)[SNAPSHOT_TAG]


def test_what_was_sealed_is_known_again() -> None:
    """The guard finds what it wrote, and knows that it did."""
    found = find_snapshot(carrying(make_seal(VALUE, ARN, KEY)), KEY)

    assert found == FoundSnapshot(tagged=TAGGED, is_sealed=True)


@pytest.mark.parametrize(
    "value",
    [
        VALUE,
        make_seal(VALUE, ARN, None),
        make_seal(VALUE, ARN, b"another key"),
        make_seal(VALUE, f"{ARN}-2", KEY),
        make_seal(VALUE, ARN, KEY)[:-1],
        f"{VALUE} seal=",
        make_seal(VALUE, ARN, KEY).replace("reserved=5", "reserved=9"),
    ],
)
def test_what_anybody_could_have_written_is_not_sealed(value: str) -> None:
    """No value, key, function or part of a seal stands for another."""
    found = find_snapshot(carrying(value), KEY)

    assert found is not None
    assert not found.is_sealed


def test_what_two_runs_have_removed_is_found_together() -> None:
    """Each writes tags of its own: the second does not know of the first."""
    first = replace(TAGGED, provisioned=(ProvisionedConcurrency(qualifier="live", requested=5),))
    second = replace(TAGGED, provisioned=(ProvisionedConcurrency(qualifier="3", requested=1),))
    tags: dict[str, str] = {}
    for one in (first, second, TAGGED):
        tags |= seal(one.to_tags(), ARN, KEY)

    found = find_snapshot(replace(FACTS, tags=MappingProxyType(tags)), KEY)

    assert found is not None
    assert found.is_sealed
    assert set(found.tagged.provisioned) == {*first.provisioned, *second.provisioned}


def test_what_somebody_adds_to_a_sealed_tag_is_in_doubt() -> None:
    """Their own words about provisioned concurrency, or those of another name."""
    removed = replace(TAGGED, provisioned=(ProvisionedConcurrency(qualifier="live", requested=5),))
    main, of_live = seal(removed.to_tags(), ARN, KEY).values()
    for key, value in (
        (f"{REMOVED_TAG}x", "v1 provisioned=live:500"),
        (f"{REMOVED_TAG}x", of_live),
    ):
        found = find_snapshot(carrying(main, **{key: value}), KEY)
        assert found is not None
        assert not found.is_sealed


def test_without_the_key_nothing_is_sealed() -> None:
    """What cannot be checked is not believed."""
    found = find_snapshot(carrying(make_seal(VALUE, ARN, KEY)), None)

    assert found == FoundSnapshot(tagged=TAGGED, is_sealed=False)


def test_no_tag_is_no_snapshot() -> None:
    """Most functions carry none."""
    assert find_snapshot(FACTS, KEY) is None


@given(value=st.text(max_size=256))
def test_any_value_is_read_or_refused(value: str) -> None:
    """Nothing that stands in a tag leads to another error, or to a seal."""
    try:
        found = find_snapshot(carrying(value), KEY)
    except UnreadableSnapshotError:
        return
    assert found is None or not found.is_sealed


def test_a_seal_fits_into_a_tag() -> None:
    """It has only characters that a tag may have, for the longest alias too."""
    longest = ProvisionedConcurrency(qualifier="a" * 128, requested=100_000)
    for key, value in seal(replace(TAGGED, provisioned=(longest,)).to_tags(), ARN, KEY).items():
        assert len(key) <= 128
        assert len(value) <= 256
        assert set(key + value) <= TAG_CHARACTERS
