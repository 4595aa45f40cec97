"""What the diagnosis is to examine next: marks in the ledger's table, one a function or role.

It goes on with them at its next tick, within the hour. Whoever sees a first sign of trouble may set
one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.translate import AWS_ERRORS, words_of
from functions.domain.errors import LedgerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

IAM_ACTIONS: Final = frozenset({"dynamodb:PutItem"})

TOUCHED: Final = "touched"
MARKS_KEPT: Final = timedelta(days=14)


class DiagnosisMarks:
    """The port `Examined`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """See the port."""
        for name in names:
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        "pk": {"S": TOUCHED},
                        "sk": {"S": name},
                        "at": {"S": now.isoformat()},
                        "expires_at": {"N": str(int((now + MARKS_KEPT).timestamp()))},
                    },
                )
            except AWS_ERRORS as error:
                raise LedgerUnavailableError(words_of(error)) from error
