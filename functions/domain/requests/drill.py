"""Which functions a drill has made: those that carry its tag, and its name.

Neither is a privilege. The guard treats such a function as any other: it is held, stopped, counted
and restored. Only a rehearsal, which changes nothing and is invoked by hand, is refused for
others. So the tag on a production function weakens nothing. The name puts the word DRILL into the
subject of every notice.
"""

import re
from collections.abc import Mapping
from typing import Final

DRILL_TAG: Final = "loopbreaker:drill"
FUNCTION_PREFIX: Final = "loopbreaker-DRILL-"
_NAME: Final = re.compile(rf"{FUNCTION_PREFIX}([a-z0-9]{{4,16}})-[a-z0-9-]{{1,20}}")


def is_of_drill(function: str, tags: Mapping[str, str]) -> bool:
    """Whether a drill made a function: its name holds the id of the drill that its tag has."""
    found = _NAME.fullmatch(function)
    return found is not None and tags.get(DRILL_TAG) == found[1]
