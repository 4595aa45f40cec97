"""What the policies of a role allow changes some seconds after the policies were changed.

Until then the old rights hold, be they more or less; a new role has none. The account's own calls
need no policy and are not touched, neither is CloudFormation, which calls nothing here. Reading a
policy and simulating one answer what was written last.

What a role's trust policy says, and the policies of users, count at once.
"""

from __future__ import annotations

import contextvars
import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.services import iam
from ministack.services.cloudformation import provisioners

from sandbox.patches.hooks import check, replace
from sandbox.settings import ACCOUNT_ID
from sandbox.timing.delayed import Delayed
from sandbox.weather.lateness import iam_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.world import World

_RESOURCE_PREFIX = "AWS::IAM::"
_SIMULATION = "SimulatePrincipalPolicy"
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_READING = (b"Get", b"List", b"Simulate")
_is_simulated: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "sandbox_is_simulated", default=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The documents of a role's policies, and of its permissions boundary if it has one."""

    policies: tuple[str, ...] = ()
    boundary: str | None = None


NO_RIGHTS = Rights()


class LateRights:
    """The rights of every role, as written and as they count."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._roles: dict[str, Delayed[Rights]] = {}

    def clear(self) -> None:
        """There is no role any more."""
        with self._lock:
            self._roles.clear()

    def note(self) -> None:
        """Find the roles whose policies were changed just now."""
        written = {
            role["RoleName"]: _rights(role)
            for key, role in list(iam._roles._data.items())
            if key[0] == ACCOUNT_ID
        }
        now, weather = self._world.clock.now(), self._world.settings.weather
        with self._lock:
            for gone in self._roles.keys() - written.keys():
                del self._roles[gone]
            for name, rights in written.items():
                known = self._roles.setdefault(name, Delayed(NO_RIGHTS))
                if rights != known.latest:
                    number = self._world.occurrences.number("iam", name)
                    late = iam_seconds(weather, name, number) if self._world.are_rights_late else 0
                    known.change(rights, now + late)

    def counting(self, role: str) -> Rights | None:
        """The rights that count of a role; nothing when what is written counts."""
        if _is_simulated.get():
            return None
        now = self._world.clock.now()
        with self._lock:
            known = self._roles.get(role)
            return None if known is None or known.is_settled(now) else known.value_at(now)

    def is_settled(self, role: str) -> bool:
        """Whether what is written of a role counts."""
        return self.counting(role) is None


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document, sort_keys=True)


def _rights(role: Mapping[str, Any]) -> Rights:
    inline = role.get("InlinePolicies") or {}
    documents = [_text(inline[name]) for name in sorted(inline)]
    for arn in sorted(role.get("AttachedPolicies") or ()):
        document = iam_evaluator._resolve_managed_policy_document(arn, ACCOUNT_ID)
        if document:
            documents.append(_text(document))
    limit = role.get("PermissionsBoundary")
    document = limit and iam_evaluator._resolve_managed_policy_document(limit, ACCOUNT_ID)
    return Rights(policies=tuple(documents), boundary=_text(document) if document else None)


def apply(world: World) -> LateRights:
    """Let the policies of roles count late; in calm weather they count at once."""
    rights = LateRights(world)
    if world.settings.weather.is_calm:
        return rights
    world.on_reset.append(rights.clear)
    _evaluate(rights)
    _watch(rights)
    return rights


def _evaluate(rights: LateRights) -> None:
    parse = check(iam_evaluator, "parse_policy_document", ("doc",))
    check(iam_evaluator, "_resolve_managed_policy_document", ("policy_arn", "account_id"))

    def policies(role_name: str, account_id: str) -> Any:
        counting = rights.counting(role_name) if account_id == ACCOUNT_ID else None
        if counting is None:
            return original_policies(role_name, account_id)
        return [parsed for one in counting.policies if (parsed := parse(one))]

    def boundary(store: Any, name: str, account_id: str) -> Any:
        is_role = store is iam._roles and account_id == ACCOUNT_ID
        counting = rights.counting(name) if is_role else None
        if counting is None:
            return original_boundary(store, name, account_id)
        return [] if counting.boundary is None else [[parse(counting.boundary)]]

    original_policies = replace(
        iam_evaluator, "_gather_role_policies", policies, ("role_name", "account_id")
    )
    original_boundary = replace(
        iam_evaluator, "_permissions_boundary", boundary, ("store", "name", "account_id")
    )


def _watch(rights: LateRights) -> None:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any
    ) -> Any:
        try:
            return await original(method, path, headers, body, query_params)
        finally:
            action = _ACTION.search(body)
            if action is None or not action.group(1).startswith(_READING):
                rights.note()

    original = replace(
        iam, "handle_request", handle, ("method", "path", "headers", "body", "query_params")
    )
    simulate = iam._IAM_HANDLERS[_SIMULATION]

    def simulated(parameters: Any) -> Any:
        token = _is_simulated.set(True)
        try:
            return simulate(parameters)
        finally:
            _is_simulated.reset(token)

    iam._IAM_HANDLERS[_SIMULATION] = simulated

    def noted(handler: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return handler(*arguments, **named)
            finally:
                rights.note()

        return call

    for resource_type, handlers in provisioners._RESOURCE_HANDLERS.items():
        if resource_type.startswith(_RESOURCE_PREFIX):
            for verb in ("create", "update", "delete"):
                if verb in handlers:
                    handlers[verb] = noted(handlers[verb])
