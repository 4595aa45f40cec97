"""Condition operators, against a request of which only parts are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.iam.conditions import hold, holds
from functions.domain.iam.document import Condition
from functions.domain.iam.likelihood import Likelihood

YES, NO, MAYBE = Likelihood.YES, Likelihood.NO, Likelihood.MAYBE


def line(operator: str, values: str | tuple[str, ...], key: str = "k") -> Condition:
    """One line of a Condition block."""
    listed = (values,) if isinstance(values, str) else values
    return Condition(operator=operator, key=key, values=listed)


@pytest.mark.parametrize(
    ("operator", "values", "sent", "expected"),
    [
        ("StringEquals", "a", ("a",), YES),
        ("StringEquals", "a", ("A",), NO),
        ("StringEquals", ("b", "a"), ("a",), YES),
        ("StringEquals", (), ("a",), NO),
        ("StringEquals", "a*", ("ab",), NO),
        ("StringEquals", "${aws:username}", ("ab",), MAYBE),
        ("StringEquals", "x${aws:username}", ("ab",), NO),
        ("StringEqualsIgnoreCase", "aB", ("Ab",), YES),
        ("StringNotEquals", "a", ("b",), YES),
        ("StringNotEquals", ("a", "b"), ("b",), NO),
        ("StringNotEqualsIgnoreCase", "A", ("a",), NO),
        ("StringLike", "a*", ("ab",), YES),
        ("StringLike", "a?", ("abc",), NO),
        ("StringNotLike", "a*", ("ab",), NO),
        ("StringLike", "arn:*:rule/x", ("arn:*",), MAYBE),
        ("StringLike", "arn:*", ("arn:a:*",), YES),
        ("StringNotLike", "arn:*", ("arn:a:*",), NO),
        ("StringEquals", "a", ("*",), MAYBE),
        ("ArnLike", "arn:aws:s3:::b", ("arn:aws:s3:::b",), YES),
        ("ArnLike", "arn:aws:events:*:1:rule/*", ("arn:aws:events:eu-west-1:1:rule/a/b",), YES),
        ("ArnLike", "arn:aws:events:*:rule/x", ("arn:aws:events:eu-west-1:1:rule/x",), MAYBE),
        ("ArnLike", "arn:*", ("arn:aws:events:eu-west-1:1:rule/x",), MAYBE),
        ("ArnLike", "*", ("arn:aws:events:eu-west-1:1:rule/x",), MAYBE),
        ("ArnLike", "arn", ("arn:aws:events:eu-west-1:1:rule/x",), MAYBE),
        ("ArnEquals", "arn:aws:sns:*:1:t", ("arn:aws:sns:r:1:t",), YES),
        ("ArnNotLike", "arn:aws:sns:*:1:t", ("arn:aws:sns:r:1:t",), NO),
        ("ArnNotEquals", "arn:aws:sns:r:1:t", ("arn:aws:sns:r:1:u",), YES),
        ("ArnNotLike", "arn:aws:sns", ("arn:aws:sns:r:1:u",), MAYBE),
        (
            "ArnLike",
            "arn:aws:execute-api:r:1:api/*/GET/x",
            ("arn:aws:execute-api:r:1:api/prod/*/x",),
            MAYBE,
        ),
        ("Bool", "true", ("TRUE",), YES),
        ("Bool", "false", ("true",), NO),
        ("NumericEquals", "5", ("5.0",), YES),
        ("NumericNotEquals", "5", ("5",), NO),
        ("NumericLessThan", "5", ("4",), YES),
        ("NumericLessThan", "5", ("5",), NO),
        ("NumericLessThanEquals", "5", ("5",), YES),
        ("NumericGreaterThan", "5", ("6",), YES),
        ("NumericGreaterThanEquals", "5", ("4",), NO),
        ("NumericLessThan", "five", ("4",), MAYBE),
        ("NumericLessThan", "NaN", ("4",), MAYBE),
        ("NumericLessThan", "9" * 5_000, ("4",), MAYBE),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", ("2026-01-02T00:00:00Z",), YES),
        ("DateLessThan", "2026-01-01T00:00:00+01:00", ("2025-12-31T23:30:00Z",), NO),
        ("DateLessThan", "2026-01-01", ("1000000000",), YES),
        ("DateEquals", "soon", ("2026-01-02T00:00:00Z",), MAYBE),
        ("DateEquals", "1e60", ("2026-01-02T00:00:00Z",), MAYBE),
        ("IpAddress", "10.0.0.0/8", ("10.1.2.3",), YES),
        ("IpAddress", ("11.0.0.0/8", "2001:db8::/32"), ("10.1.2.3",), NO),
        ("NotIpAddress", "10.0.0.0/8", ("10.1.2.3",), NO),
        ("IpAddress", "10.0.0.0/99", ("10.1.2.3",), MAYBE),
        ("BinaryEquals", "QQ==", ("QQ==",), YES),
        ("StringResembles", "a", ("a",), MAYBE),
        ("stringequals", "a", ("a",), YES),
        # What was not sent.
        ("StringEquals", "a", (), NO),
        ("StringNotEquals", "a", (), YES),
        ("StringEqualsIfExists", "a", (), YES),
        ("StringEqualsIfExists", "a", ("b",), NO),
        ("Bool", "false", (), NO),
        ("BoolIfExists", "false", (), YES),
        ("NumericLessThan", "5", (), NO),
        ("NotIpAddress", "10.0.0.0/8", (), YES),
        ("Null", "true", (), YES),
        ("Null", "false", (), NO),
        ("Null", "true", ("a",), NO),
        ("Null", "false", ("a",), YES),
        ("Null", "maybe", ("a",), MAYBE),
        ("StringResembles", "a", (), MAYBE),
        # Keys of several values.
        ("ForAnyValue:StringEquals", "a", ("b", "a"), YES),
        ("ForAnyValue:StringEquals", "a", ("b", "c"), NO),
        ("ForAnyValue:StringEquals", "a", (), NO),
        ("ForAnyValue:StringNotEquals", "a", (), NO),
        ("ForAnyValue:StringNotEquals", "a", ("a", "b"), YES),
        ("ForAllValues:StringEquals", ("a", "b"), ("b", "a"), YES),
        ("ForAllValues:StringLike", "a*", ("ab", "b"), NO),
        ("ForAllValues:StringEquals", "a", (), YES),
        ("ForAllValues:StringEqualsIfExists", "a", (), YES),
        ("StringEquals", "a", ("a", "b"), MAYBE),
        # What nobody here knows.
        ("StringEquals", "a", None, MAYBE),
        ("StringNotEqualsIfExists", "a", None, MAYBE),
        ("ForAllValues:StringEquals", "a", None, MAYBE),
        ("Null", "true", None, MAYBE),
    ],
)
def test_operators(
    operator: str,
    values: str | tuple[str, ...],
    sent: tuple[str, ...] | None,
    expected: Likelihood,
) -> None:
    """Each operator says yes or no of what is known, and unknown of the rest."""
    assert expected == holds(line(operator, values), {"k": sent})


def test_keys() -> None:
    """Condition keys are compared without case, and a key that is not named is unknown."""
    condition = line("StringEquals", "1", key="AWS:SourceAccount")

    assert holds(condition, {"aws:SourceAccount": ("1",)}) is YES
    assert holds(condition, {"aws:SourceArn": ("1",)}) is MAYBE


def test_block() -> None:
    """All lines have to hold, and one that does not decides whatever the others are."""
    known = {"a": ("1",), "b": ("1",)}
    fits, fails = line("StringEquals", "1", key="a"), line("StringEquals", "2", key="b")
    open_ = line("StringEquals", "1", key="c")

    assert hold((), known) is YES
    assert hold((fits, fits), known) is YES
    assert hold((fits, open_), known) is MAYBE
    assert hold((open_, fails), known) is NO


OPERATORS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "ForAnyValue:", "ForAllValues:"]),
    st.sampled_from(
        [
            *("StringEquals", "StringNotLike", "ArnLike", "ArnNotEquals", "Bool", "Null"),
            *("NumericLessThan", "DateGreaterThan", "IpAddress", "NotIpAddress", "Nonsense"),
        ]
    ),
    st.sampled_from(["", "IfExists"]),
)


@given(OPERATORS, st.lists(st.text(max_size=8)), st.none() | st.lists(st.text(max_size=8)))
def test_hostile(operator: str, values: list[str], sent: list[str] | None) -> None:
    """Whatever stands in a condition, there is an answer; without knowledge it is unknown."""
    known = None if sent is None else tuple(sent)

    answer = holds(line(operator, tuple(values)), {"k": known})

    assert isinstance(answer, Likelihood)
    assert sent is not None or answer is MAYBE
