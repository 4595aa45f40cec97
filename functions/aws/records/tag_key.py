"""The key that seals snapshots in tags: one for all processes, created by the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.records.items import build_key, read_text
from functions.aws.records.writes import NEW, PutItem
from functions.domain.errors import LedgerUnavailableError

if TYPE_CHECKING:
    from functions.aws.records.table import Table

_KEYS: Final = "key"
_TAGS: Final = "tags"
_KEY_BITS: Final = 256


class TagKey:
    """The key, read once for each execution environment.

    Attributes
    ----------
    known
        The key, if it was read before.
    """

    def __init__(self, table: Table) -> None:
        self.known: bytes | None = None
        self._table = table

    def read(self) -> bytes:
        """The key; where there is none, a new one is written.

        Raises
        ------
        LedgerUnavailableError
        """
        if self.known is None:
            self.known = self._read_stored() or self.create()
        return self.known

    def create(self) -> bytes:
        """Write a new key, unless another run was first: then that one's counts."""
        value = self._table.draw(_KEY_BITS)
        item = {**build_key(_KEYS, _TAGS), "value": {"S": value}}
        refusals = self._table.write(PutItem(item=item, condition=NEW))
        written = bytes.fromhex(value) if refusals is None else self._read_stored()
        if written is None:
            raise LedgerUnavailableError("the key of the tags was there and is gone")
        return written

    def _read_stored(self) -> bytes | None:
        value = read_text(self._table.get(build_key(_KEYS, _TAGS)) or {}, "value")
        return bytes.fromhex(value) if value else None
