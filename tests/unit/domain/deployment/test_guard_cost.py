"""What the guard costs, and that docs/costs.md says the same."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from functions.domain.deployment.guard_cost import (
    CHECKED_SELDOM_MINUTES,
    LOOKS_IN_STOCK,
    METRICS_PER_CHECK,
    METRICS_PER_HOLD,
    USD_PER_METRIC_READ,
    GuardCost,
    compute_pulse_budget_usd,
    count_pulse_checks,
    count_pulse_watch_metrics,
    estimate_denied_usd,
    estimate_empty_queue_usd,
    estimate_incident_usd,
    estimate_pulse_check_usd,
    guard_cost,
)
from functions.domain.detection.arrivals import (
    Source,
    SourceKind,
    choose_waiting_metric,
    list_arrival_metrics,
)
from functions.domain.detection.evidence import RecentSeries
from functions.domain.incidents.states import IncidentState
from functions.domain.pulse.loop_watch import count_metrics_a_month
from functions.workflows.incidents.reconcile import CHECKED_CLOSELY, CHECKED_EVERY_MINUTES

STATES = {
    "notified about": IncidentState.NOTIFIED,
    "released by somebody": IncidentState.RELEASED,
    "held": IncidentState.CAPPED,
}
DOCS = Path(__file__).resolve().parents[4] / "docs" / "costs.md"


def default_cost(
    functions: int, *, sweep_minutes: int = 60, per_function: bool = False
) -> GuardCost:
    """Cost with default flags."""
    return guard_cost(
        functions=functions,
        standard_alarms=13 if sweep_minutes else 12,
        sweep_minutes=sweep_minutes,
        per_function=per_function,
    )


def test_alarms_do_not_depend_on_the_number_of_functions() -> None:
    """The account-wide alarms cost the same for one function and for ten thousand."""
    assert default_cost(1).alarms_usd == default_cost(10_000).alarms_usd


def test_pulse() -> None:
    """Three metrics a minute are $1.30, the Lambda runs some cents more, and the looks the rest."""
    watching = 1.296 + 43_200 * (0.25 * 0.0000133334 + 2e-7)

    assert default_cost(1000).pulse_usd == pytest.approx(watching + 4.50)
    assert default_cost(10).pulse_usd == pytest.approx(watching + 0.45)


@pytest.mark.parametrize("functions", [1, 10, 100, 1_000, 10_000, 100_000])
def test_functions_on_loops_are_read_for_the_money_of_the_looks(functions: int) -> None:
    """At most three fifths of it; what is left pays for twice as many looks as are in stock."""
    most = count_pulse_watch_metrics(functions)
    usd = most * USD_PER_METRIC_READ
    looks = count_pulse_checks(functions, most)

    assert 0 < usd <= 0.6 * compute_pulse_budget_usd(functions) + USD_PER_METRIC_READ
    assert looks >= 2 * LOOKS_IN_STOCK - 0.01
    assert usd + looks * estimate_pulse_check_usd(functions) == pytest.approx(
        compute_pulse_budget_usd(functions)
    )


def test_a_function_that_is_read_every_three_minutes() -> None:
    """The price of one metric, whatever number of datapoints it has."""
    assert count_metrics_a_month(1, 3) * USD_PER_METRIC_READ == pytest.approx(0.144)


@pytest.mark.parametrize(("functions", "usd"), [(10, 0.0008), (1000, 0.0114), (100_000, 1.1014)])
def test_a_look(functions: int, usd: float) -> None:
    """One metric of each function, seven of the candidates, and all where a query is too small."""
    assert estimate_pulse_check_usd(functions) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("functions", "minutes", "usd"), [(1000, 60, 7.20), (1000, 5, 86.40), (10, 1440, 0.003)]
)
def test_sweep(functions: int, minutes: int, usd: float) -> None:
    """A sweep reads one metric of each function."""
    assert default_cost(functions, sweep_minutes=minutes).sweep_usd == pytest.approx(usd)


def test_chart() -> None:
    """A tick every two minutes, a reading of everything a day, the lists each hour."""
    ticks = 21_600 * (0.2 * 0.0000133334 + 2e-7)
    readings = 1000 * (30 * 0.22 + 720 * 0.01) * 0.0000133334

    assert default_cost(1000).chart_usd == pytest.approx(ticks + readings)


def test_diagnosis() -> None:
    """A round a day reads five metrics of each function, a look an hour five of the account."""
    looks = 720 * (5 * 0.00001 + 0.2 * 0.0000133334 + 2e-7)
    rounds = 30 * 1000 * (5 * 0.00001 + 0.02 * 0.0000133334)

    assert default_cost(1000).diagnosis_usd == pytest.approx(looks + rounds)


def test_no_sweep() -> None:
    """Without a sweep there is nothing to pay for it."""
    assert default_cost(1000, sweep_minutes=0).sweep_usd == 0


def test_per_function() -> None:
    """`coverage=function` costs ten cents for each function."""
    assert default_cost(1000, per_function=True).per_function_usd == pytest.approx(100)


def test_total() -> None:
    """The total is the sum of the tiers."""
    cost = GuardCost(
        functions=1,
        alarms_usd=1,
        pulse_usd=2,
        sweep_usd=4,
        chart_usd=16,
        diagnosis_usd=32,
        per_function_usd=8,
    )

    assert cost.total_usd == 63


def test_in_words() -> None:
    """The sentence names the total, the number of functions and the tiers that cost something."""
    cost = GuardCost(
        functions=1200,
        alarms_usd=1.1,
        pulse_usd=1.5,
        sweep_usd=0,
        chart_usd=0.3,
        diagnosis_usd=1.8,
        per_function_usd=120,
    )

    assert cost.in_words() == (
        "about $124.70 a month for 1,200 functions (alarms $1.10, pulse $1.50, chart $0.30, "
        "diagnosis $1.80, per-function alarm $120.00); "
        "prices of us-east-1, free tier not counted"
    )


def test_sweeps_in_parts_are_told() -> None:
    """In an account that takes several sweeps to see, the sentence says how many."""
    words = default_cost(100_000).in_words()

    assert "; a sweep reads 10,000 of them, 10 sweeps read all; " in words
    assert "sweeps read" not in default_cost(10_000).in_words()


def test_a_sweep_has_a_highest_price() -> None:
    """Beyond 10,000 functions a sweep costs no more: it reads them in turn."""
    assert default_cost(100_000).sweep_usd == default_cost(10_000).sweep_usd == pytest.approx(72)


def documented_rows() -> list[list[str]]:
    """Rows of the table in docs/costs.md that begin with a number of functions."""
    rows = (line.strip("| ").split("|") for line in DOCS.read_text().splitlines())
    return [
        [cell.strip() for cell in row] for row in rows if re.fullmatch(r"[\d,]+", row[0].strip())
    ]


def table_row(functions: int) -> list[str]:
    """One row as docs/costs.md must have it."""
    standard = default_cost(functions)
    amounts = (
        standard.alarms_usd,
        standard.pulse_usd,
        standard.sweep_usd,
        standard.chart_usd,
        standard.diagnosis_usd,
        standard.total_usd,
        default_cost(functions, sweep_minutes=5).total_usd,
        default_cost(functions, per_function=True).total_usd,
    )
    return [f"{functions:,}", *(f"${usd:,.2f}" for usd in amounts)]


def test_the_documented_table_is_what_the_code_computes() -> None:
    """docs/costs.md never drifts from the code."""
    assert documented_rows() == [table_row(count) for count in (10, 100, 1000, 10_000, 100_000)]


def test_the_documented_cost_of_an_incident_is_what_the_code_computes() -> None:
    """What an incident costs that stays open is written down as it is."""
    rows = {
        cells[0]: cells[2:]
        for line in DOCS.read_text().splitlines()
        if len(cells := [cell.strip() for cell in line.strip("| ").split("|")]) == 4
    }

    for name, state in STATES.items():
        closely = CHECKED_CLOSELY.get(state)
        minutes = None if closely is None else int(closely / timedelta(minutes=1))
        is_held = state is IncidentState.CAPPED
        assert rows[name] == [
            f"${estimate_incident_usd(length, closely_minutes=minutes, is_held=is_held):,.2f}"
            for length in (24 * 60, 30 * 24 * 60)
        ]
    assert rows["stopped"] == ["$0.00", "$0.00"]


@pytest.mark.parametrize(
    ("minutes", "checks"), [(0, 0), (1, 1), (20, 20), (24, 20), (25, 21), (1440, 304)]
)
def test_an_incident_that_waits_for_its_end(minutes: int, checks: int) -> None:
    """It is checked every minute for a while, and every five from then on."""
    assert estimate_incident_usd(minutes, closely_minutes=20) == pytest.approx(checks * 7 * 0.00001)
    assert estimate_incident_usd(minutes, closely_minutes=None) == pytest.approx(
        minutes * 7 * 0.00001
    )


def test_checks_are_as_seldom_as_the_cost_says() -> None:
    """The cost reckons with the minutes that the code waits."""
    assert CHECKED_EVERY_MINUTES == CHECKED_SELDOM_MINUTES


def test_metrics_of_a_check() -> None:
    """A check reads the recent series and the precedent of one function."""
    assert len(RecentSeries.__dataclass_fields__) + 1 == METRICS_PER_CHECK


@pytest.mark.parametrize("kind", [SourceKind.QUEUE, SourceKind.TABLE])
def test_metrics_of_a_hold(kind: SourceKind) -> None:
    """What is read of the dearest sources that are held."""
    source = Source(kind=kind, name="orders")
    waiting = 1 if choose_waiting_metric(source) else 0

    recent = len(RecentSeries.__dataclass_fields__)
    assert recent + len(list_arrival_metrics(source)) + waiting == METRICS_PER_HOLD


def test_the_documented_cost_of_denied_invocations_is_what_the_code_computes() -> None:
    """The page says what a million costs, what a flood costs a day, and what the queue costs."""
    (line,) = (one for one in DOCS.read_text().splitlines() if one.startswith("- **Denied inv"))

    assert re.findall(r"\$[\d.]+\d", line) == [
        f"${estimate_denied_usd(1_000_000):.2f}",
        f"${estimate_denied_usd(100 * 86_400):.2f}",
        f"${estimate_empty_queue_usd():.2f}",
    ]


def test_the_documented_use_of_the_pulses_money_is_what_the_code_computes() -> None:
    """How many functions on loops are read how often, and how many looks are left."""
    lines = DOCS.read_text().splitlines()
    (watched,) = (one for one in lines if one.startswith("- **Functions on loops**"))
    (looks,) = (one for one in lines if one.startswith("- **Scans**"))
    most = count_pulse_watch_metrics(1_000)

    assert re.findall(r"\$([\d.]+\d)", watched) == [
        f"{count_metrics_a_month(1, every) * USD_PER_METRIC_READ:.2f}" for every in (5, 3, 1)
    ]
    assert re.findall(r"(\d+) (?:of them )?every (\w+)", watched.split("pays for")[1]) == [
        (str(most // count_metrics_a_month(1, 5)), "five"),
        (str(most // count_metrics_a_month(1, 12)), "12"),
    ]
    counts = [looks_of(1_000, 0), looks_of(1_000, 31 * count_metrics_a_month(1, 5)), 31]
    for functions in (10, 10_000):
        most = count_pulse_watch_metrics(functions)
        counts += [functions, looks_of(functions, 0), looks_of(functions, most)]
    stated = re.findall(r"\b[\d,]+\b", looks.split(". A scan")[0].replace("1,000 functions", ""))
    assert [int(one.replace(",", "")) for one in stated] == counts


def looks_of(functions: int, watch_metrics: int) -> int:
    """Whole looks a month."""
    return round(count_pulse_checks(functions, watch_metrics))
