"""Bucket notifications against the keys and events that a role may cause."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.domain.filters.passage import Passage, Reason
from functions.domain.filters.s3_keys import events_passage, keys_passage, keys_within
from functions.domain.iam.wildcard import matches

ALWAYS, SOMETIMES, NEVER = Passage.ALWAYS, Passage.SOMETIMES, Passage.NEVER
BUCKET = "arn:aws:s3:::orders"


@pytest.mark.parametrize(
    ("prefix", "suffix", "keys", "expected"),
    [
        ("input/", "", ("output/*",), NEVER),
        ("input/", "", ("*",), SOMETIMES),
        ("input/", "", ("input/new/*",), ALWAYS),
        ("input/", "", ("input",), NEVER),
        ("input/", "", ("in*",), SOMETIMES),
        ("", ".jpg", ("thumbnails/*.png",), NEVER),
        ("", ".jpg", ("thumbnails/*.jpg",), ALWAYS),
        ("", ".jpg", ("thumbnails/*",), SOMETIMES),
        ("input/", ".jpg", ("input/*", "output/*"), SOMETIMES),
        ("input/", ".jpg", ("input/*.jpg",), ALWAYS),
        ("input/", ".jpg", ("input/a.jpg", "output/*"), SOMETIMES),
        ("input/", ".jpg", ("output/*", "input/*.png"), NEVER),
        ("input/", "", ("${aws:username}/*",), SOMETIMES),
        ("input/", "", ("output/${aws:username}/*",), NEVER),
        ("a.jpg", ".jpg", ("a.jpg",), ALWAYS),
        ("a.jpg", "pg.jpg", ("a.jpg*",), SOMETIMES),
        ("in*/", "", ("input/*",), NEVER),
        ("in*/", "", ("in${*}/*",), ALWAYS),
        ("my%20files/", "", ("my files/*",), SOMETIMES),
        ("my+files/", "", ("my files/*",), SOMETIMES),
        ("my+files/", "", ("my+files/*",), SOMETIMES),
        ("", "+.jpg", ("a+.jpg",), SOMETIMES),
        ("my files/", "", ("my files/*",), ALWAYS),
    ],
)
def test_keys(prefix: str, suffix: str, keys: tuple[str, ...], expected: Passage) -> None:
    """A filter excludes, takes or may take the objects that a role may write."""
    assert expected == keys_passage(prefix, suffix, keys).passage


def test_no_filter() -> None:
    """A notification without a filter is about every object."""
    found = keys_passage("", "", ("output/*",))

    assert (found.passage, found.reason) == (ALWAYS, Reason.NO_FILTER)


def test_no_keys() -> None:
    """Of a role that may write nothing nothing passes."""
    assert keys_passage("input/", "", ()).passage is NEVER
    assert keys_passage("", "", ()).passage is NEVER


WORDS = st.text(alphabet="ab%", max_size=3)


@given(WORDS, WORDS, st.text(alphabet="ab*?", max_size=4), st.text(alphabet="ab%", max_size=5))
@example("a", "a", "*", "a")
@example("ab", "ba", "ab*", "aba")
@example("ab", "ba", "aba", "aba")
def test_against_keys(prefix: str, suffix: str, pattern: str, key: str) -> None:
    """NEVER means that no key that may be written passes, and ALWAYS that every one does."""
    if not matches(pattern, key):
        return

    passage = keys_passage(prefix, suffix, (pattern,)).passage

    is_passing = key.startswith(prefix) and key.endswith(suffix)
    assert passage is not (NEVER if is_passing else ALWAYS)


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
    assert expected == set(map(str, keys_within(arn_pattern, BUCKET)))


@given(st.text(alphabet="ab/*?", max_size=6), st.text(alphabet="ab", max_size=3), WORDS)
def test_keys_within_against_arns(pattern: str, bucket: str, key: str) -> None:
    """Exactly the keys fit whose ARN the pattern of the statement matches."""
    found = keys_within(pattern, bucket)

    assert matches(pattern, f"{bucket}/{key}") is any(matches(keys, key) for keys in found)


@pytest.mark.parametrize(
    ("events", "action", "expected"),
    [
        (("s3:ObjectCreated:*",), "s3:PutObject", ALWAYS),
        (("s3:ObjectCreated:Put",), "s3:PutObject", SOMETIMES),
        (("s3:ObjectRemoved:*",), "s3:PutObject", NEVER),
        (("s3:ObjectTagging:*",), "s3:PutObject", NEVER),
        (("s3:ObjectRestore:*", "s3:LifecycleExpiration:*"), "s3:PutObject", NEVER),
        (("s3:ObjectCreated:*",), "s3:DeleteObject", NEVER),
        (("s3:ObjectRemoved:*",), "s3:DeleteObject", ALWAYS),
        (
            ("s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"),
            "s3:DeleteObject",
            ALWAYS,
        ),
        (("s3:ObjectRestore:Completed",), "s3:RestoreObject", SOMETIMES),
        (("s3:ObjectTagging:*",), "s3:PutObjectTagging", ALWAYS),
        (("s3:ObjectCreated:*",), "s3:PutObjectAcl", NEVER),
        (("s3:ObjectCreated:*",), "s3:SomethingNew", SOMETIMES),
        ((), "s3:PutObject", NEVER),
    ],
)
def test_events(events: tuple[str, ...], action: str, expected: Passage) -> None:
    """A notification hears of an action by the events that the action raises."""
    assert expected == events_passage(events, action)
