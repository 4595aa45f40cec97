"""What the command `check` prints, and with which code it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cdk_loopbreaker.checking.rules import RULES
from cdk_loopbreaker.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

LOOP = """\
Parameters:
  Timeout:
    Type: Number
    Default: 3
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}
      ManagedPolicyArns:
        - arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole
      Policies:
        - PolicyName: send
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: sqs:SendMessage
                Resource: !GetAtt Queue.Arn
  Enrich:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: enrich-order
      Role: !GetAtt Role.Arn
      Handler: index.handler
      Runtime: python3.13
      Timeout: !Ref Timeout
      Code: {ZipFile: "pass"}
  Poll:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Queue.Arn
      FunctionName: !Ref Enrich
"""


@pytest.fixture(name="template")
def write_template(tmp_path: Path) -> Path:
    """A template with one certain loop that AWS would cut."""
    path = tmp_path / "template.yaml"
    path.write_text(LOOP, encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    """Call the command as from a shell."""
    return CliRunner().invoke(main, ["check", *map(str, arguments)], catch_exceptions=False)


def test_it_reports_and_does_not_fail(template: Path) -> None:
    """Without a gate the command reports the loop with its line, and ends with 0."""
    result = run(template)

    assert result.exit_code == 0
    assert "LB002 certain" in result.stdout
    assert "template.yaml:25 (Enrich, stack " in result.stdout
    assert "1 function: 1 certain loop, 0 possible loops, 0 other findings." in result.stdout


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("certain", 1), ("possible", 1)])
def test_the_gate(template: Path, fail_on: str, code: int) -> None:
    """Findings end the command with 1 where the gate asks for them."""
    assert run(template, "--fail-on", fail_on).exit_code == code


def test_an_accepted_finding_passes_the_gate(template: Path, tmp_path: Path) -> None:
    """An entry of the file accepts the loop, and the report says so."""
    accepted = tmp_path / "accepted.yaml"
    accepted.write_text("accept: [{function: enrich-order, reason: bounded}]", encoding="utf-8")
    result = run(template, "--fail-on", "possible", "--accept", accepted)

    assert result.exit_code == 0
    assert "Accepted: bounded" in result.stdout


def test_json_goes_to_a_file(template: Path, tmp_path: Path) -> None:
    """A report can be written to a file; nothing is printed then."""
    output = tmp_path / "report.json"
    result = run(template, "--json", "--output", output)

    assert result.stdout == ""
    assert json.loads(output.read_text(encoding="utf-8"))["summary"]["certain"] == 1


@pytest.mark.parametrize("kind", ["json", "sarif", "github", "markdown", "text"])
def test_every_format_names_the_rule(template: Path, kind: str) -> None:
    """Each format reports the finding by its rule."""
    assert "LB002" in run(template, "--format", kind).stdout


def test_a_parameter_changes_the_outcome(template: Path) -> None:
    """The timeout that is given is above the queue's visibility timeout."""
    assert "LB023" not in run(template).stdout
    assert "LB023" in run(template, "--parameter", "Timeout=60").stdout


def test_account_and_region_are_where_stacks_are(template: Path) -> None:
    """The report is about the account and Region that are given."""
    home = ("--account", "111122223333", "--region", "eu-west-1")

    (account,) = json.loads(run(template, "--json", *home).stdout)["accounts"]

    assert (account["account"], account["region"]) == ("111122223333", "eu-west-1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.yaml",), "missing.yaml"),
        (("TEMPLATE", "--parameter", "Timeout"), "write NAME=VALUE"),
        (("TEMPLATE", "--parameter", "Time=3"), "Time"),
        (("TEMPLATE", "--account", "1234"), "12 digits"),
        (("TEMPLATE", "--region", "Ireland"), "eu-west-1"),
        (("TEMPLATE", "--accept", "missing.yaml"), "missing.yaml: cannot be read"),
        (("TEMPLATE", "--output", "missing/report.txt"), "cannot be written"),
        (("TEMPLATE", "--fail-on", "always"), "always"),
        ((), "PATHS"),
    ],
)
def test_bad_input_is_one_clear_line(
    template: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    """What a person has to mend is said on standard error; the code is 2."""
    monkeypatch.chdir(template.parent)
    result = run(*(str(template) if one == "TEMPLATE" else one for one in arguments))

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_rules() -> None:
    """The rules are listed, and each is explained."""
    listed = CliRunner().invoke(main, ["rules"]).stdout
    explained = CliRunner().invoke(main, ["rules", "lb010"]).stdout
    unknown = CliRunner().invoke(main, ["rules", "LB9"])

    document = json.loads(CliRunner().invoke(main, ["rules", "--json"]).stdout)

    assert [line.split()[0] for line in listed.splitlines()] == [one.id for one in RULES]
    assert [one["id"] for one in document] == [one.id for one in RULES]
    assert all(one["page"].startswith(f"# {one['id']}: ") for one in document)
    assert explained.startswith("# LB010: ")
    assert (unknown.exit_code, "known are LB001" in unknown.stderr) == (2, True)


def test_the_help_lists_the_commands() -> None:
    """A newcomer sees what there is to call, and where to begin."""
    text = CliRunner().invoke(main, ["--help"]).stdout

    assert "check " in text
    assert "Begin with: loopbreaker check cdk.out" in text
