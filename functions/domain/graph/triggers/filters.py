"""Which payloads the filters of triggers let pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never
from urllib.parse import unquote_plus

from functions.domain.filters.event_pattern import match_pattern, match_patterns
from functions.domain.filters.match import Match, MatchReason
from functions.domain.filters.s3_keys import (
    EVENTS_BY_ACTION,
    list_key_filters,
    match_events,
    match_keys,
)
from functions.domain.filters.subscription_filter import NO_ATTRIBUTES, match_subscription
from functions.domain.filters.symbolic_values import Fields, Known, Like, OneOf, Unknown, text
from functions.domain.graph.model import Certainty, EdgeReason
from functions.domain.graph.payloads import (
    REMOVED,
    Announced,
    Called,
    Changed,
    Message,
    Moved,
    Payload,
    Put,
    Stored,
)
from functions.domain.graph.triggers.rule_patterns import (
    read_asked_keys,
    read_asked_sources,
    wants_only_aws,
)
from functions.domain.iam.likelihood import Likelihood
from functions.domain.iam.wildcard import Glob, covers, intersect, matches, read_glob


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


Filter: TypeAlias = (
    Open | KeyFilter | RecordFilter | RulePattern | MessageFilter | LineFilter | BackOnly
)


@dataclass(frozen=True, slots=True)
class FilterResult:
    """Whether a payload passes a filter, and why."""

    certainty: Certainty
    reason: EdgeReason
    detail: str = ""


_OPEN: Final = FilterResult(Certainty.CERTAIN, EdgeReason.UNFILTERED)
_UNREADABLE: Final = FilterResult(Certainty.POSSIBLE, EdgeReason.FILTER_UNREADABLE, "encrypted")
_CACHED: Final = 8_192
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


def passes(event_filter: Filter, payload: Payload) -> FilterResult | None:
    """Whether a payload passes a filter; ``None`` where the two have nothing to do with each other.

    A filter that lets through only a part of what may be there makes it possible.
    """
    if not _is_about(event_filter, payload):
        return None
    match event_filter:
        case Open():
            return FilterResult(event_filter.certainty, event_filter.reason, event_filter.detail)
        case KeyFilter():
            return _pass_keys(event_filter, payload)
        case RecordFilter():
            return _pass_records(event_filter, payload)
        case RulePattern():
            return _pass_rule(event_filter, payload)
        case MessageFilter():
            return _pass_message(event_filter, payload)
        case LineFilter():
            if not event_filter.pattern.strip():
                return _OPEN
            return FilterResult(
                Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, event_filter.pattern.strip()
            )
        case BackOnly():
            return FilterResult(Certainty.POSSIBLE, EdgeReason.ONLY_ON_FAILURE)
        case _:
            assert_never(event_filter)


# Steps, as measured: of asking a filter about a payload, for each so many characters of its filter.
_ASKING: Final = 4
_KEYS: Final = 40
_PATTERN: Final = 40
_CHARACTERS: Final = 3


@lru_cache(maxsize=_CACHED)
def count_steps(event_filter: Filter) -> int:
    """What it takes to ask a filter about a payload, in steps of `limits`."""
    match event_filter:
        case KeyFilter():
            return _KEYS + (len(event_filter.prefix) + len(event_filter.suffix)) // _CHARACTERS
        case RecordFilter():
            return _PATTERN + sum(map(len, event_filter.patterns)) // _CHARACTERS
        case RulePattern():
            return _PATTERN + len(event_filter.pattern) // _CHARACTERS
        case MessageFilter():
            return _PATTERN + len(event_filter.policy) // _CHARACTERS
        case _:
            return _ASKING


def is_told_apart(event_filter: Filter, payload: Payload) -> bool:
    """Whether a look tells that a filter is about other things: nothing else is asked then."""
    if isinstance(event_filter, KeyFilter) and isinstance(payload, Stored):
        is_other = _match_events(event_filter.events, payload.action) is Likelihood.NO
        return is_other or _are_apart(event_filter.prefix, payload.keys)
    if not isinstance(event_filter, RulePattern) or not isinstance(payload, Put):
        return False
    if not _are_literal(payload.sources):
        return False
    wanted = read_asked_sources(event_filter.pattern)
    return wanted is not None and wanted.isdisjoint(payload.sources)


def _is_about(event_filter: Filter, payload: Payload) -> bool:
    """Whether a filter is one for this payload: a rule hears of the calls that it asks for."""
    if isinstance(payload, Called) and isinstance(event_filter, RulePattern):
        return payload.rule in {"", event_filter.rule}
    return isinstance(payload, Moved) is isinstance(event_filter, BackOnly)


def _conclude(filtered: Match, detail: str = "") -> FilterResult:
    said = detail or filtered.place or filtered.words
    match filtered.passes, filtered.reason:
        case _, MatchReason.UNREADABLE:
            return FilterResult(Certainty.POSSIBLE, EdgeReason.FILTER_UNREADABLE, filtered.words)
        case Likelihood.YES, MatchReason.NO_FILTER:
            return _OPEN
        case Likelihood.YES, _:
            return FilterResult(Certainty.CERTAIN, EdgeReason.FILTER_FITS, said)
        case Likelihood.NO, _:
            return FilterResult(Certainty.RULED_OUT, EdgeReason.FILTER_EXCLUDES, said)
        case _:
            return FilterResult(Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, said)


def _pass_keys(event_filter: KeyFilter, payload: Payload) -> FilterResult | None:
    if not isinstance(payload, Stored):
        return None
    told = _match_events(event_filter.events, payload.action)
    if told is Likelihood.NO:
        return FilterResult(
            Certainty.RULED_OUT, EdgeReason.OTHER_EVENT_TYPE, ", ".join(event_filter.events)
        )
    detail = _describe_keys(event_filter.prefix, event_filter.suffix)
    if _are_apart(event_filter.prefix, payload.keys):
        return FilterResult(Certainty.RULED_OUT, EdgeReason.FILTER_EXCLUDES, detail or "key")
    found = _conclude(match_keys(event_filter.prefix, event_filter.suffix, (payload.keys,)), detail)
    if found.certainty is Certainty.RULED_OUT:
        return found
    if payload.excluded:
        passing = list_key_filters(event_filter.prefix, event_filter.suffix)
        if _leaves_none(passing, payload):
            return FilterResult(Certainty.RULED_OUT, EdgeReason.EXPLICIT_DENY, detail)
    # The first event that an action raises is the one of its ordinary use.
    usual = EVENTS_BY_ACTION.get(payload.action, ("",))[0]
    if told is Likelihood.MAYBE and not any(matches(own, usual) for own in event_filter.events):
        return FilterResult(
            Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, ", ".join(event_filter.events)
        )
    return found


def _are_apart(prefix: str, keys: str) -> bool:
    """Whether the beginnings of a notification's keys and of a writer's contradict each other."""
    head = read_glob(keys).head
    return not any(
        head.startswith(one) or one.startswith(head) for one in (prefix, unquote_plus(prefix))
    )


@lru_cache(maxsize=_CACHED)
def _match_events(events: tuple[str, ...], action: str) -> Likelihood:
    """As `match_events`: the same few lists of events are asked about again and again."""
    return match_events(events, action)


def _leaves_none(passing: tuple[Glob, ...], payload: Stored) -> bool:
    """Whether everything that passes and may be written is excluded after all."""
    written = read_glob(payload.keys)
    return all(
        (both := intersect(written, own)) is None
        or any(covers(taken, both) for taken in payload.excluded)
        for own in passing
    )


def _describe_keys(prefix: str, suffix: str) -> str:
    parts = []
    if prefix:
        parts.append(f"prefix {prefix}")
    if suffix:
        parts.append(f"suffix {suffix}")
    return ", ".join(parts)


def _pass_records(event_filter: RecordFilter, payload: Payload) -> FilterResult:
    if not event_filter.is_known:
        return _UNREADABLE
    if not event_filter.patterns:
        return _OPEN
    fields: dict[str, Known] = {}
    if event_filter.event_source:
        fields["eventSource"] = text(event_filter.event_source)
    if not isinstance(payload, Changed):
        return _conclude(match_patterns(event_filter.patterns, Fields(fields)))
    fields["eventName"] = OneOf(payload.events)
    found = _conclude(match_patterns(event_filter.patterns, Fields(fields)))
    if found.certainty is not Certainty.RULED_OUT or payload.events == REMOVED:
        return found
    # An item may have a time to live: DynamoDB then removes it by itself, some time later.
    fields["eventName"] = OneOf(REMOVED)
    later = _conclude(match_patterns(event_filter.patterns, Fields(fields)))
    if later.certainty is Certainty.RULED_OUT:
        return found
    return FilterResult(Certainty.POSSIBLE, EdgeReason.FILTER_MAY_FIT, "REMOVE by time to live")


def _pass_message(event_filter: MessageFilter, payload: Payload) -> FilterResult:
    if not event_filter.is_known:
        return _UNREADABLE
    is_bare = isinstance(payload, Message) and payload.is_bare
    attributes = NO_ATTRIBUTES if is_bare else Unknown()
    return _conclude(
        match_subscription(event_filter.policy, event_filter.scope, attributes=attributes)
    )


def _pass_rule(event_filter: RulePattern, payload: Payload) -> FilterResult | None:
    match payload:
        case Put():
            found = _pass_put_event(event_filter, payload)
        case Announced():
            found = _pass_announcement(event_filter, payload.stored)
        case Called():
            source = text(payload.source) if payload.source != "aws." else Like(("aws.*",))
            found = _conclude(match_pattern(event_filter.pattern, Fields({"source": source})))
        case _:
            found = _conclude(match_pattern(event_filter.pattern, Unknown()))
    return found


def _pass_put_event(event_filter: RulePattern, payload: Put) -> FilterResult:
    # PutEvents refuses sources that begin with `aws.`.
    is_other = wants_only_aws(event_filter.pattern)
    if not is_other and _are_literal(payload.sources):
        # Most rules ask for sources by name, and a bus has hundreds of them.
        wanted = read_asked_sources(event_filter.pattern)
        is_other = wanted is not None and wanted.isdisjoint(payload.sources)
    if is_other:
        return FilterResult(Certainty.RULED_OUT, EdgeReason.FILTER_EXCLUDES, "source")
    return _conclude(
        match_pattern(
            event_filter.pattern,
            Fields(
                {
                    "source": _match_texts(payload.sources),
                    "detail-type": _match_texts(payload.detail_types),
                }
            ),
        )
    )


def _match_texts(patterns: tuple[str, ...]) -> Known:
    return Like(patterns or ("*",))


def _pass_announcement(event_filter: RulePattern, stored: Stored) -> FilterResult:
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
    found = _conclude(match_pattern(event_filter.pattern, event))
    if found.certainty is Certainty.POSSIBLE and stored.excluded:
        keys = read_asked_keys(event_filter.pattern)
        if keys and _leaves_none(keys, stored):
            return FilterResult(Certainty.RULED_OUT, EdgeReason.EXPLICIT_DENY, "detail.object.key")
    return found


def _are_literal(patterns: tuple[str, ...]) -> bool:
    return bool(patterns) and not any(set(one) & set("*?$") for one in patterns)
