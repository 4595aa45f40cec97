"""Bucket notifications against the keys and events that a role may cause."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.domain.filters.match import MatchReason
from functions.domain.filters.s3_keys import find_keys_within, match_events, match_keys
from functions.domain.iam.likelihood import Likelihood
from functions.domain.iam.wildcard import matches

YES, MAYBE, NO = Likelihood.YES, Likelihood.MAYBE, Likelihood.NO
BUCKET = "arn:aws:s3:::orders"


@pytest.mark.parametrize(
    ("prefix", "suffix", "keys", "expected"),
    [
        ("input/", "", ("output/*",), NO),
        ("input/", "", ("*",), MAYBE),
        ("input/", "", ("input/new/*",), YES),
        ("input/", "", ("input",), NO),
        ("input/", "", ("in*",), MAYBE),
        ("", ".jpg", ("thumbnails/*.png",), NO),
        ("", ".jpg", ("thumbnails/*.jpg",), YES),
        ("", ".jpg", ("thumbnails/*",), MAYBE),
        ("input/", ".jpg", ("input/*", "output/*"), MAYBE),
        ("input/", ".jpg", ("input/*.jpg",), YES),
        ("input/", ".jpg", ("input/a.jpg", "output/*"), MAYBE),
        ("input/", ".jpg", ("output/*", "input/*.png"), NO),
        ("input/", "", ("${aws:username}/*",), MAYBE),
        ("input/", "", ("output/${aws:username}/*",), NO),
        ("a.jpg", ".jpg", ("a.jpg",), YES),
        ("a.jpg", "pg.jpg", ("a.jpg*",), MAYBE),
        ("in*/", "", ("input/*",), NO),
        ("in*/", "", ("in${*}/*",), YES),
        ("my%20files/", "", ("my files/*",), MAYBE),
        ("my+files/", "", ("my files/*",), MAYBE),
        ("my+files/", "", ("my+files/*",), MAYBE),
        ("", "+.jpg", ("a+.jpg",), MAYBE),
        ("my files/", "", ("my files/*",), YES),
    ],
)
def test_keys(prefix: str, suffix: str, keys: tuple[str, ...], expected: Likelihood) -> None:
    """A filter excludes, takes or may take the objects that a role may write."""
    assert expected == match_keys(prefix, suffix, keys).passes


def test_no_filter() -> None:
    """A notification without a filter is about every object."""
    found = match_keys("", "", ("output/*",))

    assert (found.passes, found.reason) == (YES, MatchReason.NO_FILTER)


def test_no_keys() -> None:
    """Of a role that may write nothing nothing passes."""
    assert match_keys("input/", "", ()).passes is NO
    assert match_keys("", "", ()).passes is NO


WORDS = st.text(alphabet="ab%", max_size=3)


@given(WORDS, WORDS, st.text(alphabet="ab*?", max_size=4), st.text(alphabet="ab%", max_size=5))
@example("a", "a", "*", "a")
@example("ab", "ba", "ab*", "aba")
@example("ab", "ba", "aba", "aba")
def test_against_keys(prefix: str, suffix: str, pattern: str, key: str) -> None:
    """NO means that no key that may be written passes, and YES that every one does."""
    if not matches(pattern, key):
        return

    passage = match_keys(prefix, suffix, (pattern,)).passes

    is_passing = key.startswith(prefix) and key.endswith(suffix)
    assert passage is not (NO if is_passing else YES)


@pytest.mark.parametrize(
    ("arn_pattern", "expected"),
    [
        (f"{BUCKET}/output/*", {"output/*"}),
        (f"{BUCKET}/*", {"*"}),
        ("*", {"*"}),
        ("*.csv", {"*.csv"}),
        ("arn:aws:s3:::*-prod/*", {"*-prod/*"}),
        ("arn:aws:s3:::*/secret/*", {"*/secret/*", "secret/*"}),
        ("arn:*:s3:::orders/output/*", {"output/*"}),
        ("arn:aws:s3:::ord*/output/*", {"output/*", "*/output/*"}),
        ("arn:aws:s3:::order?/output/?", {"output/?"}),
        ("arn:aws:s3:::other/*", set()),
        (BUCKET, set()),
    ],
)
def test_keys_within(arn_pattern: str, expected: set[str]) -> None:
    """The keys of an ARN pattern are those of this bucket, whatever others it is about."""
    assert expected == set(map(str, find_keys_within(arn_pattern, BUCKET)))


@given(st.text(alphabet="ab/*?", max_size=6), st.text(alphabet="ab", max_size=3), WORDS)
def test_keys_within_against_arns(pattern: str, bucket: str, key: str) -> None:
    """Exactly the keys fit whose ARN the pattern of the statement matches."""
    found = find_keys_within(pattern, bucket)

    assert matches(pattern, f"{bucket}/{key}") is any(matches(keys, key) for keys in found)


@pytest.mark.parametrize(
    ("events", "action", "expected"),
    [
        (("s3:ObjectCreated:*",), "s3:PutObject", YES),
        (("s3:ObjectCreated:Put",), "s3:PutObject", MAYBE),
        (("s3:ObjectRemoved:*",), "s3:PutObject", NO),
        (("s3:ObjectTagging:*",), "s3:PutObject", NO),
        (("s3:ObjectRestore:*", "s3:LifecycleExpiration:*"), "s3:PutObject", NO),
        (("s3:ObjectCreated:*",), "s3:DeleteObject", NO),
        (("s3:ObjectRemoved:*",), "s3:DeleteObject", YES),
        (
            ("s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"),
            "s3:DeleteObject",
            YES,
        ),
        (("s3:ObjectRestore:Completed",), "s3:RestoreObject", MAYBE),
        (("s3:ObjectTagging:*",), "s3:PutObjectTagging", YES),
        (("s3:ObjectCreated:*",), "s3:PutObjectAcl", NO),
        (("s3:ObjectCreated:*",), "s3:SomethingNew", MAYBE),
        ((), "s3:PutObject", NO),
    ],
)
def test_events(events: tuple[str, ...], action: str, expected: Likelihood) -> None:
    """A notification hears of an action by the events that the action raises."""
    assert expected == match_events(events, action)
