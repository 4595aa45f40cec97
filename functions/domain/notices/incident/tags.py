"""The mails about tags that look like the guard's and are not known to be."""

from functions.domain.detection.evidence import FunctionFacts
from functions.domain.incidents.tags.seal import find_tags
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.notices.commands import (
    build_look_command,
    build_untag_command,
    name_restore_of_all,
)
from functions.domain.notices.layout import (
    bullet,
    command_line,
    compose_body,
    compose_subject,
    describe_location,
    lines_of,
    section,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import clean, format_count, format_time
from functions.domain.notices.ways_back import list_ways_back


def compose_doubtful_tag(
    facts: FunctionFacts, tagged: TaggedSnapshot, deployment: Deployment
) -> Notice:
    """Report a tag without the guard's seal."""
    reserved = tagged.reserved_concurrency
    before = "nothing was reserved" if reserved is None else f"{reserved:,} were reserved"
    return Notice(
        subject=compose_subject("TAG IN DOUBT:", facts.name, " may have been stopped"),
        body=compose_body(
            (
                lines_of(
                    f"TAG IN DOUBT on {facts.name}: it says that Loopbreaker stopped the function"
                    " while its ledger could not be reached.",
                    describe_location(deployment),
                    "The tag has no seal of Loopbreaker's: anybody who may tag the function can"
                    " have written it.",
                    _say_nothing_was_changed(deployment),
                ),
                section(
                    "WHAT TO DO",
                    bullet(
                        "Look for a mail 'ledger down' about this function and that time. If there"
                        " is one and it says the same, the tag is true, and this restores what it"
                        " says:",
                        "1.",
                    ),
                    *list_ways_back(facts.name, facts.arn, deployment, is_item=True),
                    bullet("If there is none, remove the tag:", "2."),
                    command_line(
                        build_untag_command(facts.arn, find_tags(facts), deployment.region)
                    ),
                ),
                section(
                    "WHAT THE TAG SAYS",
                    bullet(f"It was stopped at {format_time(tagged.at)}; before, {before}."),
                    *(
                        bullet(
                            f"Its provisioned concurrency was removed: {one.qualifier} had"
                            f" {one.requested:,}."
                        )
                        for one in tagged.provisioned
                    ),
                    bullet(f"Its reserved concurrency now is {_describe_reserved(facts)}."),
                ),
            )
        ),
    )


def compose_unreadable_tag(facts: FunctionFacts, deployment: Deployment) -> Notice:
    """Report a tag that the guard cannot have written."""
    value = facts.tags.get(SNAPSHOT_TAG, "")
    return Notice(
        subject=compose_subject("TAG UNREADABLE:", facts.name, ""),
        body=compose_body(
            (
                lines_of(
                    f"TAG UNREADABLE on {facts.name}: {SNAPSHOT_TAG} holds what Loopbreaker never"
                    " writes there.",
                    describe_location(deployment),
                    _say_nothing_was_changed(deployment),
                    f"Its reserved concurrency now is {_describe_reserved(facts)}.",
                ),
                section(
                    "WHAT TO DO",
                    bullet(
                        "If Loopbreaker stopped the function while its ledger could not be reached,"
                        " a mail 'ledger down' has the commands that restore it. This shows what"
                        " is reserved now:",
                        "1.",
                    ),
                    command_line(build_look_command(facts.name, deployment.region)),
                    bullet("Then remove the tag:", "2."),
                    command_line(
                        build_untag_command(facts.arn, find_tags(facts), deployment.region)
                    ),
                ),
                section(
                    "WHAT THE TAG SAYS",
                    bullet(
                        f'{format_count(len(value), "character")}: "{clean(value, 300)}".',
                    ),
                ),
            )
        ),
    )


def _describe_reserved(facts: FunctionFacts) -> str:
    present = facts.reserved_concurrency
    return "not set" if present is None else f"{present:,}"


def _say_nothing_was_changed(deployment: Deployment) -> str:
    return (
        f"Loopbreaker changed nothing, and {name_restore_of_all(deployment)} leaves the function"
        " alone."
    )
