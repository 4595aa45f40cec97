"""A limit on the concurrency of an SQS mapping, as AWS keeps it.

The emulator takes no more batches at a time than the limit allows: what it does not take stays
visible and counts no receive. Here a changed limit is in force once the mapping has settled, as
everything else that is changed of one; nobody could confirm that. An empty configuration is none,
and no answer shows it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from ministack.services import lambda_svc

from sandbox.patches.hooks import check, replace

if TYPE_CHECKING:
    from sandbox.patches.functions.lambda_api import Response
    from sandbox.world import World

_CONFIG: Final = "ScalingConfig"
_CHANGING: Final = frozenset({"Creating", "Enabling", "Disabling", "Updating"})


def apply(world: World) -> None:
    """Let a limit come into force when its mapping has settled. Belongs before `slow_mappings`."""
    former = _FormerLimits()
    world.on_reset.append(former.clear)

    def respond(esm: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = original_response(esm)
        if not answer.get(_CONFIG):
            answer.pop(_CONFIG, None)
        return answer

    def update(esm_id: str, data: dict[str, Any]) -> Response:
        mapping = lambda_svc._esms.get(esm_id)
        before = None if mapping is None else dict(mapping.get(_CONFIG) or {})
        response: Response = original_update(esm_id, data)
        if mapping is not None and before != (mapping.get(_CONFIG) or {}):
            former.keep(esm_id, before)
        return response

    def width(
        esm: dict[str, Any],
        func_rec: dict[str, Any],
        config: dict[str, Any],
        queue: dict[str, Any] | None = None,
    ) -> int:
        in_force = esm | {_CONFIG: former.of(esm)}
        most: int = original_width(in_force, func_rec, config, queue)
        return most

    check(lambda_svc, "_validate_scaling_config", ("data", "source_arn"))
    original_response = replace(lambda_svc, "_esm_response", respond, ("esm",))
    original_update = replace(lambda_svc, "_update_esm", update, ("esm_id", "data"))
    original_width = replace(
        lambda_svc, "_sqs_esm_concurrency", width, ("esm", "func_rec", "config", "queue")
    )


class _FormerLimits:
    """The limits of mappings that are being changed, as they were before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: dict[str, dict[str, Any] | None] = {}

    def keep(self, uuid: str, config: dict[str, Any] | None) -> None:
        """Note what is in force until the change is."""
        with self._lock:
            self._before[uuid] = config

    def of(self, mapping: dict[str, Any]) -> dict[str, Any] | None:
        """What is in force."""
        with self._lock:
            if mapping["State"] in _CHANGING and mapping["UUID"] in self._before:
                return self._before[mapping["UUID"]]
            self._before.pop(mapping["UUID"], None)
        return mapping.get(_CONFIG)

    def clear(self) -> None:
        """Forget all mappings."""
        with self._lock:
            self._before.clear()
