"""Reads AWS's answers in JSON, without stopping at every number of a long list.

botocore asks for each element of a list what it is. For 14 days of 5-minute datapoints that takes
four times as long as everything else between sending the question and having the answer.

botocore's version decides the protocol of a service: 1.41 reads CloudWatch's answers in XML, later
ones choose between CBOR, JSON and XML. The SDK is bundled with the functions and pinned, and reads
JSON from CloudWatch (a test sees to it), so no other protocol needs a fast way here. Answers in
another protocol go to botocore's own parser: read correctly, and up to a hundred times as slowly.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.parsers import JSONParser, ResponseParserError, ResponseParserFactory
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import ListShape
    from botocore.parsers import ResponseParser


class AnswerParserFactory(ResponseParserFactory):
    """Makes the parser of this module for JSON, botocore's own for the other protocols."""

    def __init__(self) -> None:
        super().__init__()
        self.set_parser_defaults(timestamp_parser=convert_to_utc)

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """Make the parser of a protocol."""
        parser: Any = (
            _AnswerParser(timestamp_parser=convert_to_utc)
            if protocol_name == "json"
            else super().create_parser(protocol_name)
        )
        parser.parse = _make_checked(parser.parse)
        return cast("ResponseParser", parser)


def _make_checked(parse: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but that every error of reading an answer is a `ResponseParserError`.

    botocore raises whatever happens to go wrong with an answer that is none of AWS's, such as
    `KeyError` for the page of a proxy in place of XML. Adapters translate errors of botocore only.
    """

    @functools.wraps(parse)
    def checked(response: Any, shape: Any) -> Any:
        try:
            parsed = parse(response, shape)
        except ResponseParserError:
            raise
        except Exception as error:
            words = f"an answer that cannot be read: {type(error).__name__} {error}"
            raise ResponseParserError(words) from error
        if not isinstance(parsed, dict) or not isinstance(parsed.get("Error", {}), dict):
            raise ResponseParserError("an answer that is no object, or whose error is none")
        return parsed

    return checked


class _AnswerParser(JSONParser):
    """Leaves lists of floating point numbers and of timestamps as JSON has them.

    A list of timestamps is thus a list of seconds since the epoch. Timestamps that stand alone are
    `datetime`, as ever.
    """

    def _handle_list(self, shape: ListShape, node: list[Any]) -> list[Any]:
        if shape.member.type_name in {"double", "timestamp"}:
            return node
        return cast("list[Any]", super()._handle_list(shape, node))  # type: ignore[misc]


def convert_to_utc(value: Any) -> datetime:
    """The moment in UTC.

    botocore's own way goes through the local time zone, which takes eight times as long.
    """
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return parse_timestamp(value)
