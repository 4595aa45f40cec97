from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct


class Ledger(Construct):
    """The DynamoDB table with the incidents and what each function looked like before.

    Losing a snapshot is the one thing that cannot be made good, so the table outlives the stack,
    cannot be deleted by hand without a second thought, and can be put back to any second of the
    last 35 days. It is encrypted with the key that DynamoDB owns, which costs nothing and leaves
    nothing that could be locked away from the guard in the middle of an incident.

    A first deployment that fails leaves its table behind, empty, and the next one makes another:
    that costs nothing. The removal policy RETAIN_ON_UPDATE_OR_DELETE would take it away and make
    things worse: the deletion protection refuses, and then the rollback itself fails.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
