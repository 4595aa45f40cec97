"""The file with flags, and the flags that every deployment repeats."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.config import Config, ConfigFileError, flags_from_file
from stacks.flag_values import ConfigError
from tests.unit.stacks.flags import (
    is_accepted,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_flags_file(tmp_path: Path) -> None:
    """Lasting flags are in a file of their own, as JSON writes them."""
    path = tmp_path / "loopbreaker.json"
    path.write_text('{"email": ["a@example.com"], "exempt": ["billing"], "sweep_minutes": 30}')

    config = Config.from_context(flags_from_file(path))

    assert (config.email, config.exempt, config.sweep_minutes) == (
        ("a@example.com",),
        ("billing",),
        30,
    )


def test_no_flags_file(tmp_path: Path) -> None:
    """The file may be missing."""
    assert flags_from_file(tmp_path / "loopbreaker.json") == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "file loopbreaker.json is not JSON: Expecting property name enclosed in double"),
        ("[1]", 'file loopbreaker.json must hold an object such as {"email": "you@example.com"}'),
        (
            '{"rollback": "orders"}',
            ("file loopbreaker.json must not hold rollback: give it with -c, for one deployment"),
        ),
        ('{"emial": "a@b.co"}', "flag emial=a@b.co: unknown flag, did you mean email?"),
        (
            '{"@aws-cdk/core:x": 1}',
            "flag @aws-cdk/core:x=1: unknown flag, docs/deploying.md lists those that exist",
        ),
    ],
)
def test_wrong_flags_file(tmp_path: Path, text: str, line: str) -> None:
    """A file that holds something else than lasting flags is refused in one line."""
    path = tmp_path / "loopbreaker.json"
    path.write_text(text)

    with pytest.raises((ConfigError, ConfigFileError)) as caught:
        flags_from_file(path)

    assert str(caught.value).startswith(f"Loopbreaker: {line}")
    assert len(str(caught.value).splitlines()) == 1


def test_lasting_flags() -> None:
    """What the next deployment must repeat is what differs from the defaults, but no rollback."""
    config = Config.from_context(
        {
            "email": "a@example.com,b@example.com",
            "mode": "enforce",
            "exempt": "billing",
            "sweep_minutes": "0",
            "rollback": "orders",
            "rollback_mode": "now",
        }
    )

    assert config.lasting_flags() == (
        "-c email=a@example.com,b@example.com -c exempt=billing -c sweep_minutes=0"
    )


def test_no_lasting_flags() -> None:
    """Without flags there is nothing to repeat."""
    assert Config(rollback=("all",)).lasting_flags() == ""


def test_lasting_flags_are_safe_in_a_shell() -> None:
    """An address that a shell would take for more than a text is quoted."""
    config = Config.from_context({"email": "a$(id)@example.com"})

    assert config.lasting_flags() == "-c 'email=a$(id)@example.com'"


@given(
    st.builds(
        Config,
        email=st.lists(st.emails(), max_size=3, unique_by=str.lower)
        .map(tuple)
        .filter(lambda emails: is_accepted("email", ",".join(emails))),
        mode=st.sampled_from(["enforce", "observe"]),
        response=st.sampled_from(["hold", "throttle", "notify"]),
        exempt=st.lists(
            st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).filter(
                lambda name: not name.startswith("Loopbreaker-")
            ),
            unique=True,
        ).map(tuple),
        danger_usd_per_minute=st.integers(1, 10_000),
        floor_per_minute=st.integers(1, 1_000_000),
        account_alarm_per_minute=st.just(0) | st.integers(1, 100_000_000),
        coverage=st.sampled_from(["account", "function"]),
        sweep_minutes=st.just(0) | st.integers(5, 1440),
        blast_radius=st.integers(1, 50),
    )
)
def test_repeating_the_lasting_flags_changes_nothing(config: Config) -> None:
    """A deployment with the flags of the last one has the same configuration."""
    words = shlex.split(config.lasting_flags())

    assert Config.from_context(dict(word.split("=", 1) for word in words[1::2])) == config
