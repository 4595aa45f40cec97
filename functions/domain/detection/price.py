"""What a runaway burns, at list prices: a lower bound in US dollars.

Prices are those of us-east-1, first tier, as https://aws.amazon.com/lambda/pricing/ lists them:
$0.20 for a million requests; $0.0000166667 (x86_64) or $0.0000133334 (arm64) for a GB-second.

Not counted: differences between Regions, tiers and the free tier, start-up, larger ephemeral
storage, provisioned concurrency, data transfer, logs, and above all the other services in the
loop (DynamoDB, S3, SNS, ...), which often cost more than Lambda. Throttled invocations are neither
recorded in Invocations nor billed (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html),
so the rate holds only what ran. All of that is why the notice says "at least".
"""

from dataclasses import dataclass
from typing import Final

from functions.domain.detection.assessment import Assessment, Reason, Unit

USD_PER_REQUEST: Final = 0.20 / 1_000_000
USD_PER_GB_SECOND: Final = {"x86_64": 0.0000166667, "arm64": 0.0000133334}

_MB_PER_GB: Final = 1024
_MINUTES_PER_HOUR: Final = 60
_SECONDS_PER_MINUTE: Final = 60
_SECONDS_PER_HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """What a function burns now, and what it has cost since it began to run away.

    Attributes
    ----------
    usd_per_hour, requests_per_hour, gb_seconds_per_hour
        At the rate that was measured last.
    usd_so_far, requests_so_far, gb_seconds_so_far
        Since the unusual rate began.

    The GB-seconds are ``None`` where the duration or the memory is unknown: the dollars then
    hold the requests only.
    """

    usd_per_hour: float
    usd_so_far: float
    requests_per_hour: float
    requests_so_far: float
    gb_seconds_per_hour: float | None = None
    gb_seconds_so_far: float | None = None

    @property
    def is_duration_counted(self) -> bool:
        """Whether the dollars hold more than the requests."""
        return self.gb_seconds_per_hour is not None


def compute_burn(assessment: Assessment, memory_mb: int | None, architecture: str) -> Burn:
    """Price an assessment.

    Parameters
    ----------
    memory_mb
        Of the function; ``None`` or 0 where unknown.
    architecture
        ``x86_64`` or ``arm64``; anything else is priced like the cheaper one.
    """
    per_hour = max(0.0, assessment.rate_per_minute) * _MINUTES_PER_HOUR
    so_far = max(0.0, assessment.invocations_since)
    if not memory_mb or assessment.mean_duration_ms is None:
        return Burn(
            usd_per_hour=per_hour * USD_PER_REQUEST,
            usd_so_far=so_far * USD_PER_REQUEST,
            requests_per_hour=per_hour,
            requests_so_far=so_far,
        )
    gb = memory_mb / _MB_PER_GB
    seconds = max(0.0, assessment.mean_duration_ms) / 1000
    elapsed = (
        (assessment.at - assessment.since).total_seconds() if assessment.since is not None else None
    )
    seconds_per_hour = _limit_to_ceiling(per_hour * seconds, assessment, _SECONDS_PER_HOUR)
    seconds_so_far = _limit_to_ceiling(so_far * seconds, assessment, elapsed)
    price = USD_PER_GB_SECOND.get(architecture, min(USD_PER_GB_SECOND.values()))
    return Burn(
        usd_per_hour=per_hour * USD_PER_REQUEST + seconds_per_hour * gb * price,
        usd_so_far=so_far * USD_PER_REQUEST + seconds_so_far * gb * price,
        requests_per_hour=per_hour,
        requests_so_far=so_far,
        gb_seconds_per_hour=seconds_per_hour * gb,
        gb_seconds_so_far=seconds_so_far * gb,
    )


def compute_usd_per_minute(
    invocations: float, seconds: float, concurrency: float, memory_mb: int, architecture: str
) -> float:
    """What a minute with so many invocations costs at least.

    Parameters
    ----------
    seconds
        How long one takes in the mean.
    concurrency
        The most that ran at a time: no more than that is billed in the minute, however long those
        go on that began in it.
    memory_mb
        0 where unknown.
    """
    billed = min(invocations * seconds, concurrency * _SECONDS_PER_MINUTE)
    price = USD_PER_GB_SECOND.get(architecture, min(USD_PER_GB_SECOND.values()))
    return invocations * USD_PER_REQUEST + billed * memory_mb / _MB_PER_GB * price


def _limit_to_ceiling(seconds: float, assessment: Assessment, elapsed: float | None) -> float:
    """The execution seconds, at most what fits under the concurrency ceiling that was reached.

    A mean duration and a rate of different minutes can multiply to more than that.
    """
    if elapsed is None or elapsed <= 0:
        return seconds
    for ground in assessment.grounds:
        if (
            ground.reason is Reason.AT_CEILING
            and ground.unit is Unit.CONCURRENT
            and ground.value is not None
            and ground.value > 0
        ):
            return min(seconds, ground.value * elapsed)
    return seconds
