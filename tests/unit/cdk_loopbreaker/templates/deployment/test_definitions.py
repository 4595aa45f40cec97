"""Definitions of state machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.model import Partial, Unknown
from tests.unit.cdk_loopbreaker.templates.written import (
    list_words,
    read,
    read_resources,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value

TEXT = """
Parameters: {{P: {{Type: String}}}}
Resources:
  M: {{Type: AWS::StepFunctions::StateMachine, Properties: {{{}}}}}
"""


@pytest.mark.parametrize(
    ("properties", "definition"),
    [
        ("DefinitionString: 'x'", "x"),
        ("DefinitionString: !Sub 'x${P}'", Partial(("x", Unknown("parameter P")))),
        ("Definition: {StartAt: A}", '{"StartAt":"A"}'),
        ("Definition: {StartAt: !Ref P}", Partial(('{"StartAt":"', Unknown("parameter P"), '"}'))),
        (
            "DefinitionString: '${a}${b}', DefinitionSubstitutions: {a: 1, b: !Ref P}",
            Partial(("1", Unknown("parameter P"))),
        ),
        ("DefinitionString: '${other}', DefinitionSubstitutions: {a: 1}", "${other}"),
        ("StateMachineName: x", None),
    ],
)
def test_a_definition_is_a_text(tmp_path: Path, properties: str, definition: Value) -> None:
    """Wherever it stands, with its substitutions put in."""
    machine = read_resources(tmp_path, TEXT.format(properties))["M"]

    assert machine.properties.get("DefinitionString") == definition
    assert "Definition" not in machine.properties


@pytest.mark.parametrize(
    ("name", "text"), [("m.asl.json", '{"StartAt": "A"}'), ("m.asl.yaml", "StartAt: A")]
)
def test_a_file_beside_the_template_is_read(tmp_path: Path, name: str, text: str) -> None:
    """As people keep it before they package a template."""
    write(tmp_path, text, name)

    machine = read_resources(tmp_path, TEXT.format(f"DefinitionS3Location: {name}"))["M"]

    definition = machine.properties["DefinitionString"]
    assert isinstance(definition, str)
    assert json.loads(definition) == {"StartAt": "A"}


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("missing.json", "the definition missing.json of a state machine cannot be read"),
        (
            "{Bucket: a, Key: b}",
            "the definition of a state machine is in S3 and cannot be read here",
        ),
    ],
)
def test_a_definition_that_is_not_here_is_reported(
    tmp_path: Path, location: str, words: str
) -> None:
    """It is unknown, not empty."""
    templates = read(tmp_path, TEXT.format(f"DefinitionS3Location: {location}"))

    assert list_words(templates) == [words]
    assert isinstance(templates.resources[0].properties["DefinitionString"], Unknown)
