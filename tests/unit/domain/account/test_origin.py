"""Whose function it is, by its tags and what Lambda tells."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from functions.domain.account.origin import FunctionOrigin, read_origin
from functions.domain.detection.evidence import FunctionFacts

CHANGED = datetime(2026, 3, 10, 2, 58, tzinfo=UTC)


def facts(changed_at: datetime | None = None, **tags: str) -> FunctionFacts:
    """A function with these tags; ``__`` stands for a colon."""
    return FunctionFacts(
        name="orders",
        arn="",
        memory_mb=128,
        timeout_seconds=3,
        tags=MappingProxyType({key.replace("__", ":"): value for key, value in tags.items()}),
        last_modified=changed_at,
    )


def test_what_people_ask_first() -> None:
    """Owner, stack, last change and runbook; other tags are not kept."""
    tags = {"aws:cloudformation:stack-name": "orders-prod", "cost-center": "4711"}
    found = read_origin(
        facts(
            CHANGED,
            Team="payments",
            owner="anna@example.com",
            loopbreaker__runbook="https://wiki.example.com/orders?page=1#stop",
            **tags,
        )
    )

    assert found == FunctionOrigin(
        owners=("owner: anna@example.com", "team: payments"),
        stack="orders-prod",
        changed_at=CHANGED,
        runbook="https://wiki.example.com/orders?page=1#stop",
    )


def test_nothing_is_nothing() -> None:
    """No tags and no date, or tags without a value."""
    assert read_origin(facts()) is None
    assert read_origin(facts(owner=" ", team="")) is None


@pytest.mark.parametrize(
    "link",
    [
        "http://wiki.example.com/",
        "javascript:alert(1)",
        "https://wiki.example.com/a b",
        "https://wiki.example.com/\nhttps://evil.example.com/",
        "https://anna@evil.example.com/",
        "wiki",
    ],
)
def test_what_is_no_plain_link_is_left_out(link: str) -> None:
    """A mail shows the link as it is, so it must be what it seems."""
    assert read_origin(facts(loopbreaker__runbook=link)) is None


def test_a_long_tag_is_cut() -> None:
    """Records and mails stay small, whatever people write into tags."""
    found = read_origin(facts(owner="x" * 256))

    assert found is not None
    assert [len(one) for one in found.owners] == [len("owner: ") + 120]
