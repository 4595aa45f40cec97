"""The event source mappings of a function, its versions and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.changes.steps import EventSourceMapping
from functions.domain.errors import (
    MappingNotFoundError,
)
from tests.unit.aws.incidents.functions.conftest import (
    ARN,
    QUEUE,
    UUID,
)

if TYPE_CHECKING:
    from functions.aws.incidents.lambda_functions import LambdaFunctions
    from tests.unit.aws.stubs import Script


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("Enabled", True),
        ("Enabling", True),
        ("Creating", True),
        ("Disabled", False),
        ("Disabling", False),
    ],
)
def test_reads_the_switch_from_the_state(
    functions: LambdaFunctions, script: Script, state: str, *, enabled: bool
) -> None:
    """A mapping on its way to a state counts as there."""
    script.answer(
        "get_event_source_mapping",
        {"UUID": UUID, "EventSourceArn": QUEUE, "State": state},
        UUID=UUID,
    )

    found = functions.mapping(UUID)

    assert found == EventSourceMapping(uuid=UUID, source_arn=QUEUE, enabled=enabled)


def test_waits_for_an_update(
    functions: LambdaFunctions, script: Script, pauses: list[float]
) -> None:
    """A mapping that is being updated shows its switch afterwards."""
    for state in ("Updating", "Updating", "Disabled"):
        script.answer("get_event_source_mapping", {"UUID": UUID, "State": state})

    found = functions.mapping(UUID)

    assert (found.enabled, found.is_changing, len(pauses)) == (False, False, 2)


def test_an_update_without_an_end_counts_as_enabled(
    functions: LambdaFunctions, script: Script
) -> None:
    """A mapping that stays in its update is rather disabled once too often."""
    for _ in range(6):
        script.answer("get_event_source_mapping", {"UUID": UUID, "State": "Updating"})

    found = functions.mapping(UUID)

    assert (found.enabled, found.is_changing) == (True, True)


def test_reads_the_limit_of_a_mapping(functions: LambdaFunctions, script: Script) -> None:
    """AWS leaves it out, or empty, where there is none."""
    configs: tuple[dict[str, Any], ...] = (
        {"ScalingConfig": {"MaximumConcurrency": 7}},
        {"ScalingConfig": {}},
        {},
    )
    for config in configs:
        entry = {"UUID": UUID, "EventSourceArn": QUEUE, "State": "Enabled", **config}
        script.answer("get_event_source_mapping", entry)

    assert [functions.mapping(UUID).maximum_concurrency for _ in configs] == [7, None, None]


def test_a_mapping_being_deleted_is_gone(functions: LambdaFunctions, script: Script) -> None:
    """It is neither found nor listed."""
    script.answer("get_event_source_mapping", {"UUID": UUID, "State": "Deleting"})
    with pytest.raises(MappingNotFoundError):
        functions.mapping(UUID)

    entry = {"UUID": UUID, "EventSourceArn": QUEUE, "FunctionArn": ARN, "State": "Deleting"}
    script.answer("list_event_source_mappings", {"EventSourceMappings": [entry]})
    assert functions.mappings("orders") == ()


def test_finds_the_mappings_of_versions_and_aliases(
    functions: LambdaFunctions, script: Script
) -> None:
    """Whatever qualifier a mapping invokes, on whatever page it is; of other functions, none."""
    others = (f"{ARN}-2", f"{ARN}-2:live", ARN.replace("orders", "billing"), f"{ARN[:-1]}:7")
    arns = (*others, ARN, f"{ARN}:7", f"{ARN}:live", f"{ARN}:$LATEST.PUBLISHED")

    def listed(number: int, arn: str) -> dict[str, Any]:
        uuid = f"00000000-0000-4000-8000-00000000000{number}"
        return {"UUID": uuid, "EventSourceArn": QUEUE, "FunctionArn": arn, "State": "Enabled"}

    entries = [listed(number, arn) for number, arn in enumerate(arns)]
    script.answer(
        "list_event_source_mappings", {"EventSourceMappings": entries[:5], "NextMarker": "more"}
    )
    script.answer("list_event_source_mappings", {"EventSourceMappings": entries[5:]}, Marker="more")

    assert [int(one.uuid[-1]) for one in functions.mappings("orders")] == [4, 5, 6, 7]
