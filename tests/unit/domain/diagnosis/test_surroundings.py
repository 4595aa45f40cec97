"""Who invokes, or names, each function of an account."""

import json
from dataclasses import replace
from typing import Any

from functions.domain.account import (
    Account,
    Api,
    Bucket,
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
from functions.domain.diagnosis import not_authorized, not_invocable
from functions.domain.diagnosis.facts import CallerKind, TriggerKind
from functions.domain.diagnosis.surroundings import Surroundings
from tests.unit.domain.diagnosis.samples import (
    ACCOUNT,
    ARN,
    NOW,
    REGION,
    RULE,
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
    found = Surroundings.of(
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
        (TriggerKind.RULE, "events.amazonaws.com", RULE, "live", False, True),
        (TriggerKind.BUCKET, "s3.amazonaws.com", "arn:aws:s3:::uploads", "", True, True),
        (TriggerKind.TOPIC, "sns.amazonaws.com", TOPIC, "", True, True),
        (
            TriggerKind.LOGS,
            "logs.amazonaws.com",
            f"arn:aws:logs:{HOME}:log-group:/shop:*",
            "",
            True,
            True,
        ),
        (
            TriggerKind.LOGS,
            "logs.amazonaws.com",
            f"arn:aws:logs:{HOME}:log-group:*",
            "",
            True,
            False,
        ),
        (
            TriggerKind.API,
            "apigateway.amazonaws.com",
            f"arn:aws:execute-api:{HOME}:a1b2/*",
            "",
            True,
            False,
        ),
    ]
    assert {one.source_account for one in found} == {ACCOUNT}


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
    found = Surroundings.of(
        account(
            functions=(
                function(environment={"OWN_FUNCTION": "orders"}),
                replace(BILLING, on_success_arn=ARN, environment={"TARGET": f"{ARN}:v2"}),
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
        (CallerKind.STATE_MACHINE, "", True),
        (CallerKind.STATE_MACHINE, "live", True),
        (CallerKind.FUNCTION, "v2", False),
    ]
    assert found[0].role == role(arn=BILLING.role_arn)
    assert found[1].role is None


def named(variable: str, value: str) -> bool:
    """Whether a variable of another function is taken to name the function."""
    environment = {variable: value}
    callers = Surroundings.of(
        account(functions=(function(), replace(BILLING, environment=environment)))
    ).callers
    return "orders" in callers


def test_a_bare_name_counts_only_in_a_variable_that_speaks_of_functions() -> None:
    """Many things are called orders; an ARN is never mistaken."""
    assert named("ORDERS_FUNCTION", "orders")
    assert named("ORDERS_LAMBDA_NAME", "orders:live")
    assert named("ANYTHING", ARN)
    assert named("ANYTHING", f'{{"target": "{ARN}"}}')
    assert not named("TABLE", "orders")
    assert not named("ORDERS_FUNCTION", "orders-archive")
    assert not named("ANYTHING", ARN.replace(REGION, "us-east-1"))
    assert not named("ANYTHING", ARN.replace(ACCOUNT, "9" * 12))


def test_mappings_are_found_with_any_qualifier() -> None:
    """An event source mapping of an alias is the function's."""
    mapping = MappingDescription(uuid="1", function_arn=f"{ARN}:live", source_arn="q")

    assert Surroundings.of(account(mappings=(mapping,))).mappings == {"orders": (mapping,)}


def test_what_is_found_is_what_the_checks_look_at() -> None:
    """A rule without a statement and a schedule without a right are found out of an account."""
    surroundings = Surroundings.of(
        account(
            rules=(Rule(arn=RULE, name="nightly", bus_arn=BUS, targets=(RuleTarget(arn=ARN),)),),
            schedules=(Schedule(arn="s", target_arn=ARN, role_arn=BILLING.role_arn),),
        )
    )
    under = facts(triggers=surroundings.triggers["orders"], callers=surroundings.callers["orders"])

    assert not_invocable.examine(under) is not None
    assert not_authorized.examine(under) is not None
