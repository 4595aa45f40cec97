"""All checks. A new one is a new module and a line here."""

from typing import Final

from functions.domain.diagnosis.checks import (
    no_logs,
    no_traces,
    not_authorized,
    not_invocable,
    too_slow,
)
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.finding import Examination

CHECKS: Final = (
    not_authorized.CHECK,
    too_slow.CHECK,
    no_logs.CHECK,
    no_traces.CHECK,
    not_invocable.CHECK,
)


def examine(facts: FunctionUnderDiagnosis) -> Examination:
    """What every check says of one function.

    A function that the guard holds is not examined: it does nothing, which shows nothing.
    """
    if facts.is_contained:
        return Examination(function=facts.name)
    findings = []
    complete = set()
    for check in CHECKS:
        finding = check.examine(facts)
        if finding is not None:
            findings.append(finding)
        if not any(facts.lacks(part) for part in check.needs) and check.is_conclusive(facts):
            complete.add(check.entry)
    return Examination(function=facts.name, findings=tuple(findings), complete=frozenset(complete))
