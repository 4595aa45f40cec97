from __future__ import annotations

from typing import TYPE_CHECKING

from functions.aws.detection.function_count import FunctionCount
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

ANSWER = {"AccountUsage": {"FunctionCount": 12_345, "TotalCodeSize": 1}}


script = scripted("lambda")


def test_is_asked_once_an_hour(script: Script) -> None:
    """The number is an hour old at most, and no call more than that takes."""
    seconds = 0.0
    count = FunctionCount(script.client, clock=lambda: seconds)
    script.answer("get_account_settings", ANSWER)

    first, second = count(), count()
    seconds = 3600.0
    script.answer("get_account_settings", {"AccountUsage": {"FunctionCount": 9}})

    assert (first, second, count()) == (12_345, 12_345, 9)


def test_a_refusal_is_no_number(script: Script) -> None:
    """What AWS does not tell is not known, and asked for again."""
    count = FunctionCount(script.client)
    script.refuse("get_account_settings", "AccessDeniedException")
    script.answer("get_account_settings", ANSWER)

    assert (count(), count()) == (None, 12_345)


def test_a_later_refusal_leaves_the_last_number(script: Script) -> None:
    """An account that was large is taken for large until AWS says otherwise."""
    seconds = 0.0
    count = FunctionCount(script.client, clock=lambda: seconds)
    script.answer("get_account_settings", ANSWER)
    count()
    seconds = 7200.0
    script.refuse("get_account_settings", "TooManyRequestsException", status=429)

    assert count() == 12_345
