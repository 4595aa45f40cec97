from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Duration

from functions.chart.settings import Settings as ChartSettings
from functions.contain.settings import Settings as ContainSettings
from functions.diagnose.settings import Settings as DiagnoseSettings
from functions.present.settings import Settings as PresentSettings
from functions.protect.settings import Settings as ProtectSettings
from functions.restore.settings import Settings as RestoreSettings
from stacks.components.guard_function import MOST_ENVIRONMENT_BYTES, GuardFunction
from stacks.components.permissions import accepted, statements
from stacks.components.permissions.resources import restore_arn
from stacks.flag_values import function_names
from stacks.names import HOLD_SCHEDULES

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from stacks.components.dead_letters import DeadLetters
    from stacks.components.deployment import Account
    from stacks.components.ledger import Ledger
    from stacks.components.notices import ChatNotices, Notices
    from stacks.components.triggers.queued import EventQueue
    from stacks.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all guard functions are made with.

    Attributes
    ----------
    stack_name
        Name of the CloudFormation stack, for what notices say.
    deploy_flags
        Flags that the next deployment must repeat; ``None`` where there are none.
    is_embedded
        True in an app that does not take our flags, otherwise ``None``.
    """

    config: Config
    code: lambda_.Code
    stack_name: str
    deploy_flags: str | None
    is_embedded: bool | None
    notices: Notices
    chat: ChatNotices | None
    ledger: Ledger
    dead_letters: DeadLetters
    hold_role_arn: str

    @property
    def topic_arn(self) -> str:
        """ARN of the topic with the notices."""
        return self.notices.topic.topic_arn

    @property
    def has_events(self) -> bool | None:
        """True where events go to the default bus, otherwise ``None``."""
        return True if self.config.events == "on" else None

    @property
    def chat_topic_arn(self) -> str | None:
        """ARN of the topic for chat; ``None`` where there is none."""
        return None if self.chat is None else self.chat.topic.topic_arn

    @property
    def outlets(self) -> statements.Outlets:
        """Where notices and their events may go."""
        return statements.Outlets(
            topic_arn=self.topic_arn,
            chat_topic_arn=self.chat_topic_arn,
            has_events=bool(self.has_events),
        )

    @property
    def ledger_name(self) -> str:
        """Name of the table."""
        return self.ledger.table.table_name

    @property
    def ledger_arn(self) -> str:
        """ARN of the table."""
        return self.ledger.table.table_arn

    @property
    def undelivered_arn(self) -> str:
        """ARN of the queue for what could not be delivered."""
        return self.dead_letters.undelivered.queue_arn


def make_protect(scope: Construct, given: Surroundings) -> GuardFunction:
    """Make the function that keeps concurrency for the guard."""
    return GuardFunction(
        scope,
        "Protect",
        given=given,
        description="Keeps concurrency for the guard while it is deployed",
        environment=ProtectSettings(
            notice_topic_arn=given.topic_arn,
            has_events=given.has_events,
            chat_topic_arn=given.chat_topic_arn,
            stack_name=given.stack_name,
        ).to_env(),
        statements=statements.protect_statements(given.outlets),
        accepted=accepted.ACCEPTED_FOR_PROTECT,
        # It may wait 75 s until its new permissions are in force.
        timeout=Duration.minutes(5),
        memory_mib=256,
        longest_wait=Duration.minutes(10),
    )


def make_contain(scope: Construct, given: Surroundings, account: Account) -> GuardFunction:
    """Make the function that stops functions."""
    config = given.config
    return GuardFunction(
        scope,
        "Contain",
        given=given,
        description="Finds functions that run away and stops them",
        environment=ContainSettings(
            ledger_table=given.ledger_name,
            notice_topic_arn=given.topic_arn,
            has_events=given.has_events,
            chat_topic_arn=given.chat_topic_arn,
            stack_name=given.stack_name,
            hold_schedules=HOLD_SCHEDULES,
            hold_role_arn=given.hold_role_arn,
            restore_arn=restore_arn(),
            undelivered_arn=given.undelivered_arn,
            mode=config.mode,
            response=config.response,
            floor_per_minute=config.floor_per_minute,
            danger_usd_per_minute=config.danger_usd_per_minute,
            blast_radius=config.blast_radius,
            exempt=function_names(config.exempt),
            own_functions=config.own_functions,
            account_concurrency=0,
            sweep_minutes=config.sweep_minutes,
            deploy_flags=given.deploy_flags,
            is_embedded=given.is_embedded,
        ).to_env(deferred={"account_concurrency": account.concurrency_limit}),
        statements=statements.contain_statements(
            given.outlets,
            ledger_arn=given.ledger_arn,
            hold_role_arn=given.hold_role_arn,
        ),
        accepted={**accepted.ACCEPTED_FOR_CONTAIN, **accepted.ACCEPTED_FOR_HOLDS},
        # A sweep reads evidence for some dozen candidates at 15 control-plane calls a second.
        timeout=Duration.seconds(120),
        # 512 MiB is 0.29 vCPU: enough that importing boto3 and parsing 500 series is not what
        # the first containment waits for. The pulse's share of it is some cents a month.
        memory_mib=512,
        longest_wait=Duration.minutes(10),
    )


def make_restore(scope: Construct, given: Surroundings) -> GuardFunction:
    """Make the function that puts contained functions back."""
    return GuardFunction(
        scope,
        "Restore",
        given=given,
        description="Puts contained functions back as they were",
        environment=RestoreSettings(
            ledger_table=given.ledger_name,
            notice_topic_arn=given.topic_arn,
            has_events=given.has_events,
            chat_topic_arn=given.chat_topic_arn,
            stack_name=given.stack_name,
            hold_schedules=HOLD_SCHEDULES,
            hold_role_arn=given.hold_role_arn,
            restore_arn=restore_arn(),
            undelivered_arn=given.undelivered_arn,
            own_functions=given.config.own_functions,
            deploy_flags=given.deploy_flags,
            is_embedded=given.is_embedded,
        ).to_env(),
        statements=statements.restore_statements(
            given.outlets,
            ledger_arn=given.ledger_arn,
            hold_role_arn=given.hold_role_arn,
            remedies=given.config.remedies,
        ),
        accepted={
            **accepted.ACCEPTED_FOR_CHANGES,
            **accepted.ACCEPTED_FOR_HOLDS,
            **accepted.ACCEPTED_FOR_REPAIRS,
        },
        timeout=Duration.minutes(15),
        memory_mib=512,
        longest_wait=Duration.minutes(15),
    )


def make_diagnose(
    scope: Construct, given: Surroundings, *, denials: EventQueue, timeout: Duration
) -> GuardFunction:
    """Make the function that finds the other invocation problems."""
    config = given.config
    return GuardFunction(
        scope,
        "Diagnose",
        given=given,
        description="Finds the other causes on AWS's troubleshooting pages",
        environment=DiagnoseSettings(
            ledger_table=given.ledger_name,
            notice_topic_arn=given.topic_arn,
            has_events=given.has_events,
            chat_topic_arn=given.chat_topic_arn,
            stack_name=given.stack_name,
            mode=config.mode,
            remedies=config.remedies,
            memory_ceiling_mb=config.memory_ceiling_mb,
            exempt=function_names(config.exempt),
            own_functions=config.own_functions,
            deploy_flags=given.deploy_flags,
            is_embedded=given.is_embedded,
        ).to_env(),
        statements=statements.diagnose_statements(
            given.outlets,
            ledger_arn=given.ledger_arn,
            denials_arn=denials.queue.queue_arn,
            remedies=() if config.mode == "observe" else config.remedies,
        ),
        accepted=accepted.ACCEPTED_FOR_DIAGNOSIS,
        timeout=timeout,
        memory_mib=1024,
        longest_wait=Duration.hours(1),
    )


def make_chart(scope: Construct, given: Surroundings) -> GuardFunction:
    """Make the function that keeps the event graph."""
    return GuardFunction(
        scope,
        "Chart",
        given=given,
        description="Finds loops in the configuration before they run",
        environment=ChartSettings(
            ledger_table=given.ledger_name,
            notice_topic_arn=given.topic_arn,
            has_events=given.has_events,
            chat_topic_arn=given.chat_topic_arn,
            stack_name=given.stack_name,
            accepted_loops=function_names(given.config.accepted_loops),
            own_functions=given.config.own_functions,
            deploy_flags=given.deploy_flags,
            is_embedded=given.is_embedded,
        ).to_env(),
        statements=statements.chart_statements(given.outlets, ledger_arn=given.ledger_arn),
        accepted=accepted.ACCEPTED_FOR_CHART,
        # An account of 10,000 functions takes two such runs; the second goes on with the first.
        timeout=Duration.minutes(15),
        memory_mib=1024,
        longest_wait=Duration.hours(1),
    )


def make_present(scope: Construct, given: Surroundings) -> GuardFunction:
    """Make the function behind the widgets of the dashboard."""
    return GuardFunction(
        scope,
        "Present",
        given=given,
        description="Shows on a dashboard what the guard holds; it only reads",
        environment=PresentSettings(
            ledger_table=given.ledger_name,
            notice_topic_arn=given.topic_arn,
            stack_name=given.stack_name,
            own_functions=given.config.own_functions,
            is_embedded=given.is_embedded,
        ).to_env(),
        statements=statements.present_statements(ledger_arn=given.ledger_arn),
        accepted=accepted.ACCEPTED_FOR_PRESENT,
        # A dashboard waits for it: what does not answer by then is said on the page.
        timeout=Duration.seconds(60),
        memory_mib=512,
        longest_wait=Duration.minutes(1),
    )


def check_environments(config: Config, *functions: GuardFunction) -> None:
    """Raise `ConfigError` for a function whose environment Lambda would refuse."""
    for one in functions:
        if one.environment_bytes > MOST_ENVIRONMENT_BYTES:
            raise config.environment_error(one.name, one.environment_bytes, MOST_ENVIRONMENT_BYTES)
