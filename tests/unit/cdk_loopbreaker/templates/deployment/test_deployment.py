"""Stacks that are read together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.model import Unknown
from cdk_loopbreaker.templates.read import read_templates
from tests.unit.cdk_loopbreaker.templates.written import list_words, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Resource, Templates

PARENT = """
    Resources:
      Queues:
        Type: AWS::CloudFormation::Stack
        Properties:
          TemplateURL: nested/queues.yaml
          Parameters: {Name: !GetAtt Topic.TopicName, Size: 5}
      Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: orders}}
      Map:
        Type: AWS::Lambda::EventSourceMapping
        Properties: {EventSourceArn: !GetAtt Queues.Outputs.Arn}
    """
CHILD = """
    Parameters: {Name: {Type: String}, Size: {Type: Number}}
    Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${Name}-${Size}"}}}
    Outputs: {Arn: {Value: !GetAtt Queue.Arn}}
    """


def index(templates: Templates) -> Mapping[str, Resource]:
    """Resources by logical id."""
    return {one.logical_id: one for one in templates.resources}


@pytest.mark.parametrize("names", [["app.yaml"], ["app.yaml", "nested/queues.yaml"], ["."]])
def test_a_nested_stack_gets_parameters_and_gives_outputs(tmp_path: Path, names: list[str]) -> None:
    """It is read once, whether its file is named, found or only referred to."""
    write(tmp_path, PARENT)
    write(tmp_path, CHILD, "nested/queues.yaml")

    templates = read_templates([tmp_path / name for name in names])

    found = index(templates)
    assert templates.problems == ()
    assert len(templates.resources) == 4
    assert found["Queue"].name == "orders-5"
    assert found["Map"].properties["EventSourceArn"] == found["Queue"].arn
    assert found["Queue"].place.file.endswith("nested/queues.yaml")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("missing.yaml", "the template of nested stack Nested is missing: missing.yaml"),
        (
            "https://s3.amazonaws.com/b/k.yaml",
            "the template of nested stack Nested is not here (https://s3.amazonaws.com/b/k.yaml)",
        ),
        (
            "!Ref P",
            "the template of nested stack Nested is not here (its place is not known)",
        ),
    ],
)
def test_a_nested_template_that_is_not_here_is_reported(
    tmp_path: Path, location: str, words: str
) -> None:
    """Once, and its outputs are unknown."""
    text = f"""
        Parameters: {{P: {{Type: String}}}}
        Resources:
          Nested: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {location}}}}}
          Subject: {{Type: Custom::X, Properties: {{A: !GetAtt Nested.Outputs.Arn}}}}
        """

    templates = read_templates([write(tmp_path, text)])

    assert list_words(templates) == [words]
    assert index(templates)["Subject"].properties["A"] == Unknown("output Arn of Nested")


def test_a_template_that_nests_itself_is_bounded(tmp_path: Path) -> None:
    """CloudFormation would refuse it."""
    text = """
        Resources:
          Nested: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: app.yaml}}
        """

    templates = read_templates([write(tmp_path, text)])

    assert list_words(templates) == ["nested stack Nested nests too deeply, or itself"]


@pytest.mark.thorough
def test_templates_that_nest_many_are_bounded(tmp_path: Path) -> None:
    """Ten levels of ten stacks are ten thousand million."""
    nested = "\n".join(
        f"  N{n}: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: app.yaml}}}}"
        for n in range(10)
    )

    with pytest.raises(TemplateError, match="stack 2001"):
        read_templates([write(tmp_path, f"Resources:\n{nested}")])


def test_nested_stacks_that_need_each_other_are_reported(tmp_path: Path) -> None:
    """The value is unknown."""
    parent = """
        Resources:
          A:
            Type: AWS::CloudFormation::Stack
            Properties: {TemplateURL: a.yaml, Parameters: {Name: !GetAtt B.Outputs.Name}}
          B:
            Type: AWS::CloudFormation::Stack
            Properties: {TemplateURL: a.yaml, Parameters: {Name: !GetAtt A.Outputs.Name}}
        """
    child = """
        Parameters: {Name: {Type: String}}
        Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Name}}}
        Outputs: {Name: {Value: !Sub "${Name}-x"}}
        """
    write(tmp_path, child, "a.yaml")

    templates = read_templates([write(tmp_path, parent)])

    assert len([one for one in templates.resources if one.type == "AWS::SQS::Queue"]) == 2
    assert any("refers to itself" in words for words in list_words(templates))


def test_an_output_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    """With the template in which it is missing."""
    write(tmp_path, PARENT.replace("Outputs.Arn", "Outputs.Url"))
    write(tmp_path, CHILD, "nested/queues.yaml")

    (words,) = list_words(read_templates([tmp_path / "app.yaml"]))

    assert words.startswith("output Url of Queues does not exist in ")


def test_a_nested_template_that_nobody_can_ask_about_is_refused(tmp_path: Path) -> None:
    """No file has so long a name."""
    text = f"""
        Resources:
          Nested:
            Type: AWS::CloudFormation::Stack
            Properties: {{TemplateURL: {"a" * 300}.yaml}}
        """

    with pytest.raises(TemplateError, match=r"a\.yaml: cannot be read \(File name too long\)"):
        read_templates([write(tmp_path, text)])
