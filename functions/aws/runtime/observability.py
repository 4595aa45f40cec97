"""Log and metrics of the guard itself, in one place."""

from __future__ import annotations

from typing import Final

from aws_lambda_powertools import Logger, Metrics

NAMESPACE: Final = "Loopbreaker"

# The deployment names the service and the level: POWERTOOLS_SERVICE_NAME, POWERTOOLS_LOG_LEVEL.
logger: Final = Logger()
metrics: Final = Metrics(namespace=NAMESPACE)


class PowertoolsLog:
    """The logger as the workflows use it: every field becomes a key of the record."""

    def info(self, message: str, **fields: object) -> None:
        """Something happened as it should."""
        logger.info(message, extra=fields)

    def error(self, message: str, **fields: object) -> None:
        """Something is lost, and nobody will try again."""
        logger.error(message, extra=fields)

    def exception(self, message: str, **fields: object) -> None:
        """Something went wrong; the exception being handled is logged with it."""
        logger.exception(message, extra=fields)  # noqa: LOG004 - called where one is handled


POWERTOOLS_LOG: Final = PowertoolsLog()
