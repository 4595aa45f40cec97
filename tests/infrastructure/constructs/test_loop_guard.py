"""`LoopGuard` in somebody else's app."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import (
    App,
    DefaultStackSynthesizer,
    Environment,
    NestedStack,
    PermissionsBoundary,
    Stack,
    Stage,
    Tags,
    pipelines,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match, Template

from stacks import loop_guard
from stacks.config import Config
from stacks.flag_values import ConfigError
from stacks.loop_guard import LoopGuard, LoopGuardError
from stacks.names import GUARD_FUNCTIONS, PROTECT, RESTORE
from tests.infrastructure.conftest import CDK_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infrastructure.conftest import Json

ACCOUNT = "123456789012"
EUROPE = Environment(account=ACCOUNT, region="eu-west-1")
AMERICA = Environment(account=ACCOUNT, region="us-east-1")
ORDERS = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:orders"
NOTHING: Mapping[str, Any] = {}


def guarded(
    context: Mapping[str, Any] = NOTHING, env: Environment | None = None, **properties: Any
) -> tuple[Stack, LoopGuard]:
    """A stack of somebody's app with a guard in it."""
    stack = Stack(App(context=dict(context)), "Theirs", env=env)
    return stack, LoopGuard(stack, "Guard", **{"email": "you@example.com", **properties})


def template_of(stack: Stack) -> Json:
    """What is deployed."""
    return dict(Template.from_stack(stack).to_json())


def of_type(template: Json, resource_type: str) -> list[Json]:
    """Resources of a type."""
    return [one for one in template["Resources"].values() if one["Type"] == resource_type]


@pytest.fixture(scope="module", autouse=True)
def small_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One file in place of the 15 MB of the asset, which other tests look at."""
    directory = tmp_path_factory.mktemp("code")
    (directory / "handler.py").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            loop_guard, "function_code", lambda _: lambda_.Code.from_asset(str(directory))
        )
        yield


@pytest.fixture(scope="module")
def plain() -> Json:
    """The template of a guard in an app without any feature flag."""
    return template_of(guarded()[0])


def test_every_flag_is_a_property() -> None:
    """The properties are the flags, with the same defaults."""
    signature = inspect.signature(LoopGuard.__init__)
    defaults = {
        name: one.default
        for name, one in signature.parameters.items()
        if one.kind is one.KEYWORD_ONLY
    }

    assert {one.name: one.default for one in fields(Config)} | {
        "takes_flags": False,
        "nonce": None,
    } == defaults


def test_feature_flags_of_the_app_change_nothing(plain: Json) -> None:
    """An app that has switched on all of them deploys the same guard."""
    assert template_of(guarded(CDK_CONTEXT)[0]) == plain


def test_it_is_what_our_own_app_deploys(plain: Json) -> None:
    """The same resources, under other logical ids."""
    own = Stack(App(), "Loopbreaker")
    LoopGuard(own, "Default", email="you@example.com")

    def count(template: Json) -> list[str]:
        return sorted(one["Type"] for one in template["Resources"].values())

    assert count(template_of(own)) == count(plain)


def test_natural_types() -> None:
    """Numbers are numbers, and several names are a list or a tuple."""
    stack, _ = guarded(
        email=["a@example.com", "b@example.com"],
        exempt=("billing", "audit"),
        accepted_loops=["archiver"],
        blast_radius=7,
        sweep_minutes=0,
    )
    template = template_of(stack)

    assert len(of_type(template, "AWS::SNS::Subscription")) == 2
    variables = {
        name: value
        for one in of_type(template, "AWS::Lambda::Function")
        for name, value in one["Properties"]["Environment"]["Variables"].items()
    }
    assert variables["LOOPBREAKER_BLAST_RADIUS"] == "7"
    assert variables["LOOPBREAKER_SWEEP_MINUTES"] == "0"
    assert variables["LOOPBREAKER_EXEMPT"] == "billing,audit"
    assert "LOOPBREAKER_DEPLOY_FLAGS" not in variables


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"mode": "watch"}, "mode=watch: must be enforce or observe"),
        ({"email": ["you"]}, "email=you: must be an address like you@example.com, or none"),
        ({"email": 5}, "email=5: must be an address"),
        ({"exempt": [5]}, 'exempt=[5]: must be a list of texts like ["a", "b"]'),
        ({"exempt": {"a": 1}}, "exempt={'a': 1}: must be a function name or an ARN"),
        ({"blast_radius": 0}, "blast_radius=0: must be a whole number from 1 to 50"),
        ({"blast_radius": True}, "blast_radius=True: must be a whole number from 1 to 50"),
        ({"sweep_minutes": 7.5}, "sweep_minutes=7.5: must be a whole number from 5 to 1440"),
        ({"remedies": ["memory"]}, "give it together with memory_ceiling_mb="),
        ({"exempt": [f"{'a' * 32}-{one:02}" for one in range(120)]}, "Lambda takes 4,096"),
        ({"exempt": [ORDERS], "env": AMERICA}, "but this deployment goes to account"),
    ],
)
def test_a_wrong_property_is_named(properties: dict[str, Any], words: str) -> None:
    """One line says where, what and what is allowed."""
    with pytest.raises(LoopGuardError) as caught:
        guarded(**properties)

    assert str(caught.value).startswith("Loopbreaker: Theirs/Guard: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_app_that_takes_flags_hears_of_flags() -> None:
    """The app of this repository says which flag is wrong."""
    with pytest.raises(ConfigError, match="flag mode=watch: must be"):
        guarded(mode="watch", takes_flags=True)


def test_somebody_has_to_be_notified() -> None:
    """A guard that stops functions without an address is an error of its stack."""
    stack = Stack(App(), "Theirs")
    LoopGuard(stack, "Guard")

    wanted = Match.string_like_regexp('give email="you@example.com", or email="none"')
    Annotations.from_stack(stack).has_error("/Theirs/Guard", wanted)


def test_restore_and_examine_once() -> None:
    """Each synthesis asks anew; a text of the app's own makes that repeatable."""

    def asked(**properties: Any) -> list[Json]:
        template = template_of(guarded(rollback=["orders"], diagnose="orders", **properties)[0])
        return [
            of_type(template, f"Custom::Loopbreaker{one}")[0]["Properties"]
            for one in ("Rollback", "Diagnosis")
        ]

    first, second = asked(), asked()
    assert first[0]["Rollback"] == ["orders"]
    assert first[1]["Function"] == "orders"
    assert all(one["Nonce"] != two["Nonce"] for one, two in zip(first, second, strict=True))
    assert [one["Nonce"] for one in asked(nonce="build-5")] == ["build-5", "build-5"]


def test_the_command_that_is_shown_works_there(plain: Json) -> None:
    """No flag of ours exists in somebody else's app."""
    (command,) = (
        one["Value"]
        for name, one in plain["Outputs"].items()
        if name.startswith("GuardRollbackCommand")
    )

    assert command == "loopbreaker restore FUNCTION"
    for one in of_type(plain, "AWS::Lambda::Function"):
        told = one["Properties"]["Environment"]["Variables"].get("LOOPBREAKER_IS_EMBEDDED")
        is_told = one["Properties"]["FunctionName"] != PROTECT
        assert told == ("true" if is_told else None)
    assert "cdk deploy" not in json.dumps(plain)


@pytest.mark.parametrize("verb", ["restore", "stop"])
def test_who_may_restore_and_who_may_stop(verb: str) -> None:
    """Each grant is to invoke one function, and nothing else: a stop needs another one."""
    stack, guard = guarded()
    role = iam.Role(stack, "OnCall", assumed_by=iam.AccountPrincipal(ACCOUNT))
    grant = guard.grant_restore(role) if verb == "restore" else guard.grant_stop(role)

    grant.assert_success()
    (policy,) = of_type(template_of(stack), "AWS::IAM::Policy")
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    invoked = guard.restore if verb == "restore" else guard.contain
    name = stack.get_logical_id(invoked.node.default_child)  # type: ignore[arg-type]
    assert statement["Resource"] == [
        {"Fn::GetAtt": [name, "Arn"]},
        {"Fn::Join": ["", [{"Fn::GetAtt": [name, "Arn"]}, ":*"]]},
    ]


def test_what_it_offers() -> None:
    """Topic, table, queues and functions are there for more subscriptions, alarms and grants."""
    stack, guard = guarded()
    guard.add_notification(subscriptions.SqsSubscription(sqs.Queue(stack, "Notices")))
    template = template_of(stack)

    subscribed = {
        one["Properties"]["Protocol"] for one in of_type(template, "AWS::SNS::Subscription")
    }
    assert subscribed == {"email", "sqs"}
    functions = (guard.contain, guard.restore, guard.protect, guard.diagnose, guard.chart)
    names = {
        template["Resources"][stack.get_logical_id(one.node.default_child)]["Properties"][  # type: ignore[arg-type]
            "FunctionName"
        ]
        for one in functions
    }
    assert names == set(GUARD_FUNCTIONS)
    assert guard.table.table_name
    assert guard.dead_letters.queue_arn != guard.undelivered.queue_arn


def test_two_regions_of_one_app() -> None:
    """Two stacks, two Regions: nothing of IAM, which knows no Region, has a fixed name."""
    app = App()
    templates = []
    for name, env in (("Europe", EUROPE), ("America", AMERICA)):
        stack = Stack(app, name, env=env)
        LoopGuard(stack, "Guard", email="you@example.com")
        templates.append(stack)
    app.synth()

    for stack in templates:
        for resource in template_of(stack)["Resources"].values():
            if resource["Type"].startswith("AWS::IAM::"):
                named = {"RoleName", "PolicyName", "ManagedPolicyName"} & set(
                    resource["Properties"]
                )
                assert not named


@pytest.mark.parametrize(("first", "second"), [(None, None), (EUROPE, EUROPE)])
def test_a_second_guard_in_one_place_is_refused(
    first: Environment | None, second: Environment | None
) -> None:
    """Both are named: CloudFormation would find the names of the functions taken, hours later."""
    app = App()
    LoopGuard(Stack(app, "One", env=first), "Guard", email="you@example.com")
    stage = Stage(app, "Prod")
    stack = Stack(stage, "Two", env=second)

    with pytest.raises(LoopGuardError, match="One/Guard and Prod/Two/Guard go to the same account"):
        LoopGuard(stack, "Guard", email="you@example.com")


def test_in_a_stage(plain: Json) -> None:
    """As in a pipeline: the stage has an assembly of its own, and the asset lies within the app."""
    app = App()
    stage = Stage(app, "Prod", env=EUROPE)
    stack = Stack(stage, "Safety")
    LoopGuard(stack, "Guard", email="you@example.com")
    assembly = app.synth().get_nested_assembly("assembly-Prod")
    template = assembly.get_stack_by_name("Prod-Safety").template

    assert sorted(one["Type"] for one in template["Resources"].values()) == sorted(
        one["Type"] for one in plain["Resources"].values()
    )
    names = {
        one["Properties"]["Environment"]["Variables"]["LOOPBREAKER_STACK_NAME"]
        for one in of_type(template, "AWS::Lambda::Function")
    }
    assert names == {"Prod-Safety"}


def test_in_a_pipeline(plain: Json) -> None:
    """CDK Pipelines deploys it, and publishes its code as any other asset of a stage."""
    app = App()
    home = Stack(app, "Pipeline", env=EUROPE)
    source = pipelines.CodePipelineSource.s3(s3.Bucket(home, "Source"), "app.zip")
    pipeline = pipelines.CodePipeline(
        home, "Pipeline", synth=pipelines.ShellStep("Synth", input=source, commands=["cdk synth"])
    )
    stage = Stage(app, "Prod", env=EUROPE)
    LoopGuard(Stack(stage, "Safety"), "Guard", email="you@example.com")
    pipeline.add_stage(stage)
    assembly = app.synth()
    template = assembly.get_nested_assembly("assembly-Prod").get_stack_by_name("Prod-Safety")
    steps = json.dumps(assembly.get_stack_by_name("Pipeline").template)

    assert len(template.template["Resources"]) == len(plain["Resources"])
    assert "cdk-assets" in steps
    assert "Prod-Safety" in steps


def test_in_a_nested_stack() -> None:
    """Its name is known to CloudFormation only."""
    app = App()
    nested = NestedStack(Stack(app, "Theirs"), "Nested")
    LoopGuard(nested, "Guard", email="you@example.com")
    app.synth()

    variables = of_type(template_of(nested), "AWS::Lambda::Function")[0]["Properties"][
        "Environment"
    ]["Variables"]
    assert variables["LOOPBREAKER_STACK_NAME"] == {"Ref": "AWS::StackName"}


def test_their_permissions_boundary() -> None:
    """Every role has it."""
    stack, _ = guarded()
    boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "company-boundary")
    iam.PermissionsBoundary.of(stack.node.root).apply(boundary)
    roles = of_type(template_of(stack), "AWS::IAM::Role")

    assert roles
    assert all(
        "company-boundary" in json.dumps(one["Properties"]["PermissionsBoundary"]) for one in roles
    )


def test_their_permissions_boundary_of_a_stage() -> None:
    """As a property of a stage, too."""
    app = App()
    stage = Stage(app, "Prod", permissions_boundary=PermissionsBoundary.from_name("company"))
    stack = Stack(stage, "Safety")
    LoopGuard(stack, "Guard", email="you@example.com")

    roles = of_type(template_of(stack), "AWS::IAM::Role")
    assert all("company" in json.dumps(one["Properties"]["PermissionsBoundary"]) for one in roles)


def test_their_tags() -> None:
    """Every resource that can have tags has them beside ours; custom resources ask for no more."""
    stack, _ = guarded()
    plain = template_of(guarded()[0])
    Tags.of(stack.node.root).add("team", "payments")
    template = template_of(stack)

    for one in of_type(template, "AWS::Lambda::Function"):
        tags = {tag["Key"]: tag["Value"] for tag in one["Properties"]["Tags"]}
        assert tags == {"loopbreaker:exempt": "true", "team": "payments"}
    for name, one in template["Resources"].items():
        if one["Type"].startswith("Custom::"):
            assert one == plain["Resources"][name]


def test_no_remedy_is_for_its_own_roles(plain: Json) -> None:
    """Their names begin with that of a stack of somebody else's, so the tag keeps remedies off."""
    roles = of_type(plain, "AWS::IAM::Role")

    assert len(roles) == len(GUARD_FUNCTIONS) + 1
    for one in roles:
        assert {"Key": "loopbreaker:exempt", "Value": "true"} in one["Properties"]["Tags"]


def test_their_qualifier() -> None:
    """The code goes to the bucket of their bootstrap stack."""
    stack = Stack(
        App(), "Theirs", synthesizer=DefaultStackSynthesizer(qualifier="theirs1"), env=EUROPE
    )
    LoopGuard(stack, "Guard", email="you@example.com")

    for one in of_type(template_of(stack), "AWS::Lambda::Function"):
        assert "cdk-theirs1-assets-" in json.dumps(one["Properties"]["Code"])


def test_own_names_are_fixed(plain: Json) -> None:
    """People find the same names in commands and notices wherever the guard is deployed."""
    names = {one["Properties"]["FunctionName"] for one in of_type(plain, "AWS::Lambda::Function")}

    assert RESTORE in names
    assert names == set(GUARD_FUNCTIONS)
