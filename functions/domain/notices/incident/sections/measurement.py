"""How fast a function runs, and what it costs."""

from dataclasses import replace
from datetime import datetime

from functions.domain.detection.assessment import Assessment, Rate
from functions.domain.detection.price import Burn, compute_burn
from functions.domain.incidents.incident import Incident
from functions.domain.notices.layout import bullet, section
from functions.domain.notices.text import (
    format_least_usd,
    format_number,
    format_time,
    format_time_with_age,
)


def describe_rate(incident: Incident) -> str:
    """Say how fast it runs against how fast normally, as the end of a subject."""
    rate, assessment = select_rate(incident.assessment), incident.assessment
    if rate.per_minute <= 0:
        return ""
    before = " before its cap" if assessment.cap else ""
    tail = f": {format_number(rate.per_minute)}/min{before}"
    if assessment.normal_per_minute is None:
        return tail
    return f"{tail}, normal {format_number(assessment.normal_per_minute)}/min"


def select_rate(assessment: Assessment) -> Rate:
    """Select the rate of the spike: for a function that was capped, the one before the cap."""
    if assessment.cap is not None:
        return assessment.cap.before
    return Rate(per_minute=assessment.rate_per_minute, at=assessment.at)


def list_rates(incident: Incident, now: datetime) -> tuple[str, ...]:
    """Say how fast it runs, how fast normally, and since when it is unusual; an item each."""
    assessment, rate = incident.assessment, select_rate(incident.assessment)
    if rate.per_minute <= 0:
        return ()
    before = " before the cap" if assessment.cap else ""
    measured = (
        f"{format_number(rate.per_minute)} invocations a minute{before}, measured at"
        f" {format_time(rate.at)}; {_compare(assessment, rate)}."
    )
    began = (
        f"Unusual since {format_time_with_age(assessment.since, now)}." if assessment.since else ""
    )
    return tuple(
        bullet(one) for one in (measured, began, _describe_rate_under_cap(assessment)) if one
    )


def _compare(assessment: Assessment, rate: Rate) -> str:
    normal = assessment.normal_per_minute
    if normal is None:
        return "in the 3 hours before, it was not invoked"
    if normal <= 0:
        return "in most minutes of the 3 hours before, it was not invoked"
    if rate.per_minute < 2 * normal:
        return f"normal is {format_number(normal)}"
    times = format_number(rate.per_minute / normal)
    return f"normal is {format_number(normal)} ({times} times as many)"


def _describe_rate_under_cap(assessment: Assessment) -> str:
    """Say what it did under its cap, and when; empty for one that was not capped."""
    figures = assessment.cap
    if figures is None:
        return ""
    if figures.under is None:
        return "Under the cap no minute is complete yet."
    under = f"Under the cap: {format_number(figures.under.per_minute)} invocations a minute"
    asked = figures.asked_per_minute
    if asked is not None and asked > figures.under.per_minute:
        under += f", of {format_number(asked)} attempts"
    return f"{under}, measured at {format_time(figures.under.at)}."


def compute_cost(incident: Incident) -> Burn | None:
    """Compute what its spike costs; ``None`` where its rate is not known."""
    rate = select_rate(incident.assessment).per_minute
    if rate <= 0:
        return None
    return compute_burn(
        replace(incident.assessment, rate_per_minute=rate),
        incident.memory_mb,
        incident.architecture,
    )


def describe_cost(incident: Incident, *, is_running: bool) -> str:
    """Say in one line what it has cost so far, and what an hour costs as long as it goes on."""
    spent = compute_cost(incident)
    if spent is None:
        return ""
    so_far = format_least_usd(spent.usd_so_far) if spent.requests_so_far > 0 else ""
    if not is_running:
        return f"Cost so far: {so_far}, Lambda only." if so_far else ""
    hourly = f"{format_least_usd(spent.usd_per_hour)} an hour"
    return f"Cost: {hourly}{f', {so_far} so far' if so_far else ''}, Lambda only."


def compose_cost(incident: Incident) -> str:
    """Say what it costs, and what of that is counted."""
    spent = compute_cost(incident)
    if spent is None:
        return ""
    before = ", before the cap" if incident.assessment.cap else ""
    counted = (
        "Lambda requests and duration"
        if spent.is_duration_counted
        else "Lambda requests only (how long they run is not known)"
    )
    return section(
        "COST",
        bullet(
            f"An hour: {format_least_usd(spent.usd_per_hour)}"
            f" ({format_number(spent.requests_per_hour)} invocations){before}."
        ),
        bullet(
            f"So far: {format_least_usd(spent.usd_so_far)}"
            f" ({format_number(spent.requests_so_far)} invocations)."
        )
        if spent.requests_so_far > 0
        else "",
        bullet(
            f"Counted: {counted}, at us-east-1 list prices. Not counted: other services, logs, free"
            " tier, discounts."
        ),
    )
