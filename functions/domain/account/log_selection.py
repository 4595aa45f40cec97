"""Which log groups the subscription of a whole account leaves out."""

import json
import re
from typing import Final

_LONGEST: Final = 25_600  # CloudWatch Logs takes 25 KB
_EXCLUDED: Final = re.compile(r"LogGroupName\s+NOT\s+IN\s+(\[.*\])", re.DOTALL)


def parse_selection(criteria: str) -> tuple[str, ...] | None:
    """The log groups that selection criteria leave out; ``None`` where they say something else.

    Form: `PutAccountPolicy` of the CloudWatch Logs API reference.

    >>> parse_selection('LogGroupName NOT IN ["/aws/lambda/ship"]')
    ('/aws/lambda/ship',)
    """
    if not criteria:
        return ()
    if len(criteria) > _LONGEST:
        return None
    found = _EXCLUDED.search(criteria)
    if found is None:
        return None
    try:
        groups = json.loads(found[1])
    except (ValueError, RecursionError):
        return None
    return tuple(map(str, groups))
