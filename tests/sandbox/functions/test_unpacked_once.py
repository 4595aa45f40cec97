"""The code of a function is unpacked once for all of its execution environments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws

WHERE = "import os\ndef handler(event, context): return os.path.realpath(__file__)"


def test_functions_with_the_same_code_share_it(aws: LocalAws, function: Callable[..., str]) -> None:
    """Others do not, and each still has a code directory of its own name."""
    for name, code in (("one", WHERE), ("two", WHERE), ("other", f"{WHERE}\n# changed")):
        function(name, code)

    one, two, other = (
        json.load(aws.client("lambda").invoke(FunctionName=name, Payload=b"{}")["Payload"])
        for name in ("one", "two", "other")
    )

    assert one == two
    assert one != other


def test_the_code_outlives_an_environment(aws: LocalAws, function: Callable[..., str]) -> None:
    """The code of a function that is deleted is still there for another."""
    first = function("first", WHERE)
    second = function("second", WHERE)
    client = aws.client("lambda")
    before = json.load(client.invoke(FunctionName=first, Payload=b"{}")["Payload"])

    client.delete_function(FunctionName=first)

    assert json.load(client.invoke(FunctionName=second, Payload=b"{}")["Payload"]) == before
