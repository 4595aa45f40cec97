"""An outbox that has to take less room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.notices.outbox import CUT, NoticeStatus, OutboxNotice, shorten_outbox

NOTICES = st.lists(
    st.builds(
        OutboxNotice,
        id=st.just("a"),
        subject=st.just("s"),
        body=st.integers(0, 20_000).map("x".__mul__),
        status=st.sampled_from(NoticeStatus),
    ),
    max_size=5,
).map(tuple)


@given(outbox=NOTICES)
def test_each_cut_makes_it_shorter_until_nothing_can_be_spared(
    outbox: tuple[OutboxNotice, ...],
) -> None:
    """Notices that are sent give way first; enough of the others is left to act upon."""
    before = outbox
    while (shorter := shorten_outbox(before)) is not None:
        changed = [(a, b) for a, b in zip(before, shorter, strict=True) if a != b]
        ((old, new),) = changed
        assert len(new.body) < len(old.body)
        assert new.body.endswith(CUT)
        if old.status is not NoticeStatus.SENT:
            assert all(len(one.body) <= 200 for one in before if one.status is NoticeStatus.SENT)
        before = shorter

    for one in before:
        assert len(one.body) <= (200 if one.status is NoticeStatus.SENT else 2_000)
    assert [(one.id, one.status) for one in before] == [(one.id, one.status) for one in outbox]
