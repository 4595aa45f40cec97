"""What a role may do, and who may invoke a function: allowed, possible or denied.

DENIED is only said where it is proved, ALLOWED only where a request is known that the policies
read here allow. All else is POSSIBLE.

What is not seen here may still deny: service and resource control policies of the organisation,
session policies, endpoint policies, the resource policies of what is written to, keys of KMS. And
one thing may still allow: the resource policy of a queue, topic, bucket, bus or key that names the
role itself needs no statement in the role's own policies.
"""

from functions.domain.iam.action_statements import Allowed
from functions.domain.iam.answer import Access, Answer, Because
from functions.domain.iam.arn import account_of
from functions.domain.iam.identity import (
    Identity,
    Reach,
    Rights,
    build_execution_context,
    evaluate_identity,
    read_identity,
    read_rights,
)
from functions.domain.iam.resource_policy import Caller, evaluate_resource_policy

__all__ = [
    "Access",
    "Allowed",
    "Answer",
    "Because",
    "Caller",
    "Identity",
    "Reach",
    "Rights",
    "account_of",
    "build_execution_context",
    "evaluate_identity",
    "evaluate_resource_policy",
    "read_identity",
    "read_rights",
]
