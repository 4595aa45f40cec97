"""Facts in DynamoDB: in parts of one section each, compressed, named by their content.

A manifest names the part of each section; whoever has the manifest has exactly the facts that it
was made of, whatever was written since. So a change writes the parts that it touches and no other,
and a run that dies while it writes leaves what was valid before. Nothing is ever changed in place.

The partition's name holds account and Region: facts of another one are never read for ours.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import facts as f
from functions.aws.records.items import MOST_BYTES, build_key, read_text
from functions.aws.records.writes import Delete, PutItem
from functions.domain.graph.refresh import SCHEMA, Manifest
from functions.domain.serialization import Form, UnreadableError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from functions.aws.records.table import Table

IAM_ACTIONS: Final = frozenset({"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query"})

_LEVEL: Final = 6


class FactStore:
    """Facts of one account and Region in the ledger's table."""

    def __init__(self, table: Table, *, account: str, region: str, partition: str) -> None:
        self._table = table
        self._account = account
        self._region = region
        self._partition = partition

    @property
    def _key(self) -> str:
        return f"account#{self._account}#{self._region}"

    def save(
        self, facts: f.Facts, base: Manifest | None = None, *, stored: Iterable[Manifest] = ()
    ) -> Manifest:
        """Write what is not stored yet, and answer the manifest of all.

        Parameters
        ----------
        base
            The manifest that the facts were loaded from, or were last saved as.
        stored
            Other manifests whose parts are stored for certain: an equal part is not written again.

        Raises
        ------
        LedgerUnavailableError
        """
        before = {} if base is None else base.parts
        there = {part for one in stored for part in one.parts.values()} | set(before.values())
        parts: dict[str, str] = {}
        for section in f.SECTIONS:
            for shard, entries in _split_into_shards(facts, section):
                name = f"{section.name}#{shard:02}"
                if (section.name, shard) not in facts.changed and name in before:
                    parts[name] = before[name]
                    continue
                data = _pack(entries)
                part = _part_name(data)
                if part not in there:
                    self._write(part, data)
                    there.add(part)
                parts[name] = part
        facts.changed.clear()
        return Manifest(at=facts.at, schema=SCHEMA, parts=parts)

    def load(self, manifest: Manifest) -> f.Facts:
        """The facts of a manifest.

        Raises
        ------
        UnreadableError
            When a part is missing or of another version: the account is to be read anew.
        LedgerUnavailableError
        """
        if manifest.schema != SCHEMA:
            raise UnreadableError(f"schema {manifest.schema}, this code reads {SCHEMA}")
        found = self._read_parts(set(manifest.parts.values()))
        facts = self.begin(manifest.at)
        for section in f.SECTIONS:
            for shard in range(section.shards):
                part = manifest.parts.get(f"{section.name}#{shard:02}")
                if part is not None:
                    entries = from_json(dict[str, section.shape], _unpack(part, found))  # type: ignore[name-defined]
                    facts.load(section, entries)
        return facts

    def begin(self, at: datetime, *, carried_from: f.Facts | None = None) -> f.Facts:
        """Facts for a reading that begins now."""
        return f.begin(self._account, self._region, self._partition, at, carried_from=carried_from)

    def clear(self, kept: Iterable[Manifest]) -> int:
        """Delete the parts that none of these manifests names; answers how many items.

        Raises
        ------
        LedgerUnavailableError
        """
        wanted = {part for manifest in kept for part in manifest.parts.values()}
        deleted = 0
        for item in list(self._table.query(self._key, attribute="sk")):
            name = read_text(item, "sk")
            if _part_of(name) not in wanted:
                self._table.write(Delete(key=build_key(self._key, name)))
                deleted += 1
        return deleted

    def _write(self, part: str, data: bytes) -> None:
        for number in range(_count_items(data)):
            piece = data[number * MOST_BYTES : (number + 1) * MOST_BYTES]
            key = build_key(self._key, f"{part}#{number:03}")
            self._table.write(PutItem(item={**key, "data": {"B": piece}}))

    def _read_parts(self, wanted: set[str]) -> dict[str, bytes]:
        pieces: dict[str, list[bytes]] = {}
        for item in self._table.query(self._key):
            part = _part_of(read_text(item, "sk"))
            if part in wanted:
                pieces.setdefault(part, []).append(item["data"]["B"])
        return {part: b"".join(pieces[part]) for part in pieces}


def _split_into_shards(facts: f.Facts, section: f.Section[Any]) -> list[tuple[int, dict[str, Any]]]:
    """The entries of each shard that has any."""
    shards: dict[int, dict[str, Any]] = {}
    for key, value in facts.of(section).items():
        shards.setdefault(f.compute_shard(section, key), {})[key] = value
    return sorted(shards.items())


def _pack(entries: Mapping[str, Any]) -> bytes:
    """Bytes that are the same for the same entries, in whatever order they were read."""
    text = json.dumps(to_json(entries, Form.SPARSE), sort_keys=True, separators=(",", ":"))
    return zlib.compress(text.encode(), _LEVEL)


def _unpack(part: str, found: Mapping[str, bytes]) -> Any:
    data = found.get(part, b"")
    if _part_name(data) != part:
        raise UnreadableError(f"part {part} is missing or incomplete")
    return json.loads(zlib.decompress(data))


def _part_name(data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()[:32]}#{_count_items(data)}"


def _part_of(key: str) -> str:
    return key.rpartition("#")[0]


def _count_items(data: bytes) -> int:
    return -(-len(data) // MOST_BYTES)
