"""What a state machine does, read from its definition.

Language: `Amazon States Language` (https://states-language.net) and `Integrating services` of the
Step Functions developer guide.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from functions.domain.account.inventory import StateMachine
from functions.domain.account.strict_json import Json, UnreadableJsonError, read_json
from functions.domain.graph.model import Node
from functions.domain.graph.nodes import bucket_arn, bus_arn, node_of
from functions.domain.graph.payloads import ANYTHING, Changed, Payload, Put, Stored
from functions.domain.graph.writes.read_calls import is_read

_SUFFIXES: Final = (".waitForTaskToken", ".sync:2", ".sync")
_INTEGRATION: Final = ":states:::"
_URL_FIELDS: Final = 5
_ARN_FIELDS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLocation:
    """Where names without an ARN are at home."""

    partition: str
    region: str
    account: str

    def compose_arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing that a state machine writes to or invokes.

    Attributes
    ----------
    state
        The name of the state.
    arn
        The target's ARN as the definition has it: of a function with the version or alias.
    is_always
        Whether every execution comes by, unless it fails before.
    is_borrowing
        Whether it is done with another role than the machine's (``Credentials``).
    """

    state: str
    arn: str
    target: Node
    payload: Payload
    action: str
    is_always: bool
    is_borrowing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReading:
    """What a definition says.

    Attributes
    ----------
    open_actions
        IAM actions of tasks whose target is only known while they run; ``dynamodb:*`` for a call
        of a service that is not known here.
    is_borrowing
        Whether one of these is done with another role than the machine's.
    urls
        URLs that it calls.
    is_readable
        False for a definition that is no JSON object with states.
    """

    tasks: tuple[Task, ...] = ()
    open_actions: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    is_readable: bool = True
    is_borrowing: bool = False


def read_machine(machine: StateMachine, place: AccountLocation) -> MachineReading:
    """Read a definition."""
    try:
        definition = read_json(machine.definition)
    except UnreadableJsonError:
        return MachineReading(is_readable=False)
    if not isinstance(definition, Mapping) or not isinstance(definition.get("States"), Mapping):
        return MachineReading(is_readable=False)
    tasks: list[Task] = []
    dynamic: list[str] = []
    urls: list[str] = []
    is_borrowing = False
    for name, state, is_always in _list_states(definition, is_always=True):
        borrows = "Credentials" in state
        for resource, arguments in _find_calls(state):
            action, targets = _find_targets(resource, arguments, place)
            if action == "url":
                urls.extend(one for one, _ in targets)
                continue
            tasks.extend(
                Task(
                    state=name,
                    arn=arn,
                    target=node_of(arn),
                    payload=payload,
                    action=action,
                    is_always=is_always,
                    is_borrowing=borrows,
                )
                for arn, payload in targets
            )
            if action and not targets:
                dynamic.append(action)
                is_borrowing = is_borrowing or borrows
    return MachineReading(
        tasks=tuple(tasks),
        open_actions=tuple(dict.fromkeys(dynamic)),
        urls=tuple(urls),
        is_borrowing=is_borrowing,
    )


def _list_states(
    definition: Mapping[str, Json], *, is_always: bool
) -> Iterator[tuple[str, Mapping[str, Json], bool]]:
    """Every state with whether each execution of the whole comes by."""
    waiting = [(definition, is_always)]
    while waiting:
        part, always = waiting.pop()
        states = part.get("States")
        if not isinstance(states, Mapping):
            continue
        sure = _find_unconditional(part.get("StartAt"), states) if always else frozenset()
        for name, state in states.items():
            if not isinstance(state, Mapping):
                continue
            yield name, state, name in sure
            inner = [state.get("Iterator"), state.get("ItemProcessor")]
            branches = state.get("Branches")
            inner.extend(branches if isinstance(branches, list) else [])
            waiting.extend((one, name in sure) for one in inner if isinstance(one, Mapping))


def _find_unconditional(start: Json, states: Mapping[str, Json]) -> frozenset[str]:
    """The states that come one after the other before anything is chosen."""
    found: dict[str, None] = {}  # a definition may have 20,000 states
    name = start
    while isinstance(name, str) and name not in found:
        state = states.get(name)
        if not isinstance(state, Mapping):
            break
        found[name] = None
        name = None if state.get("Type") == "Choice" else state.get("Next")
    return frozenset(found)


def _find_calls(state: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for holder in (state, state.get("ResultWriter")):
        if not isinstance(holder, Mapping):
            continue
        resource = holder.get("Resource")
        arguments = holder.get("Arguments", holder.get("Parameters"))
        if isinstance(resource, str):
            yield resource, arguments if isinstance(arguments, Mapping) else {}


def _find_targets(
    resource: str, arguments: Mapping[str, Json], place: AccountLocation
) -> tuple[str, list[tuple[str, Payload]]]:
    """The IAM action of a task, and what it is done to; nothing if only the execution knows."""
    for suffix in _SUFFIXES:
        resource = resource.removesuffix(suffix)
    if ":lambda:" in resource and ":function:" in resource:
        return "lambda:InvokeFunction", [(resource, ANYTHING)]
    _, found, call = resource.partition(_INTEGRATION)
    if not found:
        return "", []
    call = call.removeprefix("aws-sdk:")
    if call in _NAMED:
        return _NAMED[call].find_targets(arguments, place)
    match call:
        case "s3:putObject" | "s3:copyObject":
            return "s3:PutObject", _find_objects(arguments, place)
        case "events:putEvents" | "eventbridge:putEvents":
            return "events:PutEvents", _find_buses(arguments, place)
        case "http:invoke" | "apigateway:invoke":
            endpoint = _get_text(arguments, "ApiEndpoint")
            return "url", [(endpoint, ANYTHING)] if endpoint else []
    return _name_every_action(call), []


def _name_every_action(call: str) -> str:
    """Everything of a service, for a call of it that is not known here; empty for a read."""
    service, _, verb = call.partition(":")
    if not verb or is_read(verb):
        return ""
    return f"{_PREFIXES.get(service, service)}:*"


# IAM's prefixes of services that SDK integrations call otherwise (`Supported AWS SDK service
# integrations` of the Step Functions developer guide).
_PREFIXES: Final[Mapping[str, str]] = {
    "sfn": "states",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "cloudwatchevents": "events",
    "s3control": "s3",
    "sesv2": "ses",
    "emr": "elasticmapreduce",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
}


@dataclass(frozen=True, slots=True)
class _Call:
    """An integration that names its target in one argument, by ARN, name or URL."""

    action: str
    argument: str
    service: str
    kind: str
    payload: Payload = ANYTHING

    def find_targets(
        self, arguments: Mapping[str, Json], place: AccountLocation
    ) -> tuple[str, list[tuple[str, Payload]]]:
        """The IAM action, and what it is done to."""
        name = _get_text(arguments, self.argument)
        if self.argument == "QueueUrl":
            arn = parse_queue_arn(name, place.partition)
        elif not name or name.startswith("arn:"):
            arn = name
        else:
            arn = place.compose_arn(self.service, f"{self.kind}{name.rsplit('function:', 1)[-1]}")
        return self.action, [(arn, self.payload)] if arn else []


_INVOKE: Final = _Call("lambda:InvokeFunction", "FunctionName", "lambda", "function:")
_SEND: Final = _Call("sqs:SendMessage", "QueueUrl", "sqs", "")
_PUBLISH: Final = _Call("sns:Publish", "TopicArn", "sns", "")
_START: Final = _Call("states:StartExecution", "StateMachineArn", "states", "stateMachine:")
_RECORD: Final = _Call("kinesis:PutRecord", "StreamName", "kinesis", "stream/")
_DELIVER: Final = _Call("firehose:PutRecord", "DeliveryStreamName", "firehose", "deliverystream/")
_ITEM: Final = Changed(("INSERT", "MODIFY"))
_NAMED: Final[Mapping[str, _Call]] = {
    "lambda:invoke": _INVOKE,
    "lambda:invokeAsync": _INVOKE,
    "sqs:sendMessage": _SEND,
    "sqs:sendMessageBatch": _SEND,
    "sns:publish": _PUBLISH,
    "sns:publishBatch": _PUBLISH,
    "states:startExecution": _START,
    "states:startSyncExecution": _START,
    "sfn:startExecution": _START,
    "kinesis:putRecord": _RECORD,
    "kinesis:putRecords": _RECORD,
    "firehose:putRecord": _DELIVER,
    "firehose:putRecordBatch": _DELIVER,
    "dynamodb:putItem": _Call("dynamodb:PutItem", "TableName", "dynamodb", "table/", _ITEM),
    "dynamodb:updateItem": _Call("dynamodb:UpdateItem", "TableName", "dynamodb", "table/", _ITEM),
    "dynamodb:deleteItem": _Call(
        "dynamodb:DeleteItem", "TableName", "dynamodb", "table/", Changed(("REMOVE",))
    ),
}


def _get_text(arguments: Mapping[str, Json], name: str) -> str:
    """A literal argument; empty where it is missing or comes from the input (``Name.$``, {% %})."""
    value = arguments.get(name)
    if not isinstance(value, str) or value.lstrip().startswith("{%"):
        return ""
    return value


def _find_objects(
    arguments: Mapping[str, Json], place: AccountLocation
) -> list[tuple[str, Payload]]:
    bucket = _get_text(arguments, "Bucket")
    if not bucket:
        return []
    key, prefix = _get_text(arguments, "Key"), _get_text(arguments, "Prefix")
    keys = _escape(key) if key else f"{_escape(prefix)}*"
    return [(bucket_arn(place.partition, bucket), Stored(bucket, "s3:PutObject", keys))]


def _escape(text: str) -> str:
    return text.replace("*", "${*}").replace("?", "${?}")


def _find_buses(arguments: Mapping[str, Json], place: AccountLocation) -> list[tuple[str, Payload]]:
    entries = arguments.get("Entries")
    found: list[tuple[str, Payload]] = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, Mapping):
            continue
        if "EventBusName" in entry and not _get_text(entry, "EventBusName"):
            continue
        name = _get_text(entry, "EventBusName") or "default"
        arn = (
            name
            if name.startswith("arn:")
            else bus_arn(place.partition, place.region, place.account, name)
        )
        source, kind = _get_text(entry, "Source"), _get_text(entry, "DetailType")
        found.append(
            (
                arn,
                Put(
                    (_escape(source),) if source else (),
                    (_escape(kind),) if kind else (),
                ),
            )
        )
    return found


def parse_queue_arn(url: str, partition: str = "aws") -> str:
    """The ARN of a queue out of its URL; empty if it is none.

    >>> parse_queue_arn("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs")
    'arn:aws:sqs:eu-west-1:123456789012:jobs'
    """
    if url.startswith("arn:"):
        return url if len(url.split(":")) == _ARN_FIELDS else ""
    parts = url.split("/")
    if len(parts) != _URL_FIELDS or not parts[0].startswith("http"):
        return ""
    host, account, name = parts[2].split("."), parts[3], parts[4]
    if not (account.isdecimal() and name):
        return ""
    region = host[1] if host[0] == "sqs" else host[0]
    return f"arn:{partition}:sqs:{region}:{account}:{name}"
