"""Wildcards, against an oracle that tries all short texts."""

import re
from itertools import product
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.domain.iam.wildcard import (
    Glob,
    covers,
    find_witnesses,
    intersect,
    matches,
    overlaps,
)
from tests.unit.domain.iam.oracle import oracle

LONGEST = 6
PATTERNS = st.text(alphabet="ab*?", max_size=LONGEST)
TEXTS = tuple("".join(text) for size in range(LONGEST + 1) for text in product("abc", repeat=size))
HOSTILE_SECONDS = 5.0


@given(PATTERNS, st.text(alphabet="abc", max_size=LONGEST))
@example("*a?b*", "aab")
@example("?*", "")
@example("a**b", "ab")
def test_matching(pattern: str, text: str) -> None:
    """A pattern matches exactly what its regular expression matches."""
    assert oracle(pattern, text) == matches(pattern, text)


@given(PATTERNS, PATTERNS)
@example("a*b", "*ab*")
@example("*?", "a")
@example("a?*", "?b")
def test_overlap(one: str, other: str) -> None:
    """Two patterns overlap if and only if a text exists that both match."""
    # A text of both is at most as long as both patterns, so that the shortest may be too long for
    # the oracle: then only the absence of a claim can be wrong.
    exists = any(oracle(one, text) and oracle(other, text) for text in TEXTS)

    if exists:
        assert overlaps(one, other)
    elif len(one) + len(other) <= LONGEST:
        assert not overlaps(one, other)
    assert overlaps(other, one) == overlaps(one, other)


@given(PATTERNS, PATTERNS)
def test_no_overlap(one: str, other: str) -> None:
    """Where an overlap is claimed there is a witness."""
    found = list(find_witnesses(one, other))

    assert overlaps(one, other) == bool(found)
    assert all(oracle(one, text) and oracle(other, text) for text in found)


@given(PATTERNS, PATTERNS)
@example("?*", "*?")
@example("*a*", "*a*")
@example("a*", "a?")
@example("??", "*")
def test_cover(general: str, special: str) -> None:
    """What covers a pattern matches everything that it matches."""
    if covers(general, special):
        assert all(oracle(general, text) for text in TEXTS if oracle(special, text))


@pytest.mark.parametrize(
    ("general", "special"),
    [
        ("*", "arn:aws:s3:::b/*"),
        ("arn:aws:s3:::*/*", "arn:aws:s3:::b/in/*"),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/*/x?.jpg"),
        ("a?c", "abc"),
        ("*?", "?*"),
        ("a*", "a*b*"),
    ],
)
def test_covers(general: str, special: str) -> None:
    """The shapes that policies are written in are seen to be covered."""
    assert covers(general, special)


@given(PATTERNS, PATTERNS)
@example("a?c*", "ab?d")
@example("?b", "a?")
def test_intersection(one: str, other: str) -> None:
    """The intersection matches at least what both match, and is empty only if nothing is."""
    both = intersect(one, other)

    assert (both is None) == (not overlaps(one, other))
    if both is not None:
        shared = [text for text in TEXTS if oracle(one, text) and oracle(other, text)]
        assert all(matches(both, text) for text in shared)


def test_intersection_is_narrow() -> None:
    """The narrower of two patterns is their intersection; two that cross keep both ends."""
    wide, narrow = "arn:aws:s3:::b/*", "arn:aws:s3:::b/out/*.jpg"

    assert narrow == str(intersect(wide, narrow))
    assert narrow == str(intersect(narrow, wide))
    assert str(intersect("out/*", "*.jpg")) == "out/*.jpg"
    assert str(intersect("a?cd", "ab?d")) == "abcd"


@given(PATTERNS)
def test_notation(pattern: str) -> None:
    """Writing and reading a pattern changes nothing of what it matches."""
    again = str(Glob.parse(pattern))

    assert Glob.parse(again) == Glob.parse(pattern)


@given(st.text(alphabet="a*?${}", max_size=8))
@example("${*}")
@example("$${a}")
def test_literal(text: str) -> None:
    """A literal text matches itself alone, whatever characters it is made of, also when written."""
    glob = Glob.literal(text)

    assert matches(glob, text)
    assert glob.is_literal
    assert Glob.parse(str(glob)) == glob
    assert not matches(glob, text + "a")


@given(PATTERNS, PATTERNS, st.text(alphabet="ab", max_size=LONGEST))
def test_sum(one: str, other: str, text: str) -> None:
    """A sum of patterns is the pattern of the texts joined."""
    joined = Glob.parse(one) + Glob.parse(other)

    assert oracle(one + other, text) == matches(joined, text)


@pytest.mark.parametrize("text", ["a*b", "a?b", "a$b"])
def test_escaped(text: str) -> None:
    """IAM's escapes stand for the characters."""
    escaped = re.sub(r"([*?$])", r"${\1}", text)

    assert matches(escaped, text)
    assert not matches(escaped, "axb")
    assert covers(escaped, Glob.literal(text))


def test_variable() -> None:
    """A policy variable may be any text, so that it overlaps, but covers nothing."""
    pattern = "arn:aws:s3:::b/${aws:username}/*"

    assert overlaps(pattern, "arn:aws:s3:::b/anna/x")
    assert not overlaps(pattern, "arn:aws:s3:::other/anna/x")
    assert not covers(pattern, "arn:aws:s3:::b/anna/x")
    assert covers("arn:aws:s3:::b/*", pattern)
    assert not Glob.parse(pattern).is_exact


@pytest.mark.parametrize("character", ["\0", "\1"])
def test_reserved(character: str) -> None:
    """A character that is used inside is some character in a pattern, and itself in a text."""
    assert matches("a?b", f"a{character}b")
    assert not matches("ab", f"a{character}b")
    assert not covers(f"a{character}b", f"a{character}b")
    assert not covers("a?b", "a*b")
    assert overlaps(f"a{character}b", "axb")


def test_case() -> None:
    """Case counts unless it is told not to."""
    assert not matches("S3:put*", "s3:PutObject")
    assert matches("S3:put*", "s3:PutObject", ignore_case=True)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 5_000 + "b", "a" * 10_000),
        ("*" + "a?" * 5_000 + "b", "a" * 20_000),
        ("*" + "?a" * 5_000 + "*b", "ab" * 10_000),
        ("?" * 20_000, "a" * 20_000),
        ("${a}" * 5_000 + "b", "a" * 20_000),
        ("${" * 10_000, "a" * 20_000),
    ],
)
def test_hostile(pattern: str, text: str) -> None:
    """Patterns of the length of the longest policies that are made to be slow are not."""
    start = process_time()

    matches(pattern, text)
    overlaps(pattern, text.replace("b", "?"))
    covers(pattern, pattern)
    intersect(pattern, pattern[::-1])

    assert process_time() - start < HOSTILE_SECONDS
