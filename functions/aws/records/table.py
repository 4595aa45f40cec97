"""The one DynamoDB table in which everything is stored: reads, conditional writes, transactions.

All reads are consistent, unless somebody says otherwise. A write answers whether its conditions
held; everything else that DynamoDB says is one error. Who may write is decided by conditions, never
by an earlier read.
"""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from botocore.exceptions import ClientError

from functions.aws.records.items import read_text
from functions.aws.records.writes import VERBS, ConditionCheck, Delete, PutItem, Update, request_of
from functions.aws.runtime.errors import AWS_ERRORS, get_code, get_message
from functions.aws.runtime.retry import RetriesExhaustedError, Retry
from functions.domain.errors import LedgerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from functions.aws.records.items import Item
    from functions.aws.records.writes import Write

_T = TypeVar("_T")

# While another transaction is in the way of a call.
WRITES: Final = Retry(attempts=5, first_pause_seconds=0.1, longest_pause_seconds=0.8)
# By which a write knows itself again.
MARK: Final = "written_by"
_MARK_BITS: Final = 64

_CONFLICTS: Final = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    }
)
_REFUSED: Final = "ConditionalCheckFailed"


# One entry for each write: the stored item that the condition was checked against (empty where
# nothing is stored), or ``None`` where the condition held.
Refusals: TypeAlias = "list[Item | None]"


class Table:
    """The table, as one process uses it.

    Parameters
    ----------
    client
        Called when the table is first needed.
    retry
        The attempts while another transaction is in the way.
    randomness
        For marks and keys.
    clock
        The time of day.

    Attributes
    ----------
    away_since
        When it could not be reached for the first time since somebody set this to ``None``.
    """

    def __init__(
        self,
        client: Callable[[], DynamoDBClient],
        name: str,
        *,
        retry: Retry = WRITES,
        randomness: random.Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.clock = clock
        self.away_since: datetime | None = None
        self._client = client
        self._retry = retry
        self._random = random.SystemRandom() if randomness is None else randomness

    def get(self, key: Item, *, is_consistent: bool = True) -> Item | None:
        """An item; ``None`` where nothing is stored.

        Raises
        ------
        LedgerUnavailableError
        """
        answer = self._call(
            lambda: self._client().get_item(
                TableName=self.name, Key=key, ConsistentRead=is_consistent
            )
        )
        return cast("Item | None", answer.get("Item"))

    def query(
        self,
        partition: str,
        *,
        only: str = "",
        after: str = "",
        newest_first: bool = False,
        attribute: str = "",
    ) -> Iterator[Item]:
        """The items of a partition in the order of their sort keys, page by page.

        Parameters
        ----------
        only
            The sort key of the only item that is wanted.
        after
            The sort key from which on items are wanted.
        attribute
            The only attribute that is wanted.

        Raises
        ------
        LedgerUnavailableError
        """
        comparison = f"sk {'=' if only else '>='} :sk"
        request: Any = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk" + f" AND {comparison}" * bool(only or after),
            "ExpressionAttributeValues": {
                ":pk": {"S": partition},
                **({":sk": {"S": only or after}} if only or after else {}),
            },
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
            **({"ProjectionExpression": attribute} if attribute else {}),
        }
        while True:
            page: Any = self._call(functools.partial(self._client().query, **request))
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def write(self, *writes: Write) -> Refusals | None:
        """Write all or nothing. Answers ``None`` when it is written.

        Raises
        ------
        LedgerUnavailableError
            For everything but a condition that does not hold.
        """
        requests = [request_of(one, self.name) for one in writes]
        try:
            if len(requests) == 1:
                self._write_one(writes[0], requests[0])
            else:
                items: Any = [
                    {VERBS[type(one)]: request}
                    for one, request in zip(writes, requests, strict=True)
                ]
                self._call(lambda: self._client().transact_write_items(TransactItems=items))
        except ClientError as error:
            return _read_refusals(error)
        return None

    def update(self, update: Update) -> Item | None:
        """The item as it is after the update; ``None`` when the condition does not hold.

        Raises
        ------
        LedgerUnavailableError
        """
        request = {**request_of(update, self.name), "ReturnValues": "ALL_NEW"}
        try:
            answer: Any = self._call(functools.partial(self._client().update_item, **request))
        except ClientError:
            return None
        item: Item = answer["Attributes"]
        return item

    def draw(self, bits: int = _MARK_BITS) -> str:
        """A random number in hexadecimal digits.

        As a mark it tells one's own write: a request whose answer was lost is sent again by the
        client, and then finds its own work in its way.
        """
        return f"{self._random.getrandbits(bits):0{bits // 4}x}"

    def _write_one(self, write: Write, request: Any) -> None:
        client = self._client()
        match write:
            case PutItem():
                self._call(functools.partial(client.put_item, **request))
            case Update():
                self._call(functools.partial(client.update_item, **request))
            case Delete():
                self._call(functools.partial(client.delete_item, **request))
            case ConditionCheck():
                raise AssertionError("a condition is checked for other writes only")

    def _call(self, call: Callable[[], _T]) -> _T:
        """The answer of a call, tried again while another transaction is in its way.

        Raises
        ------
        ClientError
            Only when a condition does not hold.
        LedgerUnavailableError
            For every other reason.
        """
        try:
            return self._retry.call(call, may_pass=_is_conflict)
        except RetriesExhaustedError as error:
            raise LedgerUnavailableError(str(error)) from error
        except AWS_ERRORS as error:
            if _is_refusal(error):
                raise
            self.away_since = self.away_since or self.clock()
            raise LedgerUnavailableError(get_message(error)) from error


def is_marked(item: Item, mark: str) -> bool:
    """Whether the item is what the write with this mark has written."""
    return read_text(item, MARK) == mark


def _read_reasons(error: ClientError) -> list[Item]:
    """Why a transaction was cancelled, item by item; empty for other errors."""
    return cast("list[Item]", cast("Item", error.response).get("CancellationReasons", []))


def _is_refusal(error: Exception) -> bool:
    """Whether a condition does not hold, and not only because somebody is just writing."""
    if not isinstance(error, ClientError):
        return False
    reasons = _read_reasons(error)
    if not reasons:
        return get_code(error) == f"{_REFUSED}Exception"
    codes = [one.get("Code", "None") for one in reasons]
    return codes[0] == _REFUSED or (_REFUSED in codes and set(codes) <= {_REFUSED, "None"})


def _is_conflict(error: Exception) -> bool:
    """Whether another transaction is in the way."""
    if not isinstance(error, ClientError) or _is_refusal(error):
        return False
    codes = {get_code(error), *(one.get("Code") for one in _read_reasons(error))}
    return not codes.isdisjoint(_CONFLICTS)


def _read_refusals(error: ClientError) -> Refusals:
    reasons = _read_reasons(error)
    if not reasons:
        return [cast("Item", error.response).get("Item") or {}]
    return [one.get("Item", {}) if one.get("Code") == _REFUSED else None for one in reasons]
