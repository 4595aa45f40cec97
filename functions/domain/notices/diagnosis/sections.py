"""The sections that the mails about findings and remedies are made of.

As in the mails about incidents, the most important comes first: what is wrong with which function,
what shows it, what fixes it with commands to paste, and what the guard did or why not.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.diagnosis.authorization import Authorization, RemedyDecision
from functions.domain.diagnosis.checks import pages
from functions.domain.diagnosis.evaluated import EvaluatedFinding
from functions.domain.diagnosis.finding import Certainty, Finding
from functions.domain.diagnosis.remedy import Remedy
from functions.domain.notices.commands import build_remedy_command, name_flag, name_setting
from functions.domain.notices.layout import (
    bullet,
    command_line,
    count_left_out,
    paragraph,
    section,
)
from functions.domain.notices.links import build_function_link
from functions.domain.notices.notice import Deployment
from functions.domain.notices.text import clean, format_time

IN_YOUR_TEMPLATE: Final = (
    "If a template deploys it (CDK, CloudFormation, Terraform), change it there as well: the next"
    " deployment may overwrite what was changed by hand."
)
MOST_EVIDENCE: Final = 20
MOST_REMEDIES: Final = 10
CERTAINTY_WORDS: Final = {
    Certainty.CERTAIN: "certain",
    Certainty.LIKELY: "likely, not certain",
}
_WHY_NOT: Final = {
    Authorization.OWN_FUNCTION: (
        "It is a function of Loopbreaker itself, which never changes itself."
    ),
    Authorization.EXEMPT: "The function is exempt.",
    Authorization.CONTAINED: "It holds the function, and changes nothing of it while it does.",
    Authorization.OBSERVE_MODE: "It is in observe mode.",
    Authorization.NOT_CERTAIN: "The finding is likely, not certain: a person decides.",
    Authorization.NO_CEILING: ("Memory is changed only within {ceiling}, which is not given."),
    Authorization.ABOVE_CEILING: "It would be above the memory_ceiling_mb of this deployment.",
    Authorization.TOO_BROAD: "The change would allow more than the finding needs.",
    Authorization.UNDONE_BY_PERSON: "A person undid this remedy before, and it is not repeated.",
}


def compose_details(judged: EvaluatedFinding, deployment: Deployment) -> tuple[str, ...]:
    """Say what shows a finding, what fixes it, and what the guard did."""
    finding = judged.finding
    return (
        section(
            "EVIDENCE",
            paragraph("This is likely, not certain.")
            if finding.certainty is Certainty.LIKELY
            else "",
            *(bullet(one.compose_sentence()) for one in finding.evidence[:MOST_EVIDENCE]),
            count_left_out(len(finding.evidence) - MOST_EVIDENCE, "observation"),
        ),
        _compose_remedies(finding, deployment),
        section(
            "WHAT LOOPBREAKER DID",
            paragraph(describe_decision(judged.decision, finding, deployment)),
        ),
        compose_unread(finding.gaps),
        compose_page_link(finding.page),
    )


def _compose_remedies(finding: Finding, deployment: Deployment) -> str:
    shown = finding.remedies[:MOST_REMEDIES]
    lines = []
    for number, remedy in enumerate(shown, start=1):
        lines.append(bullet(remedy.words, f"{number}."))
        lines += [command_line(one) for one in _list_commands(remedy, deployment)]
        if remedy.alternative:
            lines.append(paragraph(remedy.alternative))
    lines.append(count_left_out(len(finding.remedies) - len(shown), "remedy"))
    if any(_list_commands(one, deployment) for one in shown):
        lines.append(paragraph(IN_YOUR_TEMPLATE))
    return section("HOW TO FIX", *lines)


def _list_commands(remedy: Remedy, deployment: Deployment) -> tuple[str, ...]:
    """List what to paste, but no command with a name that no line can hold: it is none of AWS's."""
    commands = (build_remedy_command(one, deployment.region) for one in remedy.steps)
    return tuple(one for one in commands if one and one.isprintable())


def describe_decision(decision: RemedyDecision, finding: Finding, deployment: Deployment) -> str:
    """Say what the guard did about a finding, or why it did nothing."""
    remedy = decision.remedy
    match decision.consent:
        case Authorization.ALLOWED:
            return "It applied the remedy."
        case Authorization.TREATED_BEFORE:
            return (
                "It applied a remedy before and the finding is still there: it does not try again,"
                " a person has to look."
            )
        case Authorization.NAMED_ONLY:
            why = remedy.named_only if remedy is not None else ""
            return f"Nothing. {why}".rstrip()
        case Authorization.NOT_ALLOWED:
            flag = remedy.kind if remedy is not None and remedy.kind else "..."
            bound = name_flag("memory_ceiling_mb", "<MB>", deployment)
            given = name_flag("remedies", flag, deployment)
            given = f"{given} {bound}" if flag == "memory" else given
            likely = (
                " (once the finding is certain)" if finding.certainty is Certainty.LIKELY else ""
            )
            return (
                "Nothing: this deployment does not allow it. To let it apply the first of these"
                f" remedies by itself{likely}, deploy with {given}."
            )
        case other:
            ceiling = name_setting("memory_ceiling_mb", deployment)
            ceiling = ceiling if deployment.is_embedded else f"{ceiling}="
            return f"Nothing. {_WHY_NOT[other].format(ceiling=ceiling)}"


def compose_page_link(url: str) -> str:
    """Link to the page of AWS that says more; empty for none."""
    if not url:
        return ""
    title = f", {pages.TITLES[url]}" if url in pages.TITLES else ""
    return f"{paragraph(f'On the page of AWS{title}:')}\n{url}"


def compose_unread(gaps: Sequence[str]) -> str:
    """List what AWS did not let the guard read."""
    if not gaps:
        return ""
    return section(
        "WHAT COULD NOT BE READ", *(bullet(clean(one, 300)) for one in gaps[:MOST_EVIDENCE])
    )


def compose_footer(function: str, deployment: Deployment, now: datetime) -> tuple[str, ...]:
    """Link to the function, and say of which stack the mail is and when it was written."""
    links = (
        section("LINKS", f"Function:\n{build_function_link(function, deployment.region)}")
        if deployment.region
        else ""
    )
    return (links, compose_writing_time(deployment, now))


def compose_writing_time(deployment: Deployment, now: datetime) -> str:
    """Say of which stack the mail is, and when it was written."""
    stack = (
        f"Stack {clean(deployment.stack_name, 128)}, written"
        if deployment.stack_name
        else "Written"
    )
    return paragraph(f"{stack} at {format_time(now)}.")
