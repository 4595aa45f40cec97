"""Log and metrics of the guard itself, in one place."""

from __future__ import annotations

from typing import Final

from aws_lambda_powertools import Logger, Metrics

SERVICE: Final = "loopbreaker"
NAMESPACE: Final = "Loopbreaker"

# POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL of the deployment win over what stands here.
logger: Final = Logger()
metrics: Final = Metrics(namespace=NAMESPACE)
