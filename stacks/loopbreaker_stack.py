from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, CfnOutput, Duration, Stack

from functions.chart.settings import Settings as ChartSettings
from functions.contain.settings import Settings as ContainSettings
from functions.diagnose.settings import Settings as DiagnoseSettings
from functions.protect.settings import Settings as ProtectSettings
from functions.restore.settings import Settings as RestoreSettings
from stacks.components import permissions
from stacks.components.bundle import function_code
from stacks.components.charting import ChartingRules
from stacks.components.dead_letters import DeadLetters
from stacks.components.deployment import Account, Reservation, Rollback
from stacks.components.diagnosing import Diagnosis, DiagnosisRules
from stacks.components.guard_function import MOST_ENVIRONMENT_BYTES, GuardFunction
from stacks.components.guard_watch import GuardWatch
from stacks.components.ledger import Ledger
from stacks.components.notices import Notices
from stacks.components.queued import EventQueue
from stacks.components.signals import SignalAlarms, SignalRules
from stacks.components.way_back import HoldSchedules, WayBackRole
from stacks.config import NO_RECIPIENT, function_names
from stacks.names import (
    CHART,
    CONTAIN,
    DIAGNOSE,
    GUARD_FUNCTIONS,
    HOLD_SCHEDULES,
    PROTECT,
    RESTORE,
)

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.config import Config


class LoopbreakerStack(Stack):
    """All that is deployed. This class only composes; the components say why.

    Parameters
    ----------
    config
        The checked context flags.
    nonce
        New with each synthesis that restores or examines something, otherwise empty.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Config, nonce: str = ""
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Loopbreaker finds Lambda functions that invoke themselves and stops them",
        )
        if config.is_recipient_missing:
            # An error of the stack and not of the program: `cdk deploy` refuses it, while
            # `cdk bootstrap`, `cdk ls` and `cdk destroy` need no recipient.
            Annotations.of(self).add_error(NO_RECIPIENT)
        code = function_code(self)
        notices = Notices(self, "Notices", emails=config.addresses)
        ledger = Ledger(self, "Ledger")
        dead_letters = DeadLetters(self, "DeadLetters")
        ledger_name, topic_arn = ledger.table.table_name, notices.topic.topic_arn
        undelivered_arn = dead_letters.undelivered.queue_arn
        hold_role_arn = WayBackRole(self, "WayBack", undelivered=dead_letters.undelivered).role_arn

        protect = GuardFunction(
            self,
            "Protect",
            name=PROTECT,
            code=code,
            handler="functions.protect.handler.handler",
            description="Keeps concurrency for the guard while it is deployed",
            environment=ProtectSettings(
                notice_topic_arn=topic_arn, stack_name=construct_id
            ).to_env(),
            statements=permissions.protect_statements(topic_arn=topic_arn),
            accepted=permissions.ACCEPTED_FOR_PROTECT,
            dead_letters=dead_letters.failed,
            # It may wait 75 s until its new permissions are in force.
            timeout=Duration.minutes(5),
            memory_mib=256,
            longest_wait=Duration.minutes(10),
        )
        account = Account(self, "Account", protect=protect.function, config=config)

        contain = GuardFunction(
            self,
            "Contain",
            name=CONTAIN,
            code=code,
            handler="functions.contain.handler.handler",
            description="Finds functions that run away and stops them",
            environment=ContainSettings(
                ledger_table=ledger_name,
                notice_topic_arn=topic_arn,
                stack_name=construct_id,
                hold_schedules=HOLD_SCHEDULES,
                hold_role_arn=hold_role_arn,
                restore_arn=permissions.restore_arn(),
                undelivered_arn=undelivered_arn,
                mode=config.mode,
                response=config.response,
                floor_per_minute=config.floor_per_minute,
                danger_usd_per_minute=config.danger_usd_per_minute,
                blast_radius=config.blast_radius,
                exempt=function_names(config.exempt),
                own_functions=GUARD_FUNCTIONS,
                account_concurrency=0,
                sweep_minutes=config.sweep_minutes,
                deploy_flags=config.lasting_flags() or None,
            ).to_env(deferred={"account_concurrency": account.concurrency_limit}),
            statements=permissions.contain_statements(
                ledger_arn=ledger.table.table_arn,
                topic_arn=topic_arn,
                hold_role_arn=hold_role_arn,
            ),
            accepted={**permissions.ACCEPTED_FOR_CONTAIN, **permissions.ACCEPTED_FOR_HOLDS},
            dead_letters=dead_letters.failed,
            # A sweep reads evidence for some dozen candidates at 15 control-plane calls a second.
            timeout=Duration.seconds(120),
            # 512 MiB is 0.29 vCPU: enough that importing boto3 and parsing 500 series is not what
            # the first containment waits for. The pulse's share of it is some cents a month.
            memory_mib=512,
            longest_wait=Duration.minutes(10),
        )
        restore = GuardFunction(
            self,
            "Restore",
            name=RESTORE,
            code=code,
            handler="functions.restore.handler.handler",
            description="Puts contained functions back as they were",
            environment=RestoreSettings(
                ledger_table=ledger_name,
                notice_topic_arn=topic_arn,
                stack_name=construct_id,
                hold_schedules=HOLD_SCHEDULES,
                hold_role_arn=hold_role_arn,
                restore_arn=permissions.restore_arn(),
                undelivered_arn=undelivered_arn,
                deploy_flags=config.lasting_flags() or None,
            ).to_env(),
            statements=permissions.restore_statements(
                ledger_arn=ledger.table.table_arn,
                topic_arn=topic_arn,
                hold_role_arn=hold_role_arn,
                remedies=config.remedies,
            ),
            accepted={
                **permissions.ACCEPTED_FOR_CHANGES,
                **permissions.ACCEPTED_FOR_HOLDS,
                **permissions.ACCEPTED_FOR_REPAIRS,
            },
            dead_letters=dead_letters.failed,
            timeout=Duration.minutes(15),
            memory_mib=512,
            longest_wait=Duration.minutes(15),
        )

        # It reads an account of 1,000 functions in minutes, at a share of AWS's rates.
        diagnose_timeout = Duration.minutes(15)
        denials = EventQueue(self, "Denials", dead_letters=dead_letters, timeout=diagnose_timeout)
        diagnose = GuardFunction(
            self,
            "Diagnose",
            name=DIAGNOSE,
            code=code,
            handler="functions.diagnose.handler.handler",
            description="Finds the other causes on AWS's troubleshooting pages",
            environment=DiagnoseSettings(
                ledger_table=ledger_name,
                notice_topic_arn=topic_arn,
                stack_name=construct_id,
                mode=config.mode,
                remedies=config.remedies,
                memory_ceiling_mb=config.memory_ceiling_mb,
                exempt=function_names(config.exempt),
                own_functions=GUARD_FUNCTIONS,
                deploy_flags=config.lasting_flags() or None,
            ).to_env(),
            statements=permissions.diagnose_statements(
                ledger_arn=ledger.table.table_arn,
                topic_arn=topic_arn,
                denials_arn=denials.queue.queue_arn,
                remedies=() if config.mode == "observe" else config.remedies,
            ),
            accepted=permissions.ACCEPTED_FOR_DIAGNOSIS,
            dead_letters=dead_letters.failed,
            timeout=diagnose_timeout,
            memory_mib=1024,
            longest_wait=Duration.hours(1),
        )

        chart = GuardFunction(
            self,
            "Chart",
            name=CHART,
            code=code,
            handler="functions.chart.handler.handler",
            description="Finds loops in the configuration before they run",
            environment=ChartSettings(
                ledger_table=ledger_name,
                notice_topic_arn=topic_arn,
                stack_name=construct_id,
                accepted_loops=function_names(config.accepted_loops),
                own_functions=GUARD_FUNCTIONS,
                deploy_flags=config.lasting_flags() or None,
            ).to_env(),
            statements=permissions.chart_statements(
                ledger_arn=ledger.table.table_arn, topic_arn=topic_arn
            ),
            accepted=permissions.ACCEPTED_FOR_CHART,
            dead_letters=dead_letters.failed,
            # An account of 10,000 functions takes two such runs; the second goes on with the first.
            timeout=Duration.minutes(15),
            memory_mib=1024,
            longest_wait=Duration.hours(1),
        )

        for one in (protect, contain, restore, diagnose, chart):
            if one.environment_bytes > MOST_ENVIRONMENT_BYTES:
                raise config.environment_error(
                    one.name, one.environment_bytes, MOST_ENVIRONMENT_BYTES
                )

        SignalAlarms(
            self,
            "SignalAlarms",
            config=config,
            contain=contain.function,
            concurrency_threshold=account.concurrency_threshold,
            invocations_threshold=account.invocations_threshold,
        )
        rules = SignalRules(
            self,
            "SignalRules",
            config=config,
            contain=contain.function,
            guard_roles=[contain.role_name, restore.role_name],
            undelivered=dead_letters.of_rules,
        )
        diagnosis_rules = DiagnosisRules(
            self,
            "DiagnosisRules",
            diagnose=diagnose.function,
            denials=denials,
            undelivered=dead_letters.of_rules,
        )
        charting_rules = ChartingRules(
            self,
            "ChartingRules",
            chart=chart.function,
            undelivered=dead_letters.of_rules,
        )
        GuardWatch(
            self,
            "GuardWatch",
            topic=notices.topic,
            contain=contain.function,
            restore=restore.function,
            dead_letters=dead_letters,
            sweep=rules.sweep,
            chart_tick=charting_rules.tick,
            diagnosis_tick=diagnosis_rules.tick,
            sweep_minutes=config.sweep_minutes,
        )
        reservation = Reservation(
            self,
            "Reservation",
            protect=protect.function,
            config=config,
            after=[contain, restore, protect],
        )
        rollback = Rollback(
            self,
            "Rollback",
            restore=restore.function,
            config=config,
            nonce=nonce if config.rollback else "",
            after=[notices, ledger, dead_letters, contain, restore, reservation],
        )
        HoldSchedules(self, "HoldSchedules", after=rollback)
        diagnosis = Diagnosis(
            self,
            "OnDemand",
            diagnose=diagnose.function,
            config=config,
            nonce=nonce,
            # After the restoring too: what is examined is what this deployment leaves.
            after=[notices, ledger, diagnose, diagnosis_rules, rollback],
        )

        self._outputs(
            {
                "NoticeTopic": (
                    topic_arn,
                    "SNS topic with the notices; subscribe more people here",
                ),
                "LedgerTable": (
                    ledger_name,
                    "DynamoDB table with the incidents; outlives the stack",
                ),
                "RollbackCommand": (
                    " ".join(
                        ["npx cdk deploy", *config.lasting_flags().split(), "-c rollback=FUNCTION"]
                    ),
                    "Restores a contained function; rollback=all restores all",
                ),
                "Restored": (rollback.restored, "What this deployment restored"),
                "Diagnosis": (diagnosis.answer, "What is wrong with the function asked about"),
                "Protection": (
                    reservation.protection,
                    "Whether a runaway can take the guard's own concurrency",
                ),
                "AccountAlarm": (
                    account.account_alarm,
                    "Above how many invocations of all functions the guard looks at them at once",
                ),
                "ExemptFunctions": (
                    account.exempt_functions,
                    "Whether the functions that the flag exempt names exist",
                ),
                "MonthlyCost": (
                    account.monthly_cost,
                    "What the guard itself costs with the functions of this account",
                ),
                "Watch": (f"aws logs tail /aws/lambda/{CONTAIN} --follow", "What the guard does"),
            }
        )

    def _outputs(self, outputs: dict[str, tuple[str, str]]) -> None:
        for name, (value, description) in outputs.items():
            CfnOutput(self, name, value=value, description=description)
