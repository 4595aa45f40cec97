"""Which calls of AWS's APIs change nothing, told by how their names begin."""

from typing import Final

_READS: Final = (
    "get",
    "list",
    "describe",
    "head",
    "batchget",
    "query",
    "scan",
    "lookup",
    "search",
    "view",
    "read",
    "receive",
    "select",
    "simulate",
    "validate",
    "check",
    "poll",
    "subscribe",
    "connect",
    "decrypt",
    "generatedatakey",
    "reencrypt",
    "filter",
    "startquery",
    "stopquery",
)


def is_read(call: str) -> bool:
    """Whether a call, such as ``DescribeInstances`` or ``getItem``, changes nothing.

    Cognito writes ``Admin`` in front of calls that an administrator makes: ``AdminGetUser``.
    """
    return call.lower().removeprefix("admin").startswith(_READS)
