"""Event patterns against a partly known event.

EventBridge rules, FilterCriteria of event source mappings and filters of pipes share the language:
`Create event patterns` and `Comparison operators` of the EventBridge user guide, `Control which
events Lambda sends to your function` of the Lambda developer guide.
"""

from functions.domain.filters.known import Known
from functions.domain.filters.passage import Filtered, Passage, Reason


def pattern_passage(pattern: str, event: Known) -> Filtered:
    """Whether an event passes a pattern (JSON text; empty passes everything)."""
    del event
    if not pattern:
        return Filtered(passage=Passage.ALWAYS, reason=Reason.NO_FILTER)
    return Filtered(passage=Passage.SOMETIMES, reason=Reason.UNDECIDED)


def patterns_passage(patterns: tuple[str, ...], event: Known) -> Filtered:
    """Whether an event passes one of several patterns (FilterCriteria; none passes everything)."""
    del event
    if not patterns:
        return Filtered(passage=Passage.ALWAYS, reason=Reason.NO_FILTER)
    return Filtered(passage=Passage.SOMETIMES, reason=Reason.UNDECIDED)
