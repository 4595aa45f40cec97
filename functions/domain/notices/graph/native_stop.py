"""Whether AWS's own detection would stop a loop, in words."""

from typing import Final

from functions.domain.graph.build import UNDETECTED_REGIONS
from functions.domain.graph.model import Loop, NativeStop, NodeKind
from functions.domain.notices.graph.text import name_node
from functions.domain.notices.layout import join_names

_FOLLOWED: Final = frozenset({NodeKind.FUNCTION, NodeKind.QUEUE, NodeKind.TOPIC, NodeKind.BUCKET})


def describe_native_stop(loop: Loop, region: str) -> str:
    """Say whether AWS would stop a loop of a Region, and why not."""
    if loop.native_stop is not NativeStop.NO:
        unless = (
            f" Unless {join_names(loop.unread)} {'is' if len(loop.unread) == 1 else 'are'} set to"
            " RecursiveLoop=Allow: that could not be read."
            if loop.native_stop is NativeStop.UNLESS_ALLOWED
            else ""
        )
        return (
            "Probably, after about 16 rounds: AWS follows loops through Lambda, SQS, SNS and S3,"
            " if the code writes with a recent version of the AWS SDK. It drops what is in the"
            f" loop then, or sends it to a dead-letter queue.{unless}"
        )
    if loop.allowing:
        return (
            f"No. {join_names(loop.allowing)} {'is' if len(loop.allowing) == 1 else 'are'} set to"
            " RecursiveLoop=Allow, which turns AWS's own detection of loops off."
        )
    if region in UNDETECTED_REGIONS:
        return f"No. AWS's own detection of loops does not run in {region}."
    outside = [edge for edge in loop.edges if edge.target.kind not in _FOLLOWED]
    if not outside:
        return "No. AWS's own detection does not follow every step of this one."
    through = name_node(outside[0].target)
    return (
        "No. AWS follows loops through Lambda, SQS, SNS and S3 only. This one goes through"
        f" {through}."
    )
