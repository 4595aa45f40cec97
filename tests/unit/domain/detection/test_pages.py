"""The pages on detection hold the constants of the code, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from functions.domain.detection import shapes, traffic
from functions.domain.detection.lateness import LATEST
from functions.domain.holding import plan
from functions.domain.holding.judgement import balance, case, catching_up, outside, verdict
from functions.domain.incidents import policy

DOCS = Path(__file__).parents[4] / "docs"
FIGURES = (DOCS / "detection-figures.md").read_text()
DECIDING = (DOCS / "detection.md").read_text()
MINUTE = 60


def value(constant: str) -> str:
    """The value of a row in the table of constants."""
    found = re.search(rf"^\| {re.escape(constant)} \| (.*?) \|", FIGURES, re.MULTILINE)
    assert found is not None, constant
    return found[1]


@pytest.mark.parametrize(
    ("constant", "begins"),
    [
        ("floor (`floor_per_minute`)", f"{policy.Policy().floor_per_minute}"),
        (
            "plateau above anything before",
            (
                f"{shapes.EARLY_PLATEAU_TIMES:.0f} times for {traffic.SUSTAINED_MINUTES} "
                f"datapoints, {shapes.PLATEAU_TIMES:.0f} times"
            ),
        ),
        (
            "plateau without a step",
            f"{traffic.PLATEAU_MINUTES} minutes; {traffic.PROVEN_PLATEAU_MINUTES} where",
        ),
        (
            "any shape",
            f"{shapes.RISE_MINUTES} minutes, each at the floor and {shapes.RISE_TIMES:.0f} times",
        ),
        ("young", f"until {LATEST.total_seconds() / MINUTE:.0f} minutes"),
        ("generations", f"{plan.GENERATIONS:.0f}"),
        ("written for each", f"at most {outside.MOST_WRITES:.0f} events"),
        ("back", f"{case.BACK_SHARE} of"),
        ("longest hold", f"{plan.LONGEST_HELD_SECONDS / MINUTE:.0f} minutes"),
        (
            "trial",
            (
                f"{plan.TRIAL_SECONDS / MINUTE:.0f} minutes, "
                f"{verdict.MULTIPLYING_SHARE * plan.TRIAL_SECONDS / MINUTE:.0f} where events"
                " multiply, "
                f"{(plan.TRIAL_SECONDS + plan.BACKOFF_SECONDS) / MINUTE:.0f} under a cap; about "
                f"{plan.LONGEST_TRIAL_SECONDS / MINUTE:.0f} at most, "
                f"{plan.LONGEST_CHEAP_TRIAL_SECONDS / MINUTE / 60:.0f} hours where that is cheap"
            ),
        ),
        (
            "account of events",
            (
                f"{balance.MULTIPLIES} events written for each; at most"
                f" {balance.FEW_FROM_OUTSIDE:.0%} of all arrivals not accounted for, or"
                f" {balance.OVERSHOOT:.0%} more".replace("%", " %")
            ),
        ),
        (
            "spike beside other work",
            (
                f"{catching_up.SPIKE_TIMES:.0f} times what was usual, and the usual at least"
                f" {catching_up.MUCH_OUTSIDE:.1%} of the rest; from outside within"
                f" {catching_up.AS_USUAL} times the usual"
            ).replace("%", " %"),
        ),
        (
            "catching up",
            (
                f"stood still for {catching_up.LEAST_STILL} of the time in which it ran at least;"
                f" wrote for at most {catching_up.NOTHING_WRITTEN} of what had waited: a loop; for"
                f" {catching_up.ALL_WRITTEN} or more: a writer"
            ),
        ),
        ("grace period", f"{policy.Policy().patience.total_seconds() / MINUTE:.0f} minutes"),
    ],
)
def test_constants(constant: str, begins: str) -> None:
    """Each constant of the page is the one that decides."""
    assert value(constant).startswith(begins)


def test_steps() -> None:
    """The page on deciding says the same."""
    assert f"| {traffic.SUSTAINED_MINUTES} minutes | urgent" in DECIDING
    assert f"| {shapes.RISE_MINUTES} minutes | a loop need not be even" in DECIDING
    assert f"can go round {plan.GENERATIONS:.0f} times" in DECIDING
    assert f"more than {plan.SHARE_TO_BIND} of what runs now" in DECIDING


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To files that exist, and to headings in them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path) if path else page
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            anchors = [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]
            assert heading in anchors, target
