"""Nothing that looks like a template is too strange to be read or refused."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.identity.forms import FORMS
from cdk_loopbreaker.templates.identity.special import SPECIAL
from cdk_loopbreaker.templates.read import read_templates

NAMES = st.sampled_from(["A", "B", "C", "P", "Q", "AWS::Region", "AWS::NoValue", "A.Arn", ""])
FUNCTIONS = st.sampled_from(
    [
        "Ref",
        "Condition",
        "Fn::GetAtt",
        "Fn::Sub",
        "Fn::Join",
        "Fn::Select",
        "Fn::Split",
        "Fn::If",
        "Fn::And",
        "Fn::Or",
        "Fn::Not",
        "Fn::Equals",
        "Fn::FindInMap",
        "Fn::ImportValue",
        "Fn::GetStackOutput",
        "Fn::Base64",
        "Fn::Length",
        "Fn::Cidr",
        "Fn::GetAZs",
        "Fn::ToJsonString",
        "Fn::Transform",
        "Fn::ForEach::L",
        "Fn::Nothing",
    ]
)
TEXTS = NAMES | st.sampled_from(
    ["${A}", "${A.Arn}", "${!A}", "${", "{{resolve:ssm:a}}", "arn:aws:sqs:::x", "0", "a,b", "\n"]
)
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.just(1.5) | TEXTS
PROPERTIES = st.sampled_from(
    [
        "FunctionName",
        "QueueName",
        "BucketName",
        "Name",
        "Path",
        "TopicArn",
        "StreamARN",
        "TemplateURL",
        "Parameters",
        "DefinitionString",
        "Definition",
        "DefinitionUri",
        "DefinitionSubstitutions",
        "FifoQueue",
        "EventBusName",
        "CodeUri",
        "Events",
        "Policies",
        "Role",
        "Location",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(FUNCTIONS | TEXTS, inner, min_size=1, max_size=2)
        | st.tuples(FUNCTIONS, st.lists(inner, min_size=1, max_size=3)).map(lambda one: dict([one]))
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(
    [
        *FORMS,
        *SPECIAL,
        "Custom::X",
        "AWS::New::Thing",
        "A::B::MODULE",
        "AWS::Serverless::Function",
        "AWS::Serverless::StateMachine",
        "AWS::Serverless::Application",
    ]
)
RESOURCES = st.fixed_dictionaries(
    {"Type": TYPES | VALUES},
    optional={
        "Properties": st.dictionaries(PROPERTIES, VALUES, max_size=3) | VALUES,
        "Condition": NAMES | VALUES,
        "Metadata": VALUES,
    },
)
SECTIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"Resources": st.dictionaries(NAMES | FUNCTIONS, RESOURCES | VALUES, min_size=1, max_size=4)},
    optional={
        "Parameters": st.dictionaries(NAMES, VALUES, max_size=2) | VALUES,
        "Conditions": st.dictionaries(NAMES, VALUES, max_size=2) | VALUES,
        "Mappings": st.dictionaries(NAMES, VALUES, max_size=2) | VALUES,
        "Outputs": st.dictionaries(
            NAMES, VALUES | st.fixed_dictionaries({"Value": VALUES, "Export": VALUES}), max_size=2
        ),
        "Transform": VALUES | st.just("AWS::LanguageExtensions"),
        "Globals": VALUES,
    },
)


@pytest.mark.thorough
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(SECTIONS)
@example(
    {"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "A"}}}}}
)
@example({"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": []}}}})
@example({"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": {}}}}})
def test_any_template_is_read_or_refused(body: dict[str, Any]) -> None:
    """With the declared error, and twice the same way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "app.json"
        path.write_text(json.dumps(body))

        first = read_or_refuse(path)

        assert first == read_or_refuse(path)
        assert not isinstance(first, str) or "\n" not in first


def read_or_refuse(path: Path) -> object:
    """What a reading returns, or what it says."""
    try:
        return read_templates([path])
    except TemplateError as error:
        return str(error)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"ab:-[]{}!&*?|>'\"#,. \n\t%@`<~0", "Resources:", "Type:"]), max_size=60
    ).map("".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever an editor left in the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "app.yaml"
        path.write_text(text)

        read_or_refuse(path)
