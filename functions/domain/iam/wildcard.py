"""Patterns with ``*`` (any text, also none) and ``?`` (any one character), as IAM writes them.

Patterns are texts of the account and may be hostile: nothing here backtracks. The cost is at most
the product of the two lengths, divided by the width of a machine word.

A pattern is a text in IAM's own notation, or a `Glob` where the caller has literal stars:

- ``${*}``, ``${?}`` and ``${$}`` are the literal characters;
- any other ``${variable}`` stands for a text that nobody knows here. It is taken for any text, and
  the pattern is then not *exact*: it matches more than IAM's does.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Final

# Inside a segment. No text of IAM holds these characters: one that does is not exact.
_ONE: Final = "\0"
_RUN: Final = "\1"
_RESERVED: Final = re.compile(f"[{_ONE}{_RUN}]")
_WILD: Final = re.compile(f"[{_ONE}{_RUN}]+")
_TOKEN: Final = re.compile(r"\$\{([^{}]*)\}|[*?]")
_LITERALS: Final = frozenset({"*", "?", "$"})
_PARSED: Final = 16_384
# Of the ends that an intersection is made of; longer ones are not looked at so closely.
_LONGEST_SHARED: Final = 512
_FILLINGS: Final = ("", "x", "/x", "0-x.y")


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern that was read.

    Attributes
    ----------
    segments
        The texts between the runs (``*``), so that ``n`` runs make ``n + 1`` segments. One that is
        neither first nor last is never empty.
    is_exact
        False where the pattern holds a variable: it matches everything that IAM's matches, and
        perhaps more.
    """

    segments: tuple[str, ...]
    is_exact: bool = True

    @classmethod
    def parse(cls, text: str) -> "Glob":
        """Read a pattern in IAM's notation."""
        return _parse(text)

    @classmethod
    def literal(cls, text: str) -> "Glob":
        """The pattern that matches this text only."""
        return _build_glob(_RESERVED.sub(_ONE, text), is_exact=not _RESERVED.search(text))

    @classmethod
    def anything(cls) -> "Glob":
        """The pattern that matches every text."""
        return cls(("", ""))

    def __add__(self, other: "Glob") -> "Glob":
        """The pattern of a text of this one followed by a text of the other."""
        return _build_glob(
            _encode_tokens(self) + _encode_tokens(other), is_exact=self.is_exact and other.is_exact
        )

    def __str__(self) -> str:
        """The pattern in IAM's notation; what a variable was is lost."""
        return "*".join(map(_write_segment, self.segments))

    def split(self, separator: str, most: int) -> "tuple[Glob, ...]":
        """The patterns between the first `most` separators, a character each."""
        parts = _encode_tokens(self).split(separator, most)
        return tuple(_build_glob(part, is_exact=self.is_exact) for part in parts)

    @property
    def is_literal(self) -> bool:
        """Whether exactly one text matches."""
        return len(self.segments) == 1 and _ONE not in self.segments[0]

    @property
    def head(self) -> str:
        """The literal text that everything it matches begins with."""
        return self.segments[0].partition(_ONE)[0]

    def lower(self) -> "Glob":
        """The same in lower case, for texts that are compared without case."""
        return Glob(tuple(segment.lower() for segment in self.segments), self.is_exact)


Pattern = str | Glob


def read_glob(pattern: Pattern) -> Glob:
    """Read a pattern unless it was read before."""
    return pattern if isinstance(pattern, Glob) else _parse(pattern)


def matches(pattern: Pattern, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the pattern matches the text (for one that is not exact: whether it may)."""
    glob = read_glob(pattern)
    if ignore_case:
        glob, text = glob.lower(), text.lower()
    return _accepts(glob, _RESERVED.sub("\2", text))


def overlaps(one: Pattern, other: Pattern) -> bool:
    """Whether a text exists that both match. Exact for exact patterns, else it may say too much."""
    return _overlap(read_glob(one), read_glob(other))


def covers(general: Pattern, special: Pattern) -> bool:
    """Whether `general` certainly matches everything that `special` matches.

    False proves nothing: rare shapes (``??*`` and ``a*b``) are not seen, and a general pattern
    that is not exact covers nothing.
    """
    glob = read_glob(general)
    return glob.is_exact and _accepts(glob, _encode_tokens(read_glob(special)))


def intersect(one: Pattern, other: Pattern) -> Glob | None:
    """A pattern that matches every text that both match (perhaps more); ``None`` for no text.

    It is the narrower of the two where one covers the other, as with almost all that is written.
    Otherwise it keeps what both ask of beginning and end.
    """
    first, second = read_glob(one), read_glob(other)
    if not _overlap(first, second):
        return None
    if covers(first, second):
        return second
    if covers(second, first):
        return first
    is_exact = first.is_exact and second.is_exact
    if len(first.segments) == 1 or len(second.segments) == 1:
        fixed, loose = (first, second) if len(first.segments) == 1 else (second, first)
        if len(loose.segments) == 1:
            return Glob((_merge(fixed.segments[0], loose.segments[0]),), is_exact)
        return Glob(fixed.segments, is_exact)
    head = _merge(first.segments[0], second.segments[0])
    tail = _merge(first.segments[-1][::-1], second.segments[-1][::-1])[::-1]
    # `in/a*` and `*a.jpg` share `in/a.jpg`, where the ends meet: what can be of both is left out.
    return _build_glob(f"{head}{_RUN}{tail[_count_shared(head, tail) :]}", is_exact=is_exact)


def find_remainders(pattern: Pattern, start: str) -> tuple[Glob, ...]:
    """What may follow `start` in the texts that a pattern matches; empty if none begins so.

    The patterns together match exactly what follows (for a pattern that is not exact: what may).
    Of ``in*`` after ``in`` that is ``*``; of ``*/a*`` after ``x/`` it is ``a*`` and ``*/a*``.

    >>> [str(one) for one in find_remainders("arn:*:s3:::orders/in/*", "arn:aws:s3:::orders/")]
    ['*:s3:::orders/in/*', 'in/*']
    """
    glob = read_glob(pattern)
    tokens = _encode_tokens(glob)
    # How many tokens are used up, in order. What may follow a run takes in all that may follow
    # what stands before it, so only the last run that was come to counts, and what is behind it.
    reached = [0]
    for character in start:
        after: list[int] = []
        for position in reached:
            if tokens[position : position + 1] == _RUN:
                after.append(position)
                position += 1  # noqa: PLW2901 (the run may also be over)
            if tokens[position : position + 1] in (character, _ONE):
                after.append(position + 1)
        reached = _skip_past_last_run(after, tokens)
    return tuple(_build_glob(tokens[position:], is_exact=glob.is_exact) for position in reached)


def _skip_past_last_run(positions: list[int], tokens: str) -> list[int]:
    ordered = sorted(set(positions))
    runs = [at for at, position in enumerate(ordered) if tokens[position : position + 1] == _RUN]
    return ordered[runs[-1] :] if runs else ordered


def find_witnesses(*patterns: Pattern) -> Iterator[str]:
    """Some texts that all the patterns match, if they were found: the proof that one exists.

    Finding none proves nothing. Patterns that are not exact are believed to match what they may
    match, so a witness for them is a witness of a possibility.
    """
    globs = tuple(map(read_glob, patterns))
    if not globs:
        return
    seen: set[str] = set()
    for text in _generate_candidates(globs):
        if text not in seen and all(_accepts(glob, text) for glob in globs):
            seen.add(text)
            yield text


def _generate_candidates(globs: tuple[Glob, ...]) -> Iterator[str]:
    fixed = [glob.segments[0] for glob in globs if len(glob.segments) == 1]
    if fixed:
        # Every text has the same length then.
        text = reduce(_merge, fixed)
        for glob in globs:
            text = _fill_unknowns(text, glob)
        yield text.replace(_ONE, "x")
        return
    head, tail = "", ""
    for glob in globs:
        head = _merge(head, glob.segments[0])
        tail = _merge(tail, glob.segments[-1][::-1])
    middles = [segment for glob in globs for segment in glob.segments[1:-1]]
    for filling in _FILLINGS:
        yield filling.join((head, *middles, tail[::-1])).replace(_ONE, "x")


def _fill_unknowns(text: str, glob: Glob) -> str:
    """A text with what a pattern with runs knows of its unknown characters, leftmost first."""
    segments = glob.segments
    end = len(text) - len(segments[-1])
    if len(segments) == 1 or len(segments[0]) > end:
        return text
    text = _merge(text[:end], segments[0]) + _merge(text[end:], segments[-1])
    position = len(segments[0])
    for segment in segments[1:-1]:
        found = _find(segment, text, position, end, both=True)
        if found < 0:
            break
        position = found + len(segment)
        text = text[:found] + _merge(text[found:position], segment) + text[position:]
    return text


@lru_cache(maxsize=_PARSED)
def _parse(text: str) -> Glob:
    is_exact = True

    def replace_token(found: re.Match[str]) -> str:
        nonlocal is_exact
        if found[0] == "*":
            return _RUN
        if found[0] == "?":
            return _ONE
        if found[1] in _LITERALS:
            return str(found[1])
        is_exact = False
        return _RUN

    if _RESERVED.search(text):
        is_exact = False
        text = _RESERVED.sub("?", text)
    return _build_glob(_TOKEN.sub(replace_token, text), is_exact=is_exact)


def _build_glob(tokens: str, *, is_exact: bool) -> Glob:
    """Read tokens. ``*?`` and ``?*`` are the same and are written the same: ones, then one run."""
    ordered = _WILD.sub(_order_run, tokens)
    return Glob(tuple(ordered.split(_RUN)), is_exact)


def _encode_tokens(glob: Glob) -> str:
    return _RUN.join(glob.segments)


def _order_run(found: re.Match[str]) -> str:
    return _ONE * found[0].count(_ONE) + (_RUN if _RUN in found[0] else "")


def _write_segment(segment: str) -> str:
    text = segment.replace("${", "${$}{").replace("*", "${*}").replace("?", "${?}")
    return text.replace(_ONE, "?")


def _merge(one: str, other: str) -> str:
    """Two compatible beginnings as one: the longer, with what the other knows of its unknowns."""
    if len(one) < len(other):
        one, other = other, one
    if _ONE not in one[: len(other)]:
        return one
    known = (b if a == _ONE else a for a, b in zip(one, other, strict=False))
    return "".join(known) + one[len(other) :]


def _count_shared(head: str, tail: str) -> int:
    """The most characters that the end of one and the beginning of the other can have in common."""
    longest = min(len(head), len(tail))
    if longest > _LONGEST_SHARED:
        return len(tail)
    return next(
        size for size in range(longest, -1, -1) if _are_alike(head[len(head) - size :], tail[:size])
    )


def _are_alike(one: str, other: str) -> bool:
    """Whether two texts of one length, both with unknown characters, can be the same."""
    if one == other:
        return True
    if _ONE not in one and _ONE not in other:
        return False
    return all(_meet(a, b) for a, b in zip(one, other, strict=True))


def _meet(one: str, other: str) -> bool:
    """A run in a text is only eaten by a run of a pattern: no single character stands for it."""
    return one == other or (_ONE in (one, other) and _RUN not in (one, other))


def _overlap(one: Glob, other: Glob) -> bool:
    if len(one.segments) == 1:
        return _accepts(other, one.segments[0], both=True)
    if len(other.segments) == 1:
        return _accepts(one, other.segments[0], both=True)
    # Both have a run: the longer beginning, everything in the middle of one, then of the other,
    # and the longer end make a text of both. Only beginnings and ends can contradict each other.
    head = min(len(one.segments[0]), len(other.segments[0]))
    tail = min(len(one.segments[-1]), len(other.segments[-1]))
    return _are_alike(one.segments[0][:head], other.segments[0][:head]) and _are_alike(
        one.segments[-1][len(one.segments[-1]) - tail :],
        other.segments[-1][len(other.segments[-1]) - tail :],
    )


def _accepts(glob: Glob, text: str, *, both: bool = False) -> bool:
    """Match tokens: `text` may hold runs (for `covers`), and ones, which are unknown if `both`.

    Leftmost first is right for the segments in the middle: each is a place further left than any
    other way of matching could have it, and what follows only needs room.
    """
    segments = glob.segments
    if len(segments) == 1:
        return len(text) == len(segments[0]) and _fits(segments[0], text, both=both)
    head, tail = segments[0], segments[-1]
    end = len(text) - len(tail)
    if end < len(head):
        return False
    if not _fits(head, text[: len(head)], both=both) or not _fits(tail, text[end:], both=both):
        return False
    position = len(head)
    for segment in segments[1:-1]:
        found = _find(segment, text, position, end, both=both)
        if found < 0:
            return False
        position = found + len(segment)
    return True


def _fits(segment: str, text: str, *, both: bool) -> bool:
    """Whether a segment matches a text of its length."""
    if segment == text:
        return True
    if _ONE not in segment and not (both and _ONE in text):
        return False
    if both:
        return _are_alike(segment, text)
    return all(a == b or (a == _ONE and b != _RUN) for a, b in zip(segment, text, strict=True))


def _find(segment: str, text: str, start: int, end: int, *, both: bool) -> int:
    """The first place of a segment in ``text[start:end]``, -1 for none.

    Segments with unknown characters go through all places at once, one bit for each beginning of
    the segment (Shift-And), so that a hostile segment costs no more than its length.
    """
    if _ONE not in segment and not (both and _ONE in text):
        return text.find(segment, start, end)
    anywhere = _set_bits(index for index, own in enumerate(segment) if own == _ONE)
    everywhere = (1 << len(segment)) - 1
    masks: dict[str, int] = {_RUN: 0}
    if both:
        masks[_ONE] = everywhere
    for index, own in enumerate(segment):
        if own != _ONE:
            masks[own] = masks.get(own, anywhere) | 1 << index
    done = 1 << (len(segment) - 1)
    state = 0
    for position in range(start, end):
        state = (state << 1 | 1) & masks.get(text[position], anywhere)
        if state & done:
            return position - len(segment) + 1
    return -1


def _set_bits(indexes: Iterable[int]) -> int:
    total = 0
    for index in indexes:
        total |= 1 << index
    return total
