"""From files to resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.model import Place
from cdk_loopbreaker.templates.read import read_templates
from tests.unit.cdk_loopbreaker.templates.written import list_words, read, read_resources, write

if TYPE_CHECKING:
    from pathlib import Path

QUEUE = "Resources: {Queue: {Type: AWS::SQS::Queue}}"


def test_a_resource_says_where_it_is_declared(tmp_path: Path) -> None:
    """The line is that of the logical id, the stack is named like the file."""
    text = """
        Resources:
          Queue:
            Type: AWS::SQS::Queue
        """

    (resource,) = read(tmp_path, text).resources

    file = (tmp_path / "app.yaml").as_posix()
    assert resource.place == Place(file=file, line=3, stack="app", logical_id="Queue")


def test_json_tells_lines_too(tmp_path: Path) -> None:
    """The line of a logical id, not of the same key elsewhere."""
    text = '{"Metadata": {"Queue": 1},\n"Resources": {\n\n"Queue": {"Type": "AWS::SQS::Queue"}}}'

    (resource,) = read_templates([write(tmp_path, text, "app.json")]).resources

    assert resource.place.line == 4


def test_a_file_called_template_is_a_stack_named_like_its_folder(tmp_path: Path) -> None:
    """All templates of SAM have the same file name."""
    path = write(tmp_path, QUEUE, "orders/template.yaml")

    assert read_templates([path]).resources[0].stack == "orders"


def test_stacks_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    """Otherwise their generated names would be the same."""
    paths = [write(tmp_path, QUEUE, f"{folder}/app.yaml") for folder in ("a", "b")]

    first, second = read_templates(paths).resources

    assert (first.stack, second.stack) == ("app", "app-2")
    assert first.arn != second.arn


def test_account_and_region_stand_in_where_none_is_told(tmp_path: Path) -> None:
    """They are the same for all stacks, so that their ARNs meet."""
    path = write(tmp_path, QUEUE)

    stood_in = read_templates([path]).resources[0]
    given = read_templates([path], account="111122223333", region="cn-north-1").resources[0]

    assert (stood_in.account, stood_in.region) == ("123456789012", "us-east-1")
    assert (given.account, given.region, given.partition) == (
        "111122223333",
        "cn-north-1",
        "aws-cn",
    )


def test_a_parameter_of_no_template_is_refused(tmp_path: Path) -> None:
    """The message names those that exist."""
    text = f"Parameters: {{Name: {{Type: String}}, Size: {{Type: Number}}}}\n{QUEUE}"

    with pytest.raises(TemplateError, match=r"parameter Nmae is in no template.*Name, Size"):
        read(tmp_path, text, Nmae="x")


def test_a_parameter_is_given_to_every_template_that_declares_it(tmp_path: Path) -> None:
    """A value on the command line goes before a default."""
    text = """
        Parameters: {Name: {Type: String, Default: other}}
        Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Name}}}
        """

    assert read_resources(tmp_path, text, Name="orders")["Queue"].name == "orders"


def test_imports_between_plain_templates_are_resolved(tmp_path: Path) -> None:
    """What one template exports another one imports, in any order."""
    importer = """
        Resources:
          Map:
            Type: AWS::Lambda::EventSourceMapping
            Properties: {EventSourceArn: !ImportValue {"Fn::Sub": "${AWS::Region}-orders"}}
        """
    exporter = """
        Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: orders}}}
        Outputs:
          Arn: {Value: !GetAtt Queue.Arn, Export: {Name: !Sub "${AWS::Region}-orders"}}
        """
    paths = [write(tmp_path, importer, "a.yaml"), write(tmp_path, exporter, "b.yaml")]

    templates = read_templates(paths)

    assert templates.problems == ()
    assert templates.resources[0].properties["EventSourceArn"] == templates.resources[1].arn


def test_an_output_that_does_not_exist_exports_nothing(tmp_path: Path) -> None:
    """Of two outputs with the same export, a condition decides which there is."""
    text = """
        Conditions: {IsFirst: !Equals [a, a], IsSecond: !Not [!Condition IsFirst]}
        Resources: {S: {Type: Custom::X, Properties: {Value: !ImportValue name}}}
        Outputs:
          A: {Value: first, Export: {Name: name}, Condition: IsFirst}
          B: {Value: second, Export: {Name: name}, Condition: IsSecond}
        """

    assert read_resources(tmp_path, text)["S"].properties["Value"] == "first"


def test_an_import_that_nobody_exports_is_reported(tmp_path: Path) -> None:
    """Once, at the resource that needs it."""
    text = """
        Resources:
          Map:
            Type: AWS::Lambda::EventSourceMapping
            Properties: {EventSourceArn: !ImportValue orders, FunctionName: !ImportValue orders}
        """

    (problem,) = read(tmp_path, text).problems

    assert problem.words == "orders is imported, and no template that was read exports it"
    assert problem.place is not None
    assert problem.place.line == 3


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    """Made-up names do not depend on the run."""
    path = write(tmp_path, QUEUE)

    assert read_templates([path]) == read_templates([path])


def test_a_resource_without_a_type_is_reported(tmp_path: Path) -> None:
    """The others are read."""
    text = "Resources: {Queue: {Type: AWS::SQS::Queue}, Broken: [1], Other: {Type: 5}}"

    templates = read(tmp_path, text)

    assert [one.logical_id for one in templates.resources] == ["Queue"]
    assert list_words(templates) == [
        "Broken is no resource: it has no Type",
        "Other is no resource: it has no Type",
    ]
