"""Log groups, and what REPORT lines say in both of their formats."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.diagnosis.logs import FunctionLogs, statistics_of
from functions.domain.diagnosis.collection.details import LogGroup
from functions.domain.diagnosis.facts import ReportStatistics
from functions.domain.errors import BusyError, RefusedError
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

GROUP = "/aws/lambda/orders"
UNTIL = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=1)
COLD = (
    "REPORT RequestId: 8f5\tDuration: 1012.34 ms\tBilled Duration: 1300 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 211 MB\tInit Duration: 287.12 ms\t\n"
)
WARM = (
    "REPORT RequestId: 8f6\tDuration: 12.5 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 215 MB\t\nXRAY TraceId: 1-2-3\tSegmentId: 4\tSampled: true"
)
IN_JSON = json.dumps(
    {
        "time": "2026-03-10T11:00:00.000Z",
        "type": "platform.report",
        "record": {
            "requestId": "8f7",
            "metrics": {
                "durationMs": 40.0,
                "billedDurationMs": 40,
                "memorySizeMB": 512,
                "maxMemoryUsedMB": 100,
            },
            "status": "success",
        },
    }
)


script = scripted("logs")


def test_the_group_of_exactly_this_name(script: Script) -> None:
    """A prefix finds others, too."""
    script.answer(
        "describe_log_groups",
        {
            "logGroups": [
                {"logGroupName": f"{GROUP}-archive", "retentionInDays": 1},
                {"logGroupName": GROUP, "retentionInDays": 14, "kmsKeyId": "arn:key"},
            ]
        },
        logGroupNamePrefix=GROUP,
        limit=50,
    )

    assert FunctionLogs(script.client).group(GROUP) == LogGroup(name=GROUP, kms_key_arn="arn:key")


def test_no_group(script: Script) -> None:
    """A name that only others begin with is not there."""
    script.answer("describe_log_groups", {"logGroups": [{"logGroupName": f"{GROUP}-2"}]})

    assert FunctionLogs(script.client).group(GROUP) is None


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDeniedException", RefusedError), ("ThrottlingException", BusyError)],
)
def test_errors(script: Script, code: str, error: type[Exception]) -> None:
    """They name the group."""
    script.refuse("describe_log_groups", code)
    with pytest.raises(error, match=GROUP):
        FunctionLogs(script.client).group(GROUP)

    script.refuse("filter_log_events", code)
    with pytest.raises(error, match=GROUP):
        FunctionLogs(script.client).read_reports(GROUP, SINCE, UNTIL)


def test_reports_over_pages(script: Script) -> None:
    """An empty page with a token is followed by others."""
    script.answer("filter_log_events", {"events": [], "nextToken": "more"})
    script.answer("filter_log_events", {"events": [{"message": COLD}, {"message": WARM}]})

    found = FunctionLogs(script.client).read_reports(GROUP, SINCE, UNTIL)

    assert found is not None
    assert found.reports == 2


def test_a_busy_group_is_not_read_to_its_end(script: Script) -> None:
    """Six pages are as many as are asked for."""
    for _ in range(6):
        script.answer("filter_log_events", {"events": [], "nextToken": "more"})

    assert FunctionLogs(script.client).read_reports(GROUP, SINCE, UNTIL) is None


def test_a_missing_group_has_no_reports(script: Script) -> None:
    """That it is missing is another question's answer."""
    script.refuse("filter_log_events", "ResourceNotFoundException")

    assert FunctionLogs(script.client).read_reports(GROUP, SINCE, UNTIL) is None


def test_what_lines_say_together() -> None:
    """Both formats, cold and warm, with their extremes and means."""
    found = statistics_of([COLD, "START RequestId: 1", WARM, IN_JSON])

    assert found == ReportStatistics(
        reports=3,
        mean_duration_ms=(12.5 + 40 + 1012.34) / 3,
        p95_duration_ms=1012.34,
        max_duration_ms=1012.34,
        mean_billed_ms=(1300 + 13 + 40) / 3,
        max_memory_used_mb=215,
        init_count=1,
        mean_init_ms=287.12,
    )


@pytest.mark.parametrize(
    ("line", "timeouts", "killed"),
    [
        ("2026-03-10T11:00:00.000Z 8f5 Task timed out after 3.00 seconds", 1, 0),
        ("REPORT RequestId: 1\tDuration: 3000.00 ms\tStatus: timeout", 1, 0),
        ("RequestId: 8f5 Error: Runtime exited with error: signal: killed", 0, 1),
        (
            "REPORT RequestId: 1\tDuration: 1.00 ms\tError Type: Runtime.OutOfMemory",
            0,
            1,
        ),
        ("the customer's task timed out", 0, 0),
    ],
)
def test_ends_that_are_no_good(line: str, timeouts: int, killed: int) -> None:
    """Timeouts and kills are counted by AWS's words."""
    found = statistics_of([WARM, line])

    assert found is not None
    assert (found.timeouts, found.out_of_memory) == (timeouts, killed)


@pytest.mark.parametrize(
    "line",
    ["", "REPORT", "REPORT RequestId: 1\tDuration: soon ms", '{"type":"platform.report"}', "{"],
)
def test_lines_that_say_nothing(line: str) -> None:
    """What cannot be read is left out."""
    assert statistics_of([line]) is None


def test_a_report_of_another_program_is_left_out() -> None:
    """A line of the function's own that happens to look alike has no duration."""
    lines: list[Any] = ["REPORT of the week", json.dumps({"record": "platform.report"})]

    assert statistics_of(lines) is None
