from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from aws_cdk import Annotations, CfnOutput, Duration, Stack, Tags, Token
from constructs import Construct

from stacks.components.dead_letters import DeadLetters
from stacks.components.deployment import Account, Reservation, Rollback
from stacks.components.function_code import function_code
from stacks.components.guard_functions import (
    Surroundings,
    check_environments,
    make_chart,
    make_contain,
    make_diagnose,
    make_present,
    make_protect,
    make_restore,
)
from stacks.components.ledger import Ledger
from stacks.components.notices import ChatNotices, Notices
from stacks.components.triggers.charting import ChartingRules
from stacks.components.triggers.diagnosing import Diagnosis, DiagnosisRules
from stacks.components.triggers.queued import EventQueue
from stacks.components.triggers.signals import SignalAlarms, SignalRules
from stacks.components.watching.dashboard import GuardDashboard, make_widgets
from stacks.components.watching.guard_watch import GuardWatch
from stacks.components.way_back import HoldSchedules, WayBackRole
from stacks.config import NO_RECIPIENT, NO_RECIPIENT_OF_CONSTRUCT, Config
from stacks.flag_values import ConfigError
from stacks.names import CONTAIN, EXEMPT_TAG, EXEMPT_VALUE, STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sns as sns

    from stacks.flag_values import (
        Coverage,
        Mode,
        Remedy,
        Response,
        RollbackForce,
        RollbackMode,
        Switch,
    )

# What the CDK does in another way where an app has not switched it on. The guard's resources, and
# their logical ids, are the same in every app.
FEATURE_FLAGS: Final = (
    "@aws-cdk/aws-cloudwatch-actions:changeLambdaPermissionLogicalIdForLambdaAction",
)
_IAM_ROLE: Final = "AWS::IAM::Role"


class LoopGuardError(ValueError):
    """Raised when a `LoopGuard` cannot be deployed as its properties say."""


class LoopGuard(Construct):
    """Finds Lambda functions that invoke themselves, stops them, and restores them when asked.

    One guard watches one account and Region. Its functions, rules and alarms have fixed names that
    begin with ``Loopbreaker-``, so a second one in the same account and Region is refused.

    Parameters
    ----------
    email
        Addresses that receive the notices; ``"none"`` where others subscribe to the topic.
    mode
        ``"observe"`` decides and notifies, and changes nothing.
    response
        What is done about a suspected function. One whose loop AWS itself has stopped is always
        stopped.
    exempt
        Functions that are never contained, by name or ARN.
    floor_per_minute
        A function below so many invocations per minute is never suspected.
    danger_usd_per_minute
        A function that costs more dollars a minute is suspected after one minute.
    account_alarm_per_minute
        Invocations per minute of the whole account that set off the account-wide alarm; 0 for a
        number above what is normal in the account.
    coverage
        ``"function"`` adds an alarm that watches each function by itself.
    sweep_minutes
        Minutes between two sweeps over all functions; 0 for none.
    blast_radius
        Most functions that are contained within one hour.
    accepted_loops
        Functions whose loops are intended, by name or ARN.
    remedies
        Kinds of remedies that are applied without asking; without any, they are only named.
    memory_ceiling_mb
        Most memory that the remedy ``"memory"`` may give a function, in MB; 0 for none.
    events
        ``"off"`` publishes no events on the default bus.
    chat
        ``"on"`` adds a topic with messages for Amazon Q Developer in chat applications.
    dashboard
        ``"on"`` adds a CloudWatch dashboard and the function behind its widgets, which only reads.
    rollback
        Functions to restore with this deployment, by name or ARN, or ``"all"``. Each synthesis
        that has it asks anew, so take it out again.
    rollback_mode
        How they are restored: ``"now"``, or on ``"probation"``, with a little let go first, and
        watched.
    rollback_force
        ``"yes"`` restores them although their loop is still closed in the event graph.
    diagnose
        Function to examine with this deployment, by name or ARN. Take it out again, too.
    takes_flags
        Whether the app hands its context flags over to these properties, as the app of Loopbreaker
        does. Notices then say ``npx cdk deploy -c rollback=...`` and otherwise
        ``loopbreaker restore ...``.
    nonce
        A text that is new whenever `rollback` or `diagnose` is to be carried out again; without
        it, a random one.

    Attributes
    ----------
    topic
        The SNS topic with the notices.
    chat_topic
        The SNS topic with messages for chat; ``None`` without ``chat="on"``.
    table
        The DynamoDB table with the incidents. It outlives the stack.
    contain, restore, protect, diagnose, chart
        The Lambda functions of the guard.
    present
        The Lambda function behind the dashboard; ``None`` without one.
    undelivered
        The queue with events that EventBridge could not hand to the guard.
    dead_letters
        The queue with events that a guard function failed to handle.

    Raises
    ------
    LoopGuardError
        When a property has a value that is not allowed or contradicts another, an ARN is of
        another account or Region, or another guard goes to the same account and Region. With
        `takes_flags` the error of a property is a `ConfigError`, which names the flag.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        email: str | Sequence[str] = (),
        mode: Mode = "enforce",
        response: Response = "hold",
        exempt: str | Sequence[str] = (),
        floor_per_minute: int = 500,
        danger_usd_per_minute: int = 1,
        account_alarm_per_minute: int = 0,
        coverage: Coverage = "account",
        sweep_minutes: int = 60,
        blast_radius: int = 3,
        accepted_loops: str | Sequence[str] = (),
        remedies: Remedy | Sequence[Remedy] = (),
        memory_ceiling_mb: int = 0,
        events: Switch = "on",
        chat: Switch = "off",
        dashboard: Switch = "off",
        rollback: str | Sequence[str] = (),
        rollback_mode: RollbackMode = "now",
        rollback_force: RollbackForce = "no",
        diagnose: str = "",
        takes_flags: bool = False,
        nonce: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        properties = {
            "email": email,
            "mode": mode,
            "response": response,
            "exempt": exempt,
            "floor_per_minute": floor_per_minute,
            "danger_usd_per_minute": danger_usd_per_minute,
            "account_alarm_per_minute": account_alarm_per_minute,
            "coverage": coverage,
            "sweep_minutes": sweep_minutes,
            "blast_radius": blast_radius,
            "accepted_loops": accepted_loops,
            "remedies": remedies,
            "memory_ceiling_mb": memory_ceiling_mb,
            "events": events,
            "chat": chat,
            "dashboard": dashboard,
            "rollback": rollback,
            "rollback_mode": rollback_mode,
            "rollback_force": rollback_force,
            "diagnose": diagnose,
        }
        self._takes_flags = takes_flags
        self._refuse_second()
        try:
            config = Config.from_properties(properties)
            config.refuse_other_homes(*_home(self))
            self._compose(config, secrets.token_hex(8) if nonce is None else nonce)
        except ConfigError as error:
            if takes_flags:
                raise
            raise LoopGuardError(
                f"Loopbreaker: {self.node.path}: {error.flag}={error.shown}: {error.allowed}"
            ) from error

    def grant_restore(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody see what is held, and restore functions through the guard.

        It permits `lambda:InvokeFunction` on the function `restore`, and nothing else. With it
        ``loopbreaker status``, ``history`` and ``restore`` work: what they change is changed by the
        role of the guard.
        """
        return self.restore.grant_invoke(grantee)

    def grant_stop(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody stop any function that is not exempt through the guard.

        It permits `lambda:InvokeFunction` on the function `contain`, and nothing else: what
        ``loopbreaker stop`` needs.
        """
        return self.contain.grant_invoke(grantee)

    def grant_view(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody see the widgets of the guard, on its dashboard or on another.

        It permits `lambda:InvokeFunction` on the function `present`, and nothing else. The buttons
        need `grant_restore` and `grant_stop`.

        Raises
        ------
        LoopGuardError
            Without ``dashboard="on"``.
        """
        return self._require_present().grant_invoke(grantee)

    def dashboard_widgets(self) -> list[cloudwatch.CustomWidget]:
        """Make the widgets of the guard for a dashboard of your own.

        They are what is open and held, the guard itself, and the last 90 days.

        Raises
        ------
        LoopGuardError
            Without ``dashboard="on"``.
        """
        return make_widgets(self._require_present())

    def _require_present(self) -> lambda_.IFunction:
        if self.present is None:
            raise LoopGuardError(
                f'Loopbreaker: {self.node.path}: there are no widgets: give dashboard="on"'
            )
        return self.present

    def add_notification(self, subscription: sns.ITopicSubscription) -> sns.Subscription:
        """Send the notices to a queue, a URL or a function, beside the e-mail addresses.

        A guard without an address needs ``email="none"``.
        """
        return self.topic.add_subscription(subscription)

    def _refuse_second(self) -> None:
        for one in self.node.root.node.find_all():
            if isinstance(one, LoopGuard) and one.node.path != self.node.path:
                account, region = _home(self)
                if (account, region) == _home(one):
                    raise LoopGuardError(
                        f"Loopbreaker: {one.node.path} and {self.node.path} go to the same account"
                        f" ({account or 'that of the deployment'}) and Region"
                        f" ({region or 'that of the deployment'}), where the names of a guard's"
                        " functions can be used once: keep one of them, or give their stacks"
                        " different environments"
                    )

    def _compose(self, config: Config, nonce: str) -> None:
        """Make everything that is deployed. The components say why."""
        for flag in FEATURE_FLAGS:
            self.node.set_context(flag, True)  # noqa: FBT003 - the CDK's signature
        stack_name = Stack.of(self).stack_name
        self._refuse_no_recipient(config)
        if stack_name != STACK_NAME:
            # A remedy is kept off the guard's own roles by their names, which begin with that of
            # the stack; here by the tag.
            Tags.of(self).add(EXEMPT_TAG, EXEMPT_VALUE, include_resource_types=[_IAM_ROLE])
        code = function_code(self)
        notices = Notices(self, "Notices", emails=config.addresses)
        chat = ChatNotices(self, "ChatNotices") if config.chat == "on" else None
        topics = [notices] if chat is None else [notices, chat]
        ledger = Ledger(self, "Ledger")
        dead_letters = DeadLetters(self, "DeadLetters")
        way_back = WayBackRole(self, "WayBack", undelivered=dead_letters.undelivered)
        given = Surroundings(
            config=config,
            code=code,
            stack_name=stack_name,
            deploy_flags=config.lasting_flags() or None if self._takes_flags else None,
            is_embedded=None if self._takes_flags else True,
            notices=notices,
            chat=chat,
            ledger=ledger,
            dead_letters=dead_letters,
            hold_role_arn=way_back.role_arn,
        )

        protect = make_protect(self, given)
        account = Account(self, "Account", protect=protect.function, config=config)
        contain = make_contain(self, given, account)
        restore = make_restore(self, given)
        # It reads an account of 1,000 functions in minutes, at a share of AWS's rates.
        diagnose_timeout = Duration.minutes(15)
        denials = EventQueue(self, "Denials", dead_letters=dead_letters, timeout=diagnose_timeout)
        diagnose = make_diagnose(self, given, denials=denials, timeout=diagnose_timeout)
        chart = make_chart(self, given)
        check_environments(config, protect, contain, restore, diagnose, chart)
        self.present = self._add_dashboard(config, given)

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
            after=[*topics, ledger, dead_letters, contain, restore, reservation],
        )
        HoldSchedules(self, "HoldSchedules", after=rollback)
        diagnosis = Diagnosis(
            self,
            "OnDemand",
            diagnose=diagnose.function,
            config=config,
            nonce=nonce,
            # After the restoring too: what is examined is what this deployment leaves.
            after=[*topics, ledger, diagnose, diagnosis_rules, rollback],
        )

        self.topic = notices.topic
        self.chat_topic = None if chat is None else chat.topic
        self.table = ledger.table
        self.contain = contain.function
        self.restore = restore.function
        self.protect = protect.function
        self.diagnose = diagnose.function
        self.chart = chart.function
        self.undelivered = dead_letters.undelivered
        self.dead_letters = dead_letters.failed
        self._output_resources()
        self._output_restore_command(config)
        self._output("Restored", rollback.restored, "What this deployment restored")
        self._output("Diagnosis", diagnosis.answer, "What is wrong with the function asked about")
        self._output(
            "Protection",
            reservation.protection,
            "Whether a runaway can take the guard's own concurrency",
        )
        self._output_account(account)
        self._output(
            "Watch", f"aws logs tail /aws/lambda/{CONTAIN} --follow", "What the guard does"
        )

    def _refuse_no_recipient(self, config: Config) -> None:
        if config.is_recipient_missing:
            # An error of the stack and not of the program: `cdk deploy` refuses it, while
            # `cdk bootstrap`, `cdk ls` and `cdk destroy` need no recipient.
            Annotations.of(self).add_error(
                NO_RECIPIENT if self._takes_flags else NO_RECIPIENT_OF_CONSTRUCT
            )

    def _output_resources(self) -> None:
        self._output(
            "NoticeTopic",
            self.topic.topic_arn,
            "SNS topic with the notices; subscribe more people here",
        )
        if self.chat_topic is not None:
            self._output(
                "ChatTopic",
                self.chat_topic.topic_arn,
                "SNS topic for Amazon Q Developer in chat applications",
            )
        self._output(
            "LedgerTable",
            self.table.table_name,
            "DynamoDB table with the incidents; outlives the stack",
        )

    def _output_account(self, account: Account) -> None:
        self._output(
            "AccountAlarm",
            account.account_alarm,
            "Above how many invocations of all functions the guard looks at them at once",
        )
        self._output(
            "ExemptFunctions",
            account.exempt_functions,
            "Whether the functions that the flag exempt names exist",
        )
        self._output(
            "MonthlyCost",
            account.monthly_cost,
            "What the guard itself costs with the functions of this account",
        )

    def _add_dashboard(self, config: Config, given: Surroundings) -> lambda_.IFunction | None:
        if config.dashboard == "off":
            return None
        present = make_present(self, given)
        check_environments(config, present)
        GuardDashboard(self, "GuardDashboard", present=present.function)
        return present.function

    def _output_restore_command(self, config: Config) -> None:
        if self._takes_flags:
            flags = config.lasting_flags().split()
            command = " ".join(["npx cdk deploy", *flags, "-c rollback=FUNCTION"])
            description = "Restores a contained function; rollback=all restores all"
        else:
            command = "loopbreaker restore FUNCTION"
            description = "Restores a contained function"
        self._output("RollbackCommand", command, description)

    def _output(self, construct_id: str, value: str, description: str) -> None:
        CfnOutput(self, construct_id, value=value, description=description)


def _home(construct: Construct) -> tuple[str | None, str | None]:
    """Account and Region of a construct's stack; ``None`` where only the deployment knows them."""
    stack = Stack.of(construct)
    account, region = (
        None if Token.is_unresolved(one) else one for one in (stack.account, stack.region)
    )
    return account, region
