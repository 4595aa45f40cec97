"""What the pattern of a rule asks for, where that can be read off it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from functions.domain.account.strict_json import Json, UnreadableJsonError, read_json
from functions.domain.filters.event_pattern import match_pattern
from functions.domain.filters.symbolic_values import Fields, text
from functions.domain.iam.likelihood import Likelihood
from functions.domain.iam.wildcard import Glob

_CACHED: Final = 8_192


def list_aws_sources(pattern: str) -> tuple[str, ...]:
    """The sources of AWS services that a rule asks for.

    ``aws.`` for a rule that asks for no source, or in a way that is not read here; empty for one
    that asks for others only.
    """
    wanted = _read_object(pattern)
    if "source" not in wanted:
        return ("aws.",)
    found: list[str] = []
    for one in _follow(wanted, "source"):
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


def list_asked_calls(pattern: str) -> tuple[str, ...]:
    """The API calls (``RunInstances``) that a rule asks CloudTrail's events for; empty for any."""
    names = _follow(_read_object(pattern), "detail", "eventName")
    return tuple(one for one in names if isinstance(one, str)) if _are_texts(names) else ()


def list_asked_services(pattern: str) -> tuple[str, ...]:
    """The services (``ec2``) whose changed tags a rule asks for; empty for any."""
    names = _follow(_read_object(pattern), "detail", "service")
    return tuple(one for one in names if isinstance(one, str)) if _are_texts(names) else ()


def read_asked_keys(pattern: str) -> tuple[Glob, ...]:
    """Patterns of the keys that a rule asks for; empty if it asks in another way."""
    found: list[Glob] = []
    for wanted in _follow(_read_object(pattern), "detail", "object", "key"):
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


@lru_cache(maxsize=_CACHED)
def read_asked_sources(pattern: str) -> frozenset[str] | None:
    """The sources that a pattern asks for by name; ``None`` for any, or in another way."""
    sources = _follow(_read_object(pattern), "source")
    if not _are_texts(sources):
        return None
    return frozenset(one for one in sources if isinstance(one, str))


@lru_cache(maxsize=_CACHED)
def wants_only_aws(pattern: str) -> bool:
    """Whether every source that a pattern asks for begins with ``aws.``."""
    sources = _follow(_read_object(pattern), "source")
    starts = [one.get("prefix") if isinstance(one, Mapping) else one for one in sources]
    return bool(starts) and all(
        isinstance(start, str) and start.startswith("aws.") for start in starts
    )


def _read_object(pattern: str) -> Mapping[str, Json]:
    try:
        found = read_json(pattern)
    except UnreadableJsonError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _follow(value: Json, *names: str) -> list[Json]:
    """The list that a path of fields leads to; empty for none."""
    for name in names:
        if not isinstance(value, Mapping):
            return []
        value = value.get(name)
    return value if isinstance(value, list) else []


def _are_texts(values: list[Json]) -> bool:
    return bool(values) and all(isinstance(one, str) for one in values)
