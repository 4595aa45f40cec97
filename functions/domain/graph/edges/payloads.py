"""What lies in a resource, as far as it is known, and which filters it passes.

An edge that writes and the trigger behind it can only be judged together: whether a notification
on ``input/`` fires depends on the keys that the writer may write. So what a writer puts somewhere
is kept as a content, and every filter on the way is asked about that content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never
from urllib.parse import unquote_plus

from functions.domain.account.strict_json import Json, UnreadableJsonError, read_json
from functions.domain.filters.event_pattern import match_pattern, match_patterns
from functions.domain.filters.match import Match, MatchReason
from functions.domain.filters.s3_keys import (
    EVENTS_BY_ACTION,
    key_filters,
    match_events,
    match_keys,
)
from functions.domain.filters.subscription_filter import NO_ATTRIBUTES, match_subscription
from functions.domain.filters.symbolic_values import Fields, Known, Like, OneOf, Unknown, text
from functions.domain.graph.model import Certainty, EdgeReason
from functions.domain.iam.likelihood import Likelihood
from functions.domain.iam.wildcard import Glob, as_glob, covers, intersection, matches


@dataclass(frozen=True, slots=True)
class Stored:
    """What an S3 action did to objects of a bucket whose keys match `keys`, but no `excluded`."""

    bucket: str
    action: str
    keys: str = "*"
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """Records of a table's stream; `events` are of INSERT, MODIFY and REMOVE."""

    events: tuple[str, ...] = ("INSERT", "MODIFY", "REMOVE")


@dataclass(frozen=True, slots=True)
class Put:
    """An event that PutEvents put on a bus. Patterns of what is known; empty: anything."""

    sources: tuple[str, ...] = ()
    detail_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Announced:
    """The event by which S3 tells a bus what was stored."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Called:
    """An event that an AWS service sends about calls of its API, asked for by one rule.

    Attributes
    ----------
    source
        ``aws.ec2``; ``aws.`` where the rule asks for no source.
    rule
        ARN of the rule, or of what else listens.
    """

    source: str
    rule: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose body is not known. `is_bare`: without message attributes."""

    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class Invoked:
    """What reaches a function. Destinations only hear of asynchronous invocations."""

    is_async: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Messages that somebody moves out of a dead-letter queue, to where they came from."""


Content: TypeAlias = Stored | Changed | Put | Announced | Called | Message | Invoked | Moved

ANYTHING: Final = Message()


@dataclass(frozen=True, slots=True)
class Open:
    """No filter. The certainty may be less for another reason."""

    certainty: Certainty = Certainty.CERTAIN
    reason: EdgeReason = EdgeReason.UNFILTERED
    detail: str = ""


OPEN: Final = Open()


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """The filter of a bucket notification."""

    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """FilterCriteria of a mapping or pipe: an event that one of the patterns fits passes."""

    patterns: tuple[str, ...]
    event_source: str = ""
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class RulePattern:
    """The pattern of a rule."""

    pattern: str
    rule: str


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """The filter policy of a subscription."""

    policy: str
    scope: str
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class LineFilter:
    """The pattern of a log subscription: terms that a line must hold."""

    pattern: str


@dataclass(frozen=True, slots=True)
class BackOnly:
    """Only what somebody moves back out of a dead-letter queue passes."""


Gate: TypeAlias = (
    Open | KeyFilter | RecordFilter | RulePattern | MessageFilter | LineFilter | BackOnly
)


@dataclass(frozen=True, slots=True)
class Passed:
    """Whether a content passes a gate, and why."""

    certainty: Certainty
    reason: EdgeReason
    detail: str = ""


_OPEN: Final = Passed(Certainty.CERTAIN, EdgeReason.UNFILTERED)
_UNREADABLE: Final = Passed(Certainty.POSSIBLE, EdgeReason.FILTER_UNREADABLE, "encrypted")
_CACHED: Final = 8_192
_CREATED: Final = frozenset({"s3:PutObject", "s3:ReplicateObject"})
_DELETED: Final = frozenset({"s3:DeleteObject", "s3:DeleteObjectVersion"})
_REMOVED: Final = ("REMOVE",)

# `Amazon S3 event message structure` for EventBridge, of the S3 user guide.
_DETAIL_TYPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "s3:PutObject": ("Object Created",),
        "s3:ReplicateObject": ("Object Created",),
        "s3:DeleteObject": ("Object Deleted",),
        "s3:DeleteObjectVersion": ("Object Deleted",),
        "s3:RestoreObject": (
            "Object Restore Initiated",
            "Object Restore Completed",
            "Object Restore Expired",
        ),
        "s3:PutObjectTagging": ("Object Tags Added",),
        "s3:PutObjectVersionTagging": ("Object Tags Added",),
        "s3:DeleteObjectTagging": ("Object Tags Deleted",),
        "s3:DeleteObjectVersionTagging": ("Object Tags Deleted",),
        "s3:PutObjectAcl": ("Object ACL Updated",),
        "s3:PutObjectVersionAcl": ("Object ACL Updated",),
    }
)

S3_ACTIONS: Final = tuple(EVENTS_BY_ACTION)


def is_created(content: Content) -> bool:
    """Whether objects came into being."""
    return isinstance(content, Stored) and content.action in _CREATED


def is_removal(content: Content) -> bool:
    """Whether something was taken away, which nobody can do twice."""
    match content:
        case Changed():
            return content.events == _REMOVED
        case Stored():
            return content.action in _DELETED
        case _:
            return False


def passes(gate: Gate, content: Content) -> Passed | None:
    """Whether a content passes a gate; ``None`` where the two have nothing to do with each other.

    A gate that lets through only a part of what may be there makes it possible.
    """
    if not _is_about(gate, content):
        return None
    match gate:
        case Open():
            return Passed(gate.certainty, gate.reason, gate.detail)
        case KeyFilter():
            return _stored(gate, content)
        case RecordFilter():
            return _recorded(gate, content)
        case RulePattern():
            return _ruled(gate, content)
        case MessageFilter():
            return _published(gate, content)
        case LineFilter():
            if not gate.pattern.strip():
                return _OPEN
            return Passed(Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, gate.pattern.strip())
        case BackOnly():
            return Passed(Certainty.POSSIBLE, EdgeReason.ONLY_ON_FAILURE)
        case _:
            assert_never(gate)


# Steps, as measured: of asking a gate about a content, for each so many characters of its filter.
_ASKING: Final = 4
_KEYS: Final = 40
_PATTERN: Final = 40
_CHARACTERS: Final = 3


@lru_cache(maxsize=_CACHED)
def steps_of(gate: Gate) -> int:
    """What it takes to ask a gate about a content, in steps of `limits`."""
    match gate:
        case KeyFilter():
            return _KEYS + (len(gate.prefix) + len(gate.suffix)) // _CHARACTERS
        case RecordFilter():
            return _PATTERN + sum(map(len, gate.patterns)) // _CHARACTERS
        case RulePattern():
            return _PATTERN + len(gate.pattern) // _CHARACTERS
        case MessageFilter():
            return _PATTERN + len(gate.policy) // _CHARACTERS
        case _:
            return _ASKING


def is_told_apart(gate: Gate, content: Content) -> bool:
    """Whether a look tells that a gate is about other things: nothing else is asked then."""
    if isinstance(gate, KeyFilter) and isinstance(content, Stored):
        is_other = _told(gate.events, content.action) is Likelihood.NO
        return is_other or _are_apart(gate.prefix, content.keys)
    if not isinstance(gate, RulePattern) or not isinstance(content, Put):
        return False
    if not _are_literal(content.sources):
        return False
    wanted = _asked_texts(gate.pattern)
    return wanted is not None and wanted.isdisjoint(content.sources)


def _is_about(gate: Gate, content: Content) -> bool:
    """Whether a gate is one for this content: a rule hears of the calls that it asks for."""
    if isinstance(content, Called) and isinstance(gate, RulePattern):
        return gate.rule == content.rule
    return isinstance(content, Moved) is isinstance(gate, BackOnly)


def _passed(filtered: Match, detail: str = "") -> Passed:
    said = detail or filtered.place or filtered.words
    match filtered.passes, filtered.reason:
        case _, MatchReason.UNREADABLE:
            return Passed(Certainty.POSSIBLE, EdgeReason.FILTER_UNREADABLE, filtered.words)
        case Likelihood.YES, MatchReason.NO_FILTER:
            return _OPEN
        case Likelihood.YES, _:
            return Passed(Certainty.CERTAIN, EdgeReason.FILTER_FITS, said)
        case Likelihood.NO, _:
            return Passed(Certainty.RULED_OUT, EdgeReason.FILTER_EXCLUDES, said)
        case _:
            return Passed(Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, said)


def _stored(gate: KeyFilter, content: Content) -> Passed | None:
    if not isinstance(content, Stored):
        return None
    told = _told(gate.events, content.action)
    if told is Likelihood.NO:
        return Passed(Certainty.RULED_OUT, EdgeReason.OTHER_EVENT_TYPE, ", ".join(gate.events))
    detail = _key_words(gate.prefix, gate.suffix)
    if _are_apart(gate.prefix, content.keys):
        return Passed(Certainty.RULED_OUT, EdgeReason.FILTER_EXCLUDES, detail or "key")
    found = _passed(match_keys(gate.prefix, gate.suffix, (content.keys,)), detail)
    if found.certainty is Certainty.RULED_OUT:
        return found
    if content.excluded:
        passing = key_filters(gate.prefix, gate.suffix)
        if _leaves_none(passing, content):
            return Passed(Certainty.RULED_OUT, EdgeReason.EXPLICIT_DENY, detail)
    # The first event that an action raises is the one of its ordinary use.
    usual = EVENTS_BY_ACTION.get(content.action, ("",))[0]
    if told is Likelihood.MAYBE and not any(matches(own, usual) for own in gate.events):
        return Passed(Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, ", ".join(gate.events))
    return found


def _are_apart(prefix: str, keys: str) -> bool:
    """Whether the beginnings of a notification's keys and of a writer's contradict each other."""
    head = as_glob(keys).head
    return not any(
        head.startswith(one) or one.startswith(head) for one in (prefix, unquote_plus(prefix))
    )


@lru_cache(maxsize=_CACHED)
def _told(events: tuple[str, ...], action: str) -> Likelihood:
    """As `match_events`: the same few lists of events are asked about again and again."""
    return match_events(events, action)


def _leaves_none(passing: tuple[Glob, ...], content: Stored) -> bool:
    """Whether everything that passes and may be written is excluded after all."""
    written = as_glob(content.keys)
    return all(
        (both := intersection(written, own)) is None
        or any(covers(taken, both) for taken in content.excluded)
        for own in passing
    )


def _key_words(prefix: str, suffix: str) -> str:
    parts = []
    if prefix:
        parts.append(f"prefix {prefix}")
    if suffix:
        parts.append(f"suffix {suffix}")
    return ", ".join(parts)


def _recorded(gate: RecordFilter, content: Content) -> Passed:
    if not gate.is_known:
        return _UNREADABLE
    if not gate.patterns:
        return _OPEN
    fields: dict[str, Known] = {}
    if gate.event_source:
        fields["eventSource"] = text(gate.event_source)
    if not isinstance(content, Changed):
        return _passed(match_patterns(gate.patterns, Fields(fields)))
    fields["eventName"] = OneOf(content.events)
    found = _passed(match_patterns(gate.patterns, Fields(fields)))
    if found.certainty is not Certainty.RULED_OUT or content.events == _REMOVED:
        return found
    # An item may have a time to live: DynamoDB then removes it by itself, some time later.
    fields["eventName"] = OneOf(_REMOVED)
    later = _passed(match_patterns(gate.patterns, Fields(fields)))
    if later.certainty is Certainty.RULED_OUT:
        return found
    return Passed(Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, "REMOVE by time to live")


def _published(gate: MessageFilter, content: Content) -> Passed:
    if not gate.is_known:
        return _UNREADABLE
    is_bare = isinstance(content, Message) and content.is_bare
    attributes = NO_ATTRIBUTES if is_bare else Unknown()
    return _passed(match_subscription(gate.policy, gate.scope, attributes=attributes))


def _ruled(gate: RulePattern, content: Content) -> Passed | None:
    match content:
        case Put():
            found = _put(gate, content)
        case Announced():
            found = _announced(gate, content.stored)
        case Called():
            source = text(content.source) if content.source != "aws." else Like(("aws.*",))
            found = _passed(match_pattern(gate.pattern, Fields({"source": source})))
        case _:
            found = _passed(match_pattern(gate.pattern, Unknown()))
    return found


def _put(gate: RulePattern, content: Put) -> Passed:
    # PutEvents refuses sources that begin with `aws.`.
    is_other = _wants_only_aws(gate.pattern)
    if not is_other and _are_literal(content.sources):
        # Most rules ask for sources by name, and a bus has hundreds of them.
        wanted = _asked_texts(gate.pattern)
        is_other = wanted is not None and wanted.isdisjoint(content.sources)
    if is_other:
        return Passed(Certainty.RULED_OUT, EdgeReason.FILTER_EXCLUDES, "source")
    return _passed(
        match_pattern(
            gate.pattern,
            Fields(
                {"source": _texts(content.sources), "detail-type": _texts(content.detail_types)}
            ),
        )
    )


def _texts(patterns: tuple[str, ...]) -> Known:
    return Like(patterns or ("*",))


def _announced(gate: RulePattern, stored: Stored) -> Passed:
    types = _DETAIL_TYPES.get(stored.action)
    event = Fields(
        {
            "source": text("aws.s3"),
            "detail-type": text(*types) if types else Unknown(),
            "detail": Fields(
                {
                    "bucket": Fields({"name": text(stored.bucket)}),
                    "object": Fields({"key": Like((stored.keys,))}),
                }
            ),
        }
    )
    found = _passed(match_pattern(gate.pattern, event))
    if found.certainty is Certainty.POSSIBLE and stored.excluded:
        keys = _asked_keys(gate.pattern)
        if keys and _leaves_none(keys, stored):
            return Passed(Certainty.RULED_OUT, EdgeReason.EXPLICIT_DENY, "detail.object.key")
    return found


def _object(pattern: str) -> Mapping[str, Json]:
    try:
        found = read_json(pattern)
    except UnreadableJsonError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _inner(value: Json, *names: str) -> list[Json]:
    """The list that a path of fields leads to; empty for none."""
    for name in names:
        if not isinstance(value, Mapping):
            return []
        value = value.get(name)
    return value if isinstance(value, list) else []


def _asked_keys(pattern: str) -> tuple[Glob, ...]:
    """Patterns of the keys that a rule asks for; empty if it asks in another way."""
    found: list[Glob] = []
    for wanted in _inner(_object(pattern), "detail", "object", "key"):
        match wanted:
            case str():
                found.append(Glob.literal(wanted))
            case {"prefix": str(start), **rest} if not rest:
                found.append(Glob.literal(start) + Glob.anything())
            case {"suffix": str(end), **rest} if not rest:
                found.append(Glob.anything() + Glob.literal(end))
            case _:
                return ()
    return tuple(found)


def asked_sources(pattern: str) -> tuple[str, ...]:
    """The sources of AWS services that a rule asks for.

    ``aws.`` for a rule that asks for no source, or in a way that is not read here; empty for one
    that asks for others only.
    """
    wanted = _object(pattern)
    if "source" not in wanted:
        return ("aws.",)
    found: list[str] = []
    for one in _inner(wanted, "source"):
        match one:
            case str():
                if one.startswith("aws."):
                    found.append(one)
            case {"prefix": str(start)} if not start.startswith("aws.") and not "aws.".startswith(
                start
            ):
                continue
            case _:
                found.append("aws.")
    return tuple(dict.fromkeys(found))


def may_ask_for(pattern: str, source: str, detail_type: str) -> bool:
    """Whether a rule's pattern leaves room for events of a source and detail type."""
    event = Fields({"source": text(source), "detail-type": text(detail_type)})
    return match_pattern(pattern, event).passes is not Likelihood.NO


def asked_calls(pattern: str) -> tuple[str, ...]:
    """The API calls (``RunInstances``) that a rule asks CloudTrail's events for; empty for any."""
    names = _inner(_object(pattern), "detail", "eventName")
    return tuple(one for one in names if isinstance(one, str)) if _are_texts(names) else ()


def _are_texts(values: list[Json]) -> bool:
    return bool(values) and all(isinstance(one, str) for one in values)


@lru_cache(maxsize=_CACHED)
def _asked_texts(pattern: str) -> frozenset[str] | None:
    """The sources that a pattern asks for by name; ``None`` for any, or in another way."""
    sources = _inner(_object(pattern), "source")
    if not _are_texts(sources):
        return None
    return frozenset(one for one in sources if isinstance(one, str))


@lru_cache(maxsize=_CACHED)
def _wants_only_aws(pattern: str) -> bool:
    """Whether every source that a pattern asks for begins with ``aws.``."""
    sources = _inner(_object(pattern), "source")
    starts = [one.get("prefix") if isinstance(one, Mapping) else one for one in sources]
    return bool(starts) and all(
        isinstance(start, str) and start.startswith("aws.") for start in starts
    )


def _are_literal(patterns: tuple[str, ...]) -> bool:
    return bool(patterns) and not any(set(one) & set("*?$") for one in patterns)
