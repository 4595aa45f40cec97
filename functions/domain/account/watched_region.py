"""Whether a function that somebody named is in the account and Region that are watched."""

from collections.abc import Iterable
from typing import Final

from functions.domain.errors import LoopbreakerError

_PARTS: Final = 6


class ElsewhereError(LoopbreakerError, ValueError):
    """When an ARN is of another account or Region: its name alone may be that of one of ours."""


def refuse_elsewhere(references: Iterable[str], *, account: str | None, region: str | None) -> None:
    """Check every ARN among names and ARNs (arn:<partition>:<service>:<region>:<account>:...).

    Parameters
    ----------
    account, region
        What is watched; ``None`` where it is not known, which then fits everything.

    Raises
    ------
    ElsewhereError
        For the first ARN that is of another account or Region; the text names both places.
    """
    for reference in references:
        parts = reference.strip().split(":", _PARTS - 1)
        if parts[0] != "arn" or len(parts) != _PARTS:
            continue
        its_region, its_account = parts[3:5]
        if (its_region, its_account) != (region or its_region, account or its_account):
            raise ElsewhereError(
                f"{reference} is in account {its_account} Region {its_region}, but this "
                f"Loopbreaker watches account {account} Region {region}; nothing was changed"
            )
