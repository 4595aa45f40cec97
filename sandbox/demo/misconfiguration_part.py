"""The part after the loop: another function of the team is misconfigured."""

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
    from sandbox.scenarios.misconfigurations import Misconfiguration

RULE: Final = "Loopbreaker-diagnosis"
MAIL_PATIENCE_MINUTES: Final = 30.0  # CloudWatch's
SOON_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MisconfigurationPart:
    """One misconfiguration from its first sign to its fix.

    Attributes
    ----------
    stage
        Begins a step of the demonstration.
    """

    misconfiguration: Misconfiguration
    settings: DemoSettings
    screen: Screen
    report: Report
    inbox: Inbox
    stage: Callable[[str], AbstractContextManager[None]]

    def tell(self) -> None:
        """Tell it all."""
        misconfiguration, say = self.misconfiguration, self.screen.line
        told_before = len(misconfiguration.aws.mails())
        with self.stage("The team deploys two more functions"):
            misconfiguration.deploy()
            say(f"{misconfiguration.trouble}    a mistake", "red")
            say(f"{misconfiguration.look_alike_text}    nothing is wrong with it")
            self._pass(misconfiguration.minutes_before_use)
        with self.stage("Its users notice that something is wrong"):
            misconfiguration.use()
            does_work = misconfiguration.does_work(SOON_SECONDS)
            what = "its work" if does_work else "not do its work"
            say(f"{misconfiguration.function} does {what}.", "bold")
            self._pass(
                misconfiguration.minutes_after_use + misconfiguration.aws.publication_minutes
            )
        with self.stage("Loopbreaker looks at the account, as it does every hour"):
            say("Nobody asks it to; on this machine the hour is over now.", "dim")
            misconfiguration.aws.fire(RULE)
            mail = self._mail(told_before)
            self.report.story_found = True
            self.inbox.show(mail)
        with self.stage("Check that it does its work now"):
            if not misconfiguration.flags:
                say("Loopbreaker grants nobody the right to invoke: the team does as it was told.")
                misconfiguration.fix()
            self.report.story_fixed = misconfiguration.does_work()
            now = "does its work" if self.report.story_fixed else "is as before"
            say(
                f"{misconfiguration.function} {now}.",
                "bold" if self.report.story_fixed else "bold red",
            )
            told = [
                mail.subject
                for mail in self._since(told_before)
                if any(name in mail.subject for name in misconfiguration.look_alikes)
            ]
            self.report.look_alike_untold = not told
            say(f"Mails about {' and '.join(misconfiguration.look_alikes)}: {len(told)}.")
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
            self.misconfiguration.aws.wait_minutes(minutes)

    def _mail(self, told_before: int) -> Mail:
        """The mail about the function: of the fix where that is allowed, else of the finding."""
        lead = "REMEDY APPLIED" if self.misconfiguration.flags else "FOUND"

        def arrived() -> Mail | None:
            return next(
                (
                    mail
                    for mail in self._since(told_before)
                    if lead in mail.subject and self.misconfiguration.function in mail.subject
                ),
                None,
            )

        return self.misconfiguration.aws.wait_until_within(
            MAIL_PATIENCE_MINUTES, arrived, f"a mail about {self.misconfiguration.function}"
        )

    def _since(self, told_before: int) -> list[Mail]:
        return self.misconfiguration.aws.mails()[told_before:]
