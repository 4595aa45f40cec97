"""Which functions a drill has made."""

import pytest

from functions.domain.requests.drill import DRILL_TAG, is_of_drill


@pytest.mark.parametrize(
    ("name", "tag", "is_one"),
    [
        ("loopbreaker-DRILL-3f9a1c-sqs", "3f9a1c", True),
        ("loopbreaker-DRILL-3f9a1c-sqs", "3f9a1d", False),
        ("loopbreaker-DRILL-3f9a1c-sqs", None, False),
        ("loopbreaker-DRILL-3f9a1c", "3f9a1c", False),
        ("loopbreaker-drill-3f9a1c-sqs", "3f9a1c", False),
        ("orders", "orders", False),
        ("my-loopbreaker-DRILL-3f9a1c-sqs", "3f9a1c", False),
    ],
)
def test_its_name_and_its_tag_agree(name: str, tag: str | None, *, is_one: bool) -> None:
    """Neither of them is enough."""
    tags = {} if tag is None else {DRILL_TAG: tag}

    assert is_of_drill(name, tags) is is_one
