"""Which snapshots in tags are the guard's own.

Whoever may tag a function may write anything into its tags. So the guard puts a seal behind its
snapshot: a message authentication code (HMAC, RFC 2104) of the value and the function's ARN, by a
key that is kept in the ledger. A tag without one is what somebody says, and no record.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from functions.domain.evidence import FunctionFacts
from functions.domain.tagged_snapshot import SNAPSHOT_TAG, TaggedSnapshot

_SEAL: Final = " seal="
_DIGITS: Final = 32  # 128 bits, in hexadecimal
SEAL_CHARACTERS: Final = len(_SEAL) + _DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSnapshot:
    """What a function's tag says.

    Attributes
    ----------
    is_sealed
        Whether the guard has written it, for this function.
    """

    tagged: TaggedSnapshot
    is_sealed: bool


def sealed(value: str, function_arn: str, key: bytes | None) -> str:
    """The tag's value with its seal; as it is where the key is not at hand."""
    return value if key is None else f"{value}{_SEAL}{_seal(value, function_arn, key)}"


def find_snapshot(facts: FunctionFacts, key: bytes | None) -> FoundSnapshot | None:
    """The snapshot in a function's tags; ``None`` where there is none.

    Parameters
    ----------
    key
        ``None`` where it is not at hand: then nothing counts as sealed.

    Raises
    ------
    UnreadableSnapshotError
        When the tag has a form that the guard never writes.
    """
    tag = facts.tags.get(SNAPSHOT_TAG)
    if tag is None:
        return None
    value, _, given = tag.strip().partition(_SEAL)
    is_sealed = key is not None and hmac.compare_digest(
        given.encode(), _seal(value, facts.arn, key).encode()
    )
    return FoundSnapshot(tagged=TaggedSnapshot.from_tag(value), is_sealed=is_sealed)


def _seal(value: str, function_arn: str, key: bytes) -> str:
    message = f"{SNAPSHOT_TAG}\n{function_arn}\n{value}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
