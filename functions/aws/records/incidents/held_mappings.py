"""The event source mappings that the guard has disabled, for whoever reads nothing else of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.records.incidents.incident_items import LIVE
from functions.aws.records.incidents.live_items import read_live
from functions.domain.incidents.steps.held_mappings import list_held_mappings

if TYPE_CHECKING:
    from functions.aws.records.table import Table

IAM_ACTIONS: Final = frozenset({"dynamodb:Query"})


class HeldMappings:
    """Reads the open incidents."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self) -> frozenset[str]:
        """Ids of the mappings that a restore enables again.

        Raises
        ------
        LedgerUnavailableError
            When the table cannot be read.
        """
        return list_held_mappings(read_live(self._table.query(LIVE)).incidents)
