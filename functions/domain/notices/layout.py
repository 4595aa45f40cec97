"""The elements that every mail is made of, and the limits of its subject and body.

Elements are named by nouns: a mail is a tuple of paragraphs and sections, a section has items and
commands. An element without content is an empty text, and is left out of the body.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import clean, cut_middle, format_count

SUBJECT_LIMIT: Final = 99  # SNS: fewer than 100 characters, no line breaks
BODY_LIMIT: Final = 32_000  # bytes; SNS takes 262,144, a person far fewer
MARK: Final = "[Loopbreaker]"
MOST_NAMES: Final = 5
MOST_COMMANDS: Final = 60
_SHORTEST_NAME: Final = 12
WIDTH: Final = 70
# With what the commands in a mail begin.
_COMMANDS: Final = frozenset({"aws", "npx"})
# A command as well, but only in small letters: with a capital it begins many of our sentences.
_OWN_COMMAND: Final = "loopbreaker"
# Before each further word of a text from outside, until the lines are made. No text holds it:
# `clean` takes out what cannot be printed.
_GOES_ON: Final = "\x02"


def compose_subject(lead: str, function: str, tail: str) -> str:
    """Compose a subject within SNS's limits: the name gives way to what happened, in its middle."""
    if lead.endswith(":") and tail.startswith(": "):
        tail = f", {tail.removeprefix(': ')}"
    name = clean(function, 400)
    before = f"{MARK} {lead} "
    room = max(_SHORTEST_NAME, SUBJECT_LIMIT - len(before) - len(clean(tail)) - 1)
    return clean(f"{before}{cut_middle(name, room)}{tail}", 400)[:SUBJECT_LIMIT].rstrip()


def compose_body(blocks: Iterable[str]) -> str:
    """Join the blocks with empty lines, cut at a line if they are far too long."""
    body = "\n\n".join(block for block in blocks if block) + "\n"
    return cut_at_line(body, BODY_LIMIT, "\n(Cut here: the rest is too long for a notice.)\n")


def cut_at_line(text: str, limit: int, note: str) -> str:
    """Cut a text of more than `limit` bytes at a line, and end it with a note."""
    written = text.encode(errors="backslashreplace")
    if len(written) <= limit:
        return text
    kept = written[: limit - len(note)].decode(errors="ignore")
    return kept.rsplit("\n", 1)[0] + note


def mark_as_repeated(stored: Notice) -> Notice:
    """Mark a stored mail that is sent again: it may have arrived before."""
    subject = clean(stored.subject, 400).removeprefix(MARK).strip()
    first = paragraph(
        "Sent again, because the first sending was not confirmed. If you have it already, there is"
        " nothing new here."
    )
    return Notice(
        subject=cut_middle(f"{MARK} (again) {subject}", SUBJECT_LIMIT),
        body=compose_body((first, stored.body)),
        event=stored.event,
    )


def section(title: str, *lines: str) -> str:
    """Write a title with its paragraphs apart and its items together; nothing without any."""
    if not any(lines):
        return ""
    text, before = title, ""
    for line in lines:
        if line:
            kind = _classify_line(line)
            is_apart = (
                before not in {"", kind} and (before, kind) != ("text", "item")
            ) or before == kind == "text"
            text += f"\n\n{line}" if is_apart else f"\n{line}"
            before = kind
    return text


def _classify_line(line: str) -> str:
    if line.startswith("   "):
        return "note"
    if line.startswith("  "):
        return "command"
    mark = line.split(" ", 1)[0]
    return "item" if mark == "-" or mark.rstrip(".").isdecimal() else "text"


def paragraph(*sentences: str) -> str:
    """Write sentences as one paragraph of short lines; names and ARNs are never broken."""
    return _wrap(" ".join(one for one in sentences if one), "", "")


def bullet(text: str, mark: str = "-") -> str:
    """Write one item of a list."""
    return _wrap(text, f"{mark} ", " " * (len(mark) + 1))


def command_line(command: str) -> str:
    """Write a command on a line of its own, to be pasted."""
    return f"  {command}"


def command_lines(commands: Sequence[str]) -> tuple[str, ...]:
    """Write commands, one a line, within the limit."""
    return (
        *(command_line(one) for one in commands[:MOST_COMMANDS]),
        count_left_out(len(commands) - MOST_COMMANDS, "command"),
    )


def indent(text: str) -> str:
    """Wrap a text that belongs to the item above it."""
    return "\n".join(f"   {line}" for line in paragraph(text).splitlines())


def indent_drawing(line: str) -> str:
    """Indent a line of a drawing. Its names are from outside: none looks like a command."""
    return f"  {'| ' if _is_command(line.lstrip()) else ''}{line}"


def quote(text: str, limit: int = 600) -> str:
    """Mark text from outside: where it goes on, a line of its paragraph begins with ``>``."""
    first, *others = clean(text, limit).split() or [""]
    return " ".join((first, *(f"{_GOES_ON}{word}" for word in others)))


def _wrap(text: str, first: str, others: str) -> str:
    """Break the text into lines. None but the first begins with the word that begins a command.

    A mail has commands to paste, alone on indented lines. What somebody else has named or written
    must not be able to pass for one.
    """
    lines: list[str] = []
    line, is_empty = first, True
    for word in text.split():
        plain = word.removeprefix(_GOES_ON)
        if is_empty:
            line, is_empty = f"{line}{plain}", False
        elif len(line) + 1 + len(plain) <= WIDTH or (plain == word and _is_command(plain)):
            line = f"{line} {plain}"
        else:
            lines.append(line)
            line = f"{others}{'' if plain == word else '> '}{plain}"
    lines.append(line)
    return "\n".join(lines).replace(_GOES_ON, "")


def _is_command(text: str) -> bool:
    word = text.split(" ", 1)[0].rstrip(":;,.")
    return word.lower() in _COMMANDS or word == _OWN_COMMAND


def quote_aws_error(detail: str) -> str:
    """Quote words of AWS."""
    return f'AWS says: "{quote(detail)}"' if detail.strip() else ""


def join_names(names: Iterable[str]) -> str:
    """Join names for a sentence; of many the first few."""
    every = tuple(names)
    shown = ", ".join(clean(one, 160) for one in every[:MOST_NAMES])
    more = len(every) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def count_left_out(count: int, noun: str) -> str:
    """Say how many were left out of a list; empty for none."""
    return bullet(f"({format_count(count, f'more {noun}')} left out here.)") if count > 0 else ""


def describe_location(deployment: Deployment) -> str:
    """Name account and Region, as far as they are known."""
    places = []
    if deployment.account:
        places.append(f"Account {clean(deployment.account, 40)}")
    if deployment.region:
        places.append(f"Region {clean(deployment.region, 40)}")
    return paragraph(f"{', '.join(places)}.") if places else ""


def name_stack(deployment: Deployment) -> str:
    """Name the guard's stack."""
    return clean(deployment.stack_name or "Loopbreaker", 128)
