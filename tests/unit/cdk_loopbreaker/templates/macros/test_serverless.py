"""SAM, expanded without AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.model import Unknown
from tests.unit.cdk_loopbreaker.templates.written import (
    list_words,
    read,
    read_resources,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value

HEAD = "Transform: AWS::Serverless-2016-10-31\n"
FUNCTION = "Type: AWS::Serverless::Function, Metadata: {Own: 1}"
CODE = "CodeUri: src/, Handler: a.b, Runtime: python3.12"


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading needs no Region, no profile and no credentials."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-does-not-exist")


def read_policies(role: Value) -> str:
    """The inline policies of a role, as a text to search in."""
    assert isinstance(role, list)
    return json.dumps(role, default=str)


def test_a_function_becomes_function_role_and_triggers(tmp_path: Path) -> None:
    """Each of them goes back to what was written, with its metadata."""
    text = f"""{HEAD}
Globals: {{Function: {{Timeout: 7, CodeUri: src/}}}}
Resources:
  Queue: {{Type: AWS::SQS::Queue, Properties: {{QueueName: orders}}}}
  Work:
    {{{FUNCTION}, Properties: {{{CODE}, Policies: [AWSLambdaExecute, SQSSendMessagePolicy:
      {{QueueName: !GetAtt Queue.QueueName}}],
      Events: {{Orders: {{Type: SQS, Properties: {{Queue: !GetAtt Queue.Arn}}}}}}}}}}
"""

    resources = read_resources(tmp_path, text)

    function, role, mapping = (resources[name] for name in ("Work", "WorkRole", "WorkOrders"))
    assert function.properties["Timeout"] == 7
    assert function.properties["Role"] == role.arn
    assert mapping.properties["EventSourceArn"] == resources["Queue"].arn
    assert "arn:aws:iam::aws:policy/AWSLambdaExecute" in str(role.properties["ManagedPolicyArns"])
    assert resources["Queue"].arn in read_policies(role.properties["Policies"])
    assert {(one.place.logical_id, one.place.line) for one in (function, role, mapping)} == {
        ("Work", 6)
    }
    assert function.metadata == {"Own": 1}


def test_the_api_of_events_goes_back_to_a_function(tmp_path: Path) -> None:
    """Nobody writes it."""
    text = f"""{HEAD}
Resources:
  Work:
    {{{FUNCTION}, Properties: {{{CODE},
      Events: {{Get: {{Type: Api, Properties: {{Path: /, Method: get}}}}}}}}}}
"""

    resources = read_resources(tmp_path, text)

    assert resources["ServerlessRestApi"].place.logical_id == "Work"
    assert resources["Work"].arn in json.dumps(
        resources["ServerlessRestApi"].properties["Body"], default=str
    )


def test_connectors_become_policies(tmp_path: Path) -> None:
    """What they make goes back to their source."""
    text = f"""{HEAD}
Resources:
  Table: {{Type: AWS::DynamoDB::Table, Properties: {{TableName: orders}}}}
  Work:
    {{{FUNCTION}, Properties: {{{CODE}}}, Connectors:
      {{ToTable: {{Properties: {{Destination: {{Id: Table}}, Permissions: [Write]}}}}}}}}
"""

    templates = read(tmp_path, text)

    (policy,) = (one for one in templates.resources if one.type == "AWS::IAM::ManagedPolicy")
    assert "dynamodb:PutItem" in json.dumps(policy.properties, default=str)
    assert policy.place.logical_id == "Work"


def test_a_local_application_is_a_nested_stack(tmp_path: Path) -> None:
    """With its parameters and outputs; SAM of its own is expanded."""
    write(
        tmp_path,
        f"""{HEAD}
Parameters: {{Name: {{Type: String}}}}
Resources: {{Table: {{Type: AWS::Serverless::SimpleTable, Properties: {{TableName: !Ref Name}}}}}}
Outputs: {{Arn: {{Value: !GetAtt Table.Arn}}}}
""",
        "tables/template.yaml",
    )
    text = f"""{HEAD}
Resources:
  Tables:
    Type: AWS::Serverless::Application
    Properties: {{Location: tables/template.yaml, Parameters: {{Name: orders}}}}
  Subject: {{Type: Custom::X, Properties: {{Value: !GetAtt Tables.Outputs.Arn}}}}
"""

    resources = read_resources(tmp_path, text)

    assert resources["Table"].name == "orders"
    assert resources["Subject"].properties["Value"] == resources["Table"].arn


def test_an_application_of_the_repository_is_reported(tmp_path: Path) -> None:
    """AWS is not asked for it."""
    text = f"""{HEAD}
Resources:
  App:
    Type: AWS::Serverless::Application
    Properties: {{Location: {{ApplicationId: "arn:aws:x", SemanticVersion: 1.0.0}}}}
  Subject: {{Type: Custom::X, Properties: {{Value: !GetAtt App.Outputs.Arn}}}}
"""

    templates = read(tmp_path, text)

    assert list_words(templates) == [
        "the template of nested stack App is not here (its place is not known)"
    ]
    assert templates.resources[0].properties["Value"] == Unknown("output Arn of App")


def test_the_definition_of_an_api_is_read_beside_the_template(tmp_path: Path) -> None:
    """It names the functions that the API invokes."""
    write(tmp_path, "openapi: 3.0.1\npaths: {/a: {get: {responses: {}}}}\ninfo: {}", "api.yaml")
    api = "Type: AWS::Serverless::Api, Properties: {StageName: x, DefinitionUri: api.yaml}"

    resources = read_resources(tmp_path, f"{HEAD}Resources: {{Api: {{{api}}}}}")

    body = resources["Api"].properties["Body"]
    assert isinstance(body, dict)
    assert "/a" in str(body["paths"])


@pytest.mark.parametrize("uri", ["missing.yaml", "s3://bucket/api.yaml"])
def test_a_definition_that_is_not_here_does_not_stop_the_reading(tmp_path: Path, uri: str) -> None:
    """The API is read without it."""
    api = f"Type: AWS::Serverless::Api, Properties: {{StageName: x, DefinitionUri: '{uri}'}}"

    assert "Api" in read_resources(tmp_path, f"{HEAD}Resources: {{Api: {{{api}}}}}")


def test_a_state_machine_has_the_definition_of_its_file(tmp_path: Path) -> None:
    """Substitutions are put in."""
    write(tmp_path, '{"StartAt": "A", "States": {"A": {"Resource": "${Arn}"}}}', "m.asl.json")
    text = f"""{HEAD}
Resources:
  Queue: {{Type: AWS::SQS::Queue, Properties: {{QueueName: orders}}}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {{DefinitionUri: m.asl.json, DefinitionSubstitutions: {{Arn: !GetAtt Queue.Arn}}}}
"""

    resources = read_resources(tmp_path, text)

    definition = resources["Machine"].properties["DefinitionString"]
    assert isinstance(definition, str)
    assert json.loads(definition)["States"]["A"]["Resource"] == resources["Queue"].arn


def test_a_definition_within_the_template_keeps_its_references(tmp_path: Path) -> None:
    """The translator moves them into substitutions."""
    text = f"""{HEAD}
Resources:
  Queue: {{Type: AWS::SQS::Queue, Properties: {{QueueName: orders}}}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {{Definition: {{StartAt: A, States: {{A: {{Resource: !GetAtt Queue.Arn}}}}}}}}
"""

    resources = read_resources(tmp_path, text)

    definition = resources["Machine"].properties["DefinitionString"]
    assert isinstance(definition, str)
    assert json.loads(definition)["States"]["A"]["Resource"] == resources["Queue"].arn


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ("{Runtime: python3.12, CodeUri: x, Events: {A: {Type: Nope}}}", "SAM refuses it.*Nope"),
        ("[a]", "SAM (refuses|cannot read) it"),
        ("{CodeUri: x, Handler: a, Runtime: b, Events: {A: 5}}", "SAM (refuses|cannot read) it"),
    ],
)
def test_what_sam_refuses_is_refused(tmp_path: Path, properties: str, words: str) -> None:
    """In one line, with the file."""
    text = f"{HEAD}Resources: {{A: {{Type: AWS::Serverless::Function, Properties: {properties}}}}}"

    with pytest.raises(TemplateError, match=words) as error:
        read(tmp_path, text)

    assert str(error.value).startswith((tmp_path / "app.yaml").as_posix())
    assert "\n" not in str(error.value)


def test_a_parameter_that_sam_needs_is_made_up(tmp_path: Path) -> None:
    """Otherwise a template without defaults could not be checked."""
    text = f"""{HEAD}
Parameters: {{Stage: {{Type: String}}}}
Resources: {{Work: {{{FUNCTION}, Properties: {{{CODE}, AutoPublishAlias: !Ref Stage}}}}}}
"""

    types = {one.type for one in read(tmp_path, text).resources}

    assert "AWS::Lambda::Alias" in types


def test_the_translator_says_nothing_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Its log is about how AWS uses it."""
    read(tmp_path, f"{HEAD}Resources: {{Work: {{{FUNCTION}, Properties: {{{CODE}}}}}}}")

    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
