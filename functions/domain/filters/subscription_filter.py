"""SNS filter policies against a partly known message.

`Amazon SNS message filtering` of the SNS developer guide.
"""

from functions.domain.filters.known import Fields, Known, Unknown
from functions.domain.filters.passage import Filtered, Passage, Reason


def subscription_passage(
    filter_policy: str,
    scope: str,
    *,
    attributes: Fields | Unknown = Unknown(),  # noqa: B008 (frozen)
    body: Known = Unknown(),  # noqa: B008 (frozen)
) -> Filtered:
    """Whether a message passes a subscription's filter policy (JSON text; empty passes all).

    Parameters
    ----------
    scope
        ``MessageAttributes`` or ``MessageBody``.
    attributes
        Message attributes by name; ``Fields({}, is_closed=True)`` for a publisher that sends none,
        such as S3, EventBridge or CloudWatch.
    body
        The body as JSON.
    """
    del scope, attributes, body
    if not filter_policy:
        return Filtered(passage=Passage.ALWAYS, reason=Reason.NO_FILTER)
    return Filtered(passage=Passage.SOMETIMES, reason=Reason.UNDECIDED)
