"""SNS filter policies against partly known messages."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.filters.match import Match, MatchReason
from functions.domain.filters.subscription_filter import (
    ATTRIBUTES,
    BODY,
    NO_ATTRIBUTES,
    match_subscription,
)
from functions.domain.filters.symbolic_values import (
    Fields,
    Known,
    Like,
    Listed,
    OneOf,
    Unknown,
    text,
)
from functions.domain.iam.likelihood import Likelihood
from tests.examples import examples
from tests.unit.domain.filters.events import EVENTS, FLAT_EVENTS, FLAT_PATTERNS, PATTERNS, Pair
from tests.unit.domain.filters.exact import passes

YES, MAYBE, NO = Likelihood.YES, Likelihood.MAYBE, Likelihood.NO


@pytest.mark.parametrize(
    ("policy", "attributes", "expected"),
    [
        ({"kind": ["order"]}, Unknown(), MAYBE),
        ({"kind": ["order"]}, Fields({}), MAYBE),
        ({"kind": ["order"]}, NO_ATTRIBUTES, NO),
        ({"kind": [{"anything-but": "order"}]}, NO_ATTRIBUTES, NO),
        ({"kind": [{"exists": False}]}, NO_ATTRIBUTES, YES),
        ({"kind": ["order"]}, Fields({"kind": text("order")}), YES),
        ({"kind": ["order"], "size": [5]}, Fields({"kind": text("refund")}), NO),
        ({"kind": ["order"], "size": [5]}, Fields({"kind": text("order")}), MAYBE),
        ({"$or": [{"kind": ["a"]}, {"size": [5]}]}, Fields({"kind": text("b")}), MAYBE),
        ({"$or": [{"kind": ["a"]}, {"size": [5]}]}, NO_ATTRIBUTES, NO),
        ({"kind": [{"numeric": [">", 9, "<", 1]}]}, Unknown(), NO),
        ({"kind": [{"numeric": [">", 0]}]}, Fields({"kind": OneOf((5,))}), YES),
        ({"kinds": ["a"]}, Fields({"kinds": Listed((text("b"), text("a")))}), YES),
        ({"key": [{"prefix": "in/"}]}, Fields({"key": Like(("out/*",))}), NO),
    ],
)
def test_attributes(policy: object, attributes: Fields | Unknown, expected: Likelihood) -> None:
    """A policy on attributes decides by what is known of them."""
    found = match_subscription(json.dumps(policy), ATTRIBUTES, attributes=attributes)

    assert expected == found.passes


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Unknown(), MAYBE),
        (Fields({"detail": Fields({"kind": text("order")})}), YES),
        (Fields({"detail": Fields({"kind": text("refund")})}), NO),
        (Fields({}, is_closed=True), NO),
    ],
)
def test_body(body: Known, expected: Likelihood) -> None:
    """A policy on the body reaches into it, and attributes do not matter."""
    policy = json.dumps({"detail": {"kind": ["order"]}})

    assert expected == match_subscription(policy, BODY, attributes=NO_ATTRIBUTES, body=body).passes


@pytest.mark.parametrize("policy", ["", "{}"])
def test_no_policy(policy: str) -> None:
    """Without a policy every message passes."""
    expected = Match(passes=YES, reason=MatchReason.NO_FILTER)

    assert expected == match_subscription(policy, ATTRIBUTES, attributes=NO_ATTRIBUTES)


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
    expected = Match(passes=MAYBE, reason=MatchReason.UNREADABLE, words=words)

    assert expected == match_subscription(policy, scope, attributes=NO_ATTRIBUTES)


def test_impossible() -> None:
    """A policy that no message passes is told apart from one that excludes these messages."""
    policy = json.dumps({"kind": [{"numeric": [">", 9, "<", 1]}]})
    expected = Match(passes=NO, reason=MatchReason.IMPOSSIBLE, place="kind")

    assert expected == match_subscription(policy, ATTRIBUTES)


@settings(max_examples=examples(150), deadline=None)
@given(FLAT_PATTERNS, FLAT_EVENTS, st.data())
def test_against_attributes(pattern: dict[str, Any], event: Pair, data: st.DataObject) -> None:
    """NO means that no message passes by its attributes, and YES that every one does."""
    known, concrete = event
    assert isinstance(known, Fields)

    found = match_subscription(json.dumps(pattern), ATTRIBUTES, attributes=known)

    assert found.passes is not (NO if passes(pattern, data.draw(concrete)) else YES)


@settings(max_examples=examples(150), deadline=None)
@given(PATTERNS, EVENTS, st.data())
def test_against_bodies(pattern: dict[str, Any], event: Pair, data: st.DataObject) -> None:
    """NO means that no message passes by its body, and YES that every one does."""
    known, concrete = event

    found = match_subscription(json.dumps(pattern), BODY, body=known)

    assert found.passes is not (NO if passes(pattern, data.draw(concrete)) else YES)
