"""A small line drawing for each kind of node, as SVG paths in a square of 18 by 18.

They only decorate: whoever draws them writes the kind beside them.
"""

from types import MappingProxyType
from typing import Final

from functions.domain.graph.model import NodeKind

_STREAM: Final = "M1 5q4-3 8 0t8 0M1 9q4-3 8 0t8 0M1 13q4-3 8 0t8 0"
_OTHER: Final = "M3 3h12v12H3z"
_ICONS: Final = MappingProxyType(
    {
        NodeKind.FUNCTION: "M4 2h3l7 14h2M8.6 6.5L4 16",
        NodeKind.QUEUE: "M1 4h16v10H1zM5 6.5v5M9 6.5v5M13 6.5v5",
        NodeKind.TOPIC: "M2 7v4h3l6 4V3L5 7zM13.5 6q3 3 0 6",
        NodeKind.BUCKET: "M2 4l2 11h10l2-11M2 4q7 4 14 0q-7-4-14 0",
        NodeKind.TABLE: "M2 3h14v12H2zM2 7h14M2 11h14M8 7v8",
        NodeKind.STREAM: _STREAM,
        NodeKind.DELIVERY_STREAM: _STREAM,
        NodeKind.BUS: "M1 9h16M4 9V4M9 9v5M14 9V4",
        NodeKind.STATE_MACHINE: "M6.5 1h5v4h-5zM1 13h5v4H1zM12 13h5v4h-5zM9 5v4M3.5 13V9h11v4",
        NodeKind.LOG_GROUP: "M3 2h12v14H3zM6 6h6M6 9h6M6 12h4",
        NodeKind.API: "M6 4L1 9l5 5M12 4l5 5-5 5M10.5 3l-3 12",
        NodeKind.BROKER: "M2 2h14v6H2zM2 10h14v6H2zM5 5h1M5 13h1",
        NodeKind.SCHEDULE: "M9 1.5a7.5 7.5 0 1 0 .01 0zM9 5v4l3 2",
        NodeKind.SERVICE: "M5 14a4 4 0 1 1 .5-8 4.5 4.5 0 0 1 8.5 1.5 3.3 3.3 0 0 1-.5 6.5z",
    }
)


def find_icon(kind: NodeKind) -> str:
    """The path of a kind, for the attribute `d`."""
    return _ICONS.get(kind, _OTHER)
