"""Values of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.model import Unknown
from tests.unit.cdk_loopbreaker.templates.written import evaluate, list_words, read

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("{Type: String, Default: a}", "a"),
        ("{Type: String, Default: ''}", ""),
        ("{Type: Number, Default: 5}", "5"),
        ("{Type: String, Default: true}", "true"),
        ("{Type: String, AllowedValues: [a]}", "a"),
        ("{Type: String, AllowedValues: [a, b]}", Unknown("parameter P")),
        ("{Type: String}", Unknown("parameter P")),
        ("{Type: CommaDelimitedList, Default: 'a, b'}", ["a", "b"]),
        ("{Type: List<Number>, Default: '1,2'}", ["1", "2"]),
        (
            "{Type: 'AWS::SSM::Parameter::Value<String>', Default: /name}",
            Unknown("parameter P from Parameter Store"),
        ),
        ("{Type: 'AWS::SSM::Parameter::Name', Default: /name}", "/name"),
        ("5", Unknown("parameter P")),
        ("{Default: [a]}", Unknown("parameter P")),
    ],
)
def test_a_parameter_has_its_default(tmp_path: Path, parameter: str, value: Value) -> None:
    """One from Parameter Store only names its value."""
    assert evaluate(tmp_path, "!Ref P", f"Parameters: {{P: {parameter}}}") == value


def test_a_given_value_goes_first(tmp_path: Path) -> None:
    """It is split where the parameter is a list."""
    rest = "Parameters: {P: {Type: CommaDelimitedList, Default: x}}"

    assert evaluate(tmp_path, "!Ref P", rest, P="a,b") == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AccountId", "123456789012"),
        ("Region", "us-east-1"),
        ("Partition", "aws"),
        ("URLSuffix", "amazonaws.com"),
        ("StackName", "app"),
        ("NoValue", None),
        ("NotificationARNs", []),
    ],
)
def test_pseudo_parameters_are_known(tmp_path: Path, name: str, value: Value) -> None:
    """A property that is `AWS::NoValue` is left out."""
    assert evaluate(tmp_path, f"!Ref AWS::{name}") == value


def test_the_id_of_a_stack_has_the_shape_of_an_arn(tmp_path: Path) -> None:
    """Templates cut the UUID out of it to make names unique."""
    unique = evaluate(tmp_path, "!Select [2, !Split [/, !Ref AWS::StackId]]")

    assert isinstance(unique, str)
    assert [len(part) for part in unique.split("-")] == [8, 4, 4, 4, 12]


def test_an_unknown_pseudo_parameter_is_reported(tmp_path: Path) -> None:
    """It is a typing error."""
    text = "Resources: {S: {Type: Custom::X, Properties: {Value: !Ref AWS::Regon}}}"

    assert list_words(read(tmp_path, text)) == [
        "AWS::Regon is no pseudo parameter of CloudFormation"
    ]


def test_a_parameter_that_cloudformation_would_refuse_is_unknown(tmp_path: Path) -> None:
    """A list of a million elements would be read again wherever it is used."""
    rest = f"Parameters: {{P: {{Type: CommaDelimitedList, Default: '{'a,' * 2049}'}}}}"

    assert evaluate(tmp_path, "!Ref P", rest) == Unknown("parameter P")
