"""Bucket notifications against what a role may do with the objects of the bucket."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_plus

from functions.domain.filters.match import Match, MatchReason
from functions.domain.iam.arn import ARN_PARTS
from functions.domain.iam.likelihood import Likelihood
from functions.domain.iam.wildcard import (
    Glob,
    Pattern,
    covers,
    find_remainders,
    matches,
    overlaps,
    read_glob,
)

_CACHED: Final = 8_192
_CREATED: Final = (
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
)
# `Event notification types and destinations` of the S3 user guide. UNCONFIRMED A-030: which event
# of creation a replica raises; any of them is believed.
EVENTS_BY_ACTION: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "s3:PutObject": _CREATED,
        "s3:ReplicateObject": _CREATED,
        "s3:DeleteObject": ("s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"),
        "s3:DeleteObjectVersion": ("s3:ObjectRemoved:Delete",),
        "s3:RestoreObject": (
            "s3:ObjectRestore:Post",
            "s3:ObjectRestore:Completed",
            "s3:ObjectRestore:Delete",
        ),
        "s3:PutObjectTagging": ("s3:ObjectTagging:Put",),
        "s3:PutObjectVersionTagging": ("s3:ObjectTagging:Put",),
        "s3:DeleteObjectTagging": ("s3:ObjectTagging:Delete",),
        "s3:DeleteObjectVersionTagging": ("s3:ObjectTagging:Delete",),
        "s3:PutObjectAcl": ("s3:ObjectAcl:Put",),
        "s3:PutObjectVersionAcl": ("s3:ObjectAcl:Put",),
    }
)


@lru_cache(maxsize=_CACHED)
def list_key_filters(prefix: str, suffix: str) -> tuple[Glob, ...]:
    """Patterns of the keys that pass a notification's filter: a key that one of them matches.

    UNCONFIRMED A-031: S3 wants characters such as spaces URL-encoded in a filter. The filter is
    taken both as it is written and decoded: it excludes what neither lets pass, and surely takes
    only what both do.
    """
    found: list[Glob] = []
    for first, last in _list_readings(prefix, suffix):
        found.append(Glob.literal(first) + Glob.anything() + Glob.literal(last))
        # `a.jpg` begins with `a.jpg` and ends with `.jpg`: the two may share characters.
        found.extend(
            Glob.literal(first + last[shared:])
            for shared in range(1, min(len(first), len(last)) + 1)
            if first.endswith(last[:shared])
        )
    return tuple(found)


def _list_readings(prefix: str, suffix: str) -> Iterable[tuple[str, str]]:
    return dict.fromkeys(((prefix, suffix), (unquote_plus(prefix), unquote_plus(suffix))))


def find_keys_within(arn_pattern: Pattern, bucket_arn: str) -> tuple[Glob, ...]:
    """The key patterns of an ARN pattern of objects; empty if none is in the bucket.

    Together they match exactly the keys whose ARNs in the bucket the pattern matches: of ``*.csv``
    the keys ``*.csv``, whichever bucket it is. What is allowed and what is denied is read alike: a
    Deny that names another bucket takes nothing away here.

    A wildcard in one part of an ARN is not believed to reach into the next (`Resource` of the IAM
    user guide). If it does, ``arn:*:s3:::orders/in/*`` also names keys of ``orders`` that hold
    ``:s3:::orders/in/``, which nobody has.
    """
    pattern, own = read_glob(arn_pattern), bucket_arn.split(":", ARN_PARTS - 1)
    parts = pattern.split(":", ARN_PARTS - 1)
    if len(parts) == len(own) == ARN_PARTS and all(map(matches, parts[:-1], own[:-1])):
        return find_remainders(parts[-1], f"{own[-1]}/")
    return find_remainders(pattern, f"{bucket_arn}/")


def match_events(events: Iterable[str], action: str) -> Likelihood:
    """Whether what an action does raises one of a notification's events.

    NO for an action that raises other events; MAYBE for one that is not known here.
    """
    raised = EVENTS_BY_ACTION.get(action)
    if raised is None:
        return Likelihood.MAYBE
    found = [any(covers(own, event) for own in events) for event in raised]
    if all(found):
        return Likelihood.YES
    return Likelihood.MAYBE if any(found) else Likelihood.NO


def match_keys(prefix: str, suffix: str, keys: Iterable[Pattern]) -> Match:
    """Whether objects whose keys match one of the patterns pass a notification's filter.

    Parameters
    ----------
    keys
        Patterns of keys, each of which may be written (see `find_keys_within`).
    """
    written = tuple(map(read_glob, keys))
    if written and not prefix and not suffix:
        return Match(passes=Likelihood.YES, reason=MatchReason.NO_FILTER)
    passing = list_key_filters(prefix, suffix)
    if not any(overlaps(own, key) for own in passing for key in written):
        return Match(passes=Likelihood.NO, reason=MatchReason.EXCLUDED, place="key")
    ends = [
        pattern
        for first, last in _list_readings(prefix, suffix)
        for pattern in (
            Glob.literal(first) + Glob.anything(),
            Glob.anything() + Glob.literal(last),
        )
    ]
    if all(key.is_exact and all(covers(end, key) for end in ends) for key in written):
        return Match(passes=Likelihood.YES, reason=MatchReason.FITS, place="key")
    return Match(passes=Likelihood.MAYBE, reason=MatchReason.UNDECIDED, place="key")
