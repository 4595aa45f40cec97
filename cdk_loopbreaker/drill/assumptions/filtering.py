"""Assumptions about filters: event patterns of EventBridge, and notifications of S3."""

from __future__ import annotations

from typing import Final

from cdk_loopbreaker.drill.assumptions.model import Assumption, MeasureName

_UNDECIDED: Final = "The edge is called possible, never certain and never ruled out."

FILTERING: Final = (
    Assumption(
        id="A-025",
        claim="`anything-but` may match a value of another type than its own, or not.",
        files=("functions/domain/filters/comparisons.py",),
        if_wrong=_UNDECIDED,
        measure=MeasureName.EVENT_PATTERNS,
    ),
    Assumption(
        id="A-026",
        claim="A text of letters is within no network of `cidr`.",
        files=("functions/domain/filters/comparisons.py",),
        if_wrong="A loop through such a filter counts as ruled out. No address has letters alone.",
        measure=MeasureName.EVENT_PATTERNS,
    ),
    Assumption(
        id="A-027",
        claim="`exists` may be true of an empty list or of a list of objects, or not.",
        files=("functions/domain/filters/comparisons.py",),
        if_wrong=_UNDECIDED,
        measure=MeasureName.EVENT_PATTERNS,
    ),
    Assumption(
        id="A-028",
        claim="`anything-but` of a list may ask that one element differs, or that all do.",
        files=("functions/domain/filters/comparisons.py",),
        if_wrong=_UNDECIDED,
        measure=MeasureName.EVENT_PATTERNS,
    ),
    Assumption(
        id="A-029",
        claim="`exists` and `anything-but` may match an object, or not.",
        files=("functions/domain/filters/comparisons.py",),
        if_wrong=_UNDECIDED,
        measure=MeasureName.EVENT_PATTERNS,
    ),
    Assumption(
        id="A-030",
        claim="A replica raises one of the events of creation.",
        files=("functions/domain/filters/s3_keys.py",),
        if_wrong="A loop through replicas is called possible that is not.",
        reason="the drill makes no bucket",
    ),
    Assumption(
        id="A-031",
        claim="S3 compares the prefix of a notification as it is written, or decoded.",
        files=("functions/domain/filters/s3_keys.py",),
        if_wrong="Only what both readings exclude is ruled out.",
        reason="the drill makes no bucket",
    ),
    Assumption(
        id="A-032",
        claim="EventBridge takes a pattern with a field both inside and outside of `$or`, or not.",
        files=("functions/domain/filters/event_pattern.py",),
        if_wrong=_UNDECIDED,
        measure=MeasureName.EVENT_PATTERNS,
    ),
    Assumption(
        id="A-033",
        claim="`exists: false` may be true of a field of an object that is absent, or not.",
        files=("functions/domain/filters/event_pattern.py",),
        if_wrong=_UNDECIDED,
        measure=MeasureName.EVENT_PATTERNS,
    ),
)
