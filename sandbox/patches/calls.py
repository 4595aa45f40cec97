"""The calls that reach the emulator: which action each is, who makes it, and who handles it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.router import extract_access_key_id
from ministack.services import sts

from sandbox.patches.hooks import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of an AWS API, as the emulator has received it.

    ``query_params`` are those of the URL, each with all its values.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query_params: dict[str, Any]
    request_id: str

    @property
    def caller(self) -> str | None:
        """The ARN of the session that signed the request; nothing for the account itself."""
        key = extract_access_key_id(self.headers, self.query_params)
        session = sts._sessions.get(key) if key else None
        return session.get("Arn") if session else None

    @property
    def service(self) -> str:
        """The emulator's name of the service, such as ``lambda``."""
        return str(
            router.detect_service(self.method, self.path, self.headers, self._routing_params())
        )

    @property
    def action(self) -> str | None:
        """The action as IAM names it, such as ``lambda:InvokeFunction``; nothing if unknown."""
        action: str | None = iam_actions.extract_iam_action(
            self.service, self.method, self.path, self.headers, self.body, self._routing_params()
        )
        return action

    def _routing_params(self) -> Any:
        return app._routing_params(
            self.method, self.path, self.headers, self.body, self.query_params
        )


def intercept(
    handle: Callable[[Call, Callable[[], Awaitable[Answer]]], Awaitable[Answer]],
) -> None:
    """Let ``handle`` answer each call; what it is given as well passes the call on.

    Who intercepts last is asked first.
    """

    async def dispatch(  # noqa: PLR0917 - as the emulator calls it
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        request_id: str,
    ) -> Answer:
        def proceed() -> Awaitable[Answer]:
            passed: Awaitable[Answer] = original(
                method, path, headers, body, query_params, request_id
            )
            return passed

        call = Call(
            method=method,
            path=path,
            headers=headers,
            body=body,
            query_params=query_params,
            request_id=request_id,
        )
        return await handle(call, proceed)

    original = replace(
        app,
        "_dispatch_service_request",
        dispatch,
        ("method", "path", "headers", "body", "query_params", "request_id"),
    )
