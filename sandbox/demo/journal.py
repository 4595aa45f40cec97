"""Reads what the guard wrote into its log: what it looked at, what it decided, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.notices.grounds import describe_ground

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.local_aws import LocalAws

GUARD_LOGS: Final = "/aws/lambda/Loopbreaker-"
LOG_GROUP: Final = f"{GUARD_LOGS}contain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision of the guard as its log tells it."""

    function: str
    decision: str
    because: str
    verdict: str
    signal: str
    grounds: tuple[str, ...]

    @property
    def is_containing(self) -> bool:
        """Whether the function was stopped, or stays held until people decide."""
        return self.decision in {"Contain", "Keep"}


class Journal:
    """The guard's log, read on from where it was left."""

    def __init__(self, aws: LocalAws) -> None:
        self._logs = aws.client("logs")
        self._seen: set[str] = set()
        self.decisions: list[Decided] = []
        self.pulse = ""

    def read(self) -> list[Decided]:
        """Read what is new; the decisions among it."""
        fresh: list[Decided] = []
        for record in self._records():
            match record.get("message"):
                case "decided":
                    fresh.append(_decided(record))
                case "pulse":
                    self.pulse = _spoken_pulse(record)
                case _:
                    continue
        self.decisions += fresh
        return fresh

    def _records(self) -> list[dict[str, Any]]:
        try:
            events = self._logs.filter_log_events(logGroupName=LOG_GROUP)["events"]
        except ClientError:
            return []  # the guard has not said anything yet
        records = []
        for event in events:
            key = f"{event['logStreamName']} {event['timestamp']} {event['message']}"
            if key in self._seen:
                continue
            self._seen.add(key)
            if event["message"].startswith("{"):
                records.append(json.loads(event["message"]))
        return sorted(records, key=lambda record: str(record.get("timestamp", "")))


def _decided(record: dict[str, Any]) -> Decided:
    return Decided(
        function=str(record.get("function", "")),
        decision=str(record.get("decision", "")),
        because=str(record.get("because", "")),
        verdict=str(record.get("verdict", "")),
        signal=str(record.get("signal", "")),
        grounds=tuple(describe_ground(_ground(one)) for one in record.get("grounds", ())),
    )


def _ground(record: dict[str, Any]) -> Ground:
    return Ground(
        reason=Reason(record["reason"]),
        value=record.get("value"),
        unit=Unit(record.get("unit", "")),
        reference=record.get("reference"),
    )


def _spoken_pulse(record: dict[str, Any]) -> str:
    level = record.get("level_per_minute") or 0
    expected = record.get("expected_per_minute") or 0
    looks = "looks closer" if record.get("outcome") == "Look" else "nothing unusual"
    return f"{looks}: the account at {level:.0f}/min, expected {expected:.0f}/min"


def keep_log(aws: LocalAws, path: Path) -> None:
    """Keep everything that the guard's functions logged, for whoever looks for a mistake."""
    logs = aws.client("logs")
    try:
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        with path.open("w") as file:
            for group in groups:
                if not group.startswith(GUARD_LOGS):
                    continue
                for event in logs.filter_log_events(logGroupName=group)["events"]:
                    file.write(f"{group.rpartition('/')[2]} {event['message'].rstrip()}\n")
    except (ClientError, BotoCoreError) as error:
        path.write_text(f"the guard's log could not be read: {error}\n")
