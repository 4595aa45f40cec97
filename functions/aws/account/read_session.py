"""The two ways in which a section of the facts is filled: a listing, and a question for each entry.

Both can be stopped between any two calls and gone on with later, and both turn every failure into
a gap, so that what one service does not answer never hides what the others do.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from functions.aws.account.read_client import (
    GoneError,
    NotAllowedError,
    Paging,
    StaleTokenError,
    UnansweredError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from functions.aws.account.facts import Facts, Section
    from functions.aws.account.read_client import Operation, ReadClient
    from functions.domain.account.inventory import Area

    Entry: TypeAlias = Mapping[str, Any]
    SideBySide: TypeAlias = Callable[[Sequence[Callable[[], None]]], None]

_T = TypeVar("_T")

_PAGES: Final = Paging()
# After so many refusals in a row, without one answer, nobody else of the area is asked for.
_REFUSALS: Final = 3
# What a parser raises on an answer that is not as AWS documents it.
MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def run_one_by_one(tasks: Sequence[Callable[[], None]]) -> None:
    """Do tasks in their order, in this thread."""
    for task in tasks:
        task()


class Variables:
    """Environment variables as AWS returned them, by function: in memory, for one run, only.

    They may be secrets. Nothing that is stored, logged or sent may be made of them but by
    `functions.domain.account.environment_references`; so this is no dataclass, which would show
    them.
    """

    __slots__ = ("_by_function",)

    def __init__(self) -> None:
        self._by_function: dict[str, Mapping[str, str]] = {}

    def put(self, function: str, entry: Entry) -> None:
        """Take over those of an entry of ListFunctions, or of GetFunctionConfiguration.

        There are none where AWS could not decrypt them, which needs the right to the function's
        own key (Lambda API reference, *EnvironmentResponse*).
        """
        environment = entry.get("Environment")
        variables = environment.get("Variables") if isinstance(environment, dict) else None
        self._by_function[function] = (
            {key: value for key, value in variables.items() if isinstance(value, str)}
            if isinstance(variables, dict)
            else {}
        )

    def get(self, function: str) -> Mapping[str, str] | None:
        """Those of a function, if this run has seen them."""
        return self._by_function.get(function)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSession:
    """A reading that goes on.

    Attributes
    ----------
    variables
        What this run has seen of environment variables.
    side_by_side
        Does tasks, in threads or one after the other; raises what a task raises once all ended.
    """

    asker: ReadClient
    facts: Facts
    side_by_side: SideBySide = run_one_by_one
    variables: Variables = field(default_factory=Variables, repr=False)

    @property
    def place(self) -> str:
        """Region and account as an ARN has them: ``us-east-1:123456789012``."""
        return f"{self.facts.region}:{self.facts.account}"

    def compose_arn(self, service: str, resource: str) -> str:
        """An ARN of this account and Region."""
        return f"arn:{self.facts.partition}:{service}:{self.place}:{resource}"

    def read_listing(
        self,
        step: str,
        area: Area,
        operation: Operation,
        entries: str,
        take: Callable[[Entry], None],
        *,
        paging: Paging = _PAGES,
        part: str = "",
        **parameters: Any,
    ) -> None:
        """Read a listing from where it stopped to its end.

        Parameters
        ----------
        entries
            The answer's key with the entries; empty where the whole page is one.
        take
            Puts an entry into the facts. An entry it cannot read is a gap.
        part
            What of the area is listed; empty for all of it.

        Raises
        ------
        OutOfTimeError
            After what was read is in the facts.
        """
        if self.facts.is_done(step):
            return
        start = self.facts.get_token(step)
        try:
            for page, token in self.asker.read_pages(operation, paging, start=start, **parameters):
                for entry in (page.get(entries) or ()) if entries else (page,):
                    self.take(area, entry, take)
                self.facts.remember_token(step, token)
        except StaleTokenError as error:
            if not start:
                self.give_up_listing(step, area, error, part)
                return
            self.facts.begin_again(step)
            self.read_listing(
                step, area, operation, entries, take, paging=paging, part=part, **parameters
            )
        except (NotAllowedError, UnansweredError) as error:
            self.give_up_listing(step, area, error, part)
        except GoneError:
            self.facts.remember_token(step, "")

    def take(self, area: Area, entry: Entry, take: Callable[[Entry], None]) -> None:
        """Put an entry into the facts; one that cannot be read is a gap by itself."""
        try:
            take(entry)
        except MALFORMED as error:
            self.facts.note_gap(area, _describe_unreadable(error), resource=_name_in(entry))

    def give_up_listing(
        self, step: str, area: Area, error: NotAllowedError | UnansweredError, part: str = ""
    ) -> None:
        """Give up a listing for this reading: the whole area, or that part of it, is a gap."""
        action = error.action if isinstance(error, NotAllowedError) else ""
        self.facts.note_gap(area, str(error), resource=part, action=action)
        self.facts.remember_token(step, "")

    def read_details(
        self,
        section: Section[_T | None],
        area: Area,
        wanted: Iterable[str],
        read: Callable[[str], _T],
        *,
        if_gone: _T,
        part: str = "",
    ) -> None:
        """Ask for each wanted entry of a section that was not asked for yet.

        Parameters
        ----------
        read
            Asks for one; raises what `ReadClient.ask` does.
        if_gone
            What counts for a thing that does not exist (any more).
        part
            What of the area is asked for; empty for all of it.

        Raises
        ------
        OutOfTimeError
            After what was read is in the facts.
        """
        if self.facts.is_missed(area, part):
            return
        wanted, known = list(wanted), self.facts.of(section)
        missing = self.facts.list_missing(section, wanted)
        run = _Details(
            facts=self.facts,
            section=section,
            area=area,
            part=part,
            read=read,
            if_gone=if_gone,
            most_refusals=min(_REFUSALS, len(missing)),
            # What an earlier reading was told is not asked for again.
            has_answers=any(known.get(one) is not None for one in wanted),
        )
        self.side_by_side([_make_task(run, key) for key in missing])


@dataclass(slots=True, kw_only=True)
class _Details:
    """The questions for the entries of one section."""

    facts: Facts
    section: Section[Any]
    area: Area
    part: str
    read: Callable[[str], Any]
    if_gone: Any
    most_refusals: int
    has_answers: bool
    refusals: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, key: str) -> None:
        if self.facts.is_missed(self.area, self.part):
            return
        try:
            value = self.read(key)
        except GoneError:
            value = self.if_gone
        except NotAllowedError as error:
            self._note_refused(key, error)
            return
        except UnansweredError as error:
            self._note_missed(key, str(error))
            return
        except MALFORMED as error:
            self._note_missed(key, _describe_unreadable(error))
            return
        self.has_answers = True
        self.facts.remove_gap(self.area, key)
        self.facts.put(self.section, key, value)

    def _note_refused(self, key: str, error: NotAllowedError) -> None:
        with self.lock:
            self.refusals += bool(error.action)
            is_whole_area = self.refusals >= self.most_refusals and not self.has_answers
        if is_whole_area:
            # One gap for the area instead of one for each thing in it; the entries stay unasked.
            self.facts.note_gap(self.area, str(error), resource=self.part, action=error.action)
        self._note_missed(key, str(error), error.action)

    def _note_missed(self, key: str, words: str, action: str = "") -> None:
        self.facts.note_gap(self.area, words, resource=key, action=action)
        self.facts.put(self.section, key, None)


def _make_task(run: _Details, key: str) -> Callable[[], None]:
    return lambda: run.ask(key)


def _describe_unreadable(error: Exception) -> str:
    return f"the answer cannot be read: {type(error).__name__} {error}"


def _name_in(entry: Any) -> str:
    """What an entry is called, as far as it says: a gap names one thing, never a whole area."""
    if hasattr(entry, "items"):
        for key, value in entry.items():
            if key.lower().endswith(("arn", "name", "uuid")) and isinstance(value, str) and value:
                return value
    return "an entry without a name"
