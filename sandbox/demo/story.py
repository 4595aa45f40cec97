"""The demonstration from the first start to the last check."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox.demo.cdk import Cdk, outputs
from sandbox.demo.drawing.loops_drawn import draw_loops
from sandbox.demo.inbox import Inbox
from sandbox.demo.journal import keep_log
from sandbox.demo.misconfiguration_part import MisconfigurationPart
from sandbox.demo.past import DAYS, give_past
from sandbox.demo.report import Stage
from sandbox.demo.settings import ROUNDS, spoken
from sandbox.demo.timeline import Moment, Timeline
from sandbox.demo.watch import Watch, state_of
from sandbox.local_aws import LocalAws
from sandbox.scenarios.catalogue import BurstFunction, SteadyFunction, make_loop
from sandbox.scenarios.misconfigurations import make_misconfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.demo.report import Report
    from sandbox.demo.screen import Screen
    from sandbox.demo.settings import DemoSettings
    from sandbox.scenarios.loops import Loop
    from sandbox.scenarios.provision import FunctionSettings

STEADY_PER_SECOND: Final = 3.0
BURST_MESSAGES: Final = 100
ALIAS: Final = "imagined-team"  # the account, as its mails name it
QUIET_SECONDS: Final = 6.0  # shown before the loop starts
BURST_AFTER_SECONDS: Final = 2.0
AFTERMATH_SECONDS: Final = 4.0  # shown after the stop, for stragglers
AFTERWORD_SECONDS: Final = 2.0
# CloudWatch's minutes, which are longer where the machine is slow.
PATIENCE_MINUTES: Final = 40.0
SHOWN_PATIENCE_MINUTES: Final = 100.0  # two rounds, where the graph is certain of the loop
WARNING_PATIENCE_MINUTES: Final = 20.0  # the chart's ticks come every two
BURST_PATIENCE_MINUTES: Final = 30.0
MAIL_PATIENCE_MINUTES: Final = 20.0
LONGEST_SHOWN_SECONDS: Final = 900


@dataclass(slots=True, kw_only=True)
class _Scene:
    """Who takes part."""

    aws: LocalAws
    cdk: Cdk
    loop: Loop
    steady: SteadyFunction
    burst: BurstFunction
    watch: Watch
    inbox: Inbox
    before: dict[str, FunctionSettings] = field(default_factory=dict)

    def settings(self) -> dict[str, FunctionSettings]:
        """The present settings of all functions."""
        return self.loop.settings() | self.steady.settings() | self.burst.settings()


class Story:
    """One demonstration, told on a screen and in a report."""

    def __init__(self, settings: DemoSettings, screen: Screen, report: Report) -> None:
        self._settings = settings
        self._screen = screen
        self._report = report

    def tell(self) -> None:
        """Tell it all. Whatever goes wrong is raised; nothing is left running then either."""
        output = self._settings.output
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        with ExitStack() as stack:
            with self._stage("Start an AWS account on this machine"):
                aws = stack.enter_context(
                    LocalAws(
                        speed=self._settings.speed,
                        # What else may be wrong with a function is mostly what IAM denies.
                        auth=bool(self._settings.story),
                        weather=self._settings.weather,
                        seed=self._settings.seed,
                        log_path=output / "sandbox.log",
                    )
                )
                self._screen.line(f"{aws.endpoint}: loopback only, no AWS account is touched")
            stack.callback(keep_log, aws, output / "guard.log")
            scene = self._scene(aws)
            self._deploy_guard(scene)
            self._deploy_users(scene)
            with scene.steady, ExitStack() as burst:
                self._warn(scene)
                self._run_away(scene, burst)
                self._explain(scene)
                self._roll_back(scene)
                self._check(scene)
            self._draw(scene)
            if self._settings.story:
                MisconfigurationPart(
                    misconfiguration=make_misconfiguration(self._settings.story, aws),
                    settings=self._settings,
                    screen=self._screen,
                    report=self._report,
                    inbox=scene.inbox,
                    stage=self._stage,
                ).tell()
            scene.inbox.name_others()

    def _scene(self, aws: LocalAws) -> _Scene:
        loop = make_loop(self._settings.loop, aws)
        steady = SteadyFunction(aws, calls_per_second=STEADY_PER_SECOND)
        burst = BurstFunction(aws, messages=BURST_MESSAGES)
        self._report.functions = loop.functions
        watch = Watch(
            aws=aws,
            loop=loop.functions,
            healthy=(*steady.functions, *burst.functions),
            on_look=self._screen.look,
        )
        cdk = Cdk(aws.environment(), self._settings.output)
        inbox = Inbox(
            aws=aws, output=self._settings.output, screen=self._screen, report=self._report
        )
        return _Scene(
            aws=aws, cdk=cdk, loop=loop, steady=steady, burst=burst, watch=watch, inbox=inbox
        )

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        stage = Stage(name=name, began_at=self._screen.seconds)
        self._report.stages.append(stage)
        try:
            with self._screen.stage(stage):
                yield
                stage.is_done = True
        finally:
            stage.seconds = self._screen.seconds - stage.began_at

    # -- the chapters ---------------------------------------------------------------------------

    def _deploy_guard(self, scene: _Scene) -> None:
        settings = self._settings
        with self._stage("Prepare the account for the CDK"):
            self._screen.command(spoken(settings.bootstrap))
            scene.cdk.run(settings.bootstrap)
        with self._stage("Deploy Loopbreaker"):
            self._screen.command(spoken(settings.deploy))
            self._screen.line(settings.why, "dim")
            told = outputs(scene.cdk.run(settings.deploy))
            for name in ("Protection", "MonthlyCost"):
                self._screen.line(told.get(name, ""), "dim")

    def _deploy_users(self, scene: _Scene) -> None:
        with self._stage("Deploy the functions of an imagined team"):
            scene.aws.client("iam").create_account_alias(AccountAlias=ALIAS)
            for one in (scene.loop, scene.steady, scene.burst):
                one.deploy()
            (steady,), (burst,) = scene.steady.functions, scene.burst.functions
            give_past(
                scene.aws,
                loop=scene.loop.functions,
                asynchronous=scene.loop.asynchronous,
                steady=steady,
                steady_per_minute=STEADY_PER_SECOND * self._settings.minute_seconds,
                burst=burst,
                burst_size=BURST_MESSAGES,
            )
            say = self._screen.line
            say(f"{scene.loop.picture}    a mistake: it triggers itself", "red")
            say(f"{steady}: {STEADY_PER_SECOND:g} calls a second, all the time")
            say(f"{burst}: {BURST_MESSAGES} messages at once, every day at this hour")
            say(f"Their metrics are given a past: {DAYS} days in which nothing looped.", "dim")
            scene.before = scene.settings()

    def _warn(self, scene: _Scene) -> None:
        watch, report = scene.watch, self._report
        report.is_certain = scene.loop.is_certain
        if not scene.loop.is_certain:
            self._screen.line(
                "The configuration only allows this loop, so no mail warns of it: it waits for the"
                " weekly digest of possible loops."
            )
            return
        with self._stage("Before the first event: Loopbreaker reads the configuration"):
            began = self._screen.seconds
            watch.until(
                lambda: watch.mail_of_warning() is not None,
                "the warning of a loop that could run",
                WARNING_PATIENCE_MINUTES,
            )
            report.warned_before = not watch.counted_loop()
            report.seconds_to_warn = round(self._screen.seconds - began, 1)
            mail = watch.mail_of_warning()
            if mail is not None:
                scene.inbox.show(mail)

    def _run_away(self, scene: _Scene, burst: ExitStack) -> None:
        watch, report = scene.watch, self._report
        with self._stage("The loop starts"):
            watch.for_seconds(QUIET_SECONDS)
            watch.begin()
            scene.loop.seed(ROUNDS)
            watch.for_seconds(BURST_AFTER_SECONDS)
            burst.enter_context(scene.burst)
            watch.until(
                lambda: watch.happened.held is not None, "the loop is held", PATIENCE_MINUTES
            )
            self._tell_of_hold(scene)
            watch.until(
                lambda: watch.happened.contained is not None,
                "the loop is stopped, or kept held",
                SHOWN_PATIENCE_MINUTES,
            )
            at = watch.happened.contained or 0.0
            report.contained = True
            report.seconds_to_contain = round(at, 1)
            report.cloudwatch_minutes_to_contain = round(watch.minutes_until_contained, 1)
            report.invocations_until_contained = watch.loop_invocations()
            now = " and ".join(state_of(watch.settings[name], name) for name in watch.contained)
            self._screen.line(f"Contained {at:.1f} s after its start: {now}.", "bold")

    def _tell_of_hold(self, scene: _Scene) -> None:
        watch, report = scene.watch, self._report
        at = watch.happened.held or 0.0
        report.seconds_to_hold = round(at, 1)
        report.cloudwatch_minutes_to_hold = round(watch.minutes_until_held, 1)
        report.invocations_until_held = watch.until_held
        now = " and ".join(state_of(watch.settings[name], name) for name in watch.held)
        self._screen.line(
            f"Held {at:.1f} s after its start, {watch.until_held:,} invocations in: {now}.", "bold"
        )
        watch.until(
            lambda: watch.mail_of_hold() is not None or watch.happened.contained is not None,
            "the mail about the hold",
            MAIL_PATIENCE_MINUTES,
        )
        mail = watch.mail_of_hold()
        if mail is None:
            self._screen.line(
                "It could not be held and went on, which the configuration explains: so it is "
                "stopped. The mail before this one says why it was not held."
            )
            return
        self._screen.line(
            "Held, a loop falls silent, and what people send goes on arriving. Then Loopbreaker "
            "lets a little go: a loop comes back round after round."
        )
        scene.inbox.show(mail)

    def _explain(self, scene: _Scene) -> None:
        watch, report = scene.watch, self._report
        with self._stage("What Loopbreaker saw, and the mail it sent"):
            watch.for_seconds(AFTERMATH_SECONDS)
            watch.until(
                lambda: watch.decision() is not None and watch.happened.mail is not None,
                "the decision in the guard's log and the mail",
                MAIL_PATIENCE_MINUTES,
            )
            report.mail_received = True
            report.invocations_after_contained = watch.loop_invocations() - (
                report.invocations_until_contained or 0
            )
            decided = watch.decision()
            if decided is not None:
                report.contained_by, report.verdict = decided.signal, decided.verdict
                self._screen.line(
                    f"Found by the {decided.signal}. {decided.function} is {decided.verdict}:"
                )
                for ground in decided.grounds:
                    self._screen.line(f"- {ground}")
            mail = watch.mail_of_containment()
            if mail is not None:
                scene.inbox.show(mail)

    def _roll_back(self, scene: _Scene) -> None:
        watch = scene.watch
        with self._stage("The team fixes its mistake and rolls back"):
            scene.loop.fix()
            watch.happened.fixed = watch.seconds
            self._screen.line(f"The fix: {scene.loop.fix.__doc__ or ''}")
            self._screen.line(
                "A fix in the code does not show in the event graph: hence the force."
            )
            command = self._settings.rollback(watch.held)
            self._screen.command(spoken(command))
            told = outputs(scene.cdk.run(command, watch.look))
            self._screen.line(told.get("Restored", ""), "bold")

    def _check(self, scene: _Scene) -> None:
        watch, report = scene.watch, self._report
        with self._stage("Check that all is as it was"):
            scene.loop.rest()
            outcome = scene.loop.poke()
            report.works_again = bool(outcome)
            if outcome:
                watch.happened.handled = watch.seconds
            self._screen.line(
                "One new event is handled, and nothing loops."
                if outcome
                else f"A new event is not handled as it should be: {outcome}",
                "bold" if outcome else "bold red",
            )
            for name, settings in scene.loop.settings().items():
                self._screen.line(f"{name}: {_compared(settings, scene.before[name])}")
            report.restored_exactly = all(
                settings == scene.before[name] for name, settings in scene.loop.settings().items()
            )
            self._check_healthy(scene)
            watch.for_seconds(AFTERWORD_SECONDS)

    def _check_healthy(self, scene: _Scene) -> None:
        watch, report, (burst,) = scene.watch, self._report, scene.burst.functions
        watch.until(
            lambda: watch.counts.get(burst, 0) >= BURST_MESSAGES,
            "the burst is worked through",
            BURST_PATIENCE_MINUTES,
        )
        report.healthy_invocations = {name: watch.counts.get(name, 0) for name in watch.healthy}
        named = [
            mail.subject
            for mail in scene.aws.mails()
            if any(name in mail.subject for name in watch.healthy)
        ]
        refused = sum(one.refusals + one.starved for one in (scene.steady, scene.burst))
        present = scene.settings()
        changed = [name for name in watch.healthy if present[name] != scene.before[name]]
        report.healthy_untouched = not (named or refused or changed)
        ran = ", ".join(
            f"{name} {count:,} runs" for name, count in report.healthy_invocations.items()
        )
        self._screen.line(f"Innocents: {ran}; {refused} refused, {len(changed)} changed.")
        failed = sum(one.failures for one in (scene.steady, scene.burst))
        if failed:
            self._screen.line(f"{failed} calls failed on this machine, which refuses nobody:")
        report.healthy_errors = [*scene.steady.errors, *scene.burst.errors]
        for error in report.healthy_errors:
            self._screen.line(f"- {error}", "dim")

    # -- what is left -----------------------------------------------------------------------------

    def _draw(self, scene: _Scene) -> None:
        settings, watch, report = self._settings, scene.watch, self._report
        with self._stage("Keep the mails, the picture and the report"):
            scene.inbox.keep()
            draw_loops(scene.aws, settings.output / "loops.svg")
            end = watch.seconds or 0.0
            happened = {
                "loop starts": 0.0,
                "an alarm rings": watch.happened.alarm,
                "held": watch.happened.held,
                f"stopped by the {report.contained_by or 'guard'}": watch.happened.contained,
                "mail": watch.happened.mail,
                "fixed": watch.happened.fixed,
                "rolled back": watch.happened.rolled_back,
                "one event handled": watch.happened.handled,
            }
            Timeline(
                title=(
                    f"Loop: {scene.loop.picture}\nstopped {report.seconds_to_contain:g} s "
                    f"after its start, {report.invocations_until_contained:,} invocations in"
                ),
                note=f"{report.clock_note}\n{report.weather_note}",
                rates=scene.aws.rates(min(LONGEST_SHOWN_SECONDS, int(end + QUIET_SECONDS) + 1)),
                end=end,
                loop=watch.loop,
                healthy=watch.healthy,
                moments=[Moment(name=k, at=v) for k, v in happened.items() if v is not None],
                minute_seconds=settings.minute_seconds,
            ).draw(settings.output / "timeline.png")


def _compared(present: FunctionSettings, before: FunctionSettings) -> str:
    if present != before:
        return f"was {before}, is {present}"
    reserved = present.reserved_concurrency
    mappings = ", ".join(state.lower() for _, state in present.mappings) or "none"
    return (
        f"reserved concurrency {'none' if reserved is None else reserved}, "
        f"event source mappings: {mappings}, tags and all else as before"
    )
