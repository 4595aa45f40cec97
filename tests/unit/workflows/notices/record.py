"""A record whose notices are delivered, and a run that dies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from functions.domain.notices.outbox import replace_notice

if TYPE_CHECKING:
    from functions.domain.notices.outbox import OutboxNotice


class CrashError(Exception):
    """The run dies here."""


@dataclass(frozen=True)
class Record:
    """Something with an outbox."""

    outbox: tuple[OutboxNotice, ...] = ()

    def with_notice_as(self, notice: OutboxNotice) -> Self:
        """The record with what became of a notice."""
        return replace(self, outbox=replace_notice(self.outbox, notice))
