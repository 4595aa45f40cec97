"""What the diagnosis is to examine next: marks in the ledger's table, one a function or role.

It goes on with them at its next tick, within the hour. Whoever sees a first sign of trouble may set
one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.records.items import build_key, write_expiry
from functions.aws.records.writes import PutItem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from functions.aws.records.table import Table

IAM_ACTIONS: Final = frozenset({"dynamodb:PutItem"})

TOUCHED: Final = "touched"
MARKS_KEPT: Final = timedelta(days=14)


class DiagnosisMarks:
    """The port `Examined`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """See the port."""
        for name in names:
            item = {
                **build_key(TOUCHED, name),
                "at": {"S": now.isoformat()},
                "expires_at": write_expiry(now + MARKS_KEPT),
            }
            self._table.write(PutItem(item=item))
