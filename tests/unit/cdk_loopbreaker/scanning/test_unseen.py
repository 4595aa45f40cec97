"""Gaps are grouped by what people can do about them."""

from __future__ import annotations

from cdk_loopbreaker.scanning.unseen import group_gaps
from functions.domain.account.inventory import Area, Gap


def test_gaps_of_one_area_and_action_are_one_group() -> None:
    """Each thing is named in it."""
    gaps = [
        Gap(area=Area.BUCKETS, words="denied", resource=name, action="s3:GetBucketNotification")
        for name in ("b", "a")
    ]
    (group,) = group_gaps(gaps)

    assert group.resources == ("a", "b")
    assert group.action == "s3:GetBucketNotification"
    assert not group.is_whole


def test_a_whole_area_covers_the_things_in_it() -> None:
    """They would add nothing."""
    action = "pipes:DescribePipe"
    (group,) = group_gaps(
        [
            Gap(area=Area.PIPES, words="one", resource="p", action=action),
            Gap(area=Area.PIPES, words="all", action=action),
        ]
    )

    assert group.is_whole
    assert group.words == "all"


def test_other_reasons_and_areas_are_other_groups() -> None:
    """Whole areas come first."""
    groups = group_gaps(
        [
            Gap(area=Area.BUCKETS, words="gone", resource="a"),
            Gap(area=Area.BUCKETS, words="denied", resource="b", action="s3:GetBucketNotification"),
            Gap(area=Area.TOPICS, words="denied", action="sns:ListSubscriptions"),
        ]
    )

    assert [(one.area, one.action) for one in groups] == [
        (Area.TOPICS, "sns:ListSubscriptions"),
        (Area.BUCKETS, ""),
        (Area.BUCKETS, "s3:GetBucketNotification"),
    ]
