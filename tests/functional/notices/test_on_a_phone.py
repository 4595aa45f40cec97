"""Each mail about an incident in a browser, as a mail client on a phone shows it.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.mail_client import CHROMIUM, PHONE_WIDTH, measure_mails
from tests.unit.domain.notices.incident.test_first_screen import BY_HAND_FIRST, INCIDENTS
from tests.unit.domain.notices.samples.account import FUNCTION
from tests.unit.domain.notices.samples.mails import SAMPLES

if TYPE_CHECKING:
    from tests.mail_client import ShownMail

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def shown() -> dict[str, ShownMail]:
    """The mails, laid out by one browser."""
    return measure_mails({name: SAMPLES[name]() for name in INCIDENTS})


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_first_screen_holds_what_counts(shown: dict[str, ShownMail], name: str) -> None:
    """State with function, loss, and the restore commands, above the edge of the screen."""
    mail = shown[name]
    screen = mail.first_screen
    kinds = ("npx cdk deploy -c rollback=", "loopbreaker restore ", "loopbreaker stop ")
    commands = {
        f"  {one}" for one in kinds if any(line.text.startswith(f"  {one}") for line in mail.lines)
    }

    assert re.match(r"[A-Z]{2,} ?[A-Z]*", screen[0])
    assert FUNCTION in screen[0] or name == "edge_replica"
    assert any(re.search(r"being lost|BEING LOST|LOST from", one) for one in screen)
    for one in commands if name not in BY_HAND_FIRST else ():
        assert any(line.startswith(one) for line in screen), (one, screen)


@pytest.mark.parametrize("name", INCIDENTS)
def test_nothing_is_wider_than_the_screen(shown: dict[str, ShownMail], name: str) -> None:
    """Nobody scrolls sideways, whatever is in a line."""
    assert shown[name].width <= PHONE_WIDTH
