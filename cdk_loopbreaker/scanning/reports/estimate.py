"""What a scan would take, before it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.table import Table

from functions.aws.account.rate_limit import SHARE, compute_shared_rates
from functions.domain.notices.layout import join_names
from functions.domain.notices.text import format_count, format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from cdk_loopbreaker.scanning.estimate import Estimate
    from cdk_loopbreaker.scanning.scan import RegionPlan

_PERCENT = round(100 * SHARE)


def announce(account: str, plans: Sequence[RegionPlan]) -> str:
    """What is about to be done, on one line."""
    regions = join_names([one.region for one in plans])
    return (
        f"Scanning account {account} in {regions}: {_describe_total(plans)}, at {_PERCENT}% of"
        " AWS's rates. Ctrl-C keeps what was read."
    )


def print_plans(account: str, plans: Sequence[RegionPlan], console: Console) -> None:
    """Print the calls of each Region by what AWS counts together, and the time they take."""
    rates = compute_shared_rates()
    for plan in plans:
        functions = plan.counts.functions
        known = "?" if functions is None else f"{functions:,}"
        table = Table(
            title=f"Account {account}, {plan.region}: {known} functions", title_justify="left"
        )
        for name in ("calls of", "number", "a second", "seconds"):
            table.add_column(name, justify="left" if name == "calls of" else "right")
        for lane, calls in plan.estimate.calls.items():
            rate = rates[lane]
            table.add_row(lane.value, f"{calls:,}", f"{rate:.1f}", f"{calls / rate:,.0f}")
        console.print(table)
    console.print(f"In all {_describe_total(plans)}, at {_PERCENT}% of AWS's rates.")


def describe_plans(account: str, plans: Sequence[RegionPlan]) -> dict[str, Any]:
    """The same in JSON's terms."""
    return {
        "version": 1,
        "account": account,
        "calls": sum(one.estimate.total for one in plans),
        "most_calls": sum(one.estimate.most_calls for one in plans),
        "seconds": round(sum(one.estimate.seconds for one in plans)),
        "most_seconds": round(sum(one.estimate.most_seconds for one in plans)),
        "regions": [
            {
                "region": one.region,
                "functions": one.counts.functions,
                "is_rough": one.estimate.is_rough,
                "calls": {lane.value: calls for lane, calls in one.estimate.calls.items()},
            }
            for one in plans
        ],
    }


def _describe_total(plans: Sequence[RegionPlan]) -> str:
    estimates = [one.estimate for one in plans]
    calls = sum(one.total for one in estimates)
    seconds = sum(one.seconds for one in estimates)
    said = f"about {format_count(calls, 'call')} and {_format_seconds(seconds)}"
    if any(one.is_rough for one in estimates):
        return f"{said} (some lists go on behind what was counted: it may be a quarter more)"
    return said + _describe_most(estimates, calls)


def _describe_most(estimates: Sequence[Estimate], calls: int) -> str:
    most = sum(one.most_calls for one in estimates)
    if most == calls:
        return ""
    seconds = sum(one.most_seconds for one in estimates)
    return f" (at most {most:,} and {_format_seconds(seconds)}, where log groups have to be read)"


def _format_seconds(seconds: float) -> str:
    return format_duration(timedelta(seconds=max(1, round(seconds))))
