"""Partly known events, each with a concrete event that fits."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from functions.domain.filters.symbolic_values import (
    Absent,
    Fields,
    Known,
    Like,
    Listed,
    OneOf,
    Unknown,
)
from tests.unit.domain.filters.exact import MISSING

NAMES = ("a", "b", "c")
WORDS = st.text(alphabet="xy*A", max_size=3)
GLOBS = st.text(alphabet="xy*?", max_size=4)
ADDRESSES = st.sampled_from(["10.0.0.1", "10.9.0.1", "2001:db8::1"])
TEXTS = WORDS | ADDRESSES
SCALARS = TEXTS | st.integers(-2, 3) | st.sampled_from([None, True, False, "", "1"])
LEAVES = SCALARS | st.just(MISSING) | st.lists(SCALARS, max_size=2)

# What may be known, and how to draw a concrete value that fits it.
Pair = tuple[Known, st.SearchStrategy[Any]]


def filled(glob: str) -> st.SearchStrategy[str]:
    """Texts that a pattern matches."""
    parts = [
        WORDS if each == "*" else st.sampled_from("xyA*") if each == "?" else st.just(each)
        for each in glob
    ]
    return st.tuples(*parts).map("".join)


def _like(globs: list[str]) -> Pair:
    # A star in the concrete text is drawn from WORDS; in the pattern it is a wildcard.
    return Like(tuple(globs)), st.sampled_from(globs).flatmap(filled)


def _one_of(values: list[Any]) -> Pair:
    return OneOf(tuple(values)), st.sampled_from(values)


def _listed(pairs: list[Pair]) -> Pair:
    values = st.tuples(*(value for _, value in pairs)).map(
        lambda found: [each for each in found if each is not MISSING]
    )
    return Listed(tuple(known for known, _ in pairs)), values


LEAF_PAIRS: st.SearchStrategy[Pair] = st.one_of(
    st.lists(SCALARS, min_size=1, max_size=2).map(_one_of),
    st.lists(GLOBS, min_size=1, max_size=2).map(_like),
    st.just((Absent(), st.just(MISSING))),
    st.just((Unknown(), LEAVES)),
)


def _object(pairs: Mapping[str, Pair], *, is_closed: bool) -> Pair:
    known = Fields({name: pair[0] for name, pair in pairs.items()}, is_closed=is_closed)
    values = {name: pair[1] for name, pair in pairs.items()}
    if not is_closed:
        values |= {name: LEAVES for name in NAMES if name not in values}
    concrete = st.fixed_dictionaries(values).map(
        lambda found: {name: value for name, value in found.items() if value is not MISSING}
    )
    return known, concrete


def objects(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """Objects of what may be known, open or closed."""
    build: Callable[[Mapping[str, Pair], bool], Pair] = lambda pairs, is_closed: _object(  # noqa: E731
        pairs, is_closed=is_closed
    )
    return st.builds(
        build, st.dictionaries(st.sampled_from(NAMES), inner, max_size=3), st.booleans()
    )


EVENTS: st.SearchStrategy[Pair] = objects(
    LEAF_PAIRS | st.lists(LEAF_PAIRS, max_size=2).map(_listed) | objects(LEAF_PAIRS)
)
FLAT_EVENTS: st.SearchStrategy[Pair] = objects(LEAF_PAIRS)

_AFFIXES = st.sampled_from(["prefix", "suffix"])
_WILD = st.text(alphabet="xy*", min_size=1, max_size=4) | st.sampled_from([r"x\*", r"\**", r"\\*"])
_ANY_CASE = WORDS.map(lambda word: {"equals-ignore-case": word})
_SIGNS = (("<", ">"), (">=", "<="), (">", "<="))


def _one(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda argument: {name: argument}


COMPARISONS: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.tuples(_AFFIXES, WORDS | _ANY_CASE).map(lambda pair: {pair[0]: pair[1]}),
    _ANY_CASE,
    _WILD.map(_one("wildcard")),
    st.booleans().map(_one("exists")),
    st.sampled_from(["10.0.0.0/24", "2001:db8::/32"]).map(_one("cidr")),
    st.one_of(
        WORDS,
        st.integers(-2, 3),
        st.lists(WORDS, min_size=1, max_size=2),
        st.tuples(_AFFIXES, WORDS | st.lists(WORDS, min_size=1, max_size=2)).map(
            lambda pair: {pair[0]: pair[1]}
        ),
        _WILD.map(_one("wildcard")),
        st.lists(WORDS, min_size=1, max_size=2).map(_one("equals-ignore-case")),
    ).map(_one("anything-but")),
    st.tuples(st.sampled_from(["=", "<", ">", "<=", ">="]), st.integers(-2, 3)).map(
        lambda pair: {"numeric": list(pair)}
    ),
    st.tuples(st.sampled_from(_SIGNS), st.integers(-2, 3), st.integers(-2, 3)).map(
        lambda each: {"numeric": [each[0][0], each[1], each[0][1], each[2]]}
    ),
)
ALTERNATIVES = st.lists(COMPARISONS, min_size=1, max_size=3)


def patterns(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Patterns with these below their fields, and perhaps an $or."""
    flat = st.dictionaries(st.sampled_from(NAMES), leaves, min_size=1, max_size=2)
    either = st.lists(flat, min_size=1, max_size=2).map(lambda choices: {"$or": choices})
    return flat | either | st.tuples(flat, either).map(lambda pair: pair[0] | pair[1])


PATTERNS = patterns(ALTERNATIVES | patterns(ALTERNATIVES))
FLAT_PATTERNS = patterns(ALTERNATIVES)
