"""`Fn::ForEach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.errors import TemplateError
from tests.unit.cdk_loopbreaker.templates.written import list_words, read, read_resources

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Transform: AWS::LanguageExtensions\n"


def test_a_loop_makes_a_resource_for_each_element(tmp_path: Path) -> None:
    """The element stands in logical ids, texts and references."""
    text = f"""{HEAD}
Resources:
  Fn::ForEach::Queues:
    - Name
    - [orders, in.voices]
    - "Queue&{{Name}}":
        Type: AWS::SQS::Queue
        Properties: {{QueueName: !Sub "${{Name}}-${{AWS::Region}}", Tags: [!Ref Name]}}
"""

    resources = read_resources(tmp_path, text)

    assert set(resources) == {"Queueorders", "Queueinvoices"}
    assert resources["Queueinvoices"].name == "in.voices-us-east-1"
    assert resources["Queueinvoices"].properties["Tags"] == ["in.voices"]


def test_a_loop_may_run_over_a_parameter_and_in_another_loop(tmp_path: Path) -> None:
    """Lists of parameters are known by their defaults."""
    text = f"""{HEAD}
Parameters: {{Names: {{Type: CommaDelimitedList, Default: "a,b"}}}}
Resources:
  Fn::ForEach::Outer:
    - Name
    - !Ref Names
    - Fn::ForEach::Inner:
        - Kind
        - [X, Y]
        - "${{Name}}${{Kind}}": {{Type: AWS::SQS::Queue}}
"""

    assert set(read_resources(tmp_path, text)) == {"aX", "aY", "bX", "bY"}


def test_a_loop_may_make_properties(tmp_path: Path) -> None:
    """Anywhere in a template."""
    text = f"""{HEAD}
Resources:
  S: {{Type: Custom::X, Properties: {{"Fn::ForEach::A": [K, [a, b], {{"P${{K}}": !Ref K}}]}}}}
"""

    assert read_resources(tmp_path, text)["S"].properties == {"Pa": "a", "Pb": "b"}


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        ("a", "Fn::ForEach Loop cannot be read: it takes [name, list, fragment]"),
        (
            "[K, !Ref P, {'A${K}': {Type: AWS::SQS::Queue}}]",
            "the list of Fn::ForEach Loop is not known; what it makes is missing",
        ),
    ],
)
def test_a_loop_that_is_not_known_is_reported(tmp_path: Path, loop: str, words: str) -> None:
    """The rest is read."""
    text = f"""{HEAD}
Parameters: {{P: {{Type: CommaDelimitedList}}}}
Resources:
  Queue: {{Type: AWS::SQS::Queue}}
  Fn::ForEach::Loop: {loop}
"""

    templates = read(tmp_path, text)

    assert list_words(templates) == [words]
    assert [one.logical_id for one in templates.resources] == ["Queue"]


@pytest.mark.thorough
def test_loops_that_multiply_are_refused(tmp_path: Path) -> None:
    """Eight loops of ten elements make a hundred million resources."""
    fragment = "{'A${K0}${K1}': {Type: AWS::SQS::Queue}}"
    for number in range(8):
        elements = ", ".join(f"e{index}" for index in range(10))
        fragment = f"{{'Fn::ForEach::L{number}': [K{number}, [{elements}], {fragment}]}}"

    with pytest.raises(TemplateError, match="Fn::ForEach makes too much of it"):
        read(tmp_path, f"{HEAD}Resources: {fragment}")
