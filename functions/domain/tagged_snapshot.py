"""The snapshot in a tag of the function, for the time in which the ledger cannot be reached.

A tag's value holds at most 256 characters of letters, digits, spaces and ``_ . : / = + - @``
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from functions.domain.errors import LoopbreakerError
from functions.domain.plan import ProvisionedConcurrency

SNAPSHOT_TAG = "loopbreaker:snapshot"
MOST_CHARACTERS = 256
# Versions and aliases hold letters, digits, hyphens and underscores (Lambda API reference,
# *CreateAlias*).
_FORM = re.compile(
    r"v1 reserved=(none|\d+) at=(\d{8}T\d{6})Z(?: provisioned=([\w-]+:\d+(?:\+[\w-]+:\d+)*))?",
    re.ASCII,
)
_MOMENT = "%Y%m%dT%H%M%S"
# A run that has written the tag sets the reservation right after.
_YOUNG = timedelta(minutes=3)


class UnreadableSnapshotError(LoopbreakerError):
    """When the tag holds something that the guard never writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedSnapshot:
    """What was reserved before the guard throttled a function, and when it did.

    Attributes
    ----------
    provisioned
        The provisioned concurrency that was taken away to make room.
    """

    reserved_concurrency: int | None
    at: datetime
    provisioned: tuple[ProvisionedConcurrency, ...] = ()

    def is_young(self, now: datetime) -> bool:
        """Whether the run that wrote the tag may not have set the reservation yet."""
        return now - self.at < _YOUNG

    def to_tag(self) -> str:
        """The tag's value."""
        reserved = "none" if self.reserved_concurrency is None else self.reserved_concurrency
        text = f"v1 reserved={reserved} at={self.at.astimezone(UTC):{_MOMENT}}Z"
        removed = "+".join(f"{one.qualifier}:{one.requested}" for one in self.provisioned)
        return f"{text} provisioned={removed}" if removed else text

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
        removed = [one.partition(":") for one in (found[3] or "").split("+") if one]
        return cls(
            reserved_concurrency=reserved,
            at=at,
            provisioned=tuple(
                ProvisionedConcurrency(qualifier=name, requested=int(number))
                for name, _, number in removed
            ),
        )
