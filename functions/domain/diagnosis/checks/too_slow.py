"""Function execution takes too long.

Rests on "Troubleshoot execution issues in Lambda", entry "Function execution takes too long": if
the code takes much longer in Lambda than elsewhere it may be limited by memory or CPU, and CPU
grows with memory: 1,769 MB are one vCPU
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).

Slow is not too slow: a function that is far from its timeout and has memory to spare is nobody's
business here.
"""

import math
from dataclasses import dataclass
from typing import Final

from functions.domain.detection.price import USD_PER_GB_SECOND, USD_PER_REQUEST
from functions.domain.diagnosis.checks import pages
from functions.domain.diagnosis.checks.versions import (
    describe_judged_version,
    explain_leaving_to_people,
    explain_publishing,
)
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis, InvokerKind, Part
from functions.domain.diagnosis.finding import Certainty, Check, Finding, Observation
from functions.domain.diagnosis.remedy import Remedy, RemedyKind, SetMemory, SetTimeout
from functions.domain.notices.text import format_number, format_usd

ENTRY: Final = "too_slow"
TITLE: Final = "execution takes too long"

NEAR_TIMEOUT: Final = 0.80  # p95 duration over timeout, from which on it is reported
CALM_TIMEOUT: Final = 0.70  # below which it is over: between the two a finding stays as it was
NEAR_MEMORY: Final = 0.90  # most memory used over memory size
CALM_MEMORY: Final = 0.80
TIMEOUT_SHARE: Final = 0.01  # of the invocations: one in a million is an accident
LEAST_INVOCATIONS: Final = 20  # for a p95 to mean anything
FULL_VCPU_MB: Final = 1_769
LOW_MEMORY: Final = 0.60  # use of memory below which it is not the memory that is short
INIT_SHARE: Final = 0.50  # of the mean duration, from which on the start is worth a word

LEAST_MB: Final = 128
MOST_MB: Final = 10_240
MOST_SECONDS: Final = 900
_API_SECONDS: Final = 29  # API Gateway's default limit for an integration
_MILLION: Final = 1_000_000
_MEASURE: Final = (
    "Before and after, compare p95 duration, timeouts and mean billed duration over the same hours;"
    " AWS Lambda Power Tuning does that for many memory sizes. X-Ray shows what it waits for."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What counts of metrics and REPORT lines; ``None`` where unknown."""

    invocations: float
    p95_ms: float | None
    max_ms: float | None
    mean_ms: float | None
    timeouts: int
    out_of_memory: int
    memory_used_mb: int | None
    is_many: bool

    @classmethod
    def of(cls, facts: FunctionUnderDiagnosis) -> "_Measured | None":
        traffic, reports = facts.traffic, facts.reports
        if traffic is None and reports is None:
            return None
        invocations = max(
            traffic.invocations if traffic else 0.0, float(reports.reports) if reports else 0.0
        )
        return cls(
            invocations=invocations,
            p95_ms=_choose_first(
                traffic.p95_duration_ms if traffic else None,
                reports.p95_duration_ms if reports else None,
            ),
            max_ms=_choose_first(
                traffic.max_duration_ms if traffic else None,
                reports.max_duration_ms if reports else None,
            ),
            mean_ms=_choose_first(
                reports.mean_billed_ms if reports else None,
                traffic.mean_duration_ms if traffic else None,
                reports.mean_duration_ms if reports else None,
            ),
            timeouts=reports.timeouts if reports else 0,
            out_of_memory=reports.out_of_memory if reports else 0,
            memory_used_mb=reports.max_memory_used_mb if reports else None,
            is_many=invocations >= LEAST_INVOCATIONS,
        )


def examine(facts: FunctionUnderDiagnosis) -> Finding | None:
    """Report timeouts, a p95 near the timeout, and memory that is used up."""
    seen = _Measured.of(facts)
    if seen is None or seen.invocations <= 0:
        return None
    timeout_ms = facts.function.timeout_seconds * 1000
    causes = _find_causes(facts, seen, timeout_ms)
    if not causes:
        return None
    return CHECK.compose_finding(
        facts,
        certainty=Certainty.LIKELY if causes == ("memory_full",) else Certainty.CERTAIN,
        summary=_summarize(facts, causes),
        causes=tuple(sorted(causes)),
        evidence=_list_evidence(facts, seen, timeout_ms, causes),
        remedies=_compose_remedies(facts, seen, causes),
    )


def is_conclusive(facts: FunctionUnderDiagnosis) -> bool:
    """Whether it was invoked and stays well below every threshold."""
    seen = _Measured.of(facts)
    if seen is None or seen.invocations <= 0 or seen.p95_ms is None:
        return False
    memory = _compute_memory_share(facts, seen)
    return (
        seen.p95_ms < CALM_TIMEOUT * facts.function.timeout_seconds * 1000
        and seen.timeouts == 0
        and seen.out_of_memory == 0
        and (memory is None or memory < CALM_MEMORY)
    )


def choose_next_memory(facts: FunctionUnderDiagnosis) -> int | None:
    """The memory to try next: double, within AWS's and the operator's limits; ``None``: no more."""
    present = facts.function.memory_mb
    most = MOST_MB
    if facts.memory_ceiling_mb is not None and facts.memory_ceiling_mb > present:
        most = min(most, facts.memory_ceiling_mb)
    to = max(LEAST_MB, min(present * 2, most))
    return to if to > present else None


def compute_price_per_million(memory_mb: int, mean_ms: float, architecture: str) -> float:
    """US dollars for a million invocations, at list price."""
    gb_second = USD_PER_GB_SECOND.get(architecture, min(USD_PER_GB_SECOND.values()))
    return _MILLION * (USD_PER_REQUEST + memory_mb / 1024 * mean_ms / 1000 * gb_second)


def _find_causes(
    facts: FunctionUnderDiagnosis, seen: _Measured, timeout_ms: float
) -> tuple[str, ...]:
    found = []
    if seen.timeouts >= max(1.0, TIMEOUT_SHARE * seen.invocations):
        found.append("timeouts")
    if seen.p95_ms is not None and seen.p95_ms >= NEAR_TIMEOUT * timeout_ms and seen.is_many:
        found.append("near_timeout")
    if seen.out_of_memory >= max(1.0, TIMEOUT_SHARE * seen.invocations):
        found.append("out_of_memory")
    memory = _compute_memory_share(facts, seen)
    if memory is not None and memory >= NEAR_MEMORY:
        found.append("memory_full")
    return tuple(found)


def _compute_memory_share(facts: FunctionUnderDiagnosis, seen: _Measured) -> float | None:
    if seen.memory_used_mb is None or facts.function.memory_mb <= 0:
        return None
    return seen.memory_used_mb / facts.function.memory_mb


def _summarize(facts: FunctionUnderDiagnosis, causes: tuple[str, ...]) -> str:
    name = facts.name
    if "timeouts" in causes:
        return f"{name} runs into its timeout of {facts.function.timeout_seconds:,} s."
    if "near_timeout" in causes:
        return (
            f"{name} comes close to its timeout of {facts.function.timeout_seconds:,} s: whatever"
            " makes it a little slower makes it fail."
        )
    if "out_of_memory" in causes:
        return f"{name} is killed because its {facts.function.memory_mb:,} MB do not suffice."
    return f"{name} uses nearly all of its {facts.function.memory_mb:,} MB of memory."


def _list_evidence(
    facts: FunctionUnderDiagnosis, seen: _Measured, timeout_ms: float, causes: tuple[str, ...]
) -> tuple[Observation, ...]:
    found = []
    if seen.timeouts:
        found.append(
            Observation(
                words=f"Invocations that timed out, of {format_number(seen.invocations)}",
                value=seen.timeouts,
            )
        )
    if seen.p95_ms is not None:
        found.append(
            Observation(
                words="95 of 100 invocations take at most",
                value=seen.p95_ms,
                unit="ms",
                reference=timeout_ms,
                reference_words="the timeout",
            )
        )
    if seen.max_ms is not None:
        found.append(Observation(words="The longest took", value=seen.max_ms, unit="ms"))
    if seen.out_of_memory:
        found.append(
            Observation(words="Invocations killed for want of memory", value=seen.out_of_memory)
        )
    if seen.memory_used_mb is not None:
        found.append(
            Observation(
                words="Most memory used",
                value=seen.memory_used_mb,
                unit="MB",
                reference=facts.function.memory_mb,
                reference_words="the memory size",
            )
        )
    if _is_cpu_short(facts, seen, causes):
        found.append(
            Observation(
                words="It has memory to spare and less than one vCPU, so CPU may be what it is"
                " short of (CPU grows with memory)",
                value=facts.function.memory_mb,
                unit="MB",
                reference=FULL_VCPU_MB,
                reference_words="one vCPU",
            )
        )
    return (*found, *_start(facts, seen), *describe_judged_version(facts))


def _start(facts: FunctionUnderDiagnosis, seen: _Measured) -> tuple[Observation, ...]:
    reports = facts.reports
    if reports is None or not reports.init_count or reports.mean_init_ms is None:
        return ()
    if seen.mean_ms is None or reports.mean_init_ms < INIT_SHARE * seen.mean_ms:
        return ()
    return (
        Observation(
            words=f"Cold starts ({reports.init_count:,} of {reports.reports:,} invocations) take"
            " before that, on average",
            value=reports.mean_init_ms,
            unit="ms",
        ),
    )


def _is_cpu_short(facts: FunctionUnderDiagnosis, seen: _Measured, causes: tuple[str, ...]) -> bool:
    memory = _compute_memory_share(facts, seen)
    is_slow = bool({"timeouts", "near_timeout"} & set(causes))
    return (
        is_slow
        and facts.function.memory_mb < FULL_VCPU_MB
        and memory is not None
        and memory < LOW_MEMORY
    )


def _compose_remedies(
    facts: FunctionUnderDiagnosis, seen: _Measured, causes: tuple[str, ...]
) -> tuple[Remedy, ...]:
    memory = _propose_more_memory(facts, seen, causes)
    timeout = (
        _propose_longer_timeout(facts, seen) if {"timeouts", "near_timeout"} & set(causes) else None
    )
    measure = Remedy(words=_MEASURE, named_only="Measuring is left to you.")
    return tuple(one for one in (memory, timeout, measure) if one is not None)


def _propose_more_memory(
    facts: FunctionUnderDiagnosis, seen: _Measured, causes: tuple[str, ...]
) -> Remedy | None:
    to = choose_next_memory(facts)
    if to is None:
        return None
    present = facts.function.memory_mb
    helps = bool({"out_of_memory", "memory_full"} & set(causes)) or present < FULL_VCPU_MB
    doubt = (
        ""
        if helps
        else f" It has at least one vCPU already ({FULL_VCPU_MB:,} MB): more helps only code that"
        " works on several at a time."
    )
    return Remedy(
        kind=RemedyKind.MEMORY,
        words=f"Try {to:,} MB instead of {present:,} MB of memory, which gives more CPU in the same"
        f" proportion.{doubt}{_describe_price(facts, seen, to)}{explain_publishing(facts)}",
        steps=(SetMemory(function=facts.name, to=to, prior=present),),
        named_only=explain_leaving_to_people(facts)
        if helps
        else "More memory is not known to help here.",
    )


def _describe_price(facts: FunctionUnderDiagnosis, seen: _Measured, to: int) -> str:
    if seen.mean_ms is None:
        return ""
    # AWS bills no more than the timeout, and neither should the estimate.
    mean = min(seen.mean_ms, facts.function.timeout_seconds * 1000)
    present = compute_price_per_million(facts.function.memory_mb, mean, facts.architecture)
    same = compute_price_per_million(to, mean, facts.architecture)
    half = compute_price_per_million(to, mean / 2, facts.architecture)
    return (
        f" A million invocations cost {format_usd(present)} now; then {format_usd(same)} if it"
        f" takes as long as now ({_change(present, same)}), {format_usd(half)} if it takes half as"
        f" long ({_change(present, half)})."
    )


def _change(before: float, after: float) -> str:
    share = (after - before) / before * 100
    if abs(share) < 1:
        return "about the same"
    return f"{format_number(abs(share))} % {'more' if share > 0 else 'less'}"


def _propose_longer_timeout(facts: FunctionUnderDiagnosis, seen: _Measured) -> Remedy | None:
    present = facts.function.timeout_seconds
    longest = max(seen.p95_ms or 0.0, present * 1000.0 * NEAR_TIMEOUT)
    to = min(MOST_SECONDS, max(present + 1, math.ceil(2 * longest / 1000)))
    if to <= present:
        return Remedy(
            words=f"The timeout is AWS's highest ({MOST_SECONDS} s): split the work, or move it to"
            " Step Functions or a container.",
            named_only="Only people can do that.",
        )
    notes = ""
    if any(one.kind is InvokerKind.API for one in facts.triggers) and to > _API_SECONDS:
        notes += f" API Gateway waits {_API_SECONDS} s unless its quota was raised."
    if any(":sqs:" in one.source_arn for one in facts.mappings):
        notes += (
            f" Its queue needs a visibility timeout of six times that, {format_number(6 * to)} s,"
            " which is to be set first."
        )
    return Remedy(
        words=f"If the work needs its time, set the timeout to {to:,} s.{notes}"
        f"{explain_publishing(facts)}",
        steps=(SetTimeout(function=facts.name, to=to, prior=present),),
        named_only=" ".join(
            one
            for one in (
                "A longer timeout lets a function that hangs cost more: people decide that.",
                explain_leaving_to_people(facts),
            )
            if one
        ),
    )


def _choose_first(*values: float | None) -> float | None:
    return next((one for one in values if one is not None and math.isfinite(one)), None)


CHECK: Final = Check(
    entry=ENTRY,
    title=TITLE,
    page=pages.EXECUTION,
    needs=frozenset({Part.TRAFFIC}),
    examine=examine,
    is_conclusive=is_conclusive,
    helps=frozenset({Part.REPORTS, Part.VERSIONS}),
)
