"""Settings as environment variables, there and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contain.settings import Settings as ContainSettings
from functions.environment import SettingsError, from_env, to_env, variable_name
from functions.protect.settings import Settings as ProtectSettings
from functions.restore.settings import Settings as RestoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One field of every kind that settings may hold."""

    text: str
    number: int
    truth: bool
    names: tuple[str, ...]
    choice: Literal["up", "down"]
    maybe: int | None
    later: int = 7


SAMPLE = Sample(text="a b", number=-3, truth=True, names=("x", "y"), choice="up", maybe=None)
ENV = {
    "LOOPBREAKER_TEXT": "a b",
    "LOOPBREAKER_NUMBER": "-3",
    "LOOPBREAKER_TRUTH": "true",
    "LOOPBREAKER_NAMES": "x,y",
    "LOOPBREAKER_CHOICE": "up",
    "LOOPBREAKER_LATER": "7",
}

_TEXTS = st.text(min_size=1, max_size=20)
_PARTS = st.text(
    st.characters(exclude_characters=",", exclude_categories=["Z", "C"]), min_size=1, max_size=8
)


def test_rendered() -> None:
    """Every kind has one spelling, and a missing optional has no variable."""
    assert to_env(SAMPLE) == ENV


def test_read_back() -> None:
    """Reading what was rendered gives the same record; other variables do not matter."""
    assert from_env(Sample, {**ENV, "PATH": "/bin"}) == SAMPLE


@given(
    st.builds(
        Sample,
        text=_TEXTS,
        number=st.integers(),
        truth=st.booleans(),
        names=st.lists(_PARTS, max_size=4).map(tuple),
        choice=st.sampled_from(["up", "down"]),
        maybe=st.none() | st.integers(),
        later=st.integers(),
    )
)
def test_round_trip(sample: Sample) -> None:
    """Any record survives the way through the environment."""
    assert sample == from_env(Sample, to_env(sample))


def test_default_is_used() -> None:
    """A field with a default may be left out."""
    env = {key: value for key, value in ENV.items() if key != "LOOPBREAKER_LATER"}

    assert from_env(Sample, env).later == 7


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "LOOPBREAKER_TEXT",
            None,
            "LOOPBREAKER_TEXT is not set: it must be a text that is not empty",
        ),
        ("LOOPBREAKER_TEXT", "", "LOOPBREAKER_TEXT is '': it must be a text that is not empty"),
        ("LOOPBREAKER_NUMBER", "3.5", "LOOPBREAKER_NUMBER is '3.5': it must be a whole number"),
        ("LOOPBREAKER_TRUTH", "yes", "LOOPBREAKER_TRUTH is 'yes': it must be true or false"),
        ("LOOPBREAKER_CHOICE", "left", "LOOPBREAKER_CHOICE is 'left': it must be up or down"),
        ("LOOPBREAKER_MAYBE", "x", "LOOPBREAKER_MAYBE is 'x': it must be a whole number"),
        (
            "LOOPBREAKER_NAMES",
            None,
            "LOOPBREAKER_NAMES is not set: it must be names separated by commas",
        ),
    ],
)
def test_wrong_variable(variable: str, value: str | None, message: str) -> None:
    """A missing or wrong variable is named with its value and what is allowed."""
    env = {key: text for key, text in {**ENV, variable: value}.items() if text is not None}

    with pytest.raises(SettingsError) as caught:
        from_env(Sample, env)

    assert message == str(caught.value)


def test_deferred_text_replaces_the_value() -> None:
    """A value that only the deployment knows is rendered as the text given for it."""
    assert to_env(SAMPLE, deferred={"number": "${Token[1]}"}) == {
        **ENV,
        "LOOPBREAKER_NUMBER": "${Token[1]}",
    }


def test_deferred_field_must_exist() -> None:
    """A misspelt deferred field is an error at synthesis, not a variable that nobody reads."""
    with pytest.raises(TypeError, match="Sample has no field numbr"):
        to_env(SAMPLE, deferred={"numbr": "x"})


def test_a_part_with_a_comma_is_refused() -> None:
    """A part that would be read back as two is refused when it is rendered."""
    with pytest.raises(ValueError, match="names: a comma separates"):
        to_env(Sample(text="a", number=1, truth=False, names=("a,b",), choice="up", maybe=None))


def test_settings_of_every_lambda_round_trip() -> None:
    """What the stack writes for each function is what the function reads."""
    contain = ContainSettings(
        ledger_table="ledger",
        notice_topic_arn="arn:aws:sns:eu-west-1:123456789012:notices",
        stack_name="Loopbreaker",
        hold_schedules="Loopbreaker-holds",
        hold_role_arn="arn:aws:iam::123456789012:role/Loopbreaker-WayBack",
        restore_arn="arn:aws:lambda:eu-west-1:123456789012:function:Loopbreaker-restore",
        undelivered_arn="arn:aws:sqs:eu-west-1:123456789012:undelivered",
        mode="observe",
        response="notify",
        floor_per_minute=300,
        blast_radius=3,
        exempt=(),
        own_functions=("Loopbreaker-contain",),
        account_concurrency=1000,
        sweep_minutes=0,
    )
    restore = RestoreSettings(
        ledger_table="ledger",
        notice_topic_arn="arn",
        stack_name="s",
        hold_schedules="holds",
        hold_role_arn="role",
        restore_arn="restore",
        own_functions=("Loopbreaker-contain", "Loopbreaker-restore"),
        undelivered_arn="queue",
    )
    protect = ProtectSettings(notice_topic_arn="arn", stack_name="s")

    assert contain == ContainSettings.from_env(contain.to_env())
    assert restore == RestoreSettings.from_env(restore.to_env())
    assert protect == ProtectSettings.from_env(protect.to_env())


def test_variables_carry_the_prefix() -> None:
    """No setting can collide with a variable that Lambda reserves."""
    assert variable_name("ledger_table") == "LOOPBREAKER_LEDGER_TABLE"
