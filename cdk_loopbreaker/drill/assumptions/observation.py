"""Assumptions about CloudWatch, CloudTrail and EventBridge: what is seen, and how late."""

from __future__ import annotations

from typing import Final

from cdk_loopbreaker.drill.assumptions.model import Assumption, MeasureName

OBSERVATION: Final = (
    Assumption(
        id="A-006",
        claim=(
            "A Lambda action of an alarm sends for a contributor what the event says: an"
            " `alarmContributor`, and no `previousState`."
        ),
        files=("functions/aws/incidents/signals.py",),
        if_wrong=(
            "The event of the same change arrives through EventBridge. The other one is a dead"
            " letter, and the alarm on dead letters reports it."
        ),
        reason="it takes an alarm with contributors, and the drill makes no alarm",
    ),
    Assumption(
        id="A-012",
        claim="CloudTrail's events of API Gateway name the API `restApiId` or `apiId`.",
        files=("functions/aws/account/configuration_changes.py",),
        if_wrong="The change is found by the next complete reading of the account.",
        reason="it takes an API and a trail, and the drill makes neither",
    ),
    Assumption(
        id="A-014",
        claim=(
            "A Metrics Insights series that is grouped by several dimensions is labelled with their"
            " values and a blank between them."
        ),
        files=("functions/aws/diagnosis/metrics.py",),
        if_wrong="Such a series is left out. The daily run examines its function.",
        measure=MeasureName.INSIGHTS_LABELS,
    ),
    Assumption(
        id="A-015",
        claim="The log of a function that ran out of memory has one of three known wordings.",
        files=("functions/aws/diagnosis/logs.py",),
        if_wrong="The finding rests on the memory used alone.",
        reason="a function of the drill would have to exhaust its memory",
    ),
    Assumption(
        id="A-016",
        claim=(
            "Invocations, ConcurrentExecutions and Throttles exist without a dimension, for the"
            " account as a whole."
        ),
        files=("functions/aws/detection/lambda_metrics.py",),
        if_wrong="The pulse does not see that series. The sweep finds the function.",
        measure=MeasureName.METRICS_WITHOUT_DIMENSION,
    ),
    Assumption(
        id="A-019",
        claim="A period of a day begins at midnight UTC.",
        files=("functions/workflows/diagnosis/measure_traffic.py",),
        if_wrong="Two days are weighed by what was invoked in each, which is right either way.",
        measure=MeasureName.DAY_PERIOD,
    ),
    Assumption(
        id="A-020",
        claim="A change reaches the event graph within 15 minutes, by CloudTrail and EventBridge.",
        files=("functions/workflows/detection/collect_evidence.py",),
        if_wrong="A function is checked again each minute until its spike is 20 minutes old.",
        measure=MeasureName.GRAPH_LATENCY,
    ),
    Assumption(
        id="A-036",
        claim="CloudWatch counts an invocation of an alias under the name of the alias alone.",
        files=("functions/domain/diagnosis/collection/traffic.py",),
        if_wrong="A version is judged twice, with the same configuration.",
        reason="the drill invokes no alias",
    ),
    Assumption(
        id="A-037",
        claim="The metric TargetErrorCount of a schedule group exists only while it is not zero.",
        files=("functions/domain/diagnosis/collection/failure_metrics.py",),
        if_wrong="Some more metrics are analysed each hour, for less than a cent.",
        reason="it takes a schedule that fails, which would notify you of itself",
    ),
    Assumption(
        id="A-038",
        claim="An invocation that a schedule's role may not make counts in TargetErrorCount.",
        files=("functions/domain/diagnosis/collection/failure_metrics.py",),
        if_wrong="Such a schedule is not examined, and nothing wrong is said of it.",
        reason="it takes a schedule that fails, which would notify you of itself",
    ),
    Assumption(
        id="A-039",
        claim="Errors exists without a dimension, for the account as a whole.",
        files=("functions/domain/diagnosis/collection/first_signs.py",),
        if_wrong="Functions that fail are found by the daily run.",
        measure=MeasureName.METRICS_WITHOUT_DIMENSION,
    ),
    Assumption(
        id="A-049",
        claim=(
            "What a global table replicates from another Region does not count as consumed write"
            " capacity of a loop."
        ),
        files=("functions/domain/detection/arrivals.py",),
        if_wrong="The count is an upper bound, and the guard of the other Region has its own.",
        reason="it takes a table in two Regions",
    ),
    Assumption(
        id="A-050",
        claim=(
            "A one-minute datapoint of AWS/Lambda is complete 4 minutes after its minute at the"
            " latest, each metric by itself."
        ),
        files=("functions/domain/detection/lateness.py",),
        if_wrong="A late datapoint delays a verdict. Its absence never makes a function suspected.",
        measure=MeasureName.METRIC_DELAYS,
    ),
    Assumption(
        id="A-051",
        claim="The state that an alarm is created in sends nothing.",
        files=("stacks/components/watching/guard_watch.py",),
        if_wrong="One mail for each of four alarms, after the first deployment only.",
        reason="it happens at the deployment of the guard, before a drill",
    ),
    Assumption(
        id="A-052",
        claim="RecursiveInvocationsDropped exists without a dimension, for the account as a whole.",
        files=("stacks/components/triggers/signals.py",),
        if_wrong="One alarm stays quiet and costs ten cents a month.",
        reason=(
            "it takes a loop that AWS stops. The loops of the drill are allowed, so that AWS does"
            " not stop them before Loopbreaker does"
        ),
    ),
    Assumption(
        id="A-056",
        claim="IAM's simulator takes 5 calls a second.",
        files=("bench/diagnosis.py",),
        if_wrong="A benchmark states another duration. The guard slows down when it is throttled.",
        reason="it would take a flood of calls, which would slow down the guard itself",
    ),
    Assumption(
        id="A-057",
        claim="CloudWatch answers a large GetMetricData call within 8 seconds.",
        files=(
            "functions/aws/runtime/clients.py",
            "functions/aws/detection/lambda_metrics.py",
        ),
        if_wrong="The call is tried once more, and the next run of the guard asks again.",
        reason="a large answer takes an account with very many functions",
    ),
    Assumption(
        id="A-059",
        claim="Metrics Insights knows a minute at most 4 minutes after it ended.",
        files=("functions/aws/detection/datapoints.py",),
        if_wrong="A function is a candidate some minutes later.",
        measure=MeasureName.METRIC_DELAYS,
    ),
)
