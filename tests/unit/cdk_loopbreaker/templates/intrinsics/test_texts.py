"""Functions that make texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.model import Partial, Unknown
from tests.unit.cdk_loopbreaker.templates.written import evaluate, list_words, read

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value

P = "Parameters: {P: {Type: String}, L: {Type: CommaDelimitedList, Default: 'a, b'}}"
UNKNOWN = Unknown("parameter P")
ARN = "arn:aws:sqs:us-east-1:123456789012:orders"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Sub 'a-${Queue.Arn}-b'", f"a-{ARN}-b"),
        ("!Sub ['${X}-${AWS::Region}', {X: !GetAtt Queue.QueueName}]", "orders-us-east-1"),
        ("!Sub 'a-${!Literal}'", "a-${Literal}"),
        ("!Sub ['a']", "a"),
        ("!Sub 'a-${P}-b'", Partial(("a-", UNKNOWN, "-b"))),
        ("!Sub '${P}'", UNKNOWN),
        ("!Sub '${P}${P}'", UNKNOWN),
        ("!Join ['-', [a, !Ref P, b]]", Partial(("a-", UNKNOWN, "-b"))),
        ("!Join [',', !Ref L]", "a,b"),
        ("!Join ['', [a, 1, true]]", "a1true"),
        ("!Join ['', [a, !Ref AWS::NoValue]]", "a"),
        ("!Join [',', !Split ['-', !Ref P]]", UNKNOWN),
        ("!Split ['-', a-b]", ["a", "b"]),
        ("!Split ['-', !Sub 'a-b${P}-c']", ["a", Partial(("b", UNKNOWN))]),
        ("!Select [1, !Split ['-', !Sub 'a-b${P}']]", Partial(("b", UNKNOWN))),
        ("!Base64 a", "YQ=="),
        ("!Base64 {Ref: P}", UNKNOWN),
        ("{'Fn::ToJsonString': {a: [1, !Ref P]}}", Partial(('{"a":[1,"', UNKNOWN, '"]}'))),
        ("{'Fn::Length': !Ref L}", 2),
        ("!GetAZs ''", Unknown("availability zones")),
        ("!Select [0, !Cidr [10.0.0.0/16, 2, 8]]", Unknown("address ranges")),
        (
            "'x{{resolve:ssm:/name}}y'",
            Partial(("x", Unknown("dynamic reference ssm:/name"), "y")),
        ),
        ("!Sub '{{resolve:ssm:/${AWS::Region}}}'", Unknown("dynamic reference ssm:/us-east-1")),
    ],
)
def test_texts_are_put_together(tmp_path: Path, expression: str, value: Value) -> None:
    """What is unknown stays visible in what is known."""
    assert evaluate(tmp_path, expression, P) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("!Sub {a: b}", "Fn::Sub cannot be read: it takes a text, or [text, variables]"),
        ("!Sub '${Nothing}'", "Nothing is referred to and is neither a resource nor a parameter"),
        ("!Join a", "Fn::Join cannot be read: it takes [delimiter, list]"),
        ("!Join ['', a]", "Fn::Join cannot be read: it takes [delimiter, list]"),
        ("!Split ['', a]", "Fn::Split cannot be read: it takes [delimiter, text]"),
        ("!Base64 [a]", "Fn::Base64 cannot be read: it takes a text"),
        ("!New a", "Fn::New is not a function that is known here"),
        ("{'Fn::New': 1, b: 2}", "Fn::New stands beside other keys; what it adds is not known"),
    ],
)
def test_what_cannot_be_read_is_reported(tmp_path: Path, expression: str, words: str) -> None:
    """At the resource where it stands."""
    text = f"Resources: {{Subject: {{Type: Custom::X, Properties: {{Value: {expression}}}}}}}"

    templates = read(tmp_path, text)

    assert list_words(templates) == [words]
    assert templates.problems[0].place == templates.resources[0].place


def test_what_nobody_can_know_is_not_reported(tmp_path: Path) -> None:
    """The reason travels with the value; whoever needs the value reports it."""
    text = f"{P}\nResources: {{Subject: {{Type: Custom::X, Properties: {{Value: !Ref P}}}}}}"

    assert read(tmp_path, text).problems == ()


def test_texts_that_double_are_bounded(tmp_path: Path) -> None:
    """Forty lines would make a text of a terabyte."""
    texts = "\n".join(
        f"  M{n}: {{Type: Custom::X, Properties: {{Value: 1}}}}\n"
        f"  Q{n}: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !Sub "
        f"'${{Q{n - 1}.QueueName}}${{Q{n - 1}.QueueName}}'}}}}"
        for n in range(1, 41)
    )
    first = "  Q0: {Type: AWS::SQS::Queue, Properties: {QueueName: abc}}"

    templates = read(tmp_path, f"Resources:\n{first}\n{texts}")

    words = "functions of the templates make more than 20,000,000 characters"
    assert words in list_words(templates)
