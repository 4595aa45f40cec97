"""Names that more than one part of the stack has to know.

They are fixed, not generated: the IAM denials that keep the guard off its own functions name them
before the functions exist, and people find them in commands, drills and notices.
"""

from __future__ import annotations

from typing import Final

STACK_NAME: Final = "Loopbreaker"

CONTAIN: Final = f"{STACK_NAME}-contain"
RESTORE: Final = f"{STACK_NAME}-restore"
PROTECT: Final = f"{STACK_NAME}-protect"
DIAGNOSE: Final = f"{STACK_NAME}-diagnose"
CHART: Final = f"{STACK_NAME}-chart"
GUARD_FUNCTIONS: Final = (CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART)
# Only there with the flag dashboard=on.
PRESENT: Final = f"{STACK_NAME}-present"

# EventBridge Scheduler's group with the schedules that end holds.
HOLD_SCHEDULES: Final = f"{STACK_NAME}-holds"

# Alarms on the watched functions are signals; alarms on the guard itself are not.
SIGNAL_ALARM_PREFIX: Final = f"{STACK_NAME}-signal-"
GUARD_ALARM_PREFIX: Final = f"{STACK_NAME}-guard-"

EXEMPT_TAG: Final = "loopbreaker:exempt"
EXEMPT_VALUE: Final = "true"
TAG_PREFIX: Final = "loopbreaker:"
SNAPSHOT_TAG: Final = "loopbreaker:snapshot"

# The source of the guard's own events on the default bus.
EVENT_SOURCE: Final = "loopbreaker"
