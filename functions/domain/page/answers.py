"""What a person sees after pressing a button of the dashboard: the answer of the guard as HTML."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import clean
from functions.domain.page.document import write_fragment
from functions.domain.page.style import Theme
from functions.domain.requests.answer import (
    Answer,
    RejectedAnswer,
    Rejection,
    RestoreAnswer,
    RestoreResult,
    StopAnswer,
    parse_answer,
)

_LONGEST: Final = 1_000
_NEXT: Final = "Refresh the dashboard to see how it stands now."


def write_popup(answer: Mapping[str, Any], theme: Theme) -> str:
    """Write an answer to a direct request for whoever pressed a button.

    Parameters
    ----------
    answer
        As `write_answer` writes it.
    """
    return write_fragment(_write_answer(parse_answer(answer)), theme)


def _write_answer(answer: Answer) -> Iterator[Markup]:
    match answer:
        case RestoreAnswer(results=()):
            yield element("h3", "Nothing is held")
        case RestoreAnswer():
            yield from map(_write_result, answer.results)
        case StopAnswer():
            yield element(
                "h3",
                f"{clean(answer.function, 160)}: {'stopped' if answer.is_done else 'not stopped'}",
                class_="calm" if answer.is_done else "alarm",
            )
            yield element("p", clean(answer.text, _LONGEST))
            for one in answer.commands:
                yield element("code", clean(one, _LONGEST), class_="command")
        case RejectedAnswer():
            is_done = answer.reason in {Rejection.REPEATED, Rejection.UNDER_WAY}
            yield element("h3", "Pressed twice" if is_done else "Nothing was done", class_="amber")
            yield element("p", clean(answer.text, _LONGEST))
        case _:
            yield element("p", "Loopbreaker answered a question that no button asks.")
    yield element("p", _NEXT, class_="soft")


def _write_result(one: RestoreResult) -> Markup:
    word = one.outcome.replace("_", " ")
    return element(
        "div",
        element(
            "h3",
            f"{clean(one.function, 160)}: {word}",
            class_="calm" if one.is_done else "alarm",
        ),
        element("p", clean(one.text, _LONGEST)),
    )
