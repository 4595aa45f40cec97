"""What the guard itself costs a month, from the number of functions it watches.

Prices are those of us-east-1 in dollars, without any free tier: alarms $0.10 for each metric a
month, GetMetricData and Metrics Insights queries $0.01 for each 1,000 metrics, a Metrics Insights
alarm $0.10 for each metric it analyses (aws.amazon.com/cloudwatch/pricing; the last two by
third-party notes), Lambda on arm64 $0.0000133334 a GB-second and $0.20 a million requests
(aws.amazon.com/lambda/pricing). docs/costs.md explains them. An estimate: other Regions differ by
some tens of percent.
"""

import math
from dataclasses import dataclass
from typing import Final

USD_PER_ALARM: Final = 0.10
USD_PER_METRIC_READ: Final = 0.01 / 1000
USD_PER_GB_SECOND: Final = 0.0000133334
USD_PER_REQUEST: Final = 0.20 / 1_000_000
# Above three dashboards of an account (aws.amazon.com/cloudwatch/pricing).
USD_PER_DASHBOARD: Final = 3.00

MINUTES_PER_MONTH: Final = 30 * 24 * 60

# A sweep reads no more functions than that at a time, in larger accounts in parts.
SWEPT_FUNCTIONS: Final = 10_000

PULSE_METRICS: Final = 3
PULSE_SECONDS: Final = 0.5
GUARD_MEMORY_GB: Final = 0.5

# A look of the pulse asks for one metric of each function, and for seven of some candidates. The
# functions on loops that it reads by name are paid for by the same money.
LOOKS_USD: Final = 4.50  # a month, for an account of `LOOKS_FUNCTIONS`
LOOKS_FUNCTIONS: Final = 1_000
WATCH_SHARE: Final = 0.6  # of it, at most, for functions that are read by name
LOOKS_IN_STOCK: Final = 12.0
CANDIDATES_PER_LOOK: Final = 20

TICKS_PER_MONTH: Final = MINUTES_PER_MONTH // 2
TICK_SECONDS: Final = 0.2
CHART_MEMORY_GB: Final = 1.0
FULL_READINGS_PER_MONTH: Final = 30
LISTINGS_PER_MONTH: Final = 30 * 24
# A full reading takes 2.2 calls for each function at ten a second; the lists, a fiftieth of that.
FULL_READING_SECONDS: Final = 0.22
LISTING_SECONDS: Final = 0.01

ROUNDS_PER_MONTH: Final = 30
LOOKS_PER_MONTH: Final = 30 * 24
DIAGNOSE_MEMORY_GB: Final = 1.0
# Of each function in a round: invocations, errors, two statistics of duration, log events.
METRICS_PER_FUNCTION: Final = 5
LOOK_SECONDS: Final = 0.2
# Whether the account has more errors than usual, and the failures of rules and schedules, of which
# there is a metric only while they fail.
METRICS_PER_LOOK: Final = 5
# A round takes a call for every eighth function.
ROUND_SECONDS: Final = 0.02

# Denied invocations come through a queue: EventBridge sends each, Lambda receives and deletes ten
# in a request, and a run takes up to a thousand (aws.amazon.com/sqs/pricing; Lambda developer
# guide, *Using Lambda with Amazon SQS*).
USD_PER_QUEUE_REQUEST: Final = 0.40 / 1_000_000
EVENTS_PER_QUEUE_REQUEST: Final = 10
EVENTS_PER_RUN: Final = 1_000
BATCH_SECONDS: Final = 1.0
# UNCONFIRMED A-046: how often Lambda asks an empty queue. Five pollers that wait 20 s each time are
# what its guide says of the least number of pollers.
POLLS_PER_MONTH: Final = 5 * 3 * MINUTES_PER_MONTH

# Of a function under watch: six recent series, and what it did in the last 14 days.
METRICS_PER_CHECK: Final = 7
# Of a held one: six recent series, and of a source what arrives, and what waits or is deleted.
METRICS_PER_HOLD: Final = 8
# What only waits for its end is checked every minute at first, and more seldom later.
CHECKED_SELDOM_MINUTES: Final = 5


# A refresh of the dashboard: three widgets, each a run; two metrics of each incident that is shown,
# nine of the guard, and a page of alarms ($0.01 for each 1,000 requests).
WIDGETS: Final = 3
METRICS_PER_SHOWN: Final = 2
METRICS_OF_GUARD: Final = 9
USD_PER_API_REQUEST: Final = 0.01 / 1000
PRESENT_SECONDS: Final = 1.0
PRESENT_MEMORY_GB: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardCost:
    """Dollars a month, tier by tier.

    Attributes
    ----------
    functions
        Number of functions that are watched.
    alarms_usd
        The account-wide alarms and those on the guard itself.
    pulse_usd
        The reading of the account-wide series each minute, with the Lambda runs for it, and what
        its budget allows at most for looks at all functions and for those on loops.
    sweep_usd
        The query over all functions, or the reading of the next 10,000 of them.
    chart_usd
        The readings of the account's configuration and the ticks between them, for Lambda.
    diagnosis_usd
        The metrics of a round over all functions a day, with the Lambda runs for it.
    per_function_usd
        The alarm that watches each function by itself; 0 without `coverage=function`.
    dashboard_usd
        The dashboard, as if the account had three others; 0 without `dashboard=on`.
    """

    functions: int
    alarms_usd: float
    pulse_usd: float
    sweep_usd: float
    chart_usd: float
    diagnosis_usd: float
    per_function_usd: float
    dashboard_usd: float = 0.0

    @property
    def total_usd(self) -> float:
        """All tiers together."""
        return (
            self.alarms_usd
            + self.pulse_usd
            + self.sweep_usd
            + self.chart_usd
            + self.diagnosis_usd
            + self.per_function_usd
            + self.dashboard_usd
        )

    @property
    def parts(self) -> int:
        """Sweeps that it takes to see all functions."""
        return max(1, math.ceil(self.functions / SWEPT_FUNCTIONS))

    def in_words(self) -> str:
        """Say the total and its parts in one sentence."""
        parts = {
            "alarms": self.alarms_usd,
            "pulse": self.pulse_usd,
            "sweep": self.sweep_usd,
            "chart": self.chart_usd,
            "diagnosis": self.diagnosis_usd,
            "per-function alarm": self.per_function_usd,
            "dashboard": self.dashboard_usd,
        }
        listed = ", ".join(f"{name} ${usd:,.2f}" for name, usd in parts.items() if usd)
        counted = "1 function" if self.functions == 1 else f"{self.functions:,} functions"
        in_parts = (
            f"; a sweep reads {SWEPT_FUNCTIONS:,} of them, {self.parts} sweeps read all"
            if self.sweep_usd and self.parts > 1
            else ""
        )
        return (
            f"about ${self.total_usd:,.2f} a month for {counted} ({listed}){in_parts}; "
            "prices of us-east-1, free tier not counted"
        )


def guard_cost(
    *,
    functions: int,
    standard_alarms: int,
    sweep_minutes: int,
    per_function: bool,
    has_dashboard: bool = False,
) -> GuardCost:
    """Estimate what the guard costs a month of 30 days.

    Parameters
    ----------
    functions
        Functions of the account in the Region. All are counted as active; CloudWatch only
        analyses those that ran lately, so quiet accounts pay less.
    standard_alarms
        Alarms on one metric each.
    sweep_minutes
        Minutes between two sweeps; 0 for none.
    per_function
        Whether one alarm watches each function.
    has_dashboard
        Whether there is a dashboard. What each viewing costs is not counted.
    """
    pulses = MINUTES_PER_MONTH
    sweeps = MINUTES_PER_MONTH / sweep_minutes if sweep_minutes else 0.0
    run_usd = PULSE_SECONDS * GUARD_MEMORY_GB * USD_PER_GB_SECOND + USD_PER_REQUEST
    tick_usd = TICK_SECONDS * CHART_MEMORY_GB * USD_PER_GB_SECOND + USD_PER_REQUEST
    reading_seconds = (
        FULL_READINGS_PER_MONTH * FULL_READING_SECONDS + LISTINGS_PER_MONTH * LISTING_SECONDS
    )
    look_usd = (
        METRICS_PER_LOOK * USD_PER_METRIC_READ
        + LOOK_SECONDS * DIAGNOSE_MEMORY_GB * USD_PER_GB_SECOND
        + USD_PER_REQUEST
    )
    round_usd = (
        METRICS_PER_FUNCTION * USD_PER_METRIC_READ
        + ROUND_SECONDS * DIAGNOSE_MEMORY_GB * USD_PER_GB_SECOND
    )
    return GuardCost(
        functions=functions,
        alarms_usd=standard_alarms * USD_PER_ALARM,
        pulse_usd=pulses * (PULSE_METRICS * USD_PER_METRIC_READ + run_usd)
        + count_pulse_checks(functions) * estimate_pulse_check_usd(functions),
        sweep_usd=sweeps * min(functions, SWEPT_FUNCTIONS) * USD_PER_METRIC_READ,
        chart_usd=TICKS_PER_MONTH * tick_usd
        + functions * reading_seconds * CHART_MEMORY_GB * USD_PER_GB_SECOND,
        diagnosis_usd=LOOKS_PER_MONTH * look_usd + ROUNDS_PER_MONTH * functions * round_usd,
        per_function_usd=functions * USD_PER_ALARM if per_function else 0.0,
        dashboard_usd=USD_PER_DASHBOARD if has_dashboard else 0.0,
    )


def estimate_pulse_check_usd(functions: int) -> float:
    """What one look of the pulse costs: the query, and a check of the candidates.

    Where a query does not see all functions, all of them are read after it.
    """
    functions = max(1, functions)
    read = min(functions, SWEPT_FUNCTIONS) + (functions if functions > SWEPT_FUNCTIONS else 0)
    candidates = min(functions, CANDIDATES_PER_LOOK)
    return (read + candidates * METRICS_PER_CHECK) * USD_PER_METRIC_READ


def compute_pulse_budget_usd(functions: int) -> float:
    """What the pulse may spend a month on functions, beside the account-wide series.

    The budget grows with the square root of the account's size: a small account pays less, and a
    large one looks less often.
    """
    return LOOKS_USD * math.sqrt(max(1, functions) / LOOKS_FUNCTIONS)


def count_pulse_watch_metrics(functions: int) -> int:
    """How many metrics of functions on loops a month may pay for, at most.

    Looks keep enough for twice their stock, so that an account that multiplies is looked at.
    """
    budget_usd = compute_pulse_budget_usd(functions)
    kept_usd = 2 * LOOKS_IN_STOCK * estimate_pulse_check_usd(functions)
    usd = max(0.0, min(WATCH_SHARE * budget_usd, budget_usd - kept_usd))
    return round(usd / USD_PER_METRIC_READ)


def count_pulse_checks(functions: int, watch_metrics: int = 0) -> float:
    """How many looks of the pulse a month pays for.

    Parameters
    ----------
    watch_metrics
        Metrics a month that are read of functions on loops.
    """
    left_usd = compute_pulse_budget_usd(functions) - watch_metrics * USD_PER_METRIC_READ
    return left_usd / estimate_pulse_check_usd(functions)


def estimate_incident_usd(
    minutes: int, *, closely_minutes: int | None, is_held: bool = False
) -> float:
    """What CloudWatch bills for watching one function with an open incident.

    A function that is stopped costs nothing: only its reservation is read.

    Parameters
    ----------
    minutes
        How long it is watched.
    closely_minutes
        How long it is checked every minute; ``None`` for all the time.
    is_held
        Whether it is held, and has one source.
    """
    checks = minutes
    if closely_minutes is not None and minutes > closely_minutes:
        checks = closely_minutes + (minutes - closely_minutes) // CHECKED_SELDOM_MINUTES
    metrics = METRICS_PER_HOLD if is_held else METRICS_PER_CHECK
    return checks * metrics * USD_PER_METRIC_READ


def estimate_refresh_usd(incidents: int) -> float:
    """What a refresh of the dashboard costs.

    Parameters
    ----------
    incidents
        Open incidents of which the traffic is shown.
    """
    metrics = METRICS_OF_GUARD + METRICS_PER_SHOWN * incidents
    run_usd = PRESENT_SECONDS * PRESENT_MEMORY_GB * USD_PER_GB_SECOND + USD_PER_REQUEST
    return metrics * USD_PER_METRIC_READ + USD_PER_API_REQUEST + WIDGETS * run_usd


def estimate_denied_usd(invocations: int) -> float:
    """What denied invocations cost, where a trail reports Lambda's data events.

    The records of callers are left out: one for each caller and function in a run.
    """
    requests = 1 + 2 / EVENTS_PER_QUEUE_REQUEST
    run_usd = BATCH_SECONDS * DIAGNOSE_MEMORY_GB * USD_PER_GB_SECOND + USD_PER_REQUEST
    return invocations * (requests * USD_PER_QUEUE_REQUEST + run_usd / EVENTS_PER_RUN)


def estimate_empty_queue_usd() -> float:
    """What asking the empty queue costs a month, above SQS's free million of requests."""
    return POLLS_PER_MONTH * USD_PER_QUEUE_REQUEST
