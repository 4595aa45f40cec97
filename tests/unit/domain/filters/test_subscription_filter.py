"""SNS filter policies against partly known messages."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.filters.known import Fields, Known, Like, Listed, OneOf, Unknown, text
from functions.domain.filters.passage import Filtered, Passage, Reason
from functions.domain.filters.subscription_filter import (
    ATTRIBUTES,
    BODY,
    NO_ATTRIBUTES,
    subscription_passage,
)
from tests.examples import examples
from tests.unit.domain.filters.events import EVENTS, FLAT_EVENTS, FLAT_PATTERNS, PATTERNS, Pair
from tests.unit.domain.filters.exact import passes

ALWAYS, SOMETIMES, NEVER = Passage.ALWAYS, Passage.SOMETIMES, Passage.NEVER


@pytest.mark.parametrize(
    ("policy", "attributes", "expected"),
    [
        ({"kind": ["order"]}, Unknown(), SOMETIMES),
        ({"kind": ["order"]}, Fields({}), SOMETIMES),
        ({"kind": ["order"]}, NO_ATTRIBUTES, NEVER),
        ({"kind": [{"anything-but": "order"}]}, NO_ATTRIBUTES, NEVER),
        ({"kind": [{"exists": False}]}, NO_ATTRIBUTES, ALWAYS),
        ({"kind": ["order"]}, Fields({"kind": text("order")}), ALWAYS),
        ({"kind": ["order"], "size": [5]}, Fields({"kind": text("refund")}), NEVER),
        ({"kind": ["order"], "size": [5]}, Fields({"kind": text("order")}), SOMETIMES),
        ({"$or": [{"kind": ["a"]}, {"size": [5]}]}, Fields({"kind": text("b")}), SOMETIMES),
        ({"$or": [{"kind": ["a"]}, {"size": [5]}]}, NO_ATTRIBUTES, NEVER),
        ({"kind": [{"numeric": [">", 9, "<", 1]}]}, Unknown(), NEVER),
        ({"kind": [{"numeric": [">", 0]}]}, Fields({"kind": OneOf((5,))}), ALWAYS),
        ({"kinds": ["a"]}, Fields({"kinds": Listed((text("b"), text("a")))}), ALWAYS),
        ({"key": [{"prefix": "in/"}]}, Fields({"key": Like(("out/*",))}), NEVER),
    ],
)
def test_attributes(policy: object, attributes: Fields | Unknown, expected: Passage) -> None:
    """A policy on attributes decides by what is known of them."""
    found = subscription_passage(json.dumps(policy), ATTRIBUTES, attributes=attributes)

    assert expected == found.passage


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Unknown(), SOMETIMES),
        (Fields({"detail": Fields({"kind": text("order")})}), ALWAYS),
        (Fields({"detail": Fields({"kind": text("refund")})}), NEVER),
        (Fields({}, is_closed=True), NEVER),
    ],
)
def test_body(body: Known, expected: Passage) -> None:
    """A policy on the body reaches into it, and attributes do not matter."""
    policy = json.dumps({"detail": {"kind": ["order"]}})

    assert (
        expected == subscription_passage(policy, BODY, attributes=NO_ATTRIBUTES, body=body).passage
    )


@pytest.mark.parametrize("policy", ["", "{}"])
def test_no_policy(policy: str) -> None:
    """Without a policy every message passes."""
    expected = Filtered(passage=ALWAYS, reason=Reason.NO_FILTER)

    assert expected == subscription_passage(policy, ATTRIBUTES, attributes=NO_ATTRIBUTES)


@pytest.mark.parametrize(
    ("policy", "scope", "words"),
    [
        (
            "{",
            ATTRIBUTES,
            "not JSON: Expecting property name enclosed in double quotes (line 1, column 2)",
        ),
        ('{"a": {"b": ["x"]}}', ATTRIBUTES, "a: is not a list of values"),
        ('{"a": ["x"]}', "Everything", "unknown scope 'Everything'"),
    ],
)
def test_unreadable(policy: str, scope: str, words: str) -> None:
    """A policy that is not understood may let anything pass, and it is said why."""
    expected = Filtered(passage=SOMETIMES, reason=Reason.UNREADABLE, words=words)

    assert expected == subscription_passage(policy, scope, attributes=NO_ATTRIBUTES)


def test_impossible() -> None:
    """A policy that no message passes is told apart from one that excludes these messages."""
    policy = json.dumps({"kind": [{"numeric": [">", 9, "<", 1]}]})
    expected = Filtered(passage=NEVER, reason=Reason.IMPOSSIBLE, place="kind")

    assert expected == subscription_passage(policy, ATTRIBUTES)


@settings(max_examples=examples(150), deadline=None)
@given(FLAT_PATTERNS, FLAT_EVENTS, st.data())
def test_against_attributes(pattern: dict[str, Any], event: Pair, data: st.DataObject) -> None:
    """NEVER means that no message passes by its attributes, and ALWAYS that every one does."""
    known, concrete = event
    assert isinstance(known, Fields)

    found = subscription_passage(json.dumps(pattern), ATTRIBUTES, attributes=known)

    assert found.passage is not (NEVER if passes(pattern, data.draw(concrete)) else ALWAYS)


@settings(max_examples=examples(150), deadline=None)
@given(PATTERNS, EVENTS, st.data())
def test_against_bodies(pattern: dict[str, Any], event: Pair, data: st.DataObject) -> None:
    """NEVER means that no message passes by its body, and ALWAYS that every one does."""
    known, concrete = event

    found = subscription_passage(json.dumps(pattern), BODY, body=known)

    assert found.passage is not (NEVER if passes(pattern, data.draw(concrete)) else ALWAYS)
