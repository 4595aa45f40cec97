"""The declared actions are exactly those of the calls beside which they stand."""

import inspect
import re
from types import ModuleType

import botocore.session
import pytest
from botocore import xform_name

from functions.aws import (
    alarm_actions,
    chart_store,
    diagnosis_logs,
    diagnosis_metrics,
    diagnosis_store,
    function_details,
    functions,
    hold_facts,
    ledger,
    loop_book,
    metrics,
    publisher,
    rule_watch,
    signals,
    simulations,
    way_back,
)
from functions.aws.reading import storage

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
        # A schedule is given its role with the call that makes it.
        (way_back, ("scheduler",), {"iam:PassRole"}),
        (signals, (), set()),
        # A condition on an item that is not written is part of a transaction.
        (ledger, ("dynamodb",), {"dynamodb:ConditionCheckItem"}),
        (chart_store, ("dynamodb",), set()),
        (loop_book, ("dynamodb",), set()),
        (storage, ("dynamodb",), set()),
        (alarm_actions, ("cloudwatch",), set()),
        (diagnosis_logs, ("logs",), set()),
        (diagnosis_metrics, ("cloudwatch",), set()),
        (diagnosis_store, ("dynamodb",), set()),
        (function_details, ("lambda",), set()),
        (rule_watch, ("events",), set()),
        (simulations, ("iam",), set()),
    ],
)
def test_declares_what_it_calls(
    module: ModuleType, services: tuple[str, ...], instead: set[str]
) -> None:
    """No action is missing and none is too many."""
    # A transaction needs the permissions of its items, there is no action of its own.
    called = _actions(module, services) - {"dynamodb:TransactWriteItems"}

    assert called | instead == module.IAM_ACTIONS
