import string
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.evidence import FunctionFacts
from functions.domain.tag_seal import FoundSnapshot, find_snapshot, sealed
from functions.domain.tagged_snapshot import (
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


def carrying(value: str, arn: str = ARN) -> FunctionFacts:
    """A function whose tag holds a value."""
    return replace(FACTS, arn=arn, tags=MappingProxyType({SNAPSHOT_TAG: value}))


def test_what_was_sealed_is_known_again() -> None:
    """The guard finds what it wrote, and knows that it did."""
    found = find_snapshot(carrying(sealed(TAGGED.to_tag(), ARN, KEY)), KEY)

    assert found == FoundSnapshot(tagged=TAGGED, is_sealed=True)


@pytest.mark.parametrize(
    "value",
    [
        TAGGED.to_tag(),
        sealed(TAGGED.to_tag(), ARN, None),
        sealed(TAGGED.to_tag(), ARN, b"another key"),
        sealed(TAGGED.to_tag(), f"{ARN}-2", KEY),
        sealed(TAGGED.to_tag(), ARN, KEY)[:-1],
        f"{TAGGED.to_tag()} seal=",
        sealed(TAGGED.to_tag(), ARN, KEY).replace("reserved=5", "reserved=9"),
    ],
)
def test_what_anybody_could_have_written_is_not_sealed(value: str) -> None:
    """No value, key, function or part of a seal stands for another."""
    found = find_snapshot(carrying(value), KEY)

    assert found is not None
    assert not found.is_sealed


def test_without_the_key_nothing_is_sealed() -> None:
    """What cannot be checked is not believed."""
    found = find_snapshot(carrying(sealed(TAGGED.to_tag(), ARN, KEY)), None)

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
    """It has only characters that a tag may have."""
    value = sealed(TAGGED.to_tag(), ARN, KEY)

    assert len(value) <= 256
    assert set(value) <= TAG_CHARACTERS
