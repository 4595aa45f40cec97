"""Event source mappings change slowly, and refuse every change meanwhile.

In calm weather only an update takes a moment. In AWS's weather a mapping is created, enabled,
disabled, updated and deleted slowly; one that is being disabled or deleted goes on polling until
it is, and one that is being created or enabled polls only once it is. CloudFormation waits for a
mapping, before it changes it and after.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.core.concurrency import esm_wake
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners, stacks

from sandbox.patches.functions.lambda_api import refusal
from sandbox.patches.hooks import check, replace
from sandbox.weather.lateness import mapping_transition_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.patches.functions.lambda_api import Response
    from sandbox.world import World

CALM_SECONDS = 0.4
"""Real seconds for which a mapping stays in Updating, Enabling or Disabling in calm weather."""

_TYPE = "AWS::Lambda::EventSourceMapping"
_TRANSITIONAL = frozenset({"Creating", "Enabling", "Disabling", "Updating", "Deleting"})
_RECHECK_SECONDS = 0.02
_FAILED = 400


def apply(world: World) -> None:
    """Let mappings pass through their states."""
    if world.settings.weather.is_calm:
        _apply_calm()
    else:
        _apply_slow(Transitions(world))


def _in_use(verb: str) -> Response:
    return refusal(
        "ResourceInUseException",
        f"Cannot {verb} the event source mapping because it is in use.",
    )


def _is_changing(mapping: dict[str, Any] | None) -> bool:
    return mapping is not None and mapping.get("State") in _TRANSITIONAL


def _with_state(body: bytes, state: str) -> bytes:
    return json.dumps(json.loads(body) | {"State": state}).encode()


def _apply_calm() -> None:
    def update(esm_id: str, data: dict[str, Any]) -> Response:
        mapping = lambda_svc._esms.get(esm_id)
        if _is_changing(mapping):
            return _in_use("update")
        was_enabled = mapping.get("Enabled", True) if mapping else None
        status, headers, body = original(esm_id, data)
        if mapping is None or status >= _FAILED:
            return status, headers, body
        final = mapping["State"]
        mapping["State"] = "Updating"
        if mapping["Enabled"] != was_enabled:
            mapping["State"] = "Enabling" if mapping["Enabled"] else "Disabling"
        answer = _with_state(body, mapping["State"])

        def settle() -> None:
            mapping["State"] = final

        timer = threading.Timer(CALM_SECONDS, settle)
        timer.daemon = True
        timer.start()
        return 202, headers, answer

    original = replace(lambda_svc, "_update_esm", update, ("esm_id", "data"))


class Transitions:
    """The states that mappings are passing through."""

    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self, mapping: dict[str, Any], state: str, settle: Callable[[], object]) -> None:
        """Let a mapping be in a state for a while; ``settle`` ends it."""
        mapping["State"] = state
        about = (mapping["FunctionName"], mapping["EventSourceArn"], state)
        number = self._world.occurrences.number("mapping", *about)
        seconds = mapping_transition_seconds(self._world.settings.weather, *about, number)
        self._world.later.after(seconds, settle)

    def switch(self, mapping: dict[str, Any], state: str, *, enabled: bool) -> None:
        """Let a mapping come to poll, or to poll no more."""

        def settle() -> None:
            mapping["Enabled"] = enabled
            mapping["State"] = "Enabled" if enabled else "Disabled"
            esm_wake.set()

        self.begin(mapping, state, settle)

    def change(self, mapping: dict[str, Any], *, enabled: bool) -> str:
        """Let a settled mapping become what it was updated to; the state it is in meanwhile."""
        if enabled == mapping["Enabled"]:
            state = "Updating"
        else:
            state = "Enabling" if enabled else "Disabling"
        self.switch(mapping, state, enabled=enabled)
        return state

    def wait(self, uuid: str) -> dict[str, Any] | None:
        """The mapping once no change is under way; nothing once there is no such mapping."""
        while True:
            mapping: dict[str, Any] | None = lambda_svc._esms.get(uuid)
            if not _is_changing(mapping) or self._world.stop.is_set():
                return mapping
            time.sleep(_RECHECK_SECONDS)


def _wanted(settings: dict[str, Any], usual: object) -> bool:
    value = settings.get("Enabled", usual)
    return value.lower() != "false" if isinstance(value, str) else bool(value)


def _without_switch(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "Enabled"}


def _apply_slow(transitions: Transitions) -> None:
    def create(data: dict[str, Any]) -> Response:
        status, headers, body = original_create(data | {"Enabled": False})
        if status >= _FAILED:
            return status, headers, body
        mapping = lambda_svc._esms[json.loads(body)["UUID"]]
        transitions.switch(mapping, "Creating", enabled=_wanted(data, usual=True))
        return status, headers, _with_state(body, "Creating")

    def update(esm_id: str, data: dict[str, Any]) -> Response:
        mapping = lambda_svc._esms.get(esm_id)
        if _is_changing(mapping):
            return _in_use("update")
        status, headers, body = original_update(esm_id, _without_switch(data))
        if mapping is None or status >= _FAILED:
            return status, headers, body
        state = transitions.change(mapping, enabled=_wanted(data, mapping["Enabled"]))
        return 202, headers, _with_state(body, state)

    def delete(esm_id: str) -> Response:
        mapping = lambda_svc._esms.get(esm_id)
        if _is_changing(mapping):
            return _in_use("delete")
        if mapping is None:
            return original_delete(esm_id)  # type: ignore[no-any-return]
        transitions.begin(mapping, "Deleting", lambda: original_delete(esm_id))
        return lambda_svc.json_response(lambda_svc._esm_response(mapping), 202)  # type: ignore[no-any-return]

    original_create = replace(lambda_svc, "_create_esm", create, ("data",))
    original_update = replace(lambda_svc, "_update_esm", update, ("esm_id", "data"))
    original_delete = replace(lambda_svc, "_delete_esm", delete, ("esm_id",))
    _apply_to_stacks(transitions, original_delete)


def _apply_to_stacks(transitions: Transitions, delete_now: Callable[[str], object]) -> None:
    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        result = original_create(logical_id, props | {"Enabled": False}, stack_name)
        mapping = lambda_svc._esms[result[0]]
        transitions.switch(mapping, "Creating", enabled=_wanted(props, usual=True))
        transitions.wait(result[0])
        return result

    def updated(
        physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
    ) -> Any:
        before = transitions.wait(physical_id)
        is_enabled = before is not None and before["Enabled"]
        settings = _without_switch(new_props) | {"Enabled": is_enabled}
        result = original_update(physical_id, old_props, settings, stack_name)
        mapping = lambda_svc._esms[result[0]]
        wanted = _wanted(new_props, usual=True)
        if before is not None and mapping is before:
            transitions.change(before, enabled=wanted)
        else:
            mapping["Enabled"] = False
            transitions.switch(mapping, "Creating", enabled=wanted)
        transitions.wait(result[0])
        return result

    def deleted(physical_id: str, _props: dict[str, Any]) -> None:
        mapping = transitions.wait(physical_id)
        if mapping is not None:
            transitions.begin(mapping, "Deleting", lambda: delete_now(physical_id))
            transitions.wait(physical_id)

    original_create = check(
        provisioners, "_lambda_esm_create", ("logical_id", "props", "stack_name")
    )
    original_update = check(
        provisioners,
        "_lambda_esm_update",
        ("physical_id", "old_props", "new_props", "stack_name"),
    )
    check(provisioners, "_lambda_esm_delete", ("physical_id", "props"))
    provisioners._RESOURCE_HANDLERS[_TYPE].update(create=created, update=updated, delete=deleted)

    def waits(resource_type: str) -> bool:
        return resource_type == _TYPE or original_waits(resource_type)

    original_waits = replace(stacks, "_runs_on_worker_thread", waits, ("resource_type",))
