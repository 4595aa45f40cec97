"""What CloudWatch Logs holds of a function: its log group, and what its REPORT lines say.

Asked for the few functions that something is suspected of: DescribeLogGroups and FilterLogEvents
are allowed 10 and 5 to 10 times a second for the whole account (CloudWatch Logs user guide,
*CloudWatch Logs quotas*).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import AWS_ERRORS, get_code, translate_reading_error
from functions.domain.diagnosis.collection.details import LogGroup
from functions.domain.diagnosis.facts import ReportStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from mypy_boto3_logs import CloudWatchLogsClient


IAM_ACTIONS: Final = frozenset({"logs:DescribeLogGroups", "logs:FilterLogEvents"})

# A term with a question mark is one of several that may match (CloudWatch Logs user guide, *Filter
# pattern syntax*). The second is the type of the record in JSON format.
REPORT_PATTERN: Final = '?REPORT ?"platform.report" ?"Task timed out" ?"Runtime exited"'
_MOST_PAGES: Final = 6
_MOST_LINES: Final = 1_000
_MISSING: Final = "ResourceNotFoundException"

_FIELD: Final = re.compile(r"(?:^|\t)\s*([A-Z][A-Za-z ]+): ([\d.]+) (ms|MB)")
_TIMED_OUT: Final = re.compile(r"Task timed out after|Status: timeout")
# UNCONFIRMED A-015: AWS's words for a process that was killed for want of memory. Wrong, the
# finding rests on the memory used alone.
_OUT_OF_MEMORY: Final = re.compile(
    r"Runtime exited with error: signal: killed|Error Type: Runtime\.OutOfMemory|OutOfMemory"
)


class FunctionLogs:
    """CloudWatch Logs.

    Parameters
    ----------
    wait
        Returns when the next call may go out.
    """

    def __init__(
        self, client: CloudWatchLogsClient, wait: Callable[[], None] = lambda: None
    ) -> None:
        self._client = client
        self._wait = wait

    def group(self, name: str) -> LogGroup | None:
        """A log group by its name; ``None`` where there is none.

        Raises
        ------
        RefusedError, BusyError
            When AWS does not tell.
        """
        self._wait()
        try:
            # The prefix may be the beginning of many names; the shortest of them comes first.
            answer = self._client.describe_log_groups(logGroupNamePrefix=name, limit=50)
        except AWS_ERRORS as error:
            raise translate_reading_error(error, name) from error
        for one in answer.get("logGroups", ()):
            if one.get("logGroupName") == name:
                return LogGroup(
                    name=name,
                    kms_key_arn=one.get("kmsKeyId", ""),
                )
        return None

    def read_reports(self, group: str, since: datetime, until: datetime) -> ReportStatistics | None:
        """What the REPORT lines of some time say: of at most 1,000 of them, from the first on.

        ``None`` where there is none.

        Raises
        ------
        RefusedError, BusyError
            When AWS does not tell.
        """
        return statistics_of(self._read_lines(group, since, until))

    def _read_lines(self, group: str, since: datetime, until: datetime) -> Iterator[str]:
        request: Any = {
            "logGroupName": group,
            "startTime": int(since.timestamp() * 1000),
            "endTime": int(until.timestamp() * 1000),
            "filterPattern": REPORT_PATTERN,
            "limit": _MOST_LINES,
        }
        count = 0
        # A page may be empty and others follow: a busy log group is not read to its end.
        for _ in range(_MOST_PAGES):
            self._wait()
            try:
                page = self._client.filter_log_events(**request)
            except AWS_ERRORS as error:
                if isinstance(error, ClientError) and get_code(error) == _MISSING:
                    return
                raise translate_reading_error(error, group) from error
            for event in page.get("events", ()):
                count += 1
                yield event.get("message", "")
            if not page.get("nextToken") or count >= _MOST_LINES:
                return
            request["nextToken"] = page["nextToken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """One REPORT line."""

    duration_ms: float
    billed_ms: float | None = None
    memory_used_mb: int | None = None
    init_ms: float | None = None


def statistics_of(lines: Iterable[str]) -> ReportStatistics | None:
    """What lines of a log say together; ``None`` where no REPORT line is among them."""
    reports: list[_Report] = []
    timeouts = killed = 0
    for line in lines:
        timeouts += bool(_TIMED_OUT.search(line))
        killed += bool(_OUT_OF_MEMORY.search(line))
        report = _report(line)
        if report is not None:
            reports.append(report)
    if not reports:
        return None
    durations = sorted(one.duration_ms for one in reports)
    inits = [one.init_ms for one in reports if one.init_ms is not None]
    billed = [one.billed_ms for one in reports if one.billed_ms is not None]
    return ReportStatistics(
        reports=len(reports),
        mean_duration_ms=_mean(durations),
        p95_duration_ms=durations[min(len(durations) - 1, int(len(durations) * 0.95))],
        max_duration_ms=durations[-1],
        mean_billed_ms=_mean(billed),
        max_memory_used_mb=max(
            (one.memory_used_mb for one in reports if one.memory_used_mb is not None), default=None
        ),
        init_count=len(inits),
        mean_init_ms=_mean(inits),
        timeouts=timeouts,
        out_of_memory=killed,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _report(line: str) -> _Report | None:
    if line.startswith("REPORT"):
        found = {name: float(value) for name, value, _ in _FIELD.findall(line)}
        return _build_report(
            found.get("Duration"),
            found.get("Billed Duration"),
            found.get("Max Memory Used"),
            found.get("Init Duration"),
        )
    if "platform.report" not in line:
        return None
    try:
        metrics = json.loads(line)["record"]["metrics"]
        return _build_report(
            metrics.get("durationMs"),
            metrics.get("billedDurationMs"),
            metrics.get("maxMemoryUsedMB"),
            metrics.get("initDurationMs"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _build_report(
    duration: float | None,
    billed: float | None,
    used: float | None,
    init: float | None,
) -> _Report | None:
    if duration is None:
        return None
    return _Report(
        duration_ms=duration,
        billed_ms=billed,
        memory_used_mb=None if used is None else int(used),
        init_ms=init,
    )
