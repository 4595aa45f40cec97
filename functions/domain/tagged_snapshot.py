"""The snapshot in a tag of the function, for the time in which the ledger cannot be reached.

A tag's value holds at most 256 characters of letters, digits, spaces and ``_ . : / = + - @``
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.domain.errors import LoopbreakerError

SNAPSHOT_TAG = "loopbreaker:snapshot"
_FORM = re.compile(r"v1 reserved=(none|\d+) at=(\d{8}T\d{6})Z")
_MOMENT = "%Y%m%dT%H%M%S"


class UnreadableSnapshotError(LoopbreakerError):
    """When the tag holds something that the guard never writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedSnapshot:
    """What was reserved before the guard throttled a function, and when it did."""

    reserved_concurrency: int | None
    at: datetime

    def to_tag(self) -> str:
        """The tag's value."""
        reserved = "none" if self.reserved_concurrency is None else self.reserved_concurrency
        return f"v1 reserved={reserved} at={self.at.astimezone(UTC):{_MOMENT}}Z"

    @classmethod
    def from_tag(cls, value: str) -> "TaggedSnapshot":
        """Read the tag's value.

        Raises
        ------
        UnreadableSnapshotError
            When it has another form.
        """
        found = _FORM.fullmatch(value.strip())
        if found is None:
            raise UnreadableSnapshotError(
                f"tag {SNAPSHOT_TAG} holds {value!r}, not 'v1 reserved=<none|number> at=<time>Z'"
            )
        reserved = None if found[1] == "none" else int(found[1])
        try:
            at = datetime.strptime(found[2], _MOMENT).replace(tzinfo=UTC)
        except ValueError as error:
            raise UnreadableSnapshotError(f"tag {SNAPSHOT_TAG} holds no time: {value!r}") from error
        return cls(reserved_concurrency=reserved, at=at)
