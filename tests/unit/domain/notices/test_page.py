"""docs/notices.md shows every kind of mail, as it is.

``REWRITE_NOTICES=1 pytest tests/unit/domain/notices/test_page.py`` writes its examples and its list
anew. A new kind needs a section there, with its marker.
"""

import ast
import os
import re
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from functions.domain.diagnosis.checks.registry import CHECKS
from functions.domain.incidents.states import Transition
from functions.domain.notices.notice import Notice
from tests.unit.domain.notices.diagnosis import test_finding as diagnosis
from tests.unit.domain.notices.graph import test_warning as graph
from tests.unit.domain.notices.samples.mails import SAMPLES

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[3] / "docs" / "notices.md"
REWRITE: Final = bool(os.environ.get("REWRITE_NOTICES"))
EXAMPLE: Final = re.compile(r"^<!-- ([a-z_: ]+) -->\n```text\n(.*?)```\n", re.MULTILINE | re.DOTALL)
LIST: Final = re.compile(r"<!-- list -->\n.*?<!-- end of list -->\n", re.DOTALL)
GOLDEN: Final[dict[Path, Collection[str]]] = {
    HERE / "golden": SAMPLES,
    HERE / "graph" / "golden": graph.SAMPLES,
    HERE / "diagnosis" / "golden": diagnosis.SAMPLES,
}


def _same(notice: Notice) -> Notice:
    return notice


def shown() -> dict[str, Callable[[], Notice]]:
    """Every sample of a mail, by its marker on the page."""
    return {
        **SAMPLES,
        **{f"warning: {name}": partial(_same, one) for name, one in graph.SAMPLES.items()},
        **{f"diagnosis: {name}": one for name, one in diagnosis.SAMPLES.items()},
    }


def printed(notice: Notice) -> str:
    """A mail, as the page shows it."""
    return f"Subject: {notice.subject}\n\n{notice.body}".rstrip() + "\n"


def sections(page: str) -> Iterator[tuple[str, str, list[str]]]:
    """Group, title and subjects of each section."""
    group = title = ""
    for part in re.split(r"^(?=##)", page, flags=re.MULTILINE):
        heading = part.partition("\n")[0]
        if heading.startswith("## "):
            group = heading.removeprefix("## ")
        elif heading.startswith("### "):
            title = heading.removeprefix("### ")
            bodies = [text for _, text in EXAMPLE.findall(part)]
            yield group, title, [one.partition("\n")[0] for one in bodies]


def anchor(title: str) -> str:
    """The fragment by which a title is linked to."""
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def listed(page: str) -> str:
    """The list of all sections, with the subject of the first example of each."""
    lines = ["<!-- list -->", "| subject, for example | when |", "|---|---|"]
    before = ""
    for group, title, subjects in sections(page):
        if group != before:
            lines.append(f"| **{group}** | |")
        before = group
        subject = subjects[0].removeprefix("Subject: ") if subjects else ""
        lines.append(f"| `{subject}` | [{title}](#{anchor(title)}) |")
    return "\n".join([*lines, "<!-- end of list -->", ""])


@pytest.fixture(scope="module")
def page() -> str:
    """The page, written anew where that is asked for."""
    text = PAGE.read_text()
    if REWRITE:
        samples = shown()

        def example(found: re.Match[str]) -> str:
            return f"<!-- {found[1]} -->\n```text\n{printed(samples[found[1]]())}```\n"

        text = EXAMPLE.sub(example, text)
        text = LIST.sub(lambda _: listed(text), text)
        PAGE.write_text(text)
    return text


@pytest.mark.thorough
@pytest.mark.parametrize("name", shown())
def test_every_mail_is_on_the_page_as_it_is(page: str, name: str) -> None:
    """Each sample has its place, with exactly its text."""
    examples = dict(EXAMPLE.findall(page))

    assert name in examples, (
        f"docs/notices.md has no section with <!-- {name} -->: write a heading, a sentence, this"
        " marker and an empty block ```text below it, then set REWRITE_NOTICES=1"
    )
    assert examples[name] == printed(shown()[name]()), (
        "the mail has changed: REWRITE_NOTICES=1 writes it anew, read the difference"
    )


def test_nothing_else_is_on_the_page(page: str) -> None:
    """An example that no code writes any more is taken off the page."""
    names = [name for name, _ in EXAMPLE.findall(page)]

    assert len(names) == len(set(names))
    assert set(names) == set(shown())


def test_the_list_names_every_section(page: str) -> None:
    """What is on the page can be found from its first screen."""
    assert listed(page) in page
    for _, title, subjects in sections(page):
        assert subjects, f"the section {title} shows no mail"


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda one: f"{one.parent.name}/{one.name}")
def test_every_golden_file_is_a_sample(folder: Path) -> None:
    """No golden file is left behind, and none is missing."""
    assert {one.stem for one in folder.glob("*.txt")} == set(GOLDEN[folder])


def test_every_kind_of_transition_has_a_sample() -> None:
    """A transition that people are notified of is shown at least once."""
    subjects = " ".join(one().subject for one in SAMPLES.values())
    leads = {
        Transition.NOTIFIED: "NOT STOPPED",
        Transition.CONTAINED: "STOPPED orders",
        Transition.CAPPED: "HELD orders",
        Transition.SHOWN: "LOOP, HELD",
        Transition.EXPIRING: "STILL HELD",
        Transition.RELEASED: "RELEASED",
        Transition.RUNNING_AWAY_AGAIN: "RUNNING AWAY AGAIN",
        Transition.RESTORED: "RESTORED",
        Transition.RESTORE_FAILED: "RESTORE FAILED",
        Transition.CONTAIN_FAILED: "COULD NOT STOP",
        Transition.LIFTED: "RESTORED AFTER HOLD",
        Transition.PROBATION: "ON PROBATION",
        Transition.PROBATION_FAILED: "STOPPED AGAIN",
        Transition.PROBATION_REFUSED: "NO PROBATION",
        Transition.ENDED: "INCIDENT OVER",
        Transition.DELETED: "DELETED",
    }

    assert set(leads) == set(Transition)
    for lead in leads.values():
        assert lead in subjects


_TAKE_LEADS: Final = frozenset({"compose_subject", "_Explanation"})
# `decide` ignores the guard's own functions, so the first is never sent; the others are headings.
_NO_LEADS: Final = frozenset({"ITS OWN FUNCTION IS BUSY:", "EVIDENCE", "LINKS"})


def leads() -> Iterator[str]:
    """The literal words with which the code begins subjects."""
    for path in sorted((HERE.parents[3] / "functions/domain/notices").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            parts: list[ast.AST] = []
            if isinstance(node, ast.Call) and ast.unparse(node.func) in _TAKE_LEADS:
                parts = list(ast.walk(node.args[0]))
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                parts = [found for one in node.value.elts[:1] for found in ast.walk(one)]
            elif isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith("f'{MARK} "):
                parts = list(node.values[1:2])
            for one in parts:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    lead = one.value.strip()
                    if lead.isupper() and lead not in _NO_LEADS:
                        yield lead


@pytest.mark.parametrize("lead", sorted(set(leads())))
def test_every_lead_of_a_subject_is_on_the_page(page: str, lead: str) -> None:
    """A mail that the code can compose, and of which there is no sample, is found."""
    subjects = re.findall(r"^Subject: (.*)$", page, re.MULTILINE)

    assert any(lead in one for one in subjects)


@pytest.mark.parametrize("entry", [one.entry for one in CHECKS])
def test_every_kind_of_finding_has_a_sample(entry: str) -> None:
    """Each cause of trouble that is looked for is shown at least once."""
    assert f"found_{entry}" in diagnosis.SAMPLES, (
        f"add a function with {entry} to the samples of notices/diagnosis/test_finding.py"
    )
