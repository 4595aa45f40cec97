"""Loops that are told of before they run, and what the guard makes of that when they do.

One story in the order of the file: a stack brings a loop into the account, people are warned, the
loop changes, and then its first event comes. Beside it live functions that only look like loops.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_lambda_event_sources import DynamoEventSource

from functions.aws.records.graph_summary import LoopBookStore
from functions.aws.records.table import Table
from functions.domain.detection.evidence import LoopProof
from sandbox.scenarios.catalogue import make_loop
from sandbox.scenarios.provision import (
    Grant,
    allow_invoke,
    arn,
    create_function,
    map_source,
    notify_on_new_objects,
)
from sandbox.scenarios.user_stacks import define_function, deploy_stack
from stacks.names import CONTAIN
from tests.e2e.account import LONG_SPIKE_MINUTES, Account, grounds_of
from tests.e2e.deployment import Deployment

if TYPE_CHECKING:
    from constructs import Construct

    from functions.domain.graph.summary import LoopBook
    from sandbox.local_aws import LocalAws, Mail

pytestmark = pytest.mark.e2e

# The loop really runs here: a CloudWatch minute has to be long enough to count some rounds.
SPEED = 30.0
FLAGS = {"response": "hold", "coverage": "function", "accepted_loops": "price-order"}
"""What a user deploys by default, but for the alarm that looks at each function."""

ACCEPTED_TAG = "loopbreaker:accepted-loop"
LOOP = "enrich-order"
LOOK_ALIKE = "convert-upload"
ROUNDS = 3
UPLOADS = 10
SOON_MINUTES = 2
SHOWN_MINUTES = 150


def define_shop(scope: Construct) -> None:
    """What somebody deploys without seeing that it is a loop."""
    table = dynamodb.Table(
        scope,
        "Orders",
        table_name="orders",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        removal_policy=RemovalPolicy.DESTROY,
    )
    function = define_function(
        scope, LOOP, code="enrich_order", recursive_loop=lambda_.RecursiveLoop.ALLOW
    )
    function.add_event_source(
        DynamoEventSource(table, starting_position=lambda_.StartingPosition.LATEST, batch_size=1)
    )
    table.grant(function, "dynamodb:UpdateItem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The account with the stack's loop and what lives beside it, before anything has run."""

    owner: Account
    books: LoopBookStore

    @property
    def book(self) -> LoopBook | None:
        """What the chart has written last."""
        return self.books.load()

    def proof(self, function: str) -> LoopProof:
        """What the book says of a function."""
        return self.book.proof(function) if self.book else LoopProof.UNKNOWN

    def until_proof(self, function: str, proof: LoopProof) -> None:
        """Wait until the chart has seen a change; its notices follow at once."""
        self.owner.until(
            lambda: self.proof(function) is proof,
            f"{function} {proof}, not {self.proof(function)}",
        )
        self.owner.wait_minutes(SOON_MINUTES)

    def mentions(self, function: str) -> list[str]:
        """The subjects of all mails that mention a function anywhere."""
        return [one.subject for one in self.owner.aws.mails() if function in one.subject + one.body]


@pytest.fixture(scope="module")
def stack(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The guard, with what a user deploys by default."""
    deployment = Deployment(aws, tmp_path_factory.mktemp("assembly"))
    deployment.deploy(**FLAGS)
    return deployment


@pytest.fixture(scope="module")
def scene(aws: LocalAws, stack: Deployment) -> Scene:
    """The account once the stack was deployed, beside neighbours that are no loops, or accepted."""
    owner = Account(aws, stack)
    table = stack.resource("AWS::DynamoDB::Table", "Ledger")
    moments = iter(range(0, 10_000_000, 3600))
    books = LoopBookStore(
        Table(lambda: aws.client("dynamodb"), table),
        clock=lambda: datetime.fromtimestamp(next(moments), UTC),  # asks anew each time
    )
    scene = Scene(owner=owner, books=books)
    owner.until(lambda: scene.book is not None, "the account is charted")
    look_alike(aws)
    accepted_by_tag(aws)
    make_loop("events", aws).deploy()
    deploy_stack(aws, "Shop", define_shop)
    return scene


def look_alike(aws: LocalAws) -> None:
    """A function that writes into the bucket that invokes it, but never where that would."""
    aws.client("s3").create_bucket(Bucket="uploads")
    create_function(
        aws,
        LOOK_ALIKE,
        grants=(Grant(actions=("s3:PutObject",), resources=(arn("s3", "uploads/output/*"),)),),
    )
    allow_invoke(aws, LOOK_ALIKE, "s3.amazonaws.com", arn("s3", "uploads"))
    notify_on_new_objects(aws, "uploads", LOOK_ALIKE, prefix="input/")


def accepted_by_tag(aws: LocalAws) -> None:
    """A function that puts messages back into its queue, which somebody says is meant to be."""
    queue = arn("sqs", "retries")
    aws.client("sqs").create_queue(QueueName="retries")
    actions = (
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    )
    create_function(
        aws,
        "retry-job",
        code="run_job",
        grants=(Grant(actions=actions, resources=(queue,)),),
        tags={ACCEPTED_TAG: "ends after three rounds"},
    )
    map_source(aws, "retry-job", queue)


def warnings_of(scene: Scene, function: str) -> list[Mail]:
    """All notices about a function's loops."""
    return scene.owner.mails("WARNING", function)


def test_people_are_warned_before_the_first_event(scene: Scene) -> None:
    """The mail draws the loop, says what closes and what breaks it, and that AWS would not."""
    mail = scene.owner.mail("WARNING", LOOP)

    assert scene.owner.aws.counts().get(LOOP, 0) == 0
    for text in (
        f"orders ─stream▶ {LOOP} ─UpdateItem▶ orders",
        "dynamodb:UpdateItem",
        "HOW TO FIX\nAny one of these:\n1. ",
        f"No. {LOOP} is set to RecursiveLoop=Allow",
        "Nothing was changed.",
        f"-c accepted_loops={LOOP}",
    ):
        assert text in mail.body


def test_the_guard_is_not_told_of_itself(scene: Scene) -> None:
    """A fresh deployment begins with no mail about its own functions."""
    assert scene.mentions(CONTAIN) == []


def test_what_only_looks_like_a_loop_is_not_told_of(scene: Scene) -> None:
    """The filter of the notification and the role's prefix rule each other out."""
    scene.until_proof(LOOK_ALIKE, LoopProof.RULED_OUT)

    assert scene.mentions(LOOK_ALIKE) == []


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("retry-job", "ends after three rounds"),
        ("price-order", "accepted by the deployment's flag accepted_loops"),
    ],
)
def test_an_accepted_loop_is_not_told_of(scene: Scene, function: str, reason: str) -> None:
    """Its reason is kept beside it, and it is no proof."""
    scene.until_proof(function, LoopProof.POSSIBLE)

    page = scene.book.page(function) if scene.book else None
    assert page is not None
    assert page.accepted == reason
    assert scene.mentions(function) == []


def test_a_loop_that_changed_is_told_of_again_and_one_that_is_gone_is_not(scene: Scene) -> None:
    """Another trigger is another loop; taking it away needs no mail."""
    aws, name = scene.owner.aws, "make-thumbnail"
    make_loop("s3", aws).deploy()
    scene.owner.mail("WARNING", name)

    by_rule(aws, name)
    scene.owner.until(lambda: len(warnings_of(scene, name)) == 2, "the second warning")
    aws.client("events").disable_rule(Name="new-photos")
    scene.until_proof(name, LoopProof.RULED_OUT)

    second = warnings_of(scene, name)[1]
    assert "rule new-photos" in second.body
    assert len(warnings_of(scene, name)) == 2
    assert aws.counts().get(name, 0) == 0


def by_rule(aws: LocalAws, function: str) -> None:
    """Let a rule bring the bucket's new objects to the function, no longer a notification."""
    aws.client("s3").put_bucket_notification_configuration(
        Bucket="photos", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": ["photos"]}}}
    events = aws.client("events")
    rule = events.put_rule(Name="new-photos", EventPattern=json.dumps(pattern))
    aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule["RuleArn"],
    )
    target = {"Id": function, "Arn": arn("lambda", f"function:{function}")}
    events.put_targets(Rule="new-photos", Targets=[target])


def test_it_was_told_once(scene: Scene) -> None:
    """All the other changes since were charted, and the first loop was not told of again."""
    assert len(warnings_of(scene, LOOP)) == 1
    assert scene.proof(LOOP) is LoopProof.CERTAIN


def test_the_first_event_starts_it_and_it_is_held_and_contained(
    scene: Scene, account: Account
) -> None:
    """The graph is certain, and the hold sees that it goes round; the mail says what closes it."""
    loop = make_loop("dynamodb", account.aws)

    loop.seed(ROUNDS)
    assert account.mail("] HELD", LOOP)
    account.until(lambda: account.contained([LOOP]) == [LOOP], f"{LOOP} contained", SHOWN_MINUTES)

    assert account.reserved(LOOP) == 0
    mail = account.mail_of_containment(LOOP)
    assert "loop_proven" in grounds_of(account.aws, LOOP)
    for text in ("THE LOOP", "UpdateItem", "How to fix it:", f"-c rollback={LOOP}"):
        assert text in mail.body


def test_a_burst_of_the_look_alike_is_not_contained(scene: Scene, account: Account) -> None:
    """It does what holds another function, and works through it."""
    s3 = account.aws.client("s3")
    other = account.function("import-prices", may_be_held=True)
    before = account.settings(LOOK_ALIKE)
    # No graph rules out a function that was deployed minutes before it was read.
    account.aws.was_deployed([LOOK_ALIKE], days_ago=14)
    for number in range(UPLOADS):
        s3.put_object(Bucket="uploads", Key=f"input/{number}", Body=b"upload")

    account.spike(other, minutes=LONG_SPIKE_MINUTES)
    account.spike(LOOK_ALIKE)
    account.until(lambda: account.reserved(other) is not None, f"{other} is held")
    account.until(
        lambda: "loop_ruled_out" in grounds_of(account.aws, LOOK_ALIKE),
        f"{LOOK_ALIKE} is ruled out",
    )
    account.let_pulses_pass()

    assert account.settings(LOOK_ALIKE) == before
    assert scene.mentions(LOOK_ALIKE) == []
    done = s3.list_objects_v2(Bucket="uploads", Prefix="output/")
    assert done["KeyCount"] == UPLOADS
    # S3 notifies at least once.
    assert UPLOADS <= account.aws.counts()[LOOK_ALIKE] <= UPLOADS + 2
