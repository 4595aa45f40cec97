"""`AWS::Include`, and transforms that are not carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.cdk_loopbreaker.templates.written import (
    list_words,
    read,
    read_resources,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

INCLUDE = "{Name: AWS::Include, Parameters: {Location: more.yaml}}"


def test_a_file_beside_the_template_is_included(tmp_path: Path) -> None:
    """Beside other keys, or as a whole value."""
    write(tmp_path, "QueueName: orders\nTags: [a]", "more.yaml")
    text = f"""
        Resources:
          Queue: {{Type: AWS::SQS::Queue, Properties: {{'Fn::Transform': {INCLUDE}}}}}
          S: {{Type: Custom::X, Properties: {{A: 1, B: !Transform {INCLUDE}}}}}
        """

    resources = read_resources(tmp_path, text)

    assert resources["Queue"].name == "orders"
    assert resources["S"].properties["B"] == {"QueueName": "orders", "Tags": ["a"]}


def test_a_file_may_be_included_into_the_template_as_a_whole(tmp_path: Path) -> None:
    """Its sections are joined with those of the template."""
    write(tmp_path, "Resources: {More: {Type: AWS::SQS::Queue}}", "more.yaml")

    resources = read_resources(
        tmp_path, f"Transform: {INCLUDE}\nResources: {{Queue: {{Type: AWS::SQS::Queue}}}}"
    )

    assert set(resources) == {"Queue", "More"}


def test_what_is_not_here_is_reported(tmp_path: Path) -> None:
    """A file in S3, and macros that only AWS can carry out."""
    text = """
        Transform: [MyMacro, AWS::LanguageExtensions]
        Resources:
          S:
            Type: Custom::X
            Properties:
              A: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: 's3://b/k'}}}
              B: {'Fn::Transform': {Name: Mine}}
              C: {'Fn::Transform': 5}
        """

    assert list_words(read(tmp_path, text)) == [
        "AWS::Include of s3://b/k is not carried out here; what it adds is missing",
        "Fn::Transform is not carried out here; what it adds is missing",
        "Transform Mine is not carried out here; what it adds is missing",
        "macro MyMacro is not carried out here; what it changes is not known",
    ]
