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
        self._made: dict[tuple[str, int], Any] = {}

    @property
    def region(self) -> str:
        """The Region."""
        return str(self._session.region_name or "")

    def __call__(self, service: str) -> Any:
        """The client of a service, by botocore's name."""
        return self._get(service, _ATTEMPTS)

    def once(self, service: str) -> Any:
        """A client that tries once: where the refusal itself is of interest."""
        return self._get(service, 1)

    def _get(self, service: str, attempts: int) -> Any:
        key = (service, attempts)
        if key not in self._made:
            from botocore.config import Config  # noqa: PLC0415 - it takes a while to load

            config = Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": attempts},
            )
            made: Any = self._session.client(service, config=config)  # type: ignore[call-overload]
            self._made[key] = made
        return self._made[key]
