"""What a scan has read, in a file: to look at it again, elsewhere or later, without an account.

The file is gzip with one JSON object in it::

    {"format": "loopbreaker-scan", "version": 1, "schema": 3, "at": "2026-11-29T07:00:00+00:00",
     "alias": "", "regions": [{"account": ..., "region": ..., "partition": ..., "at": ...,
     "is_complete": true, "sections": {"functions": {...}, ...}}]}

The sections are those of `functions.aws.account.facts`, as the deployed guard stores them. None of
them holds a value of an environment variable: of each value it is kept which known resource it
names. The same scan gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.scanning.errors import ScanError
from cdk_loopbreaker.scanning.reading import RegionFacts, close_facts
from functions.aws.account import facts as f
from functions.domain.graph.refresh import SCHEMA
from functions.domain.notices.text import clean
from functions.domain.serialization import Form, UnreadableError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORMAT: Final = "loopbreaker-scan"
VERSION: Final = 1

# An account of 10,000 functions takes some 17 MB, which are 0.7 MB packed.
_MOST_PACKED_BYTES: Final = 64_000_000
_MOST_BYTES: Final = 256_000_000
_MOST_REGIONS: Final = 100
_LEVEL: Final = 6
# What reading raises on an object that no scan has written.
_MISFITS: Final = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
_GZIP: Final = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a scan has read, and when it was made."""

    regions: tuple[RegionFacts, ...]
    at: datetime
    alias: str = ""


def pack_snapshot(snapshot: Snapshot) -> bytes:
    """The bytes of the file."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "schema": SCHEMA,
        "at": snapshot.at.isoformat(),
        "alias": snapshot.alias,
        "regions": [_describe_region(one) for one in snapshot.regions],
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    # Without a moment or a name in its head: the same facts are the same bytes.
    return gzip.compress(text.encode(), _LEVEL, mtime=0)


def load_snapshot(path: Path) -> Snapshot:
    """Read a file that `pack_snapshot` has made.

    Raises
    ------
    ScanError
        When it cannot be read, is no such file, or is of a newer version.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(_MOST_PACKED_BYTES + 1)
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return unpack_snapshot(packed)
    except ScanError as error:
        raise ScanError(f"{path}: {error}") from error


def unpack_snapshot(packed: bytes) -> Snapshot:
    """Read the bytes that `pack_snapshot` has made.

    Raises
    ------
    ScanError
    """
    document = _parse(packed)
    version = document.get("version")
    if document.get("format") != FORMAT or not isinstance(version, int):
        raise ScanError("is no snapshot of loopbreaker scan --save")
    if version > VERSION or document.get("schema") != SCHEMA:
        held = clean(f"version {version}, schema {document.get('schema')!r}", 80)
        raise ScanError(
            f"is a snapshot of {held}; this loopbreaker reads version {VERSION}, schema {SCHEMA}:"
            " use the loopbreaker that saved it, or scan again"
        )
    try:
        return _read_document(document)
    except UnreadableError as error:
        raise ScanError(f"is a damaged snapshot: {clean(str(error), 200)}") from error
    except _MISFITS as error:
        words = clean(f"{type(error).__name__} {error}", 200)
        raise ScanError(f"is a damaged snapshot: {words}") from error


def _describe_region(region: RegionFacts) -> dict[str, Any]:
    facts = region.facts
    return {
        "account": facts.account,
        "region": facts.region,
        "partition": facts.partition,
        "at": facts.at.isoformat(),
        "is_complete": region.is_complete,
        "sections": {
            section.name: to_json(entries, Form.SPARSE)
            for section in f.SECTIONS
            if (entries := facts.of(section))
        },
    }


def _parse(packed: bytes) -> dict[str, Any]:
    """The JSON object in the file; a file that would grow without bound is refused."""
    if len(packed) > _MOST_PACKED_BYTES:
        raise ScanError(f"is longer than {_MOST_PACKED_BYTES:,} bytes")
    unpacking = zlib.decompressobj(_GZIP)
    try:
        text = unpacking.decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise ScanError("is no gzip file, or a damaged one") from error
    if unpacking.unconsumed_tail:
        raise ScanError(f"holds more than {_MOST_BYTES:,} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise ScanError("is cut short, or goes on behind its end")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScanError("holds no JSON") from error
    if not isinstance(document, dict):
        raise ScanError("is no snapshot of loopbreaker scan --save")
    return document


def _read_document(document: Mapping[str, Any]) -> Snapshot:
    told: Sequence[Mapping[str, Any]] = _check(document["regions"], list)
    if len(told) > _MOST_REGIONS:
        raise ValueError(f"more than {_MOST_REGIONS} Regions")
    return Snapshot(
        regions=tuple(map(_read_region, told)),
        at=_read_moment(document["at"]),
        alias=_check(document.get("alias", ""), str),
    )


def _read_region(told: Mapping[str, Any]) -> RegionFacts:
    facts = f.Facts(
        account=_check(told["account"], str),
        region=_check(told["region"], str),
        partition=_check(told["partition"], str),
        at=_read_moment(told["at"]),
    )
    sections = _check(told["sections"], dict)
    for section in f.SECTIONS:
        if section.name in sections:
            entries = from_json(dict[str, section.shape], sections[section.name])  # type: ignore[name-defined]
            facts.load(section, entries)
    # What the file lacks was not read: nothing is ruled out for want of it.
    close_facts(facts)
    return RegionFacts(facts=facts, is_complete=_check(told["is_complete"], bool))


def _read_moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_check(value, str))
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment


def _check(value: Any, wanted: type[Any]) -> Any:
    if not isinstance(value, wanted):
        raise TypeError(f"{type(value).__name__} where {wanted.__name__} belongs")
    return value
