"""A stack that names no account or Region may be deployed to any: its stand-ins are no facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cdk_loopbreaker.templates.account.describe import describe_accounts
from cdk_loopbreaker.templates.home import Home
from cdk_loopbreaker.templates.model import MaybeText
from cdk_loopbreaker.templates.policy_documents import write_policy
from cdk_loopbreaker.templates.read import read_templates
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from tests.unit.cdk_loopbreaker.templates.described import AT, loop, role

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.model import Value

REGION, ACCOUNT = {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}
THERE = "arn:aws:sqs:eu-west-1:111122223333:orders"
QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}
SEND = {"Action": "sqs:SendMessage", "Resource": QUEUE_ARN}
DENY = {"Effect": "Deny", "Action": "sqs:SendMessage"}
SECTIONS: dict[str, dict[str, Any]] = {
    "Parameters": {"Name": {"Type": "String"}},
    "Conditions": {
        "InEurope": {"Fn::Equals": [REGION, "eu-west-1"]},
        "OutsideOfIt": {"Fn::Not": [{"Fn::Equals": [REGION, "us-east-1"]}]},
        "InProduction": {"Fn::Equals": [ACCOUNT, "111122223333"]},
        "ByPlace": {"Fn::Equals": [{"Fn::Sub": "${AWS::AccountId}/${AWS::Region}"}, "1/x"]},
        "ByPart": {"Fn::Equals": [{"Fn::Select": [0, {"Fn::Split": ["-", REGION]}]}, "eu"]},
        "ByName": {"Fn::Equals": [{"Fn::Sub": "${Name}"}, "production"]},
    },
    "Mappings": {
        "On": {"us-east-1": {"is": "false"}, "eu-west-1": {"is": "true"}},
        "Off": {"us-east-1": {"is": "false"}, "eu-west-1": {"is": "false"}},
        "Stages": {"dev": {"is": "false"}, "prod": {"is": "true"}},
    },
}


def of_mapping(**properties: Any) -> dict[str, Any]:
    """A loop through a queue, with these properties of its mapping."""
    resources = loop()
    resources["Mapping"]["Properties"].update(properties)
    return resources


def of_condition(name: str) -> dict[str, Any]:
    """A loop through a queue, with a mapping under a condition."""
    resources = loop()
    resources["Mapping"]["Condition"] = name
    resources["Queue"]["Properties"]["QueueName"] = {"Fn::Sub": "${Name}"}
    return resources


def of_role(*statements: dict[str, Any]) -> dict[str, Any]:
    """A loop through a queue, with these statements of the role."""
    return loop(Role=role(*statements))


def find(map_: str, key: Any, *more: Any) -> dict[str, Any]:
    """What a map says."""
    return {"Fn::FindInMap": [map_, key, "is", *more]}


def of_name(enabled: Any) -> dict[str, Any]:
    """A loop through a queue that is named after a parameter without a value."""
    resources = of_mapping(Enabled=enabled)
    resources["Queue"]["Properties"]["QueueName"] = {"Ref": "Name"}
    return resources


def conclude(
    folder: Path, resources: dict[str, Any], *, account: str = "", region: str = ""
) -> LoopProof:
    """The proof of the one function of a template."""
    path = folder / "app.yaml"
    path.write_text(yaml.safe_dump({**SECTIONS, "Resources": resources}))
    (described,) = describe_accounts(read_templates([path], account=account, region=region), at=AT)
    return build(described.account).proofs["work"]


OPEN = {
    **{name: of_condition(name) for name in SECTIONS["Conditions"]},
    "map by Region": of_mapping(Enabled=find("On", REGION)),
    "map by a name": of_name(find("Stages", {"Ref": "Name"})),
    "map by a name, or a default": of_name(
        find("Stages", {"Ref": "Name"}, {"DefaultValue": "false"})
    ),
    "source": of_mapping(EventSourceArn=THERE),
    "source of the account": of_mapping(
        EventSourceArn={"Fn::Sub": "arn:aws:sqs:eu-west-1:${AWS::AccountId}:orders"}
    ),
    "permission": of_role({**SEND, "Resource": THERE}),
    "permission by a wildcard": of_role(
        {**SEND, "Resource": "arn:aws:sqs:eu-west-1:111122223333:*"}
    ),
    "denial of all others": of_role(SEND, {**DENY, "NotResource": THERE}),
    "requested Region": of_role(
        {**SEND, "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}
    ),
    "denied Regions": of_role(
        SEND,
        {
            **DENY,
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        },
    ),
    "account": of_role(
        {**SEND, "Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}}
    ),
    "role of the account": of_role(
        {
            **SEND,
            "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}},
        }
    ),
}


@pytest.mark.parametrize("resources", OPEN.values(), ids=OPEN)
def test_a_stand_in_decides_nothing(tmp_path: Path, resources: dict[str, Any]) -> None:
    """What depends on where the stack is deployed, or how it is called, is possible."""
    assert conclude(tmp_path, resources) is LoopProof.POSSIBLE


@pytest.mark.parametrize("name", [name for name in OPEN if "name" not in name.lower()])
def test_what_is_given_decides(tmp_path: Path, name: str) -> None:
    """The Region and account of the command line are facts."""
    home = {"account": "444455556666", "region": "us-east-1"}

    assert conclude(tmp_path, OPEN[name], **home) is not LoopProof.POSSIBLE


@pytest.mark.parametrize(
    "resources",
    [
        of_mapping(Enabled=find("Off", REGION)),
        of_mapping(Enabled=find("On", "us-east-1")),
        of_role(SEND, {**DENY, "Resource": QUEUE_ARN}),
        of_role(
            SEND,
            {
                **DENY,
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": REGION}},
            },
        ),
        of_role(
            SEND,
            {
                **DENY,
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
            },
        ),
    ],
)
def test_what_holds_everywhere_is_a_fact(tmp_path: Path, resources: dict[str, Any]) -> None:
    """What the template itself calls its own is the own one, and a map may say one thing only."""
    assert conclude(tmp_path, resources) is LoopProof.RULED_OUT


def test_what_stays_elsewhere_is_not_lost(tmp_path: Path) -> None:
    """The queue of the ARN may be another account's after all: then nobody knows where it leads."""
    resources = loop(Other={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "other"}})
    resources["Mapping"]["Properties"]["EventSourceArn"] = {"Fn::GetAtt": ["Other", "Arn"]}
    resources["Work"]["Properties"]["DeadLetterConfig"] = {"TargetArn": THERE}

    assert conclude(tmp_path, resources) is LoopProof.UNKNOWN


def test_arns_are_adopted_where_something_is_not_known() -> None:
    """Only the part that is not known, and only of what an event graph follows."""
    own: dict[str, Any] = {"account": "123456789012", "region": "us-east-1", "partition": "aws"}
    nowhere = Home(**own, is_account_known=False, is_region_known=False)
    account = Home(**own, is_region_known=False)
    layer = "arn:aws:lambda:eu-west-1:111122223333:layer:tools:1"
    wild = "arn:aws:sqs:*:*:orders"

    assert Home(**own).adopt(THERE) == THERE
    assert nowhere.adopt(f'["{THERE}"]') == '["arn:aws:sqs:us-east-1:123456789012:orders"]'
    assert account.adopt(THERE) == "arn:aws:sqs:us-east-1:111122223333:orders"
    assert [nowhere.adopt(one) for one in (layer, wild, "x")] == [layer, wild, "x"]
    noted: list[str] = []
    values: dict[str, Value] = {"A": [{"B": MaybeText(THERE, "c")}], "PolicyDocument": THERE}
    adopted = nowhere.adopt_all(values, noted.append)
    assert noted == ["arn:aws:sqs:us-east-1:123456789012:orders"]
    assert repr(adopted) == repr({"A": [{"B": MaybeText(noted[0], "c")}], "PolicyDocument": THERE})


def test_a_statement_about_another_account_may_be_about_the_own() -> None:
    """As it is written it stays certain; as it may be meant it depends on the account."""
    home = Home(account="123456789012", region="us-east-1", partition="aws", is_account_known=False)
    statement = {"Effect": "Deny", "Action": "sqs:*", "Resource": THERE}

    first, second = write_policy({"Statement": [statement]}, home=home).statements

    assert (first["Resource"], "Condition" in first) == (THERE, False)
    assert second["Resource"] == ["arn:aws:sqs:eu-west-1:123456789012:orders"]
    assert second["Condition"] == {"depends": {"on": ["the account and Region"]}}
