"""Which snapshots in tags are the guard's own.

Whoever may tag a function may write anything into its tags. So the guard puts a seal behind its
snapshot: a message authentication code (HMAC, RFC 2104) of the value and the function's ARN, by a
key that is kept in the ledger. A tag without one is what somebody says, and no record.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.domain.detection.evidence import FunctionFacts
from functions.domain.incidents.tags.snapshot import (
    REMOVED_TAG,
    SNAPSHOT_TAG,
    TaggedSnapshot,
    UnreadableSnapshotError,
    is_of_guard,
)

_SEAL: Final = " seal="
_DIGITS: Final = 32  # 128 bits, in hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSnapshot:
    """What a function's tags say.

    Attributes
    ----------
    is_sealed
        Whether the guard has written each of them, for this function.
    """

    tagged: TaggedSnapshot
    is_sealed: bool


def seal(tags: Mapping[str, str], function_arn: str, key: bytes | None) -> dict[str, str]:
    """The tags with a seal behind each value; as they are where the key is not at hand."""
    return {
        name: value if key is None else f"{value}{_SEAL}{_seal(name, value, function_arn, key)}"
        for name, value in tags.items()
    }


def find_tags(facts: FunctionFacts) -> tuple[str, ...]:
    """The keys of a function's tags that hold parts of a snapshot."""
    return tuple(sorted(one for one in facts.tags if is_of_guard(one)))


def find_snapshot(facts: FunctionFacts, key: bytes | None) -> FoundSnapshot | None:
    """The snapshot in a function's tags; ``None`` where there is none.

    Parameters
    ----------
    key
        ``None`` where it is not at hand: then nothing counts as sealed.

    Raises
    ------
    UnreadableSnapshotError
        When a tag has a form that the guard never writes.
    """
    if SNAPSHOT_TAG not in facts.tags:
        return None
    values, seals = {}, []
    for name in find_tags(facts):
        values[name], _, given = facts.tags[name].strip().partition(_SEAL)
        seals.append(
            key is not None
            and hmac.compare_digest(
                given.encode(), _seal(name, values[name], facts.arn, key).encode()
            )
        )
    tagged = TaggedSnapshot.from_tag(values[SNAPSHOT_TAG]).with_removed(
        value for name, value in values.items() if name.startswith(REMOVED_TAG)
    )
    return FoundSnapshot(tagged=tagged, is_sealed=all(seals))


def claims_stop(facts: FunctionFacts) -> bool:
    """Whether a function's tag says that the guard has stopped it while its ledger was away.

    Whoever says that: it is reason enough to leave everything as it is until the tag is taken over.
    """
    return facts.reserved_concurrency == 0 and SNAPSHOT_TAG in facts.tags


def find_stop(facts: FunctionFacts, key: bytes | None) -> TaggedSnapshot | None:
    """What was there before the guard stopped a function while its ledger was away.

    Returns
    -------
    TaggedSnapshot | None
        ``None`` where no stop is in force, and where its tags are not the guard's own.
    """
    if not claims_stop(facts):
        return None
    try:
        found = find_snapshot(facts, key)
    except UnreadableSnapshotError:
        return None
    return found.tagged if found is not None and found.is_sealed else None


def _seal(name: str, value: str, function_arn: str, key: bytes) -> str:
    message = f"{name}\n{function_arn}\n{value}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
