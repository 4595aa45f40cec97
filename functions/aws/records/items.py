"""Items of a DynamoDB table, whose keys are the strings `pk` and `sk`: written, and read.

Sources: DynamoDB API reference, *AttributeValue*; developer guide, *Constraints in Amazon DynamoDB*
(an item holds up to 400 KB, names and all attributes included; a sort key up to 1,024 bytes).
"""

from __future__ import annotations

import zlib
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from functions.domain.errors import RecordTooLargeError
from functions.domain.record_format import UnreadableRecordError
from functions.domain.serialization import from_json

if TYPE_CHECKING:
    from datetime import datetime

Item: TypeAlias = dict[str, Any]
_T = TypeVar("_T")

# Leaves room for keys and the other attributes.
MOST_BYTES: Final = 350_000


def build_key(partition: str, sort: str) -> Item:
    """The key of an item."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def format_moment(moment: datetime) -> str:
    """UTC in a form that sorts."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def write_moment(moment: datetime) -> Item:
    """A moment as a text that sorts."""
    return {"S": format_moment(moment)}


def write_epoch(moment: datetime) -> Item:
    """A moment in seconds, to compare with."""
    return {"N": f"{moment.timestamp():.6f}"}


def write_expiry(moment: datetime) -> Item:
    """When DynamoDB may delete the item, in whole seconds (developer guide, *Time to Live*)."""
    return {"N": str(int(moment.timestamp()))}


def read_text(item: Item, name: str) -> str:
    """A text of an item; empty where there is none."""
    text: str = item.get(name, {}).get("S", "")
    return text


def read_item(shape: type[_T], item: Item) -> _T:
    """The attributes of an item as a dataclass; those that it does not know are left alone.

    Raises
    ------
    UnreadableError
        When they have another shape.
    """
    return from_json(shape, {name: _read_value(value) for name, value in item.items()})


def _read_value(attribute: Item) -> Any:
    """An attribute in JSON's terms."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return _number(value)
        case "L":
            return [_read_value(one) for one in value]
        case _:
            return value


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def fits(text: str) -> bool:
    """Whether a text fits into an item once it is packed."""
    return len(_compress(text)) <= MOST_BYTES


def pack(text: str) -> Item:
    """A text as an attribute of few bytes.

    Raises
    ------
    RecordTooLargeError
        When it does not fit into an item.
    """
    data = _compress(text)
    if len(data) > MOST_BYTES:
        raise RecordTooLargeError(
            f"a record of {len(data):,} bytes does not fit into an item of DynamoDB"
        )
    return {"B": data}


def unpack(item: Item, name: str) -> str:
    """The text that was packed into an attribute.

    Raises
    ------
    UnreadableRecordError
        When the item does not have it, or something else stands there.
    """
    try:
        return zlib.decompress(item[name]["B"]).decode(errors="surrogatepass")
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        where = f"{read_text(item, 'pk')} {read_text(item, 'sk')}"
        raise UnreadableRecordError(f"{where} holds no record: {error!r}") from error


def _compress(text: str) -> bytes:
    return zlib.compress(text.encode(errors="surrogatepass"))
