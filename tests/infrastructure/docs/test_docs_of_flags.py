"""The pages describe every flag, and what it allows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from stacks.config import Config
from stacks.flag_values import FLAGS, ConfigError
from tests.infrastructure.docs.pages import (
    DEPLOYING,
    FLAG_ROWS,
    asked_of_the_account,
    numbers,
)

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesize


def test_every_flag_is_described() -> None:
    """The table of flags is complete, and has none that does not exist."""
    assert sorted(row[0].strip("`") for row in FLAG_ROWS) == sorted(FLAGS)


@pytest.mark.parametrize("flag", FLAGS)
def test_what_a_flag_allows_is_described(flag: str) -> None:
    """The flag takes each word and both ends of the range on the page, and nothing beyond them."""
    (allowed_values,) = (row[2] for row in FLAG_ROWS if row[0] == f"`{flag}`")
    words = re.findall(r"`(\w+)`", allowed_values)
    ends = re.search(r"(\d+) to (\d+)(?! addresses)", allowed_values)

    for word in words:
        assert FLAGS[flag](flag, word) is not None
    if ends is None:
        return
    least, most = (int(one) for one in ends.groups())
    off = {0} if "0 for off" in allowed_values else set()
    for number in {least, most} | off:
        assert FLAGS[flag](flag, str(number)) == number
    for number in {least - 1, most + 1} - off:
        with pytest.raises(ConfigError):
            FLAGS[flag](flag, str(number))


@pytest.mark.parametrize("flag", FLAGS)
def test_the_default_of_a_flag_is_described(flag: str) -> None:
    """The word or number in the column of the default is the default; else there is none."""
    (default,) = (row[1] for row in FLAG_ROWS if row[0] == f"`{flag}`")
    value = getattr(Config(), flag)

    if re.fullmatch(r"`\w+`", default):
        assert default == f"`{value}`"
    else:
        assert not value


def test_flags_that_read_the_account_again_are_described() -> None:
    """The page names each flag that makes the deployment read traffic and limits, and no other."""
    other = {
        "email": "a@example.com",
        "mode": "observe",
        "response": "notify",
        "exempt": "billing",
        "floor_per_minute": "600",
        "danger_usd_per_minute": "2",
        "account_alarm_per_minute": "20000",
        "coverage": "function",
        "sweep_minutes": "30",
        "blast_radius": "4",
        "accepted_loops": "billing",
        "remedies": "logs",
        "events": "off",
        "chat": "on",
        "rollback": "orders",
        "diagnose": "orders",
        "dashboard": "on",
    }
    paired = {
        "rollback_mode",
        "rollback_force",
        "memory_ceiling_mb",
    }  # given together with another only
    section = DEPLOYING[DEPLOYING.index("### The account alarm") :]
    (line,) = (one for one in section.splitlines() if "when you change one of these flags" in one)

    before = asked_of_the_account()
    assert set(FLAGS) == set(other) | paired
    assert set(re.findall(r"`(\w+)`", line)) == {
        flag for flag, value in other.items() if asked_of_the_account(**{flag: value}) != before
    }


@pytest.mark.parametrize("pattern", [r"about (\d+) names of (\d+)", r", or (\d+) of (\d+)\."])
def test_how_many_names_fit(synthesize: Synthesize, pattern: str) -> None:
    """So many exempt functions fit into the environment, and a quarter more do not."""
    count, length = numbers(f"`exempt` holds.*?{pattern}")
    names = [f"{number:0{length}d}" for number in range(count * 5 // 4)]

    synthesize(exempt=",".join(names[:count]))
    with pytest.raises(ConfigError):
        synthesize(exempt=",".join(names))
