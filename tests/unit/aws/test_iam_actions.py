"""The declared actions are exactly those of the calls beside which they stand."""

import inspect
import re
from types import ModuleType

import botocore.session
import pytest
from botocore import xform_name

from functions.aws.account import account_alias
from functions.aws.detection import lambda_metrics as metrics
from functions.aws.diagnosis import alarm_actions, function_details, rule_watch
from functions.aws.diagnosis import iam_simulation as simulations
from functions.aws.diagnosis import logs as diagnosis_logs
from functions.aws.diagnosis import metrics as diagnosis_metrics
from functions.aws.incidents import chat_topic, event_bus, hold_facts, publisher, signals, way_back
from functions.aws.incidents import lambda_functions as functions
from functions.aws.records import chart_store, diagnosis_marks, diagnosis_store, fact_store, tag_key
from functions.aws.records import graph_summary as loop_book
from functions.aws.records.incidents import (
    incident_items,
    ledger,
    live_items,
    places,
    rollback_requests,
)

CALLS = (re.compile(r"_client(?:\(\))?\.(\w+)"), re.compile(r"get_paginator\(\s*\"(\w+)\""))
# The tagging API's actions go by another prefix than its endpoint.
PREFIXES = {"resourcegroupstaggingapi": "tag"}


def _actions(module: ModuleType, services: tuple[str, ...]) -> set[str]:
    source = inspect.getsource(module)
    named = {name for call in CALLS for name in call.findall(source)}
    actions = set()
    for service in services:
        model = botocore.session.get_session().get_service_model(service)
        for operation in model.operation_names:
            if xform_name(operation) in named:
                actions.add(f"{PREFIXES.get(service, service)}:{operation}")
    return actions


@pytest.mark.parametrize(
    ("module", "services", "instead"),
    [
        # GetFunction answers the tags only to those who may list them.
        (functions, ("lambda", "resourcegroupstaggingapi"), {"lambda:ListTags"}),
        (hold_facts, ("lambda", "sqs", "kinesis"), set()),
        (metrics, ("cloudwatch",), set()),
        (publisher, ("sns",), set()),
        (event_bus, ("events",), set()),
        (chat_topic, ("sns",), set()),
        # A schedule is given its role with the call that makes it.
        (way_back, ("scheduler",), {"iam:PassRole"}),
        (signals, (), set()),
        (account_alias, ("iam",), set()),
        (alarm_actions, ("cloudwatch",), set()),
        (diagnosis_logs, ("logs",), set()),
        (diagnosis_metrics, ("cloudwatch",), set()),
        (function_details, ("lambda",), set()),
        (rule_watch, ("events",), set()),
        (simulations, ("iam",), set()),
    ],
)
def test_declares_what_it_calls(
    module: ModuleType, services: tuple[str, ...], instead: set[str]
) -> None:
    """No action is missing and none is too many."""
    called = _actions(module, services) | instead

    assert called == module.IAM_ACTIONS, (
        f"IAM_ACTIONS of {module.__name__}: add {sorted(called - module.IAM_ACTIONS)},"
        f" take {sorted(module.IAM_ACTIONS - called)} away"
    )


# What a store asks of `Table`. A transaction needs the permissions of its items, there is no action
# of its own.
TABLE_CALLS = {
    r"_table\.get\(": "GetItem",
    r"_table\.query\(": "Query",
    r"\bPutItem\(": "PutItem",
    r"\bUpdate\(": "UpdateItem",
    r"\bDelete\(": "DeleteItem",
    r"\bConditionCheck\(": "ConditionCheckItem",
}


@pytest.mark.parametrize(
    ("store", "helpers"),
    [
        (ledger, (incident_items, live_items, places, rollback_requests, tag_key)),
        (chart_store, ()),
        (loop_book, ()),
        (fact_store, ()),
        (diagnosis_marks, ()),
        (diagnosis_store, ()),
    ],
)
def test_a_store_declares_what_it_asks_of_the_table(
    store: ModuleType, helpers: tuple[ModuleType, ...]
) -> None:
    """No action is missing and none is too many."""
    source = "".join(inspect.getsource(one) for one in (store, *helpers))
    asked = {f"dynamodb:{name}" for call, name in TABLE_CALLS.items() if re.search(call, source)}

    assert asked == store.IAM_ACTIONS
