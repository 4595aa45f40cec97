"""Keeps every mail of a demonstration in a file, and shows the beginning of those that count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.demo.report import Report
    from sandbox.demo.screen import Screen
    from sandbox.local_aws import LocalAws, Mail

FOOTER: Final = "\n--\n"  # what SNS puts below each mail


@dataclass(slots=True, kw_only=True)
class Inbox:
    """The mails of one demonstration, numbered in the order in which they came.

    Attributes
    ----------
    output
        The directory of the files ``mail-1.txt`` and so on.
    """

    aws: LocalAws
    output: Path
    screen: Screen
    report: Report
    _shown: set[int] = field(default_factory=set)

    def keep(self) -> list[Mail]:
        """Write what has come since the last time; all mails so far."""
        mails = self.aws.mails()
        for number, mail in enumerate(mails, 1):
            if number > len(self.report.mails):
                self.report.mails.append(mail.subject)
                text = f"To: {mail.recipient}\nSubject: {mail.subject}\n\n{mail.body}"
                self._file(number).write_text(text)
        return mails

    def show(self, mail: Mail) -> None:
        """Show how a mail begins, and say where all of it is."""
        number = 1 + [one.path for one in self.keep()].index(mail.path)
        self._shown.add(number)
        self.screen.document(
            mail.subject,
            mail.body.partition(FOOTER)[0].rstrip(),
            self._file(number),
        )

    def name_others(self) -> None:
        """Name the mails that were not shown: nothing that was sent goes unmentioned."""
        self.keep()
        others = [
            (number, subject)
            for number, subject in enumerate(self.report.mails, 1)
            if number not in self._shown
        ]
        if others:
            self.screen.line("Also sent, and not shown above:")
        for number, subject in others:
            self.screen.line(f"- {self._file(number).name}: {subject}")

    def _file(self, number: int) -> Path:
        return self.output / f"mail-{number}.txt"
