"""The chapter after the loop: another function of the team is ill, in another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sandbox.demo.inbox import Inbox
    from sandbox.demo.report import Report
    from sandbox.demo.screen import Screen
    from sandbox.demo.settings import DemoSettings
    from sandbox.local_aws import Mail
    from sandbox.scenarios.ailments import Ailment

RULE: Final = "Loopbreaker-diagnosis"
MAIL_PATIENCE_MINUTES: Final = 30.0  # CloudWatch's
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
    inbox: Inbox
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
            self._pass(ailment.minutes_after_use + ailment.aws.publication_minutes)
        with self.stage("Loopbreaker looks at the account, as it does every hour"):
            say("Nobody asks it to; on this machine the hour is over now.", "dim")
            ailment.aws.fire(RULE)
            mail = self._mail(told_before)
            self.report.story_found = True
            self.inbox.show(mail)
        with self.stage("Check that it does its work now"):
            if not ailment.flags:
                say("Loopbreaker grants nobody the right to invoke: the team does as it was told.")
                ailment.cure()
            self.report.story_cured = ailment.is_well()
            now = "does its work" if self.report.story_cured else "is as ill as before"
            say(f"{ailment.function} {now}.", "bold" if self.report.story_cured else "bold red")
            told = [
                mail.subject
                for mail in self._since(told_before)
                if any(name in mail.subject for name in ailment.look_alikes)
            ]
            self.report.look_alike_untold = not told
            say(f"Mails about {' and '.join(ailment.look_alikes)}: {len(told)}.")
            for subject in told:
                say(f"- {subject}", "red")

    def _pass(self, minutes: float) -> None:
        """Let some of CloudWatch's minutes pass."""
        if minutes:
            seconds = self.settings.minute_seconds * minutes
            self.screen.line(
                f"{minutes:g} CloudWatch minutes pass ({seconds:.0f} s): what was measured before "
                "would prove nothing",
                "dim",
            )
            self.ailment.aws.wait_minutes(minutes)

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

        return self.ailment.aws.wait_until_within(
            MAIL_PATIENCE_MINUTES, arrived, f"a mail about {self.ailment.function}"
        )

    def _since(self, told_before: int) -> list[Mail]:
        return self.ailment.aws.mails()[told_before:]
