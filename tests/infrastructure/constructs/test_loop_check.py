"""The check as a plugin of a CDK app: what a synthesis reports, and when it fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Acknowledgment, App, Stack, Stage, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources

from cdk_loopbreaker import LoopCheck
from cdk_loopbreaker.checking.check import check_templates
from cdk_loopbreaker.templates.read import read_templates

if TYPE_CHECKING:
    from pathlib import Path


def write_loop(scope: Stack) -> lambda_.Function:
    """A function that may write to the table whose stream triggers it: a usual CDK idiom."""
    table = dynamodb.Table(
        scope,
        "Orders",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        stream=dynamodb.StreamViewType.NEW_IMAGE,
    )
    function = lambda_.Function(
        scope,
        "Enrich",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): return 1"),
    )
    function.add_event_source(
        sources.DynamoEventSource(table, starting_position=lambda_.StartingPosition.LATEST)
    )
    table.grant_write_data(function)
    return function


def make_app(folder: Path, **options: Any) -> tuple[App, lambda_.Function]:
    """An app with the loop in a stack of a stage, and an empty stack beside it."""
    app = App(outdir=str(folder))
    Stack(app, "Empty")
    function = write_loop(Stack(Stage(app, "Prod"), "Shop"))
    Validations.of(app).add_plugins(LoopCheck(**options))
    return app, function


def read_violations(folder: Path) -> list[dict[str, Any]]:
    """What the CDK wrote of this plugin's report."""
    report = json.loads((folder / "validation-report.json").read_text())
    return [
        violation
        for plugin in report["pluginReports"]
        if plugin["pluginName"] == "loopbreaker"
        for violation in plugin["violations"]
    ]


def test_a_loop_is_a_warning(tmp_path: Path) -> None:
    """The synthesis succeeds and names the construct and what breaks the loop."""
    app, _ = make_app(tmp_path)
    app.synth()

    (violation,) = read_violations(tmp_path)
    assert violation["ruleName"] == "LB001"
    assert violation["severity"] == "warning"
    assert "Give event source mapping" in violation["suggestedFix"]
    assert violation["violatingConstructs"][0]["constructPath"] == "Prod/Shop/Enrich/Resource"


def test_a_gate_fails_the_synthesis(tmp_path: Path) -> None:
    """`fail_on` makes a certain loop an error."""
    app, _ = make_app(tmp_path, fail_on="certain")

    with pytest.raises(Exception, match="alidation"):
        app.synth()


def test_an_acknowledged_loop_passes_the_gate(tmp_path: Path) -> None:
    """The app says why the loop is intended."""
    app, function = make_app(tmp_path, fail_on="possible")
    Validations.of(function).acknowledge(
        Acknowledgment(id="loopbreaker::LB001", reason="three rounds at most")
    )
    app.synth()

    assert read_violations(tmp_path) == []


@pytest.mark.parametrize(
    ("level", "is_read"), [("Enrich", True), ("Shop", True), ("Prod", False), ("", False)]
)
def test_where_a_loop_may_be_acknowledged(tmp_path: Path, level: str, *, is_read: bool) -> None:
    """The CDK knows of all that holds the function; a check of its output from the stack down."""
    app, function = make_app(tmp_path, fail_on="possible")
    holder = next(one for one in function.node.scopes if one.node.id == level)
    Validations.of(holder).acknowledge(
        Acknowledgment(id="loopbreaker::LB001", reason="three rounds at most")
    )
    app.synth()

    assert read_violations(tmp_path) == []
    report = check_templates(read_templates([tmp_path]), at=datetime.now(UTC))
    assert [one.accepted is not None for one in report.findings] == [is_read]


def test_an_acceptance_without_effect_is_told(tmp_path: Path) -> None:
    """It fails no gate."""
    file = tmp_path / "accepted.yaml"
    file.write_text(
        "accept:\n"
        "  - {rule: LB001, fingerprint: 0123456789abcdef, reason: none has it}\n"
        "  - {rule: LB001, fingerprint: 0123456789abcdee, reason: long ago, until: 2020-01-01}\n"
    )
    app, function = make_app(tmp_path / "out", fail_on="possible", accept=file)
    Validations.of(function).acknowledge(
        Acknowledgment(id="loopbreaker::LB001", reason="three rounds at most")
    )
    app.synth()

    unused, ended = read_violations(tmp_path / "out")
    assert unused["severity"] == "info"
    assert unused["violatingConstructs"][0]["constructPath"] == "Empty"
    assert "entry 1 (LB001 0123456789abcdef) accepts no finding" in unused["description"]
    assert "entry 2 (LB001 0123456789abcdee) ended on 2020-01-01" in ended["description"]


def test_a_wrong_gate_is_refused() -> None:
    """The error names what is allowed."""
    with pytest.raises(ValueError, match="fail_on='always': must be one of certain, possible"):
        LoopCheck(fail_on="always")  # type: ignore[arg-type]
