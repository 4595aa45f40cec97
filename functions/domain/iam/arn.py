"""Names of resources: ``arn:partition:service:region:account:resource``."""

from typing import Final

ARN_PARTS: Final = 6
ACCOUNT_PART: Final = 4


def account_of(arn: str) -> str:
    """The account in an ARN; empty for none."""
    parts = arn.split(":", ARN_PARTS - 1)
    return parts[ACCOUNT_PART] if len(parts) == ARN_PARTS else ""
