"""Text from outside and figures, in plain English: numbers, amounts, moments and names."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.domain.detection.assessment import Unit

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_WHOLE_FROM: Final = 10
_TENTH: Final = 0.1
_CENT: Final = 0.01
_CENTS_BELOW: Final = 100
_ARN_FIELDS: Final = 6
_LONGEST_SECONDS: Final = 1e9  # that are said in days
_ONE_OF: Final = {
    Unit.PER_MINUTE: "invocation a minute",
    Unit.MINUTES: "minute",
    Unit.DAYS: "day",
    Unit.CONCURRENT: "concurrent execution",
    Unit.TIMES: "time",
    Unit.THROTTLES: "throttled invocation a minute",
    Unit.ATTEMPTS: "attempt a minute",
    Unit.DROPS: "invocation dropped by AWS",
    Unit.SECONDS: "second",
    Unit.RECEIVES: "receive",
    Unit.EVENTS: "event",
    Unit.INVOCATIONS: "invocation",
    Unit.EVENTS_PER_MINUTE: "event a minute",
    Unit.USD_PER_MINUTE: "dollar a minute",
}


def format_number(value: float) -> str:
    """Write a number for people: thousands separated, decimals only where they matter.

    >>> format_number(14800.0), format_number(2.5), format_number(3.0)
    ('14,800', '2.5', '3')
    """
    if not math.isfinite(value):
        return "an unknown number of"
    if value >= _WHOLE_FROM or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= _TENTH else "less than 0.1"


def format_quantity(value: float, unit: Unit) -> str:
    """Write a number with its unit, in the singular where it is one."""
    if unit is Unit.SECONDS and _MINUTE <= value <= _LONGEST_SECONDS:
        return format_duration(timedelta(seconds=value))
    word = _ONE_OF.get(unit, unit.value) if value == 1 else unit.value
    return f"{format_number(value)} {word}".rstrip()


def format_count(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun.

    >>> format_count(1, "mapping"), format_count(2, "mapping")
    ('1 mapping', '2 mappings')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def format_usd(value: float) -> str:
    """Write an amount for people: cents only below $100.

    >>> format_usd(1240.4), format_usd(12.4), format_usd(0.004)
    ('$1,240', '$12.40', 'less than $0.01')
    """
    if not math.isfinite(value):
        return "an unknown amount"
    if value <= 0:
        return "$0"
    if value < _CENT:
        return "less than $0.01"
    return f"${value:,.2f}" if value < _CENTS_BELOW else f"${value:,.0f}"


def format_least_usd(value: float) -> str:
    """Write a lower bound for people: one that is below a cent says nothing of the kind.

    >>> format_least_usd(12.4), format_least_usd(0.004)
    ('at least $12.40', 'less than $0.01')
    """
    return format_usd(value) if value < _CENT else f"at least {format_usd(value)}"


def format_time(at: datetime) -> str:
    """Write a moment in UTC.

    >>> format_time(datetime(2026, 11, 23, 3, 14, 20, tzinfo=UTC))
    '2026-11-23 03:14 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def format_duration(span: timedelta) -> str:
    """Write a duration in its two largest units.

    >>> format_duration(timedelta(seconds=380)), format_duration(timedelta(hours=26, minutes=3))
    ('6 min', '1 day 2 h')
    """
    seconds = max(0, int(span.total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        hours, minutes = divmod(seconds // _MINUTE, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(seconds // _HOUR, 24)
    text = format_count(days, "day")
    return f"{text} {hours} h" if hours else text


def format_time_with_age(at: datetime, now: datetime) -> str:
    """Write a moment and how long ago it was; alone where it lies ahead, by another clock."""
    gone = now - at
    if gone < timedelta(0):
        return format_time(at)
    if gone < timedelta(seconds=1):
        return f"{format_time(at)} (just now)"
    return f"{format_time(at)} ({format_duration(gone)} ago)"


def shorten_arn(arn: str) -> str:
    """Name the resource of an ARN as people do.

    >>> shorten_arn("arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00")
    'orders'
    >>> shorten_arn("arn:aws:events:eu-west-1:123456789012:rule/nightly")
    'nightly'
    """
    fields = arn.split(":", _ARN_FIELDS - 1)
    if len(fields) < _ARN_FIELDS:
        return arn
    resource = fields[-1].removeprefix("log-group:").removesuffix(":*")
    kind, _, rest = resource.partition("/")
    if kind in {"table", "cluster"}:
        return rest.split("/", 1)[0]
    if kind in {"rule", "stream", "schedule"}:
        return rest.rsplit("/", 1)[-1]
    return resource


def clean(text: str, limit: int = 600) -> str:
    """Put text from outside on one line, without control characters, cut to a length."""
    line = " ".join(replace_unprintable(text).split())
    return line if len(line) <= limit else f"{line[: limit - 6]} [cut]"


def cut_middle(text: str, limit: int) -> str:
    """Cut text in its middle, so that both ends stay readable.

    >>> cut_middle("orders-enricher-production-eu", 19)
    'orders-e...ction-eu'
    """
    if len(text) <= limit:
        return text
    kept = max(2, limit - 3)
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


def capitalize(text: str) -> str:
    """Begin the text with a capital letter."""
    return text[:1].upper() + text[1:]


def replace_unprintable(text: str) -> str:
    """Replace what cannot be printed by spaces."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " for one in text)


def shorten_actor(actor: str) -> str:
    """Take a user's or a session's name out of an ARN."""
    return cut_middle(clean(actor, 400).rsplit("/", 1)[-1].rsplit(":", 1)[-1], 32)
