"""Cloud assemblies of the CDK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.errors import TemplateError
from cdk_loopbreaker.templates.read import read_templates

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://s3.${AWS::Region}.${AWS::URLSuffix}/cdk-assets-${AWS::Region}/0123abcd.json"
ARN = "arn:aws:sqs:eu-west-1:111122223333:orders"


def put(path: Path, values: object) -> None:
    """A file of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def stack(template: str, environment: str, **more: object) -> dict[str, object]:
    """A stack as a manifest has it."""
    properties = {"templateFile": template, **more}
    return {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "properties": properties,
    }


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """A stack with a nested one, and a stage with a stack that uses it."""
    folder = tmp_path / "cdk.out"
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}
    output = {
        "Fn::GetStackOutput": {
            "StackName": "Prod-A",
            "Region": {"Ref": "AWS::Region"},
            "OutputName": "Arn",
        }
    }
    artifacts: dict[str, object] = {
        "A": stack("A.template.json", "aws://111122223333/eu-west-1", stackName="Prod-A"),
        "assembly-Stage": {
            "type": "cdk:cloud-assembly",
            "properties": {"directoryName": "assembly-Stage"},
        },
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }
    artifacts["A"]["additionalMetadataFile"] = "A.metadata.json"  # type: ignore[index]
    put(folder / "manifest.json", {"version": "55.0.0", "artifacts": artifacts})
    put(
        folder / "A.template.json",
        {
            "Resources": {
                "Queue": queue,
                "Nested": {
                    "Type": "AWS::CloudFormation::Stack",
                    "Properties": {"TemplateURL": {"Fn::Sub": URL}},
                },
            },
            "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}},
        },
    )
    put(folder / "AN.nested.template.json", {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    put(
        folder / "A.assets.json",
        {
            "files": {
                "0123abcd": {
                    "source": {"path": "AN.nested.template.json"},
                    "destinations": {"x": {"objectKey": "0123abcd.json"}},
                }
            }
        },
    )
    put(
        folder / "A.metadata.json",
        {
            "/A": [{"type": "aws:cdk:templateFile", "data": "A.template.json"}],
            "/A/Queue/Resource": [{"type": "aws:cdk:logicalId", "data": "Queue"}],
            "/A/Queue": [
                {
                    "type": "aws:cdk:acknowledged-rules",
                    "data": {"loopbreaker::LB001": "three rounds", "other::X": "no"},
                }
            ],
            "/A/N": [{"type": "aws:cdk:templateFile", "data": "AN.nested.template.json"}],
            "/A/N/Queue/Resource": [{"type": "aws:cdk:logicalId", "data": "Queue"}],
        },
    )
    stage = folder / "assembly-Stage"
    artifacts = {"B": stack("B.template.json", "aws://111122223333/eu-west-1")}
    put(stage / "manifest.json", {"version": "55.0.0", "artifacts": artifacts})
    put(
        stage / "B.template.json",
        {"Resources": {"S": {"Type": "Custom::X", "Properties": {"Value": output}}}},
    )
    return folder


def test_all_stacks_are_read_together(assembly: Path) -> None:
    """Stages and nested stacks too, each in its environment and under its name."""
    templates = read_templates([assembly])

    found = [(one.stack, one.logical_id, one.region) for one in templates.resources]
    nested = next(one for one in templates.resources if one.stack.startswith("Prod-A-Nested"))
    assert templates.problems == ()
    assert found == [
        ("Prod-A", "Queue", "eu-west-1"),
        ("Prod-A", "Nested", "eu-west-1"),
        ("B", "S", "eu-west-1"),
        (nested.stack, "Queue", "eu-west-1"),
    ]
    assert templates.resources[2].properties["Value"] == ARN


def test_construct_paths_come_from_the_metadata_of_the_assembly(assembly: Path) -> None:
    """A nested stack has the same logical ids as the stack that nests it."""
    templates = read_templates([assembly])

    paths = [one.place.construct_path for one in templates.resources]
    assert paths == ["A/Queue/Resource", "", "", "A/N/Queue/Resource"]


def test_acknowledged_rules_are_found(assembly: Path) -> None:
    """Those of Loopbreaker, without its prefix."""
    assert read_templates([assembly]).acknowledged == {"A/Queue": {"LB001": "three rounds"}}


def test_an_assembly_within_a_folder_is_read_as_one(assembly: Path) -> None:
    """A project's folder holds it beside the code."""
    assert len(read_templates([assembly.parent]).resources) == 4


def test_an_environment_that_is_not_known_gets_the_given_one(assembly: Path) -> None:
    """As where the CDK is not told the account."""
    artifacts = {"A": stack("A.template.json", "aws://unknown-account/unknown-region")}
    put(assembly / "manifest.json", {"artifacts": artifacts})

    resource = read_templates([assembly], account="444455556666").resources[0]

    assert (resource.account, resource.region) == ("444455556666", "us-east-1")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"artifacts": {"A": {"type": "aws:cloudformation:stack"}}}, "stack A names no template"),
        (
            {"artifacts": {"A": stack("missing.json", "aws://1/2")}},
            "missing.json: does not exist",
        ),
        (
            {"artifacts": {"A": {"type": "cdk:cloud-assembly"}}},
            "manifest.json: A names no assembly",
        ),
        (
            {
                "artifacts": {
                    "A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}
                }
            },
            "names no assembly",
        ),
        ({"note": "aws:cloudformation:stack"}, "an assembly without a stack"),
    ],
)
def test_a_broken_assembly_is_refused(assembly: Path, manifest: object, words: str) -> None:
    """In one line, with the file."""
    put(assembly / "manifest.json", manifest)

    with pytest.raises(TemplateError, match=words):
        read_templates([assembly])


def test_a_stack_may_be_empty(tmp_path: Path) -> None:
    """The CDK writes a template without resources for a stack that holds none."""
    artifacts = {
        "A": stack("A.template.json", "aws://111122223333/eu-west-1"),
        "B": stack("B.template.json", "aws://111122223333/eu-west-1"),
    }
    put(tmp_path / "manifest.json", {"version": "55.0.0", "artifacts": artifacts})
    put(tmp_path / "A.template.json", {"Parameters": {}})
    put(tmp_path / "B.template.json", {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})

    assert [one.logical_id for one in read_templates([tmp_path]).resources] == ["Queue"]


@pytest.mark.parametrize("values", [[], {"Resources": {"Queue": {}}}, {"Resources": [1]}])
def test_a_stack_that_is_no_template_is_refused(tmp_path: Path, values: object) -> None:
    """The error names the file."""
    artifacts = {"A": stack("A.template.json", "aws://111122223333/eu-west-1")}
    put(tmp_path / "manifest.json", {"version": "55.0.0", "artifacts": artifacts})
    put(tmp_path / "A.template.json", values)

    with pytest.raises(TemplateError, match=r"A\.template\.json: is no template"):
        read_templates([tmp_path])
