"""Rollback requests: who carries one out, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.records.items import build_key, read_text, write_moment
from functions.aws.records.writes import NEW, Compare, PutItem, Update
from functions.domain.incidents.ports import REQUEST_LASTS, RequestClaim

if TYPE_CHECKING:
    from datetime import datetime

    from functions.aws.records.table import Table

_REQUEST: Final = "request"
_BEGUN: Final = "begun"
_DONE: Final = "done"
_FAILED: Final = "failed"


class RollbackRequests:
    """The requests by their nonces."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, nonce: str, request_id: str, now: datetime) -> RequestClaim:
        """See the port `Ledger`. A record of an earlier version has no outcome: it is done."""
        has_failed = Compare("outcome", "=", {"S": _FAILED})
        is_begun = Compare("outcome", "=", {"S": _BEGUN})
        is_mine = Compare("request_id", "=", {"S": request_id})
        is_over = Compare("claimed_at", "<=", write_moment(now - REQUEST_LASTS))
        put = PutItem(
            item={
                **build_key(_REQUEST, nonce),
                "request_id": {"S": request_id},
                "claimed_at": write_moment(now),
                "outcome": {"S": _BEGUN},
            },
            condition=NEW | has_failed | (is_begun & (is_mine | is_over)),
        )
        refusals = self._table.write(put)
        if refusals is None:
            return RequestClaim.MINE
        stored = refusals[0] or {}
        if read_text(stored, "request_id") == request_id:
            return RequestClaim.MINE
        is_under_way = read_text(stored, "outcome") == _BEGUN
        return RequestClaim.UNDER_WAY if is_under_way else RequestClaim.DONE

    def settle(self, nonce: str, request_id: str, *, is_done: bool) -> None:
        """See the port `Ledger`."""
        is_mine = Compare("request_id", "=", {"S": request_id})
        is_open = Compare("outcome", "<>", {"S": _DONE})
        self._table.write(
            Update(
                key=build_key(_REQUEST, nonce),
                values={"outcome": {"S": _DONE if is_done else _FAILED}},
                condition=is_mine & is_open,
            )
        )
