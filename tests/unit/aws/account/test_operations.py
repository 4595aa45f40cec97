"""The calls of a reading: that AWS has them, that they only read, and what they ask for."""

import importlib
import pkgutil

import botocore.session
import pytest
from botocore import xform_name

from functions.aws.account import account_reader as reader
from functions.aws.account import services
from functions.aws.account.rate_limit import ALLOWED_PER_SECOND
from functions.aws.account.read_client import Operation

OPERATIONS = tuple(
    operation
    for _, name, _ in pkgutil.iter_modules(services.__path__, f"{services.__name__}.")
    for operation in importlib.import_module(name).OPERATIONS
)
# Actions go by another prefix than the endpoint, and S3's by other names than its calls.
PREFIXES = {
    "resourcegroupstaggingapi": "tag",
    "stepfunctions": "states",
    "apigatewayv2": "apigateway",
}
NAMES = {
    "ListBuckets": "ListAllMyBuckets",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
}


@pytest.mark.thorough
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.service}.{one.method}")
def test_each_call_declares_its_action(operation: Operation) -> None:
    """The call exists, is counted somewhere, and its action is the one that AWS checks."""
    model = botocore.session.get_session().get_service_model(operation.service)
    (name,) = (one for one in model.operation_names if xform_name(one) == operation.method)
    prefix = PREFIXES.get(operation.service, operation.service)
    # API Gateway's actions are the methods of HTTP.
    told = "GET" if prefix == "apigateway" else NAMES.get(name, name)

    assert operation.action == f"{prefix}:{told}"
    assert name.startswith(("Get", "List", "Describe"))
    assert operation.lane in ALLOWED_PER_SECOND


def test_the_reader_declares_the_actions_of_all_its_calls() -> None:
    """No action is missing and none is too many."""
    called = {one.action for one in OPERATIONS}

    assert called == reader.IAM_ACTIONS, (
        "add the IAM_ACTIONS of the new file to those of account_reader.py:"
        f" {sorted(called ^ reader.IAM_ACTIONS)}"
    )
