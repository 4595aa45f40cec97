"""SNS filter policies against a partly known message.

`Amazon SNS message filtering` of the SNS developer guide.
"""

from typing import Final

from functions.domain.filters.comparisons import UnreadableFilterError
from functions.domain.filters.event_pattern import judge, read_pattern
from functions.domain.filters.match import Match, MatchReason
from functions.domain.filters.symbolic_values import Fields, Known, Unknown
from functions.domain.iam.likelihood import Likelihood

ATTRIBUTES: Final = "MessageAttributes"
BODY: Final = "MessageBody"
NO_ATTRIBUTES: Final = Fields({}, is_closed=True)
_UNKNOWN: Final = Unknown()


def match_subscription(
    filter_policy: str,
    scope: str,
    *,
    attributes: Fields | Unknown = _UNKNOWN,
    body: Known = _UNKNOWN,
) -> Match:
    """Whether a message passes a subscription's filter policy (JSON text; empty passes all).

    Parameters
    ----------
    scope
        ``MessageAttributes`` or ``MessageBody``.
    attributes
        Message attributes by name; `NO_ATTRIBUTES` for a publisher that sends
        none, such as S3.
    body
        The body as JSON.
    """
    if filter_policy.strip() in ("", "{}"):
        return Match(passes=Likelihood.YES, reason=MatchReason.NO_FILTER)
    if scope not in (ATTRIBUTES, BODY):
        words = f"unknown scope {ascii(scope)[:40]}"
        return Match(passes=Likelihood.MAYBE, reason=MatchReason.UNREADABLE, words=words)
    is_flat = scope == ATTRIBUTES
    try:
        pattern = read_pattern(filter_policy, is_flat=is_flat)
    except UnreadableFilterError as error:
        return Match(passes=Likelihood.MAYBE, reason=MatchReason.UNREADABLE, words=str(error))
    return judge(pattern, attributes if is_flat else body)
