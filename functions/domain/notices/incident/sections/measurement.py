"""How fast a function runs, and what it costs."""

from dataclasses import replace
from datetime import datetime

from functions.domain.detection.assessment import Assessment, Rate
from functions.domain.detection.price import compute_burn
from functions.domain.incidents.incident import Incident
from functions.domain.notices.layout import paragraph, section
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


def compose_measurement(
    incident: Incident, now: datetime, *, is_over: bool = False
) -> tuple[str, ...]:
    """Say how fast it runs, and what it costs."""
    assessment, rate = incident.assessment, select_rate(incident.assessment)
    if rate.per_minute <= 0:
        return ()
    before = " before the cap" if assessment.cap else ""
    measured = f"{format_number(rate.per_minute)} invocations a minute{before}"
    normal = assessment.normal_per_minute
    if normal is None:
        compared = "In the 3 hours before, it was not invoked."
    elif normal <= 0:
        compared = "In most minutes of the 3 hours before, it was not invoked."
    elif rate.per_minute >= 2 * normal:
        times = format_number(rate.per_minute / normal)
        is_or_was = "was" if assessment.cap else "is"
        compared = f"Normal is {format_number(normal)}: this {is_or_was} {times} times as many."
    else:
        compared = f"Normal is {format_number(normal)}."
    began = (
        f"Unusual since {format_time_with_age(assessment.since, now)}." if assessment.since else ""
    )
    fast = section(
        "HOW FAST",
        paragraph(f"{measured}, measured at {format_time(rate.at)}.", compared, began),
        paragraph(_describe_rate_under_cap(assessment)),
    )
    return (fast, _compose_cost(incident, is_over=is_over))


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


def _compose_cost(incident: Incident, *, is_over: bool) -> str:
    assessment = incident.assessment
    rate = select_rate(assessment).per_minute
    spent = compute_burn(
        replace(assessment, rate_per_minute=rate), incident.memory_mb, incident.architecture
    )
    before = "Before the cap it burned" if assessment.cap else "It burned"
    hourly = (
        f"{before if is_over or assessment.cap else 'It burns'}"
        f" {format_least_usd(spent.usd_per_hour)} an hour"
        f" ({format_number(spent.requests_per_hour)} invocations an hour)."
    )
    total = (
        f"So far it has cost {format_least_usd(spent.usd_so_far)}"
        f" ({format_number(spent.requests_so_far)} invocations)."
        if spent.requests_so_far > 0
        else ""
    )
    scope = (
        "Counted are Lambda requests and duration at us-east-1 list prices."
        if spent.is_duration_counted
        else "Counted are Lambda requests only, at the us-east-1 list price: how long they run is"
        " not known."
    )
    return section(
        "WHAT IT COSTS",
        paragraph(hourly, total),
        paragraph(
            scope, "Not counted: the other services in the loop, logs, free tier and discounts."
        ),
    )
