"""The snapshot in tags of the function, for the time in which the ledger cannot be reached.

One tag holds what was reserved. What is removed to make room gets a tag of its own for each version
or alias: two runs that write at once then never write over what the other has removed.

A tag's value holds at most 256 characters of letters, digits, spaces and ``_ . : / = + - @``
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html).
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from functions.domain.changes.steps import ProvisionedConcurrency
from functions.domain.errors import LoopbreakerError

SNAPSHOT_TAG = "loopbreaker:snapshot"
REMOVED_TAG = f"{SNAPSHOT_TAG}:"  # what follows stands for the version or alias
# Versions and aliases hold letters, digits, hyphens and underscores (Lambda API reference,
# *CreateAlias*).
_FORM = re.compile(
    r"v1 reserved=(none|\d+) at=(\d{8}T\d{6})Z(?: provisioned=([\w-]+:\d+(?:\+[\w-]+:\d+)*))?",
    re.ASCII,
)
_REMOVED_FORM = re.compile(r"v1 provisioned=([\w-]+):(\d+)", re.ASCII)
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

    def to_tags(self) -> dict[str, str]:
        """The tags by key; each value holds at most 210 characters."""
        reserved = "none" if self.reserved_concurrency is None else self.reserved_concurrency
        text = f"v1 reserved={reserved} at={self.at.astimezone(UTC):{_MOMENT}}Z"
        removed = {
            _compose_removed_key(one.qualifier): f"v1 provisioned={one.qualifier}:{one.requested}"
            for one in self.provisioned
        }
        return {SNAPSHOT_TAG: text, **removed}

    def with_removed(self, values: Iterable[str]) -> Self:
        """With what the tags of removed provisioned concurrency say; they know better.

        Raises
        ------
        UnreadableSnapshotError
            When one has another form.
        """
        removed = [_parse_removed(one) for one in values]
        named = {one.qualifier for one in removed}
        older = [one for one in self.provisioned if one.qualifier not in named]
        return replace(self, provisioned=(*older, *removed))

    @classmethod
    def from_tag(cls, value: str) -> "TaggedSnapshot":
        """Read the value of the tag of what was reserved.

        Versions before wrote what they removed into it, too.

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


def is_of_guard(key: str) -> bool:
    """Whether a tag is one of a snapshot."""
    return key == SNAPSHOT_TAG or key.startswith(REMOVED_TAG)


def _compose_removed_key(qualifier: str) -> str:
    # A key holds as many characters as an alias, so the alias itself may not fit.
    return f"{REMOVED_TAG}{hashlib.sha256(qualifier.encode()).hexdigest()[:16]}"


def _parse_removed(value: str) -> ProvisionedConcurrency:
    found = _REMOVED_FORM.fullmatch(value.strip())
    if found is None:
        raise UnreadableSnapshotError(
            f"a tag {REMOVED_TAG}... holds {value!r}, not 'v1 provisioned=<name>:<number>'"
        )
    return ProvisionedConcurrency(qualifier=found[1], requested=int(found[2]))
