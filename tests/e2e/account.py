"""What the end-to-end tests do and see in the account that the guard watches."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import Table
from functions.domain.incidents.states import IncidentState
from sandbox.demo.watch import CONTAINED, STOPPED
from sandbox.scenarios.provision import (
    Grant,
    arn,
    create_function,
    map_source,
    settings_of,
)
from stacks.names import CONTAIN, SIGNAL_ALARM_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from functions.domain.incidents.incident import Incident
    from sandbox.local_aws import LocalAws, Mail
    from sandbox.scenarios.provision import FunctionSettings
    from tests.e2e.deployment import Deployment

SPIKE_PER_MINUTE = 400.0
SPIKE_CONCURRENCY = 20.0
SPIKE_DURATION_MS = 600.0
# Of one that is held: what invokes it is told once what arrived is published as well.
LONG_SPIKE_MINUTES = 10
SPIKE_MINUTES = 4
# In AWS's weather all but the newest minute of a spike is complete by then.
SEEN_AFTER_MINUTES = 3
USUAL_PER_MINUTE = 1.0
DAYS = 14
RECENT_MINUTES = 180

# Virtual minutes, and so pulses: far more than anything takes. The machine does not matter: where
# it is slow, minutes are longer.
PATIENCE_MINUTES = 40
PULSES = 3
# From a change that CloudTrail reports to an event graph with it: two of the chart's ticks.
CHART_MINUTES = 4
SIDE_BY_SIDE = 8


class Account:
    """The account, seen by its owner."""

    def __init__(self, aws: LocalAws, stack: Deployment) -> None:
        self.aws = aws
        self.stack = stack
        self._lambda = aws.client("lambda")
        self._with_past: set[str] = set()

    # -- what the owner does --------------------------------------------------------------------

    def function(
        self,
        name: str,
        *,
        reserved: int | None = None,
        tags: dict[str, str] | None = None,
        may_be_held: bool = False,
    ) -> str:
        """Create a function behind a queue, and behind a URL; its name.

        Who calls the URL no configuration tells: the function is not ruled out as a loop, as one
        behind the queue alone would be. In AWS's weather that is so once the event graph has heard
        of the URL, which is waited for: a spike of the tests is over sooner.

        Parameters
        ----------
        may_be_held
            It has neither, and may invoke itself: nobody waits for its answers.
        """
        self.functions({name: {"reserved": reserved, "tags": tags, "may_be_held": may_be_held}})
        return name

    def functions(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        """Create several such functions, by name, and wait for the event graph once."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            list(pool.map(lambda name: self._create(name, **wanted[name]), wanted))
        if wanted and self.aws.trail_minutes:
            self.wait_minutes(self.aws.trail_minutes + CHART_MINUTES)

    def _create(
        self,
        name: str,
        *,
        reserved: int | None = None,
        tags: dict[str, str] | None = None,
        may_be_held: bool = False,
    ) -> None:
        if may_be_held:
            own = Grant(
                actions=("lambda:InvokeFunction",), resources=(arn("lambda", f"function:{name}"),)
            )
            create_function(self.aws, name, code="nightly_import", grants=(own,), tags=tags)
        else:
            self._create_behind_queue_and_url(name, tags)
        if reserved is not None:
            self._lambda.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )

    def _create_behind_queue_and_url(self, name: str, tags: dict[str, str] | None) -> None:
        self.aws.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "15"})
        polling = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        grants = (Grant(actions=polling, resources=(arn("sqs", name),)),)
        create_function(self.aws, name, code="nightly_import", grants=grants, tags=tags)
        map_source(self.aws, name, arn("sqs", name))
        self._lambda.create_function_url_config(FunctionName=name, AuthType="NONE")
        self._lambda.add_permission(
            FunctionName=name,
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )

    def past(self, *functions: str) -> None:
        """Give functions 14 days in which they ran once a minute."""
        steps = (DAYS * 1440 - RECENT_MINUTES) // 5
        old = {
            "minutes_ago": DAYS * 1440,
            "step_minutes": 5,
            "values": [5 * USUAL_PER_MINUTE] * steps,
        }
        recent = {"minutes_ago": RECENT_MINUTES, "values": [USUAL_PER_MINUTE] * RECENT_MINUTES}
        whose = {"functions": list(functions), "metric": "Invocations"}
        arrived = {"functions": list(functions), "metric": "AsyncEventsReceived"}
        self.aws.seed([{**whose, **old}, {**whose, **recent}, {**arrived, **recent}])
        self._with_past.update(functions)

    def spike(
        self, function: str, per_minute: float = SPIKE_PER_MINUTE, minutes: int = SPIKE_MINUTES
    ) -> None:
        """Let a function's metrics look like those of a loop, and an alarm name it.

        The account's own series stay quiet, so that no pulse looks at the function by itself. An
        alarm names a function once its metrics are published, so that is waited for.
        """
        self.burn(function, per_minute, minutes)
        if self.aws.publication_minutes:
            self.wait_minutes(SEEN_AFTER_MINUTES)
        self.signal(function)

    def burn(
        self, function: str, per_minute: float, minutes: int, *, further_minutes: int = 0
    ) -> None:
        """Let a function's metrics look like those of a loop, for so long, and further on."""
        if function not in self._with_past:
            self.past(function)
        spiking = {
            "Invocations": per_minute,
            "AsyncEventsReceived": per_minute,
            "ConcurrentExecutions": SPIKE_CONCURRENCY,
            "Duration": SPIKE_DURATION_MS,
        }
        self.aws.seed(
            [
                {
                    "functions": [function],
                    "metric": metric,
                    "minutes_ago": minutes,
                    "values": [value] * (minutes + further_minutes),
                }
                for metric, value in spiking.items()
            ]
        )

    def signal(self, function: str) -> None:
        """Publish what an alarm with one series per function publishes."""
        alarm = f"{SIGNAL_ALARM_PREFIX}function"
        moment = datetime.fromtimestamp(self.aws.clock.timestamp(), UTC)
        detail = {
            "alarmName": alarm,
            "alarmContributor": {
                "id": "6d442278dba546f6",
                "attributes": {"FunctionName": function},
            },
            "state": {
                "value": "ALARM",
                "reason": "Threshold Crossed",
                "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "+0000",
            },
            "configuration": {"metrics": [], "description": ""},
        }
        self.aws.publish(
            "aws.cloudwatch",
            "CloudWatch Alarm Contributor State Change",
            detail,
            [arn("cloudwatch", f"alarm:{alarm}")],
        )

    def contain(self, function: str, per_minute: float = SPIKE_PER_MINUTE) -> Mail:
        """Let a function be contained; the mail that tells of it."""
        self.spike(function, per_minute)
        self.until(lambda: self.reserved(function) == 0, f"{function} is contained")
        return self.mail(STOPPED, function)

    # -- what can be seen ---------------------------------------------------------------------

    def reserved(self, function: str) -> int | None:
        """The reserved concurrency of a function; ``None`` for nothing."""
        answer = self._lambda.get_function_concurrency(FunctionName=function)
        value: int | None = answer.get("ReservedConcurrentExecutions")
        return value

    def reserved_of_drills(self) -> dict[str, int | None]:
        """What is reserved of the functions that drills have made and not removed."""
        return {name: self.reserved(name) for name in self._names() if "-DRILL-" in name}

    def settings(self, function: str) -> FunctionSettings:
        """All of a function's settings that a containment may change."""
        return settings_of(self.aws, function)

    def until_settings(self, function: str, wanted: FunctionSettings) -> None:
        """Wait until a function's settings are these: a mapping takes a while to switch."""
        self.until(
            lambda: self.settings(function) == wanted, f"{wanted}, not {self.settings(function)}"
        )

    def incident(self, function: str) -> Incident | None:
        """The open incident of a function."""
        name = self.stack.resource("AWS::DynamoDB::Table", "Ledger")
        ledger = DynamoLedger(Table(lambda: self.aws.client("dynamodb"), name))
        return ledger.find(function)

    def state(self, function: str) -> IncidentState | None:
        """The state of a function's open incident."""
        incident = self.incident(function)
        return None if incident is None else incident.state

    def contained(self, names: Sequence[str]) -> list[str]:
        """Those of these functions that are stopped, or held until a person decides.

        How even a loop is, and how often it goes round in a minute, depends on how busy the machine
        is: one that is uneven is held, and may stay so.
        """
        found = [self.incident(one) for one in names]
        return [
            one.function
            for one in found
            if one is not None and (one.is_shown or one.state is IncidentState.CONTAINED)
        ]

    def mail_of_containment(self, function: str) -> Mail:
        """The mail that a function is stopped, or stays held."""
        self.until(
            lambda: any(self.mails(lead, function) for lead in CONTAINED),
            f"a mail that {function} is stopped or stays held",
        )
        return next(mail for lead in CONTAINED for mail in self.mails(lead, function))

    def mails(self, text: str, function: str = "") -> list[Mail]:
        """The mails with a text and a function in the subject."""
        return [
            mail for mail in self.aws.mails() if text in mail.subject and function in mail.subject
        ]

    def mail(self, text: str, function: str = "") -> Mail:
        """Wait for the first mail with a text and a function in the subject."""
        self.until(lambda: bool(self.mails(text, function)), f"a mail {text} {function}")
        return self.mails(text, function)[0]

    def until(
        self, condition: Callable[[], bool], what: str, minutes: float = PATIENCE_MINUTES
    ) -> None:
        """Wait until something is the case, for so many of CloudWatch's minutes."""
        self.aws.wait_until_within(minutes, condition, what)

    def wait_minutes(self, minutes: float) -> None:
        """Wait some of CloudWatch's minutes."""
        self.aws.wait_minutes(minutes)

    def let_pulses_pass(self) -> None:
        """Give the guard the time to do what it must not do, with all that it could measure."""
        self.wait_minutes(PULSES + self.aws.publication_minutes)

    # -- who may do what ------------------------------------------------------------------------

    def as_guard(self, function: str) -> str:
        """Ask to throttle a function under the role of `contain`; the error's code or ``done``."""
        return self._ask_deputy(
            {
                "service": "lambda",
                "call": "put_function_concurrency",
                "FunctionName": function,
                "ReservedConcurrentExecutions": 0,
            }
        )

    def _ask_deputy(self, request: dict[str, Any]) -> str:
        name = "loopbreaker-deputy"
        if name not in self._names():
            role = self._lambda.get_function(FunctionName=CONTAIN)["Configuration"]["Role"]
            self._lambda.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role,
                Handler="index.handler",
                Code={"ZipFile": deputy_package()},
                Timeout=20,
            )
        answer = self._lambda.invoke(FunctionName=name, Payload=json.dumps(request).encode())
        return str(json.load(answer["Payload"]))

    def invoke_guard(self, event: Any) -> None:
        """Hand `contain` an event as EventBridge does: asynchronously."""
        self._lambda.invoke(
            FunctionName=CONTAIN, InvocationType="Event", Payload=json.dumps(event).encode()
        )

    def dead_letters(self) -> list[dict[str, Any]]:
        """What could not be handled, taken out of its queue."""
        sqs = self.aws.client("sqs")
        url = self.stack.resource("AWS::SQS::Queue", "DeadLettersFailed")
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def _names(self) -> list[str]:
        return [one["FunctionName"] for one in self._lambda.list_functions()["Functions"]]


def grounds_of(aws: LocalAws, function: str) -> set[str]:
    """The reasons of all that the guard has judged of a function."""
    events = aws.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{CONTAIN}", filterPattern="verdict"
    )["events"]
    records = [json.loads(one["message"]) for one in events if one["message"].startswith("{")]
    return {
        ground["reason"]
        for one in records
        if one.get("function") == function
        for ground in one.get("grounds", ())
    }


DEPUTY = """
import boto3
from botocore.exceptions import ClientError
def handler(request, context):
    client = boto3.client(request.pop("service"))
    try:
        getattr(client, request.pop("call"))(**request)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
"""


def deputy_package() -> bytes:
    """Code that does what it is asked to, under whatever role it has."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", DEPUTY)
    return archive.getvalue()
