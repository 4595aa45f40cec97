"""The chapter after the loop: another function of the team is ill, in another way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sandbox.ailments import Ailment
    from sandbox.demo.report import Report
    from sandbox.demo.screen import Screen
    from sandbox.demo.settings import DemoSettings
    from sandbox.local_aws import Mail

FOOTER: Final = "\n--\n"  # what SNS puts below each mail
RULE: Final = "Loopbreaker-diagnosis"
MAIL_PATIENCE_SECONDS: Final = 60.0
SOON_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sickbed:
    """One ailment from its first sign to its cure.

    Attributes
    ----------
    stage
        Begins a step of the demonstration.
    """

    ailment: Ailment
    settings: DemoSettings
    screen: Screen
    report: Report
    stage: Callable[[str], AbstractContextManager[None]]

    def tell(self) -> None:
        """Tell it all."""
        ailment, say = self.ailment, self.screen.line
        told_before = len(ailment.aws.mails())
        with self.stage("The team deploys two more functions"):
            ailment.deploy()
            say(f"{ailment.trouble}    a mistake", "red")
            say(f"{ailment.innocence}    nothing is wrong with it")
            self._pass(ailment.minutes_before_use)
        with self.stage("Its users notice that something is wrong"):
            ailment.use()
            is_well = ailment.is_well(SOON_SECONDS)
            say(f"{ailment.function} does {'its work' if is_well else 'not do its work'}.", "bold")
            self._pass(ailment.minutes_after_use)
        with self.stage("Loopbreaker looks at the account, as it does every hour"):
            say("Nobody asks it to; on this machine the hour is over now.", "dim")
            ailment.aws.fire(RULE)
            mail = self._mail(told_before)
            self.report.story_found = True
            self._keep(told_before)
            self.screen.document(
                f"mail to {mail.recipient}",
                f"Subject: {mail.subject}\n\n{mail.body.partition(FOOTER)[0].rstrip()}",
            )
        with self.stage("Check that it does its work now"):
            if not ailment.flags:
                say("Loopbreaker grants nobody the right to invoke: the team does as it was told.")
                ailment.cure()
            self.report.story_cured = ailment.is_well()
            now = "does its work" if self.report.story_cured else "is as ill as before"
            say(f"{ailment.function} {now}.", "bold" if self.report.story_cured else "bold red")
            told = [m.subject for m in self._since(told_before) if ailment.look_alike in m.subject]
            self.report.look_alike_untold = not told
            say(f"Mails about {ailment.look_alike}: {len(told)}.")

    def _pass(self, minutes: float) -> None:
        """Let some of CloudWatch's minutes pass."""
        if minutes:
            seconds = self.settings.minute_seconds * minutes
            self.screen.line(
                f"{minutes:g} CloudWatch minutes pass ({seconds:.0f} s): what was measured before "
                "would prove nothing",
                "dim",
            )
            time.sleep(seconds)

    def _mail(self, told_before: int) -> Mail:
        """The mail about the function: of the cure where that is allowed, else of the finding."""
        lead = "REMEDY APPLIED" if self.ailment.flags else "FOUND"

        def arrived() -> Mail | None:
            return next(
                (
                    mail
                    for mail in self._since(told_before)
                    if lead in mail.subject and self.ailment.function in mail.subject
                ),
                None,
            )

        return self.ailment.aws.wait_until(
            arrived, f"a mail about {self.ailment.function}", MAIL_PATIENCE_SECONDS
        )

    def _since(self, told_before: int) -> list[Mail]:
        return self.ailment.aws.mails()[told_before:]

    def _keep(self, told_before: int) -> None:
        for index, mail in enumerate(self._since(told_before), told_before + 1):
            self.report.mails.append(mail.subject)
            text = f"To: {mail.recipient}\nSubject: {mail.subject}\n\n{mail.body}"
            (self.settings.output / f"mail-{index}.txt").write_text(text)
