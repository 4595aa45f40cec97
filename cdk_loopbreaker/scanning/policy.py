"""The rights that a scan needs: what its calls take, and nothing else."""

from __future__ import annotations

import json
from typing import Final

from cdk_loopbreaker.scanning import estimate
from functions.aws.account import account_reader

_APIS: Final = "apigateway:GET"
# What an API leads to, and no other part of it. UNCONFIRMED A-054: whether reading resources with
# their methods is held against the methods too.
_API_PATHS: Final = (
    "/apis",
    "/apis/*/integrations",
    "/apis/*/routes",
    "/restapis",
    "/restapis/*/resources",
    "/restapis/*/resources/*",
)
# The deployed guard makes these calls to work a change in; a scan reads everything by lists.
ONLY_AFTER_CHANGES: Final = frozenset(
    {
        "events:DescribeRule",
        "lambda:GetEventSourceMapping",
        "lambda:GetFunctionConfiguration",
        "lambda:ListTags",
        "scheduler:GetSchedule",
    }
)
IAM_ACTIONS: Final = (account_reader.IAM_ACTIONS - ONLY_AFTER_CHANGES) | estimate.IAM_ACTIONS
"""All that a scan may call. `sts:GetCallerIdentity` needs no right."""


def format_policy(partition: str = "aws") -> str:
    """The IAM policy as JSON, with a line break at its end."""
    statements = [
        {
            "Sid": "ReadConfiguration",
            "Effect": "Allow",
            "Action": sorted(IAM_ACTIONS - {_APIS}),
            "Resource": "*",
        },
        {
            "Sid": "ReadApis",
            "Effect": "Allow",
            "Action": _APIS,
            "Resource": [f"arn:{partition}:apigateway:*::{path}" for path in _API_PATHS],
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"
