"""Links to the console."""

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

_BEFORE: Final = timedelta(hours=1)
_LONGEST_GRAPH: Final = timedelta(days=14)


def build_function_link(function: str, region: str) -> str:
    """Link to the function's monitoring tab in the Lambda console."""
    return (
        f"{_find_console(region)}/lambda/home?region={quote(region, safe='')}"
        f"#/functions/{quote(function, safe='')}?tab=monitoring"
    )


def build_metric_link(function: str, region: str, begin: datetime, end: datetime) -> str:
    """Link to its invocations, throttles and concurrency in the CloudWatch console.

    The time is absolute, so that the picture is still the right one next week. The console keeps
    a graph in its URL in the notation of JSURL (https://github.com/Sage/jsurl): a text begins
    with an apostrophe, and what is not a letter, a digit, ``_``, ``-`` or ``.`` is written as
    ``*`` with two hexadecimal digits. The apostrophe is percent-encoded, which that notation
    provides for, because mail readers end a link at it.
    """
    start = max(begin - _BEFORE, end - _LONGEST_GRAPH)
    name = _encode_jsurl(function)
    metrics = (
        f"~(~{_encode_jsurl('AWS/Lambda')}~{_encode_jsurl('Invocations')}~{_encode_jsurl('FunctionName')}~{name})"
        f"~(~{_encode_jsurl('.')}~{_encode_jsurl('Throttles')}~{_encode_jsurl('.')}~{_encode_jsurl('.')})"
        f"~(~{_encode_jsurl('.')}~{_encode_jsurl('ConcurrentExecutions')}~{_encode_jsurl('.')}~{_encode_jsurl('.')}"
        f"~(stat~{_encode_jsurl('Maximum')}))"
    )
    graph = (
        f"~(metrics~({metrics})~view~{_encode_jsurl('timeSeries')}~stacked~false"
        f"~region~{_encode_jsurl(region)}~stat~{_encode_jsurl('Sum')}~period~60"
        f"~start~{_encode_jsurl(_format_stamp(start))}"
        f"~end~{_encode_jsurl(_format_stamp(end + _BEFORE))})"
    )
    # The query comes last, so that the link does not end in a parenthesis.
    query = f"~{_encode_jsurl('{AWS/Lambda,FunctionName} ' + function)}"
    place = quote(region, safe="")
    home = f"{_find_console(region)}/cloudwatch/home?region={place}"
    return f"{home}#metricsV2?graph={graph}&query={query}"


def _encode_jsurl(text: str) -> str:
    kept = "_-."
    return "%27" + "".join(
        one
        if one.isascii() and (one.isalnum() or one in kept)
        else "".join(f"*{byte:02x}" for byte in one.encode(errors="backslashreplace"))
        for one in text
    )


def _format_stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _find_console(region: str) -> str:
    place = quote(region, safe="")
    if region.startswith("cn-"):
        return f"https://{place}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"https://{place}.console.amazonaws-us-gov.com"
    return f"https://{place}.console.aws.amazon.com"
