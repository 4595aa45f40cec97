"""Conditions, and functions that choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.model import MaybeList, MaybeMapping, MaybeText, Unknown
from tests.unit.cdk_loopbreaker.templates.written import (
    evaluate,
    list_words,
    read,
    read_resources,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value

REST = """
Parameters:
  P: {Type: String}
  Stage: {Type: String, Default: prod}
  L: {Type: CommaDelimitedList, Default: 'a, b'}
Mappings:
  Names: {us-east-1: {prod: orders, several: [a, b]}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  IsOpen: !Equals [!Ref P, x]
  IsNumber: !Equals [1, '1']
  IsBoth: !And [!Condition IsProd, !Condition IsOpen]
  IsNeither: !And [!Condition IsDev, !Condition IsOpen]
  IsEither: !Or [!Condition IsProd, !Condition IsOpen]
  IsAny: !Or [!Condition IsDev, !Condition IsOpen]
"""
OPEN = Unknown("condition IsOpen")


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("IsProd", "yes"),
        ("IsDev", "no"),
        ("IsNumber", "yes"),
        ("IsNeither", "no"),
        ("IsEither", "yes"),
        ("IsOpen", Unknown("condition IsOpen")),
        ("IsBoth", Unknown("condition IsBoth")),
        ("IsAny", Unknown("condition IsAny")),
    ],
)
def test_a_condition_has_three_values(tmp_path: Path, condition: str, value: Value) -> None:
    """It is unknown only where what is known does not decide it."""
    assert evaluate(tmp_path, f"!If [{condition}, 'yes', 'no']", REST) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!If [IsOpen, same, same]", "same"),
        ("!If [IsOpen, a, !Ref AWS::NoValue]", "a"),
        ("!If [IsOpen, [a, b], [b, c]]", ["a", "b", "c"]),
        ("!If [IsOpen, [a], b]", ["a", "b"]),
        ("[x, !If [IsOpen, a, b], !If [IsOpen, c, !Ref AWS::NoValue]]", ["x", "a", "b", "c"]),
        ("[!If [IsProd, a, b], !If [IsDev, c, !Ref AWS::NoValue]]", ["a"]),
        (
            "!If [IsOpen, {A: 1, B: [x], C: 1}, {B: [y], C: 2}]",
            {"A": OPEN, "B": ["x", "y"], "C": OPEN},
        ),
    ],
)
def test_both_ways_of_an_unknown_condition_are_joined(
    tmp_path: Path, expression: str, value: Value
) -> None:
    """What may be there is there; what would be two texts is unknown, or a number or none."""
    assert evaluate(tmp_path, expression, REST) == value


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("!If [IsOpen, a, !Ref AWS::NoValue]", MaybeText),
        ("!If [IsOpen, !Ref AWS::NoValue, [a]]", MaybeList),
        ("!If [IsOpen, [a], [a, b]]", MaybeList),
        ("[a, !If [IsOpen, b, !Ref AWS::NoValue]]", MaybeList),
        ("[a, !If [IsOpen, b, b]]", list),
        ("!If [IsOpen, {A: a}, !Ref AWS::NoValue]", MaybeMapping),
        ("!If [IsOpen, {A: a}, {A: b}]", dict),
        ("!If [IsProd, a, !Ref AWS::NoValue]", str),
    ],
)
def test_what_a_condition_may_leave_out_is_marked(
    tmp_path: Path, expression: str, kind: type
) -> None:
    """Whoever reads a restriction can tell that it is none on the other way."""
    assert type(evaluate(tmp_path, expression, REST)) is kind


@pytest.mark.parametrize(
    "expression",
    [
        "!Join ['-', [a, !If [IsOpen, b, !Ref AWS::NoValue]]]",
        "!Select [0, [!If [IsOpen, a, !Ref AWS::NoValue], b]]",
        "!Base64 {Fn::If: [IsOpen, a, !Ref AWS::NoValue]}",
        "!Split ['-', !If [IsOpen, a, !Ref AWS::NoValue]]",
        "!FindInMap [Names, us-east-1, !If [IsOpen, prod, !Ref AWS::NoValue]]",
        "{Fn::ToJsonString: {A: !If [IsOpen, a, !Ref AWS::NoValue]}}",
        "{Fn::Length: [a, !If [IsOpen, b, !Ref AWS::NoValue]]}",
    ],
)
def test_what_is_made_of_an_optional_value_is_unknown(tmp_path: Path, expression: str) -> None:
    """A text or element is another one where a piece or element is left out."""
    assert isinstance(evaluate(tmp_path, expression, REST), Unknown)


def test_a_resource_of_an_unknown_condition_is_not_certain(tmp_path: Path) -> None:
    """Neither is one whose contents such a condition decides."""
    text = f"""{REST}
Resources:
  Gone: {{Type: AWS::SQS::Queue, Condition: IsDev}}
  There: {{Type: AWS::SQS::Queue, Condition: IsProd}}
  Perhaps: {{Type: AWS::SQS::Queue, Condition: IsOpen}}
  Partly: {{Type: AWS::SQS::Queue, Properties: {{Tags: [!If [IsOpen, a, b]]}}}}
"""

    resources = read_resources(tmp_path, text)

    assert {name: one.is_certain for name, one in resources.items()} == {
        "There": True,
        "Perhaps": False,
        "Partly": False,
    }


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Select [1, [a, b]]", "b"),
        ("!Select ['0', !Ref L]", "a"),
        ("!Select [0, [!Ref AWS::NoValue, b]]", "b"),
        ("!FindInMap [Names, !Ref AWS::Region, prod]", "orders"),
        ("!FindInMap [Names, us-east-1, several]", ["a", "b"]),
        ("!FindInMap [Names, !Ref P, prod]", Unknown("parameter P")),
        ("!FindInMap [Names, eu-west-1, prod, {DefaultValue: other}]", "other"),
    ],
)
def test_elements_are_chosen(tmp_path: Path, expression: str, value: Value) -> None:
    """From lists and mappings."""
    assert evaluate(tmp_path, expression, REST) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("!If [Nothing, a, b]", "condition Nothing does not exist"),
        ("!If [IsProd, a]", "Fn::If cannot be read: it takes [condition, value, value]"),
        ("!Select [2, [a, b]]", "Fn::Select takes element 2 of a list of 2"),
        ("!Select [a, [a, b]]", "Fn::Select cannot be read: it takes [index, list]"),
        ("!Select a", "Fn::Select cannot be read: it takes [index, list]"),
        ("!FindInMap [Names, x, y]", "Fn::FindInMap finds nothing under Names, x, y"),
        ("!FindInMap a", "Fn::FindInMap cannot be read: it takes [map, key, key]"),
        ("!Equals [a, b]", "a condition stands in the place of a value"),
    ],
)
def test_what_cannot_be_chosen_is_reported(tmp_path: Path, expression: str, words: str) -> None:
    """And the value is unknown."""
    text = f"{REST}\nResources: {{S: {{Type: Custom::X, Properties: {{Value: {expression}}}}}}}"

    templates = read(tmp_path, text)

    assert list_words(templates) == [words]
    assert isinstance(templates.resources[0].properties["Value"], Unknown)


def test_conditions_that_lead_to_themselves_are_reported(tmp_path: Path) -> None:
    """The resource stays, and is not certain."""
    text = """
        Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}
        Resources: {Queue: {Type: AWS::SQS::Queue, Condition: A}}
        """

    templates = read(tmp_path, text)

    assert [one.is_certain for one in templates.resources] == [False]
    assert list_words(templates) == ["condition A refers to itself"]
