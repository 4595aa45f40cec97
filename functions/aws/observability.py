"""Log and metrics of the guard itself, in one place."""

from __future__ import annotations

from typing import Final

from aws_lambda_powertools import Logger, Metrics

NAMESPACE: Final = "Loopbreaker"

# The deployment names the service and the level: POWERTOOLS_SERVICE_NAME, POWERTOOLS_LOG_LEVEL.
logger: Final = Logger()
metrics: Final = Metrics(namespace=NAMESPACE)
