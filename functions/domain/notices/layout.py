"""The elements that every mail is made of, and the limits of its subject and body.

Elements are named by nouns: a mail is a tuple of paragraphs and sections, a section has items and
commands. An element without content is an empty text, and is left out of the body.

A paragraph is one line, however long: the mail client wraps it at the width of its screen. A
command to paste is an indented line between empty lines, and nothing else is. What somebody else
has named or written must not be able to pass for one: such text holds no line break, and where it
begins a line, a mark stands before it (`_mark_foreign`).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import clean, cut_middle, format_count

# SNS API, *Publish*: a subject has no line breaks or control characters and is less than 100
# characters long.
SUBJECT_LIMIT: Final = 99
BODY_LIMIT: Final = 32_000  # bytes; SNS takes 262,144, a person far fewer
MARK: Final = "[Loopbreaker]"
MOST_NAMES: Final = 5
MOST_COMMANDS: Final = 60
_SHORTEST_NAME: Final = 12
# With what the commands in a mail begin.
_COMMANDS: Final = frozenset({"aws", "npx"})
# A command as well, but only in small letters: with a capital it begins many of our sentences.
_OWN_COMMAND: Final = "loopbreaker"


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
    """Write a title with its paragraphs and commands apart and its items together.

    Nothing without any.
    """
    if not any(lines):
        return ""
    text, before = title, "title"
    for line in lines:
        if line:
            kind = _classify_line(line)
            is_apart = before != kind and (before, kind) not in _TOGETHER
            is_apart = is_apart or (before == kind and kind in _ALWAYS_APART)
            text += f"\n\n{line}" if is_apart else f"\n{line}"
            before = kind
    return text


_TOGETHER: Final = frozenset(
    {("title", "text"), ("title", "item"), ("title", "note"), ("text", "item"), ("item", "note")}
)
_ALWAYS_APART: Final = frozenset({"text", "command"})


def _classify_line(line: str) -> str:
    if line.startswith("   "):
        return "note"
    if line.startswith("  "):
        return "command"
    mark = line.split(" ", 1)[0]
    return "item" if mark == "-" or mark.rstrip(".").isdecimal() else "text"


def paragraph(*sentences: str) -> str:
    """Write sentences as one paragraph, on one line."""
    return _mark_foreign(_join_words(" ".join(sentences)))


def lines_of(*lines: str) -> str:
    """Write short facts, each on a line of its own, without empty lines between them."""
    return "\n".join(paragraph(one) for one in lines if one)


def bullet(text: str, mark: str = "-") -> str:
    """Write one item of a list."""
    return f"{mark} {_join_words(text)}"


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
    """Write a text that belongs to the item above it."""
    return f"   {paragraph(text)}"


def indent_drawing(line: str) -> str:
    """Indent a line of a drawing. Its names are from outside: none looks like a command."""
    return f"  {_mark_foreign(line)}"


def _join_words(text: str) -> str:
    """Put a text on one line, whatever stands between its words."""
    return " ".join(text.split())


def _mark_foreign(line: str) -> str:
    """Mark a line that begins like a command and is none: a name from outside begins it."""
    return f"| {line}" if _is_command(line.lstrip()) else line


def _is_command(text: str) -> bool:
    word = text.split(" ", 1)[0].rstrip(":;,.")
    return word.lower() in _COMMANDS or word == _OWN_COMMAND


def quote_aws_error(detail: str) -> str:
    """Quote words of AWS."""
    return f'AWS says: "{clean(detail)}"' if detail.strip() else ""


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
    """Name account and Region, as far as they are known: the account by its alias and number."""
    number, alias = clean(deployment.account or "", 40), clean(deployment.account_alias, 63)
    places = []
    if number:
        places.append(f"Account {alias} ({number})" if alias else f"Account {number}")
    if deployment.region:
        places.append(
            clean(deployment.region, 40) if places else f"Region {clean(deployment.region, 40)}"
        )
    return paragraph(f"{', '.join(places)}.") if places else ""


def name_stack(deployment: Deployment) -> str:
    """Name the guard's stack."""
    return clean(deployment.stack_name or "Loopbreaker", 128)
