"""A finding of every kind, with the remedy that is applied and undone."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.remediation import Remediation
from functions.workflows.diagnosis.remediate import (
    plan_remediation,
    remediate,
    undo,
)
from tests.unit.domain.diagnosis.checks.test_no_traces import EXPECTED, TRACING_ROLE
from tests.unit.domain.diagnosis.samples import (
    NOW,
    CrashError,
    Hospital,
    facts,
    logless,
    reports,
    rule,
    traffic,
)

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
HOURLY = rule(source_arn=rule().source_arn.replace("nightly", "hourly"))
CASES: dict[str, FunctionUnderDiagnosis] = {
    "logs": logless(),
    "traces": facts(role=TRACING_ROLE, environment=EXPECTED),
    "permissions": facts(triggers=(rule(), HOURLY)),
    "memory": facts(traffic=traffic(p95_duration_ms=2_900), memory_mb=128, reports=reports()),
}
KEY = ("orders", "no_logs")


def case(name: str) -> Remediation:
    """The remediation of the one finding of a case."""
    (finding,) = examine(CASES[name]).findings
    return plan_remediation(finding, finding.remedies[0], NOW)


def opened(name: str) -> tuple[Hospital, Remediation]:
    """An account with the remediation of a case written down, and nothing done."""
    hospital = Hospital()
    return hospital, hospital.context.remediations.open(case(name))


def applied(name: str) -> tuple[Hospital, Remediation]:
    """An account in which a case was remediated."""
    hospital, remediation = opened(name)
    remediation = remediate(remediation, hospital.context, NOW)
    hospital.sent.clear()
    hospital.journal.clear()
    return hospital, remediation


def stored(hospital: Hospital) -> Remediation:
    """The one remediation of an account."""
    (remediation,) = hospital.stored.values()
    return remediation


def survives(run: Callable[[], object]) -> bool:
    """Whether a run ends by itself."""
    try:
        run()
    except CrashError:
        return False
    return True


def calls(name: str, *, is_undo: bool) -> list[str]:
    """The calls of an undisturbed run, in order."""
    hospital, remediation = applied(name) if is_undo else opened(name)
    hospital.journal.clear()
    (undo if is_undo else remediate)(remediation, hospital.context, NOW)
    return hospital.journal


RUNS = [
    pytest.param(name, is_undo, number, moment, id=f"{name}-{verb}-{moment}-{number}")
    for name in CASES
    for is_undo, verb in ((False, "treat"), (True, "undo"))
    for moment in ("before", "after")
    for number in range(1, len(calls(name, is_undo=is_undo)) + 1)
]
