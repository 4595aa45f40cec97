"""The snapshot in a tag: exact, and within what a tag may hold."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.steps import ProvisionedConcurrency
from functions.domain.incidents.tags.snapshot import TaggedSnapshot, UnreadableSnapshotError

AT = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
ALLOWED = re.compile(r"[\w .:/=+@-]*")

removed = st.lists(
    st.builds(
        ProvisionedConcurrency,
        qualifier=st.from_regex(r"\A[A-Za-z0-9_-]{1,20}\Z"),
        requested=st.integers(1, 9_999),
    ),
    max_size=4,
    unique_by=lambda one: one.qualifier,
).map(tuple)


@given(
    reserved=st.none() | st.integers(0, 99_999),
    at=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001
    provisioned=removed,
)
def test_a_tag_is_read_as_it_was_written(
    reserved: int | None, at: datetime, provisioned: tuple[ProvisionedConcurrency, ...]
) -> None:
    """To the second, with characters that a tag may hold."""
    tagged = TaggedSnapshot(
        reserved_concurrency=reserved,
        at=at.replace(microsecond=0, tzinfo=UTC),
        provisioned=provisioned,
    )

    first, *others = tagged.to_tags().values()
    assert TaggedSnapshot.from_tag(first).with_removed(others) == tagged
    assert all(ALLOWED.fullmatch(one) for one in (first, *others))


def test_a_tag_of_a_version_before_is_read() -> None:
    """It held what was removed as well."""
    value = "v1 reserved=5 at=20260310T120000Z provisioned=canary:1+live:5"

    assert [
        (one.qualifier, one.requested) for one in TaggedSnapshot.from_tag(value).provisioned
    ] == [("canary", 1), ("live", 5)]


@pytest.mark.parametrize("value", ["", "v1 provisioned=live", "v2 provisioned=live:5"])
def test_what_the_guard_never_writes_of_a_removal_is_not_read(value: str) -> None:
    """Half a removal is none."""
    with pytest.raises(UnreadableSnapshotError):
        TaggedSnapshot(reserved_concurrency=5, at=AT).with_removed([value])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "v1",
        "v1 reserved=five at=20260310T120000Z",
        "v1 reserved=5 at=20261310T120000Z",
        "v1 reserved=5 at=20260310T120000Z provisioned=",
        "v1 reserved=5 at=20260310T120000Z provisioned=live",
        "v1 reserved=5 at=20260310T120000Z provisioned=live:x",
        "v2 reserved=5 at=20260310T120000Z",
    ],
)
def test_what_the_guard_never_writes_is_not_read(value: str) -> None:
    """Half a snapshot is none."""
    with pytest.raises(UnreadableSnapshotError):
        TaggedSnapshot.from_tag(value)


@pytest.mark.parametrize(("minutes", "is_young"), [(0, True), (2.9, True), (3, False)])
def test_a_tag_is_young_while_its_run_may_go_on(minutes: float, *, is_young: bool) -> None:
    """The reservation follows it within the time that a run of `contain` may take."""
    tagged = TaggedSnapshot(reserved_concurrency=5, at=AT)

    assert tagged.is_young(AT + timedelta(minutes=minutes)) is is_young
