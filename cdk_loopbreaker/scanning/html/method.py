"""How the scan concludes, and where its limits are: the end of the page."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.domain.notices.markup import element

if TYPE_CHECKING:
    from functions.domain.notices.markup import Markup

_TERMS: Final = MappingProxyType(
    {
        "Certain": "The configuration closes the loop. Whether the code sends events round it, no"
        " configuration tells. A loop is as certain as its weakest step.",
        "Possible": "A wildcard, a condition, a filter that may let pass, or something that could"
        " not be read stands on the way.",
        "Ruled out": "No way leads back, even if everything that could not be seen did the worst.",
        "AWS's own detection": "It ends a loop after about 16 rounds. It follows Lambda, SQS, SNS"
        " and S3, and takes a recent AWS SDK in the code.",
        "Accepted": "Somebody gave a reason why the loop is intended. To accept one, tag a function"
        " of it with loopbreaker:accepted-loop and the reason.",
        "Not seen": "Containers, machines and people that pass events on; service and resource"
        " control policies; changes that a function makes to the configuration.",
    }
)


def write_method() -> tuple[Markup, ...]:
    """The method in one paragraph, what the words of the page mean, and what it leaves out."""
    terms = [
        element("div", element("dt", term), element("dd", said)) for term, said in _TERMS.items()
    ]
    return (
        element(
            "p",
            "The scan reads the configuration of an account and changes nothing. From triggers,"
            " filters, roles and policies it concludes which events a function can cause, and which"
            " of them come back to it.",
        ),
        element("dl", *terms, class_="terms"),
        element("p", "To have a rule explained: ", element("code", "loopbreaker rules LB001")),
        element(
            "p",
            "This page stays below 500 KB. What does not fit is counted in its section; the report"
            " as JSON holds everything.",
        ),
    )
