"""YAML with the short forms of CloudFormation."""

from __future__ import annotations

import pytest

from cdk_loopbreaker.templates.documents.text_error import TextError
from cdk_loopbreaker.templates.documents.yaml_text import parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Queue", {"Ref": "Queue"}),
        ("!Condition IsProd", {"Condition": "IsProd"}),
        ("!GetAtt Queue.Arn", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ("!GetAtt Nested.Outputs.Arn", {"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        ("!GetAtt [Queue, Arn]", {"Fn::GetAtt": ["Queue", "Arn"]}),
        ("!Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
        ("!Join ['', [a, !Ref B]]", {"Fn::Join": ["", ["a", {"Ref": "B"}]]}),
        ("!Base64 {'Fn::Sub': x}", {"Fn::Base64": {"Fn::Sub": "x"}}),
        ("!Ref 5", {"Ref": "5"}),
        ("!New [1]", {"Fn::New": [1]}),
    ],
)
def test_short_forms_are_written_out(text: str, value: object) -> None:
    """They become what JSON has for them."""
    assert parse_yaml(f"a: {text}")[0] == {"a": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2012-10-17", "2012-10-17"),
        ("012345678901", "012345678901"),
        ("123456789012", 123456789012),
        ("'5'", "5"),
        ("1.5", 1.5),
        ("1e5", "1e5"),
        ("true", True),
        ("No", False),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("!!str 5", "5"),
    ],
)
def test_plain_texts_have_the_type_that_cloudformation_gives_them(text: str, value: object) -> None:
    """A date stays a text, as policies need it, and so does an account id with a zero in front."""
    assert parse_yaml(f"a: {text}")[0] == {"a": value}


def test_keys_are_texts() -> None:
    """Even where YAML has another type for them."""
    assert parse_yaml("{1: a, true: b, ~: c}")[0] == {"1": "a", "true": "b", "~": "c"}


def test_lines_are_those_of_logical_ids() -> None:
    """Keys elsewhere and deeper do not count."""
    text = "Outputs:\n  A: 1\nResources:\n  A:\n    B: 1\n  # more\n  C: {}\n"

    assert parse_yaml(text)[1] == {"A": 4, "C": 7}


def test_anchors_and_merges_are_resolved() -> None:
    """What a mapping says itself wins."""
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n"

    assert parse_yaml(text)[0] == {
        "a": {"x": 1, "y": 2},
        "b": {"y": 3, "x": 1},
        "c": {"x": 1, "y": 2},
    }


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a: [1\nb: 2", "did not find", 2),
        ("a: 1\n  b: 2", "mapping values are not allowed", 2),
        ("a: *none", "undefined alias|stands for nothing", 1),
        ("a: &a [*a]", "stands for nothing, or for itself", 1),
        ("a: 1\n---\nb: 2", "a second document begins", 2),
        ("a: 1\n? [b]\n: 2", "cannot be a key", 2),
        ("a: 1\nb: \x07", "control character", 2),
        ("a:\n\t- b", "cannot start any token", 2),
        ("[" * 50_000, "nest more than 100 deep", 1),
    ],
)
def test_what_cannot_be_parsed_is_refused_with_its_line(text: str, words: str, line: int) -> None:
    """One clear cause, and no endless work."""
    with pytest.raises(TextError, match=words) as error:
        parse_yaml(text)

    assert error.value.line == line


def test_aliases_that_multiply_are_refused() -> None:
    """Ten lines may stand for millions of values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    with pytest.raises(TextError, match="unfolds to more than 500,000 values"):
        parse_yaml("\n".join(lines))


def test_aliases_that_nest_are_refused() -> None:
    """Each is shallow, all together are not."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200)]

    with pytest.raises(TextError, match="nest more than 100 deep"):
        parse_yaml("\n".join(lines))
