"""Event patterns against partly known events."""

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.filters.event_pattern import pattern_passage, patterns_passage
from functions.domain.filters.known import (
    Absent,
    Fields,
    Known,
    Like,
    Listed,
    OneOf,
    Unknown,
    text,
)
from functions.domain.filters.passage import Filtered, Passage, Reason
from tests.examples import examples
from tests.unit.domain.filters.events import EVENTS, PATTERNS, Pair
from tests.unit.domain.filters.exact import passes

ALWAYS, SOMETIMES, NEVER = Passage.ALWAYS, Passage.SOMETIMES, Passage.NEVER
HOSTILE_SECONDS = 5.0

STORED = Fields(
    {
        "source": text("aws.s3"),
        "detail-type": text("Object Created"),
        "resources": Listed((text("arn:aws:s3:::orders"),)),
        "detail": Fields(
            {
                "bucket": Fields({"name": text("orders")}),
                "object": Fields({"key": Like(("out/*",)), "size": Unknown()}),
                "reason": text("PutObject", "CopyObject"),
            }
        ),
    }
)


@settings(max_examples=examples(300), deadline=None)
@given(PATTERNS, EVENTS, st.data())
def test_against_concrete_events(pattern: dict[str, Any], event: Pair, data: st.DataObject) -> None:
    """NEVER means that no event passes, and ALWAYS that every event does."""
    known, concrete = event

    found = pattern_passage(json.dumps(pattern), known)

    is_passing = passes(pattern, data.draw(concrete))
    assert found.passage is not (NEVER if is_passing else ALWAYS)
    if found.reason is Reason.UNREADABLE:
        assert found.words.endswith("inside and outside of $or")


def of(known: Known) -> Fields:
    """An event of which one field is known."""
    return Fields({"a": known})


@pytest.mark.parametrize(
    ("wanted", "known", "expected"),
    [
        (["x"], text("x"), ALWAYS),
        (["x"], text("y"), NEVER),
        (["x"], text("x", "y"), SOMETIMES),
        (["x", "y"], text("x", "y"), ALWAYS),
        (["x*"], text("xy"), NEVER),
        (["out/a"], Like(("out/*",)), SOMETIMES),
        (["in/a"], Like(("out/*",)), NEVER),
        ([{"prefix": "out/"}], Like(("out/*",)), ALWAYS),
        ([{"prefix": "out/new/"}], Like(("out/*",)), SOMETIMES),
        ([{"prefix": "in/"}], Like(("out/*",)), NEVER),
        ([{"prefix": "in/"}], Like(("out/*", "in/*")), SOMETIMES),
        ([{"prefix": "in/"}, {"prefix": "out/"}], Like(("out/*", "in/*")), ALWAYS),
        ([{"prefix": {"equals-ignore-case": "OUT/"}}], Like(("out/*",)), ALWAYS),
        ([{"suffix": ".jpg"}], Like(("*.png",)), NEVER),
        ([{"suffix": {"equals-ignore-case": ".PNG"}}], Like(("*.png",)), ALWAYS),
        ([{"equals-ignore-case": "PutObject"}], text("PUTOBJECT"), ALWAYS),
        ([{"equals-ignore-case": "K"}], text("\u212a"), SOMETIMES),
        ([{"wildcard": "out/*/x.jpg"}], Like(("out/a/*.jpg",)), SOMETIMES),
        ([{"wildcard": "out/*.jpg"}], Like(("out/a/*.jpg",)), ALWAYS),
        ([{"wildcard": "in/*"}], Like(("out/*",)), NEVER),
        ([{"wildcard": r"a\*b"}], text("axb"), NEVER),
        ([{"wildcard": r"a\*b"}], text("a*b"), ALWAYS),
        ([{"wildcard": "a?${*}"}], text("a?${x}"), ALWAYS),
        ([{"wildcard": "a?"}], text("ab"), NEVER),
        ([{"anything-but": "x"}], text("x"), NEVER),
        ([{"anything-but": "x"}], text("y"), ALWAYS),
        ([{"anything-but": ["x", "y"]}], text("y", "z"), SOMETIMES),
        ([{"anything-but": {"prefix": "out/"}}], Like(("out/*",)), NEVER),
        ([{"anything-but": {"prefix": ["in/", "tmp/"]}}], Like(("out/*",)), ALWAYS),
        ([{"anything-but": {"suffix": ".jpg"}}], Like(("out/*",)), SOMETIMES),
        ([{"anything-but": {"wildcard": "out/*"}}], Like(("out/*",)), NEVER),
        ([{"anything-but": {"equals-ignore-case": ["X"]}}], text("x"), NEVER),
        ([{"anything-but": 5}], OneOf((5,)), NEVER),
        ([{"anything-but": 5}], OneOf((6,)), ALWAYS),
        ([{"anything-but": 5}], text("x"), SOMETIMES),
        ([{"anything-but": "x"}], Absent(), NEVER),
        ([{"exists": True}], text("x"), ALWAYS),
        ([{"exists": True}], Absent(), NEVER),
        ([{"exists": False}], Absent(), ALWAYS),
        ([{"exists": False}], Like(("*",)), NEVER),
        ([{"exists": True}, {"exists": False}], Unknown(), SOMETIMES),
        ([{"exists": True}], Fields({}), SOMETIMES),
        ([{"numeric": [">", 0, "<=", 5]}], OneOf((5,)), ALWAYS),
        ([{"numeric": [">", 0, "<=", 5]}], OneOf((0, 5)), SOMETIMES),
        ([{"numeric": [">", 0, "<=", 5]}], OneOf((0, 6.5)), NEVER),
        ([{"numeric": ["=", 3]}], OneOf((3.0,)), ALWAYS),
        ([{"numeric": ["=", 3]}], text("3"), SOMETIMES),
        ([{"numeric": ["=", 3]}], text("three"), NEVER),
        ([{"numeric": ["=", 3]}], OneOf((True, None)), NEVER),
        ([{"numeric": ["=", 3]}], Like(("*",)), SOMETIMES),
        ([3], Like(("*",)), SOMETIMES),
        ([True], Like(("t*",)), SOMETIMES),
        ([True], Like(("out/*",)), NEVER),
        ([{"numeric": [">", 5, "<", 3]}], Unknown(), NEVER),
        ([{"numeric": [">", 5, "<", 5]}], Like(("*",)), NEVER),
        ([{"numeric": [">=", 5, "<=", 5]}], Unknown(), SOMETIMES),
        ([{"cidr": "10.0.0.0/24"}], text("10.0.0.7"), ALWAYS),
        ([{"cidr": "10.0.0.0/24"}], text("10.0.1.7"), NEVER),
        ([{"cidr": "10.0.0.0/24"}], text("here"), NEVER),
        ([{"cidr": "10.0.0.0/24"}], text("10.0.7"), SOMETIMES),
        ([{"cidr": "10.0.0.0/24"}], Like(("10.*",)), SOMETIMES),
        ([{"cidr": "10.0.0.0/24"}], OneOf((5,)), NEVER),
        ([3], OneOf((3,)), ALWAYS),
        ([3], OneOf((3.0,)), SOMETIMES),
        ([3], OneOf((4, True)), NEVER),
        ([3], text("3"), SOMETIMES),
        ([3], text("x"), NEVER),
        (["3"], OneOf((3,)), SOMETIMES),
        ([True], OneOf((True,)), ALWAYS),
        ([True], OneOf((1,)), NEVER),
        ([True], text("true"), SOMETIMES),
        ([None], OneOf((None,)), ALWAYS),
        ([None], Absent(), NEVER),
        ([None], OneOf(("",)), NEVER),
        ([""], OneOf(("",)), ALWAYS),
        ([""], Like(("out/*",)), NEVER),
        (["x"], Unknown(), SOMETIMES),
        (["x"], Absent(), NEVER),
        (["x"], Fields({}), NEVER),
        (["x"], OneOf(()), SOMETIMES),
        (["x"], Listed((text("y"), text("x"))), ALWAYS),
        (["x"], Listed((text("y"), Unknown())), SOMETIMES),
        (["x"], Listed((text("y"), Absent(), Listed((text("z"),)))), NEVER),
        (["x"], Listed(()), NEVER),
        ([{"anything-but": "x"}], Listed((text("y"), text("x"))), SOMETIMES),
        ([{"anything-but": "x"}], Listed((text("y"),)), ALWAYS),
        ([{"exists": True}], Listed((text("y"),)), ALWAYS),
        ([{"exists": False}], Listed(()), SOMETIMES),
        ({"b": ["x"]}, Fields({"b": text("x")}), ALWAYS),
        ({"b": ["x"]}, Fields({"b": text("y")}), NEVER),
        ({"b": ["x"]}, Fields({}), SOMETIMES),
        ({"b": ["x"]}, Fields({}, is_closed=True), NEVER),
        ({"b": [{"exists": False}]}, Fields({}, is_closed=True), ALWAYS),
        ({"b": ["x"]}, Absent(), NEVER),
        ({"b": [{"exists": False}]}, Absent(), SOMETIMES),
        ({"b": ["x"]}, text('{"b": "x"}'), SOMETIMES),
        ({"b": ["x"]}, Listed((Fields({"b": text("y")}), Fields({"b": text("z")}))), NEVER),
        ({"b": ["x"]}, Listed((Fields({"b": text("y")}), Fields({"b": text("x")}))), SOMETIMES),
        ({"b": ["x"]}, Listed((Listed((Fields({"b": text("y")}),)),)), NEVER),
        ({"b": ["x"]}, Listed((text("y"),)), SOMETIMES),
        ([{"sounds-like": "x"}], text("y"), SOMETIMES),
        ([{"sounds-like": "x"}], Absent(), SOMETIMES),
        ([{"anything-but": {"sounds-like": "x"}}], text("y"), SOMETIMES),
        ([{"sounds-like": "x"}], Fields({}), SOMETIMES),
    ],
)
def test_comparisons(wanted: object, known: Known, expected: Passage) -> None:
    """Each comparison decides what it can of what is known of its field."""
    assert expected == pattern_passage(json.dumps({"a": wanted}), of(known)).passage


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.s3"]}, Filtered(passage=ALWAYS, reason=Reason.FITS)),
        (
            {"source": ["aws.s3"], "resources": ["arn:aws:s3:::orders"]},
            Filtered(passage=ALWAYS, reason=Reason.FITS),
        ),
        (
            {"source": ["aws.s3"], "detail": {"bucket": {"name": ["other"]}}},
            Filtered(passage=NEVER, reason=Reason.EXCLUDED, place="detail.bucket.name"),
        ),
        (
            {"detail": {"object": {"key": [{"prefix": "in/"}], "size": [{"numeric": ["<", 5]}]}}},
            Filtered(passage=NEVER, reason=Reason.EXCLUDED, place="detail.object.key"),
        ),
        (
            {"source": ["aws.s3"], "detail": {"object": {"size": [{"numeric": ["<", 5]}]}}},
            Filtered(passage=SOMETIMES, reason=Reason.UNDECIDED, place="detail.object.size"),
        ),
        (
            {"detail": {"object": {"size": [{"numeric": [">", 5, "<", 5]}]}}},
            Filtered(passage=NEVER, reason=Reason.IMPOSSIBLE, place="detail.object.size"),
        ),
        (
            {"$or": [{"source": ["x"]}, {"detail": {"reason": ["DeleteObject"]}}]},
            Filtered(passage=NEVER, reason=Reason.EXCLUDED, place="$or"),
        ),
        (
            {"$or": [{"source": ["x"]}, {"detail": {"reason": ["PutObject"]}}]},
            Filtered(passage=SOMETIMES, reason=Reason.UNDECIDED, place="$or"),
        ),
        (
            {"detail": {"$or": [{"reason": [{"prefix": "P"}, {"prefix": "C"}]}, {"x": ["y"]}]}},
            Filtered(passage=ALWAYS, reason=Reason.FITS),
        ),
        (
            {"detail": {"new": {"deep": [{"sounds-like": "x"}]}}},
            Filtered(
                passage=SOMETIMES,
                reason=Reason.UNREADABLE,
                place="detail.new.deep",
                words="unknown comparison 'sounds-like'",
            ),
        ),
    ],
)
def test_answers(pattern: object, expected: Filtered) -> None:
    """The answer names the field that decides and says whether any event would pass."""
    assert expected == pattern_passage(json.dumps(pattern), STORED)


def test_no_pattern() -> None:
    """Without a pattern everything passes."""
    assert pattern_passage("", STORED) == Filtered(passage=ALWAYS, reason=Reason.NO_FILTER)
    assert patterns_passage((), STORED) == Filtered(passage=ALWAYS, reason=Reason.NO_FILTER)


def test_several_patterns() -> None:
    """Of several patterns one has to pass."""
    record = Fields({"eventName": text("INSERT", "MODIFY"), "dynamodb": Unknown()})
    insert, modify, remove = (
        json.dumps({"eventName": [name]}) for name in ("INSERT", "MODIFY", "REMOVE")
    )
    unread = json.dumps({"eventName": "INSERT"})

    assert patterns_passage((remove,), record).passage is NEVER
    assert patterns_passage((remove, insert), record).passage is SOMETIMES
    assert patterns_passage((remove, unread), record).reason is Reason.UNREADABLE
    # Two that pass everything only together are not seen to: sometimes is never wrong.
    assert patterns_passage((insert, modify), record).passage is SOMETIMES


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
        ("[]", "the filter: is not an object with fields"),
        ("{}", "the filter: is not an object with fields"),
        ('{"a": "x"}', "a: is not a list of values"),
        ('{"a": []}', "a: is not a list of values"),
        ('{"a": {}}', "a: is not an object with fields"),
        ('{"a": {"b": 5}}', "a.b: is not a list of values"),
        ('{"a": [["x"]]}', "a: holds something that is no comparison"),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', "a: holds something that is no comparison"),
        ('{"a": [{"prefix": 5}]}', "a: prefix is not followed by a text"),
        ('{"a": [{"prefix": {"wildcard": "x"}}]}', "a: prefix is not followed by a text"),
        ('{"a": [{"exists": "yes"}]}', "a: exists is not followed by what it takes"),
        ('{"a": [{"cidr": 5}]}', "a: cidr is not followed by what it takes"),
        ('{"a": [{"cidr": "10.0.0.0/99"}]}', "a: cidr is no network"),
        ('{"a": [{"numeric": 5}]}', "a: numeric is not followed by one or two comparisons"),
        ('{"a": [{"numeric": [">", "5"]}]}', "a: numeric holds something that is no number"),
        ('{"a": [{"numeric": [5, ">"]}]}', "a: numeric holds something that is no number"),
        ('{"a": [{"numeric": [">", 1e99]}]}', "a: numeric holds a number that is too large"),
        ('{"a": [{"numeric": ["~", 5]}]}', "a: numeric holds a sign in the wrong place"),
        ('{"a": [{"numeric": [">", 5, ">", 3]}]}', "a: numeric holds a sign in the wrong place"),
        ('{"a": [{"numeric": ["=", 5, "<", 9]}]}', "a: numeric holds a sign in the wrong place"),
        ('{"a": [{"anything-but": []}]}', "a: anything-but holds nothing"),
        ('{"a": [{"anything-but": {"prefix": []}}]}', "a: anything-but holds nothing"),
        (
            '{"a": [{"anything-but": [["x"]]}]}',
            "a: anything-but holds something that is no value",
        ),
        (
            '{"a": [{"anything-but": {"prefix": "x", "suffix": "y"}}]}',
            "a: anything-but holds several comparisons",
        ),
        (r'{"a": [{"wildcard": "x\\y"}]}', "a: wildcard holds an unknown escape"),
        (r'{"a": [{"wildcard": "x\\"}]}', "a: wildcard ends in an escape"),
        ('{"$or": {"a": ["x"]}}', "$or: is not a list of patterns"),
        ('{"$or": []}', "$or: is not a list of patterns"),
        (
            '{"a": ["x"], "$or": [{"b": ["x"]}, {"a": ["y"]}]}',
            "a: is asked for inside and outside of $or",
        ),
        (
            '{"d": {"a": ["x"]}, "$or": [{"d": {"a": ["y"]}}]}',
            "d.a: is asked for inside and outside of $or",
        ),
        ('{"$or": ["x"]}', "$or: is not an object with fields"),
    ],
)
def test_malformed(pattern: str, words: str) -> None:
    """A pattern that AWS would not have taken may let anything pass, and it is said why."""
    expected = Filtered(passage=SOMETIMES, reason=Reason.UNREADABLE, words=words)

    assert expected == pattern_passage(pattern, of(text("y")))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("a", "b", "$or", "prefix", "suffix", "wildcard", "anything-but"),
                    *("numeric", "cidr", "exists", "equals-ignore-case"),
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(st.text(max_size=20) | JSON_VALUES.map(json.dumps), EVENTS)
def test_hostile(pattern: str, event: Pair) -> None:
    """Whatever stands where a pattern should, there is an answer."""
    found = pattern_passage(pattern, event[0])

    assert isinstance(found.passage, Passage)
    assert "\n" not in found.words


@pytest.mark.parametrize(
    "pattern",
    [
        {"a": [{"wildcard": "*a" * 5_000}]},
        {"a": [{"prefix": "a" * size} for size in range(500)]},
        {"$or": [{"a": [str(size)]} for size in range(10_000)]},
        {"a": [{"anything-but": [str(size) for size in range(10_000)]}]},
    ],
)
def test_slow_patterns(pattern: object) -> None:
    """Patterns that are made to be slow are not."""
    known = of(Like(tuple("*".join("ab" * size) for size in range(20))))
    start = process_time()

    pattern_passage(json.dumps(pattern), known)

    assert process_time() - start < HOSTILE_SECONDS


def test_deep_patterns() -> None:
    """A pattern that nests as deep as it can be read is judged like any other."""
    pattern: Any = ["x"]
    known: Known = text("y")
    for _ in range(90):
        pattern, known = {"a": pattern}, Fields({"a": known})

    assert pattern_passage(json.dumps(pattern), known).passage is NEVER
