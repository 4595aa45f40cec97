"""The AWS services that the guard calls, by botocore's names.

The deployment bundles the models of these and of no others, so a client of any other service could
not be made. Standard library only: the stacks read this too.
"""

from __future__ import annotations

from typing import Final

SERVICES: Final = frozenset(
    {
        "apigateway",
        "apigatewayv2",
        "cloudwatch",
        "dynamodb",
        "events",
        "firehose",
        "iam",
        "kinesis",
        "lambda",
        "logs",
        "pipes",
        "resourcegroupstaggingapi",
        "s3",
        "scheduler",
        "sns",
        "sqs",
        "stepfunctions",
    }
)
