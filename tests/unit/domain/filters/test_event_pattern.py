"""Event patterns against partly known events."""

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.filters.event_pattern import match_pattern, match_patterns
from functions.domain.filters.match import Match, MatchReason
from functions.domain.filters.symbolic_values import (
    Absent,
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
from tests.unit.domain.filters.events import EVENTS, PATTERNS, Pair
from tests.unit.domain.filters.exact import passes

YES, MAYBE, NO = Likelihood.YES, Likelihood.MAYBE, Likelihood.NO
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
    """NO means that no event passes, and YES that every event does."""
    known, concrete = event

    found = match_pattern(json.dumps(pattern), known)

    is_passing = passes(pattern, data.draw(concrete))
    assert found.passes is not (NO if is_passing else YES)
    if found.reason is MatchReason.UNREADABLE:
        assert found.words.endswith("inside and outside of $or")


def of(known: Known) -> Fields:
    """An event of which one field is known."""
    return Fields({"a": known})


@pytest.mark.parametrize(
    ("wanted", "known", "expected"),
    [
        (["x"], text("x"), YES),
        (["x"], text("y"), NO),
        (["x"], text("x", "y"), MAYBE),
        (["x", "y"], text("x", "y"), YES),
        (["x*"], text("xy"), NO),
        (["out/a"], Like(("out/*",)), MAYBE),
        (["in/a"], Like(("out/*",)), NO),
        ([{"prefix": "out/"}], Like(("out/*",)), YES),
        ([{"prefix": "out/new/"}], Like(("out/*",)), MAYBE),
        ([{"prefix": "in/"}], Like(("out/*",)), NO),
        ([{"prefix": "in/"}], Like(("out/*", "in/*")), MAYBE),
        ([{"prefix": "in/"}, {"prefix": "out/"}], Like(("out/*", "in/*")), YES),
        ([{"prefix": {"equals-ignore-case": "OUT/"}}], Like(("out/*",)), YES),
        ([{"suffix": ".jpg"}], Like(("*.png",)), NO),
        ([{"suffix": {"equals-ignore-case": ".PNG"}}], Like(("*.png",)), YES),
        ([{"equals-ignore-case": "PutObject"}], text("PUTOBJECT"), YES),
        ([{"equals-ignore-case": "K"}], text("\u212a"), MAYBE),
        ([{"wildcard": "out/*/x.jpg"}], Like(("out/a/*.jpg",)), MAYBE),
        ([{"wildcard": "out/*.jpg"}], Like(("out/a/*.jpg",)), YES),
        ([{"wildcard": "in/*"}], Like(("out/*",)), NO),
        ([{"wildcard": r"a\*b"}], text("axb"), NO),
        ([{"wildcard": r"a\*b"}], text("a*b"), YES),
        ([{"wildcard": "a?${*}"}], text("a?${x}"), YES),
        ([{"wildcard": "a?"}], text("ab"), NO),
        ([{"anything-but": "x"}], text("x"), NO),
        ([{"anything-but": "x"}], text("y"), YES),
        ([{"anything-but": ["x", "y"]}], text("y", "z"), MAYBE),
        ([{"anything-but": {"prefix": "out/"}}], Like(("out/*",)), NO),
        ([{"anything-but": {"prefix": ["in/", "tmp/"]}}], Like(("out/*",)), YES),
        ([{"anything-but": {"suffix": ".jpg"}}], Like(("out/*",)), MAYBE),
        ([{"anything-but": {"wildcard": "out/*"}}], Like(("out/*",)), NO),
        ([{"anything-but": {"equals-ignore-case": ["X"]}}], text("x"), NO),
        ([{"anything-but": 5}], OneOf((5,)), NO),
        ([{"anything-but": 5}], OneOf((6,)), YES),
        ([{"anything-but": 5}], text("x"), MAYBE),
        ([{"anything-but": "x"}], Absent(), NO),
        ([{"exists": True}], text("x"), YES),
        ([{"exists": True}], Absent(), NO),
        ([{"exists": False}], Absent(), YES),
        ([{"exists": False}], Like(("*",)), NO),
        ([{"exists": True}, {"exists": False}], Unknown(), MAYBE),
        ([{"exists": True}], Fields({}), MAYBE),
        ([{"numeric": [">", 0, "<=", 5]}], OneOf((5,)), YES),
        ([{"numeric": [">", 0, "<=", 5]}], OneOf((0, 5)), MAYBE),
        ([{"numeric": [">", 0, "<=", 5]}], OneOf((0, 6.5)), NO),
        ([{"numeric": ["=", 3]}], OneOf((3.0,)), YES),
        ([{"numeric": ["=", 3]}], text("3"), MAYBE),
        ([{"numeric": ["=", 3]}], text("three"), NO),
        ([{"numeric": ["=", 3]}], OneOf((True, None)), NO),
        ([{"numeric": ["=", 3]}], Like(("*",)), MAYBE),
        ([3], Like(("*",)), MAYBE),
        ([True], Like(("t*",)), MAYBE),
        ([True], Like(("out/*",)), NO),
        ([{"numeric": [">", 5, "<", 3]}], Unknown(), NO),
        ([{"numeric": [">", 5, "<", 5]}], Like(("*",)), NO),
        ([{"numeric": [">=", 5, "<=", 5]}], Unknown(), MAYBE),
        ([{"cidr": "10.0.0.0/24"}], text("10.0.0.7"), YES),
        ([{"cidr": "10.0.0.0/24"}], text("10.0.1.7"), NO),
        ([{"cidr": "10.0.0.0/24"}], text("here"), NO),
        ([{"cidr": "10.0.0.0/24"}], text("10.0.7"), MAYBE),
        ([{"cidr": "10.0.0.0/24"}], Like(("10.*",)), MAYBE),
        ([{"cidr": "10.0.0.0/24"}], OneOf((5,)), NO),
        ([3], OneOf((3,)), YES),
        ([3], OneOf((3.0,)), MAYBE),
        ([3], OneOf((4, True)), NO),
        ([3], text("3"), MAYBE),
        ([3], text("x"), NO),
        (["3"], OneOf((3,)), MAYBE),
        ([True], OneOf((True,)), YES),
        ([True], OneOf((1,)), NO),
        ([True], text("true"), MAYBE),
        ([None], OneOf((None,)), YES),
        ([None], Absent(), NO),
        ([None], OneOf(("",)), NO),
        ([""], OneOf(("",)), YES),
        ([""], Like(("out/*",)), NO),
        (["x"], Unknown(), MAYBE),
        (["x"], Absent(), NO),
        (["x"], Fields({}), NO),
        (["x"], OneOf(()), MAYBE),
        (["x"], Listed((text("y"), text("x"))), YES),
        (["x"], Listed((text("y"), Unknown())), MAYBE),
        (["x"], Listed((text("y"), Absent(), Listed((text("z"),)))), NO),
        (["x"], Listed(()), NO),
        ([{"anything-but": "x"}], Listed((text("y"), text("x"))), MAYBE),
        ([{"anything-but": "x"}], Listed((text("y"),)), YES),
        ([{"exists": True}], Listed((text("y"),)), YES),
        ([{"exists": False}], Listed(()), MAYBE),
        ({"b": ["x"]}, Fields({"b": text("x")}), YES),
        ({"b": ["x"]}, Fields({"b": text("y")}), NO),
        ({"b": ["x"]}, Fields({}), MAYBE),
        ({"b": ["x"]}, Fields({}, is_closed=True), NO),
        ({"b": [{"exists": False}]}, Fields({}, is_closed=True), YES),
        ({"b": ["x"]}, Absent(), NO),
        ({"b": [{"exists": False}]}, Absent(), MAYBE),
        ({"b": ["x"]}, text('{"b": "x"}'), MAYBE),
        ({"b": ["x"]}, Listed((Fields({"b": text("y")}), Fields({"b": text("z")}))), NO),
        ({"b": ["x"]}, Listed((Fields({"b": text("y")}), Fields({"b": text("x")}))), MAYBE),
        ({"b": ["x"]}, Listed((Listed((Fields({"b": text("y")}),)),)), NO),
        ({"b": ["x"]}, Listed((text("y"),)), MAYBE),
        ([{"sounds-like": "x"}], text("y"), MAYBE),
        ([{"sounds-like": "x"}], Absent(), MAYBE),
        ([{"anything-but": {"sounds-like": "x"}}], text("y"), MAYBE),
        ([{"sounds-like": "x"}], Fields({}), MAYBE),
    ],
)
def test_comparisons(wanted: object, known: Known, expected: Likelihood) -> None:
    """Each comparison decides what it can of what is known of its field."""
    assert expected == match_pattern(json.dumps({"a": wanted}), of(known)).passes


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.s3"]}, Match(passes=YES, reason=MatchReason.FITS)),
        (
            {"source": ["aws.s3"], "resources": ["arn:aws:s3:::orders"]},
            Match(passes=YES, reason=MatchReason.FITS),
        ),
        (
            {"source": ["aws.s3"], "detail": {"bucket": {"name": ["other"]}}},
            Match(passes=NO, reason=MatchReason.EXCLUDED, place="detail.bucket.name"),
        ),
        (
            {"detail": {"object": {"key": [{"prefix": "in/"}], "size": [{"numeric": ["<", 5]}]}}},
            Match(passes=NO, reason=MatchReason.EXCLUDED, place="detail.object.key"),
        ),
        (
            {"source": ["aws.s3"], "detail": {"object": {"size": [{"numeric": ["<", 5]}]}}},
            Match(passes=MAYBE, reason=MatchReason.UNDECIDED, place="detail.object.size"),
        ),
        (
            {"detail": {"object": {"size": [{"numeric": [">", 5, "<", 5]}]}}},
            Match(passes=NO, reason=MatchReason.IMPOSSIBLE, place="detail.object.size"),
        ),
        (
            {"$or": [{"source": ["x"]}, {"detail": {"reason": ["DeleteObject"]}}]},
            Match(passes=NO, reason=MatchReason.EXCLUDED, place="$or"),
        ),
        (
            {"$or": [{"source": ["x"]}, {"detail": {"reason": ["PutObject"]}}]},
            Match(passes=MAYBE, reason=MatchReason.UNDECIDED, place="$or"),
        ),
        (
            {"detail": {"$or": [{"reason": [{"prefix": "P"}, {"prefix": "C"}]}, {"x": ["y"]}]}},
            Match(passes=YES, reason=MatchReason.FITS),
        ),
        (
            {"detail": {"new": {"deep": [{"sounds-like": "x"}]}}},
            Match(
                passes=MAYBE,
                reason=MatchReason.UNREADABLE,
                place="detail.new.deep",
                words="unknown comparison 'sounds-like'",
            ),
        ),
    ],
)
def test_answers(pattern: object, expected: Match) -> None:
    """The answer names the field that decides and says whether any event would pass."""
    assert expected == match_pattern(json.dumps(pattern), STORED)


def test_no_pattern() -> None:
    """Without a pattern everything passes."""
    assert match_pattern("", STORED) == Match(passes=YES, reason=MatchReason.NO_FILTER)
    assert match_patterns((), STORED) == Match(passes=YES, reason=MatchReason.NO_FILTER)


def test_several_patterns() -> None:
    """Of several patterns one has to pass."""
    record = Fields({"eventName": text("INSERT", "MODIFY"), "dynamodb": Unknown()})
    insert, modify, remove = (
        json.dumps({"eventName": [name]}) for name in ("INSERT", "MODIFY", "REMOVE")
    )
    unread = json.dumps({"eventName": "INSERT"})

    assert match_patterns((remove,), record).passes is NO
    assert match_patterns((remove, insert), record).passes is MAYBE
    assert match_patterns((remove, unread), record).reason is MatchReason.UNREADABLE
    # Two that pass everything only together are not seen to: sometimes is never wrong.
    assert match_patterns((insert, modify), record).passes is MAYBE


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
    expected = Match(passes=MAYBE, reason=MatchReason.UNREADABLE, words=words)

    assert expected == match_pattern(pattern, of(text("y")))


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
    found = match_pattern(pattern, event[0])

    assert isinstance(found.passes, Likelihood)
    assert "\n" not in found.words


@pytest.mark.thorough
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

    match_pattern(json.dumps(pattern), known)

    assert process_time() - start < HOSTILE_SECONDS


def test_deep_patterns() -> None:
    """A pattern that nests as deep as it can be read is judged like any other."""
    pattern: Any = ["x"]
    known: Known = text("y")
    for _ in range(90):
        pattern, known = {"a": pattern}, Fields({"a": known})

    assert match_pattern(json.dumps(pattern), known).passes is NO
