"""References to resources and other stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.model import Unknown
from tests.unit.cdk_loopbreaker.templates.written import evaluate, list_words, read

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value

ARN = "arn:aws:sqs:us-east-1:123456789012:orders"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Ref Queue", "https://sqs.us-east-1.amazonaws.com/123456789012/orders"),
        ("!GetAtt Queue.Arn", ARN),
        ("!GetAtt [Queue, Arn]", ARN),
        ("{'Fn::GetAtt': Queue.Arn}", ARN),
        ("{'Fn::GetAtt': [Queue, !Sub Arn]}", ARN),
        ("!GetAtt Queue.Nothing", Unknown("attribute Nothing of Queue")),
    ],
)
def test_a_reference_gives_what_cloudformation_gives(
    tmp_path: Path, expression: str, value: Value
) -> None:
    """A name, URL or ARN, whatever the type returns."""
    assert evaluate(tmp_path, expression) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("!Ref Nothing", "Nothing is referred to and is neither a resource nor a parameter"),
        ("!GetAtt Nothing.Arn", "Nothing is referred to and is no resource"),
        ("!Ref [a]", "Ref cannot be read: it takes the name of a resource or parameter"),
        ("!GetAtt 'Queue'", "Fn::GetAtt cannot be read: it takes [resource, attribute]"),
        ("!GetAtt {a: b}", "Fn::GetAtt cannot be read: it takes [resource, attribute]"),
        ("!ImportValue x", "x is imported, and no template that was read exports it"),
        ("!ImportValue [x]", "the name of an import is not known (no text)"),
        (
            "!ImportValue {'Fn::Sub': '${P}-x'}",
            "the name of an import is not known (parameter P)",
        ),
        (
            "{'Fn::GetStackOutput': {StackName: A, OutputName: B}}",
            "output B of stack A is in no template that was read",
        ),
        (
            "{'Fn::GetStackOutput': {StackName: !Ref P, OutputName: B}}",
            "the stack or output of an Fn::GetStackOutput is not known",
        ),
        (
            "{'Fn::GetStackOutput': a}",
            "Fn::GetStackOutput cannot be read: it takes StackName and OutputName",
        ),
    ],
)
def test_a_reference_to_nothing_is_reported(tmp_path: Path, expression: str, words: str) -> None:
    """The value is unknown, and everything else is read."""
    text = f"""
Parameters: {{P: {{Type: String}}}}
Resources:
  Queue: {{Type: AWS::SQS::Queue}}
  S: {{Type: Custom::X, Properties: {{Value: {expression}}}}}
"""

    templates = read(tmp_path, text)

    assert list_words(templates) == [words]
    assert isinstance(templates.resources[1].properties["Value"], Unknown)


def test_names_that_need_each_other_are_reported(tmp_path: Path) -> None:
    """Both resources are read, under a name that was made up for one of them."""
    text = """
        Resources:
          A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}
          B: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt A.QueueName}}
        """

    templates = read(tmp_path, text)

    assert "the name of A refers to A itself" in list_words(templates)
    assert all(one.arn for one in templates.resources)


def test_long_chains_of_references_are_bounded(tmp_path: Path) -> None:
    """Neither the interpreter's stack nor the user's patience ends first."""
    queue = (
        "  Q{}: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !Sub 'x${{Q{}.QueueName}}'}}}}"
    )
    queues = "\n".join(queue.format(number, number + 1) for number in range(1000))

    templates = read(tmp_path, f"Resources:\n{queues}\n  Q1000: {{Type: AWS::SQS::Queue}}")

    assert "values and references nest more than 200 deep" in list_words(templates)
    assert len(templates.resources) == 1001
