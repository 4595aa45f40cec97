"""Clients of AWS for a drill, each made when it is needed first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import boto3

_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 70  # a probe of the drill answers after 20 seconds
_ATTEMPTS: Final = 6


class Clients:
    """Clients of one account and Region."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self._made: dict[str, Any] = {}

    @property
    def region(self) -> str:
        """The Region."""
        return str(self._session.region_name or "")

    def __call__(self, service: str) -> Any:
        """The client of a service, by botocore's name."""
        if service not in self._made:
            from botocore.config import Config  # noqa: PLC0415 - it takes a while to load

            config = Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            )
            made: Any = self._session.client(service, config=config)  # type: ignore[call-overload]
            self._made[service] = made
        return self._made[service]

    def once(self, service: str) -> Any:
        """A client that tries once: where the refusal itself is of interest."""
        key = f"{service}, once"
        if key not in self._made:
            from botocore.config import Config  # noqa: PLC0415

            config = Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"total_max_attempts": 1},
            )
            made: Any = self._session.client(service, config=config)  # type: ignore[call-overload]
            self._made[key] = made
        return self._made[key]
