"""Who invokes, or names, each function of an account."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.domain.account.inventory import (
    Account,
    Api,
    Bucket,
    Integration,
    LogSubscription,
    MappingDescription,
    Notification,
    Pipe,
    Rule,
    RuleTarget,
    Schedule,
    StateMachine,
    Subscription,
)
from functions.domain.diagnosis.checks import not_authorized, not_invocable
from functions.domain.diagnosis.facts import CallerKind, InvokerKind
from functions.domain.diagnosis.invokers import Invokers
from tests.environments import naming, with_environments
from tests.unit.domain.diagnosis.samples import (
    ACCOUNT,
    ARN,
    NOW,
    REGION,
    RULE,
    admits,
    facts,
    function,
    role,
)

HOME = f"{REGION}:{ACCOUNT}"
TOPIC = f"arn:aws:sns:{HOME}:orders-failed"
MACHINE = f"arn:aws:states:{HOME}:stateMachine:checkout"
BILLING = function(
    name="billing",
    arn=ARN.replace("orders", "billing"),
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/billing",
)
BUS = f"arn:aws:events:{HOME}:event-bus/default"


def account(**changes: Any) -> Account:
    """An account with two functions."""
    base = Account(
        account=ACCOUNT,
        region=REGION,
        at=NOW,
        functions=(function(), BILLING),
        roles={BILLING.role_arn: role(arn=BILLING.role_arn)},
    )
    return replace(base, **changes)


def test_every_trigger_that_needs_the_resource_policy() -> None:
    """Rule, bucket, topic, log group and API are found, with what they send."""
    found = Invokers.of(
        account(
            rules=(
                Rule(
                    arn=RULE,
                    name="nightly",
                    bus_arn=BUS,
                    is_enabled=False,
                    targets=(
                        RuleTarget(arn=f"{ARN}:live", id="t"),
                        RuleTarget(arn=ARN, role_arn="arn:aws:iam::1:role/r"),
                        RuleTarget(arn=TOPIC),
                    ),
                ),
            ),
            buckets=(
                Bucket(
                    name="uploads",
                    notifications=(Notification(target_arn=ARN, events=("s3:ObjectCreated:*",)),),
                ),
            ),
            subscriptions=(
                Subscription(arn="s", topic_arn=TOPIC, protocol="lambda", endpoint=ARN),
                Subscription(arn="q", topic_arn=TOPIC, protocol="sqs", endpoint=ARN),
            ),
            log_subscriptions=(
                LogSubscription(name="f", log_group="/shop", destination_arn=ARN),
                LogSubscription(name="a", log_group="", destination_arn=ARN),
            ),
            apis=(Api(arn=f"arn:aws:execute-api:{HOME}:a1b2", function_arns=(ARN,)),),
        )
    ).triggers["orders"]

    assert [
        (one.kind, one.principal, one.source_arn, one.qualifier, one.is_enabled, one.is_exact)
        for one in found
    ] == [
        (InvokerKind.RULE, "events.amazonaws.com", RULE, "live", False, True),
        (InvokerKind.BUCKET, "s3.amazonaws.com", "arn:aws:s3:::uploads", "", True, True),
        (InvokerKind.TOPIC, "sns.amazonaws.com", TOPIC, "", True, True),
        (
            InvokerKind.LOGS,
            "logs.amazonaws.com",
            f"arn:aws:logs:{HOME}:log-group:/shop:*",
            "",
            True,
            True,
        ),
        (
            InvokerKind.LOGS,
            "logs.amazonaws.com",
            f"arn:aws:logs:{HOME}:log-group:*",
            "",
            True,
            False,
        ),
        (
            InvokerKind.API,
            "apigateway.amazonaws.com",
            f"arn:aws:execute-api:{HOME}:a1b2/*",
            "",
            True,
            False,
        ),
    ]
    assert {one.source_account for one in found} == {ACCOUNT}


def calls(route: str) -> str:
    """What an API sends for a route of any stage."""
    return f"arn:aws:execute-api:{HOME}:a1b2/*/{route}"


def api(*integrations: Integration, admitted: tuple[str, ...] = ()) -> Api:
    """An API whose routes are known."""
    arns = (*admitted, *(one.function_arn for one in integrations))
    return Api(
        arn=f"arn:aws:execute-api:{HOME}:a1b2", function_arns=arns, integrations=integrations
    )


def test_the_routes_of_an_api() -> None:
    """Each route is a trigger of its own, but for one with a role; the rest is the API's."""
    found = Invokers.of(
        account(
            apis=(
                api(
                    Integration(function_arn=f"{ARN}:live", source_arn=calls("GET/orders")),
                    Integration(function_arn=BILLING.arn, source_arn=calls("GET/b"), role_arn="r"),
                    Integration(function_arn=f"{ARN[:-6]}gone", source_arn=calls("GET/gone")),
                    admitted=(ARN,),
                ),
            )
        )
    ).triggers

    assert list(found) == ["orders"]
    assert [
        (one.source_arn, one.source_account, one.qualifier, one.is_exact, one.evidence)
        for one in found["orders"]
    ] == [
        (calls("GET/orders"), ACCOUNT, "live", True, "API a1b2 invokes it for GET/orders"),
        (f"arn:aws:execute-api:{HOME}:a1b2/*", ACCOUNT, "", False, "API a1b2 invokes it"),
    ]


GATEWAY = {"Service": "apigateway.amazonaws.com"}
ADMITTING = {
    "the same method and path": calls("GET/orders/*"),
    "any method": calls("*/orders/*"),
    "all of the API": f"arn:aws:execute-api:{HOME}:a1b2/*",
    "all of the API by stage, method and path": f"arn:aws:execute-api:{HOME}:a1b2/*/*/*",
    "any API": f"arn:aws:execute-api:{HOME}:*",
    "one stage": f"arn:aws:execute-api:{HOME}:a1b2/prod/GET/orders/*",
    "the parameter by its name": calls("GET/orders/{id}"),
}


def found_shut(integration: Integration, policy: str | None) -> bool:
    """Whether the diagnosis says that the API cannot invoke the function."""
    triggers = Invokers.of(account(apis=(api(integration),))).triggers.get("orders", ())
    policies = {} if policy is None else {"": policy}
    return not_invocable.examine(facts(triggers=triggers, resource_policies=policies)) is not None


@pytest.mark.parametrize("source_arn", ADMITTING.values(), ids=ADMITTING)
def test_an_api_that_is_admitted(source_arn: str) -> None:
    """However wide or narrow the statement is, the API is not shut out."""
    integration = Integration(function_arn=ARN, source_arn=calls("GET/orders/*"))

    assert not found_shut(integration, admits(GATEWAY, source_arn=source_arn))


SHUT = {
    "no policy": None,
    "another API": admits(GATEWAY, source_arn=calls("GET/orders").replace("a1b2", "c3d4")),
    "another method": admits(GATEWAY, source_arn=calls("POST/orders")),
    "another path": admits(GATEWAY, source_arn=calls("GET/returns")),
    "another service": admits({"Service": "s3.amazonaws.com"}),
}


@pytest.mark.parametrize("policy", SHUT.values(), ids=SHUT)
def test_an_api_that_is_shut_out(policy: str | None) -> None:
    """An API that nobody admitted is reported."""
    integration = Integration(function_arn=ARN, source_arn=calls("GET/orders"))

    assert found_shut(integration, policy)


def test_an_api_with_a_role_is_not_shut_out() -> None:
    """It invokes with the rights of its role, whatever the resource policy says."""
    integration = Integration(function_arn=ARN, source_arn=calls("GET/orders"), role_arn="r")

    assert not found_shut(integration, None)


def test_everything_that_invokes_with_a_role_of_its_own() -> None:
    """Destinations, definitions, schedules, pipes and environments are found with their roles."""
    definition = {
        "States": {
            "Charge": {"Type": "Task", "Resource": f"{ARN}:live"},
            "Fan": {
                "Type": "Map",
                "ItemProcessor": {
                    "States": {
                        "Each": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::lambda:invoke",
                            "Parameters": {"FunctionName": "orders"},
                        }
                    }
                },
            },
        }
    }
    found = Invokers.of(
        account(
            functions=(
                function(environment=naming(OWN_FUNCTION=ARN)),
                replace(BILLING, on_success_arn=ARN, environment=naming(TARGET=f"{ARN}:v2")),
            ),
            state_machines=(
                StateMachine(arn=MACHINE, role_arn="r1", definition=json.dumps(definition)),
                StateMachine(arn=MACHINE, role_arn="r1", definition="not JSON"),
            ),
            schedules=(
                Schedule(arn="s", target_arn=ARN, role_arn="r2"),
                Schedule(arn="off", target_arn=ARN, role_arn="r2", is_enabled=False),
            ),
            pipes=(
                Pipe(arn="p", source_arn="q", target_arn="t", enrichment_arn=ARN, role_arn="r3"),
            ),
        )
    ).callers["orders"]

    assert [(one.kind, one.qualifier, one.is_certain) for one in found] == [
        (CallerKind.DESTINATION, "", True),
        (CallerKind.SCHEDULE, "", True),
        (CallerKind.PIPE, "", True),
        (CallerKind.STATE_MACHINE, "live", True),
        (CallerKind.STATE_MACHINE, "", True),
        (CallerKind.FUNCTION, "v2", False),
    ]
    assert found[0].role == role(arn=BILLING.role_arn)
    assert found[1].role is None


def test_a_state_machine_calls_what_the_event_graph_says_that_it_calls() -> None:
    """A function's name in what another task sends is no call, for the graph and the diagnosis."""
    sending = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {
            "QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
            "MessageBody": {"FunctionName": "orders", "Resource": ARN},
        },
    }
    machine = StateMachine(
        arn=MACHINE, role_arn="r1", definition=json.dumps({"States": {"Send": sending}})
    )

    assert Invokers.of(account(functions=(function(),), state_machines=(machine,))).callers == {}


def named(variable: str, value: str) -> bool:
    """Whether a variable of another function is taken to name the function."""
    accounted = account(
        functions=(function(resource_policies={"live": "{}"}), BILLING), partition="aws"
    )
    callers = Invokers.of(with_environments(accounted, {BILLING.name: {variable: value}})).callers
    return "orders" in callers


def test_a_bare_name_counts_only_in_a_variable_that_speaks_of_functions() -> None:
    """Many things are called orders; an ARN is never mistaken."""
    assert named("ORDERS_FUNCTION", "orders")
    assert named("ORDERS_LAMBDA_NAME", "orders:live")
    assert named("ANYTHING", ARN)
    assert named("ANYTHING", f'{{"target": "{ARN}"}}')
    assert not named("TABLE", "orders")
    assert not named("ORDERS_LAMBDA_LOGIN", "orders:hunter2")
    assert not named("ORDERS_FUNCTION", "orders-archive")
    assert not named("ANYTHING", ARN.replace(REGION, "us-east-1"))
    assert not named("ANYTHING", ARN.replace(ACCOUNT, "9" * 12))


def test_mappings_are_found_with_any_qualifier() -> None:
    """An event source mapping of an alias is the function's."""
    mapping = MappingDescription(uuid="1", function_arn=f"{ARN}:live", source_arn="q")

    assert Invokers.of(account(mappings=(mapping,))).mappings == {"orders": (mapping,)}


def test_what_is_found_is_what_the_checks_look_at() -> None:
    """A rule without a statement and a schedule without a right are found out of an account."""
    surroundings = Invokers.of(
        account(
            rules=(Rule(arn=RULE, name="nightly", bus_arn=BUS, targets=(RuleTarget(arn=ARN),)),),
            schedules=(Schedule(arn="s", target_arn=ARN, role_arn=BILLING.role_arn),),
        )
    )
    under = facts(triggers=surroundings.triggers["orders"], callers=surroundings.callers["orders"])

    assert not_invocable.examine(under) is not None
    assert not_authorized.examine(under) is not None
