"""Where and how this Lambda function is deployed, for what its mails say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.domain.notices.notice import Deployment

if TYPE_CHECKING:
    from functions.settings import LedgerSettings


def describe_deployment(settings: LedgerSettings) -> Deployment:
    """The deployment, as far as the settings of every function with records tell it."""
    return Deployment(
        region=settings.region,
        account=settings.account,
        stack_name=settings.stack_name,
        deploy_flags=settings.deploy_flags or "",
        is_embedded=bool(settings.is_embedded),
    )
