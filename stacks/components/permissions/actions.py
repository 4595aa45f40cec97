"""The actions that guard functions are allowed, as plain lists, to be reviewed in one place.

A test compares the lists with what the adapters in `functions/aws` declare beside their calls.
Resource types and condition keys: Service Authorization Reference, *Actions, resources, and
condition keys for AWS Lambda*, *... Amazon CloudWatch*, *... Amazon Resource Group Tagging API*.
"""

from __future__ import annotations

from typing import Final

READ_METRICS: Final = ("cloudwatch:GetMetricData", "cloudwatch:ListMetrics")
# A metrics query sees no more than 10,000 functions: `contain` has to know whether there are more.
COUNT_FUNCTIONS: Final = ("lambda:GetAccountSettings",)

READ_FUNCTIONS: Final = (
    # It answers a link to the code too, and no condition of IAM takes that out. What would do
    # without (GetFunctionConfiguration, GetFunctionConcurrency, ListTags) shares 15 calls a second
    # with every other change in the account, PutFunctionConcurrency among them; GetFunction has
    # 100 a second to itself (Lambda developer guide, *Lambda quotas*). In a burst of alarms three
    # calls for each function would throttle the one that stops it, so it stays. Environment
    # variables are answered by either.
    "lambda:GetFunction",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionScalingConfig",
    "lambda:GetPolicy",
    "lambda:ListAliases",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListProvisionedConcurrencyConfigs",
    "lambda:ListTags",
)
# What a hold depends on: how long events wait before they are lost.
READ_QUEUES: Final = ("sqs:GetQueueAttributes", "sqs:ListDeadLetterSourceQueues")
READ_STREAMS: Final = ("kinesis:DescribeStreamSummary",)
LIST_MAPPINGS: Final = ("lambda:ListEventSourceMappings",)
LIST_VERSIONS: Final = ("lambda:ListFunctionVersionsByCapacityProvider",)
READ_MAPPINGS: Final = ("lambda:GetEventSourceMapping",)

CHANGE_CONCURRENCY: Final = (
    "lambda:DeleteFunctionConcurrency",
    "lambda:DeleteProvisionedConcurrencyConfig",
    "lambda:PutFunctionConcurrency",
    "lambda:PutFunctionScalingConfig",
    "lambda:PutProvisionedConcurrencyConfig",
)
CHANGE_MAPPINGS: Final = ("lambda:UpdateEventSourceMapping",)
TAG: Final = ("lambda:TagResource",)
UNTAG: Final = ("lambda:UntagResource",)
CHANGE_TAGS: Final = (*TAG, *UNTAG)
FIND_TAGGED: Final = ("tag:GetResources",)

USE_LEDGER: Final = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
# The chart's part of the same table, by the keys of its items: it may read the open incidents, for
# the mappings that the guard has disabled, and change none.
USE_CHART: Final = (
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
CHART_KEYS: Final = ("chart", "chart-*", "account#*")
READ_LIVE: Final = ("dynamodb:Query",)
LIVE_KEYS: Final = ("live",)
PUBLISH: Final = ("sns:Publish",)
SEND_EVENTS: Final = ("events:PutEvents",)
# What the page of the guard is read from, by the keys of the items: the secret that seals snapshots
# in tags is out of its reach.
READ_RECORDS: Final = ("dynamodb:GetItem", "dynamodb:Query")
SHOWN_KEYS: Final = ("live", "closed#*", "filed", "diagnosis", "treatment", "chart")
READ_PAGE: Final = ("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData")
READ_RESERVED: Final = ("lambda:GetFunctionConcurrency",)
# The way back of a hold. Service Authorization Reference, *... Amazon EventBridge Scheduler*.
SCHEDULE: Final = (
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:UpdateSchedule",
)

# What an event graph and a diagnosis are made of: the configuration of the account, and nothing
# that is kept in it. Most of these take no resource, and which resources matter is only known once
# all are read.
READ_CONFIGURATION: Final = (
    "dynamodb:GetResourcePolicy",
    "events:DescribeRule",
    "events:ListEventBuses",
    "events:ListRules",
    "events:ListTargetsByRule",
    "firehose:DescribeDeliveryStream",
    "firehose:ListDeliveryStreams",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "kinesis:GetResourcePolicy",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionRecursionConfig",
    "lambda:GetPolicy",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListFunctionUrlConfigs",
    "lambda:ListFunctions",
    "lambda:ListTags",
    "logs:DescribeAccountPolicies",
    "logs:DescribeSubscriptionFilters",
    "pipes:DescribePipe",
    "pipes:ListPipes",
    "s3:GetBucketNotification",
    "s3:GetBucketPolicy",
    "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets",
    "scheduler:GetSchedule",
    "scheduler:ListSchedules",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptions",
    "sqs:GetQueueAttributes",
    "sqs:ListDeadLetterSourceQueues",
    "states:DescribeStateMachine",
    "states:ListStateMachines",
    "tag:GetResources",
)
# API Gateway's actions are the methods of HTTP: what may be read is a matter of the resource.
READ_APIS: Final = ("apigateway:GET",)
READ_FOR_DIAGNOSIS: Final = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "lambda:ListAliases",
    "logs:DescribeLogGroups",
)
# What Lambda does with a queue by the role of the function that it invokes.
TAKE_MESSAGES: Final = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
READ_REPORTS: Final = ("logs:FilterLogEvents",)
# IAM knows no resource for it.
READ_ACCOUNT_ALIAS: Final = ("iam:ListAccountAliases",)
SIMULATE: Final = ("iam:SimulatePrincipalPolicy",)

# What each kind of remedy changes, and what takes it back.
CHANGE_ROLES: Final = ("iam:DeleteRolePolicy", "iam:PutRolePolicy")
CHANGE_CONFIGURATION: Final = ("lambda:UpdateFunctionConfiguration",)
ADMIT: Final = ("lambda:AddPermission",)
EXPEL: Final = ("lambda:RemovePermission",)

READ_ACCOUNT: Final = ("lambda:GetAccountSettings",)
RESERVE: Final = ("lambda:GetFunctionConcurrency", "lambda:PutFunctionConcurrency")
