"""Reads AWS's answers in JSON, without stopping at every number of a long list.

botocore asks for each element of a list what it is. For 14 days of 5-minute datapoints that takes
four times as long as everything else between sending the question and having the answer.

botocore's version decides the protocol of a service: 1.41 reads CloudWatch's answers in XML, later
ones choose between CBOR, JSON and XML. The SDK is bundled with the functions and pinned, and reads
JSON from CloudWatch (a test sees to it), so no other protocol needs a fast way here. Answers in
another protocol go to botocore's own parser: read correctly, and up to a hundred times as slowly.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from botocore.model import ListShape
    from botocore.parsers import ResponseParser


class AnswerParserFactory(ResponseParserFactory):
    """Makes the parser of this module for JSON, botocore's own for the other protocols."""

    def __init__(self) -> None:
        super().__init__()
        self.set_parser_defaults(timestamp_parser=as_utc)

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """Make the parser of a protocol."""
        if protocol_name == "json":
            return _AnswerParser(timestamp_parser=as_utc)
        return super().create_parser(protocol_name)


class _AnswerParser(JSONParser):
    """Leaves lists of floating point numbers and of timestamps as JSON has them.

    A list of timestamps is thus a list of seconds since the epoch. Timestamps that stand alone are
    `datetime`, as ever.
    """

    def _handle_list(self, shape: ListShape, node: list[Any]) -> list[Any]:
        if shape.member.type_name in {"double", "timestamp"}:
            return node
        return cast("list[Any]", super()._handle_list(shape, node))  # type: ignore[misc]


def as_utc(value: Any) -> datetime:
    """The moment in UTC.

    botocore's own way goes through the local time zone, which takes eight times as long.
    """
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return parse_timestamp(value)
