"""Templates that tests write, and what a reading makes of them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from cdk_loopbreaker.templates.read import read_templates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Resource, Templates, Value


def write(folder: Path, text: str, name: str = "app.yaml") -> Path:
    """A file with a text, which may be indented as the test is."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def read(folder: Path, text: str, **parameters: str) -> Templates:
    """What a template says."""
    return read_templates([write(folder, text)], parameters=parameters)


def read_resources(folder: Path, text: str, **parameters: str) -> Mapping[str, Resource]:
    """The resources of a template by logical id."""
    return {one.logical_id: one for one in read(folder, text, **parameters).resources}


def evaluate(folder: Path, expression: str, rest: str = "", **parameters: str) -> Value:
    """The value of an expression of YAML, in a template with the rest beside it."""
    text = "\n".join(
        (
            textwrap.dedent(rest),
            "Resources:",
            "  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: orders}}",
            "  Subject:",
            "    Type: Custom::Subject",
            "    Properties:",
            f"      Value: {expression}",
        )
    )
    return read_resources(folder, text, **parameters)["Subject"].properties.get("Value")


def list_words(templates: Templates) -> list[str]:
    """What the problems of a reading say."""
    return [one.words for one in templates.problems]
