"""What a drill reads of the deployed guard: its settings, its alarms and its log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.errors import DrillError, explain
from functions.aws.runtime.errors import get_code
from functions.contain.settings import Settings
from functions.environment import SettingsError
from stacks.names import CHART, CONTAIN, SIGNAL_ALARM_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.drill.aws.clients import Clients

_MOST_PAGES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedGuard:
    """The guard of the account and Region.

    Attributes
    ----------
    role_arn
        Of the function `contain`.
    """

    settings: Settings
    role_arn: str

    @property
    def account(self) -> str:
        """The account that it watches."""
        return self.settings.account

    @property
    def is_acting(self) -> bool:
        """Whether it holds and stops what it suspects."""
        return self.settings.mode == "enforce" and self.settings.response != "notify"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line that a guard function logged.

    Attributes
    ----------
    request_id
        Of the run that logged it.
    fields
        Everything that stands in it.
    """

    id: str
    at: datetime
    request_id: str
    message: str
    fields: dict[str, Any]


def read_guard(clients: Clients) -> DeployedGuard:
    """Read how the guard is deployed.

    Raises
    ------
    DrillError
        When there is none, or one of another version.
    """
    with explain("Reading the settings of the guard", clients.region):
        try:
            found = clients("lambda").get_function_configuration(FunctionName=CONTAIN)
        except Exception as error:
            if get_code(error) != "ResourceNotFoundException":
                raise
            raise DrillError(
                f"Loopbreaker is not deployed in {clients.region} of this account: there is no"
                f" function {CONTAIN}. Choose another --region or --profile, or deploy it"
            ) from error
    variables = found.get("Environment", {}).get("Variables", {})
    try:
        settings = Settings.from_env(variables)
    except SettingsError as error:
        raise DrillError(
            f"the deployed Loopbreaker is of another version than this command ({error}): use the"
            " version of the command line that is deployed"
        ) from error
    return DeployedGuard(settings=settings, role_arn=str(found["Role"]))


def list_signal_alarms(clients: Clients) -> dict[str, str]:
    """The states of the guard's alarms on the account, by their names.

    Raises
    ------
    DrillError
    """
    with explain("Reading the alarms of the guard", clients.region):
        found = clients("cloudwatch").describe_alarms(AlarmNamePrefix=SIGNAL_ALARM_PREFIX)
    return {one["AlarmName"]: one["StateValue"] for one in found["MetricAlarms"]}


class GuardLog:
    """The log of the guard from some moment on; each line is read once.

    Parameters
    ----------
    since_milliseconds
        By AWS's clock, since the epoch.
    """

    def __init__(self, clients: Clients, since_milliseconds: int) -> None:
        self._clients = clients
        self._since = since_milliseconds

    def read_contain(self, words: str) -> tuple[LogLine, ...]:
        """Lines of `contain` with these words, the oldest first."""
        return tuple(self._read(CONTAIN, words))

    def read_chart(self, words: str) -> tuple[LogLine, ...]:
        """Lines of `chart` with these words, the oldest first."""
        return tuple(self._read(CHART, words))

    def _read(self, function: str, words: str) -> Iterator[LogLine]:
        logs = self._clients("logs")
        request: dict[str, Any] = {
            "logGroupName": f"/aws/lambda/{function}",
            "startTime": self._since,
            "filterPattern": f'"{words}"',
        }
        for _ in range(_MOST_PAGES):
            with explain(f"Reading the log of {function}", self._clients.region):
                page = logs.filter_log_events(**request)
            for event in page.get("events", ()):
                line = _parse_line(event)
                if line is not None:
                    yield line
            if not page.get("nextToken"):
                return
            request["nextToken"] = page["nextToken"]


def _parse_line(event: dict[str, Any]) -> LogLine | None:
    try:
        fields = json.loads(event["message"])
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    return LogLine(
        id=str(event.get("eventId", event.get("timestamp", ""))) + str(fields.get("timestamp", "")),
        at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
        request_id=str(fields.get("function_request_id", "")),
        message=str(fields.get("message", "")),
        fields=fields,
    )
