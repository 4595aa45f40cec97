"""Where stories are played whose records are frozen: the guard's code with a real table.

Functions, metrics and mail are the fakes; what is stored goes through the adapters into DynamoDB's
own form, in a table of its own for each story.
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from functions.aws.incidents.way_back import HoldEnd, name_of
from functions.aws.records.incidents.ledger import DynamoLedger
from functions.aws.records.table import WRITES, Table
from sandbox.scenarios.provision import create_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from functions.domain.incidents.incident import Incident
    from sandbox.local_aws import LocalAws
    from tests.fakes.account import FakeAccount
    from tests.functional.scene import Scene
    from tests.unit.domain.diagnosis.samples import Hospital

NOWHERE: Final = "no-such-table"


class KeptLedger(DynamoLedger):
    """The real ledger, with what the fake one tells tests."""

    def stored(self, function: str) -> Incident | None:
        """The function's open incident."""
        return self.find(function)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody can reach the table."""
        name, self._table.name = self._table.name, NOWHERE
        try:
            yield
        finally:
            self._table.name = name


class Stage:
    """One story.

    Attributes
    ----------
    before
        The settings of all functions before the guard did anything.
    hospitals
        By function: the account in which it was remediated.
    """

    def __init__(self, aws: LocalAws, name: str) -> None:
        self.client: Any = aws.client("dynamodb")
        self.table = create_ledger(self.client, name)
        self.name = name
        self.scene: Scene | None = None
        self.before: dict[str, Any] = {}
        self.hospitals: dict[str, Hospital] = {}

    def open_table(self) -> Table:
        """The table, for a store of its own; draws are the same in each run."""
        return Table(
            lambda: self.client,
            self.table,
            retry=replace(WRITES, sleep=lambda _: None),
            randomness=Random(self.name),  # noqa: S311 - the same marks in each run
        )

    def begin(self, scene: Scene) -> KeptLedger:
        """Let a scene keep its records in the table, from here on; its ledger."""
        ledger = keep_records(scene, self.open_table())
        self.scene, self.before = scene, settings_of(scene.account)
        return ledger

    def frozen(self) -> dict[str, Any]:
        """All that the story has left behind."""
        frozen: dict[str, Any] = {"items": items_of(self.client, self.table)}
        if self.hospitals:
            frozen["treated"] = {name: _treated(one) for name, one in self.hospitals.items()}
        if self.scene is not None:
            frozen |= {
                "now": self.scene.now.isoformat(),
                "before": self.before,
                "found": settings_of(self.scene.account),
                "schedules": _schedules(self.scene.account),
            }
        return frozen


def keep_records(scene: Scene, table: Table) -> KeptLedger:
    """Let a scene keep its records in a table, by its own clock."""
    table.clock = lambda: scene.now
    ledger = KeptLedger(table)
    account: Any = scene.account
    account.ledger = ledger
    return ledger


def items_of(client: Any, table: str) -> list[dict[str, Any]]:
    """All items in the order of their keys, bytes in base64."""
    found: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        page = client.scan(TableName=table, **start)
        found += [_plain(one) for one in page["Items"]]
        if not page.get("LastEvaluatedKey"):
            return sorted(found, key=lambda one: (one["pk"]["S"], one["sk"]["S"]))
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def settings_of(account: FakeAccount) -> dict[str, Any]:
    """All settings that a containment may change."""
    functions = {
        name: {
            "reserved": one.reserved,
            "provisioned": dict(one.provisioned),
            "instances": {key: list(value) for key, value in one.instances.items()},
            "tags": dict(one.tags),
        }
        for name, one in account.by_name.items()
    }
    mappings = {
        uuid: {
            "function": one.function,
            "source_arn": one.source_arn,
            "enabled": one.enabled,
            "maximum_concurrency": one.maximum_concurrency,
        }
        for uuid, one in account.by_uuid.items()
    }
    return json.loads(json.dumps({"functions": functions, "mappings": mappings}))  # type: ignore[no-any-return]


def fill(account: FakeAccount, settings: Mapping[str, Any]) -> None:
    """Give an empty account frozen settings."""
    for name, one in settings["functions"].items():
        instances = {key: tuple(value) for key, value in one["instances"].items()}
        account.add(name, **{**one, "instances": instances, "is_on_instances": bool(instances)})
    for uuid, one in settings["mappings"].items():
        made = account.add_mapping(one["function"], one["source_arn"], enabled=one["enabled"])
        made.maximum_concurrency = one["maximum_concurrency"]
        assert made.uuid == uuid


def _schedules(account: FakeAccount) -> list[dict[str, str]]:
    """What EventBridge Scheduler keeps for each hold: its name, and the event that it will send."""
    return [
        {
            "name": name_of(incident),
            "incident": incident,
            "function": function,
            "input": HoldEnd(incident_id=incident, function=function).to_input(),
        }
        for incident, (function, _) in sorted(account.way_back.due.items())
    ]


def _treated(hospital: Hospital) -> dict[str, Any]:
    """What remedies may have changed, in JSON's terms."""
    return {
        "memory_mb": hospital.memory_mb,
        "tracing_mode": hospital.tracing_mode,
        "description_": hospital.description_,
        "policies": [[*key, text] for key, text in hospital.policies.items()],
        "statements": [[*key, text] for key, text in hospital.statements.items()],
        "is_deleted": hospital.is_deleted,
    }


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _attribute(value) for name, value in sorted(item.items())}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, given),) = value.items()
    return {kind: base64.b64encode(given).decode() if kind == "B" else given}


def to_stored(item: Mapping[str, Any]) -> dict[str, Any]:
    """A frozen item in DynamoDB's own form."""
    return {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else dict(value)
        for name, value in item.items()
    }
