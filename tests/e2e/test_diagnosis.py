"""The other causes on AWS's pages: found without being asked, fixed where allowed, told of.

One story in the order of the file: five functions are misconfigured and five only look so; the
guard names what it finds, fixes what it then is allowed to, and undoes it when asked.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler

from sandbox.local_aws import SandboxTimeoutError
from sandbox.scenarios.misconfigurations import MISCONFIGURATIONS, make_misconfiguration
from sandbox.scenarios.provision import create_function
from sandbox.scenarios.user_stacks import define_function, deploy_stack
from stacks.names import EXEMPT_TAG, EXEMPT_VALUE
from tests.e2e.account import Account
from tests.e2e.deployment import DeploymentFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from sandbox.local_aws import LocalAws, Mail
    from sandbox.scenarios.misconfigurations import Misconfiguration
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

ROUND = "Loopbreaker-diagnosis"
ALLOWED = {"remedies": "logs,traces,permissions,memory", "memory_ceiling_mb": "512"}
CURABLE = sorted(kind for kind in MISCONFIGURATIONS if MISCONFIGURATIONS[kind].flags)
# Minutes of CloudWatch: until what is measured is of the function as it is now, and until logs
# would have appeared.
SETTLED_MINUTES = max(one.minutes_before_use for one in MISCONFIGURATIONS.values())
DELAY_MINUTES = max(one.minutes_after_use for one in MISCONFIGURATIONS.values())
SOON_SECONDS = 1.0
# What a metric shows too late for one look is found by a later one: on AWS an hour later.
MOST_LOOKS = 6
MINUTES_BETWEEN_LOOKS = 5
EXEMPT = "exempt-and-silent"
TIMES_OUT = "export-sales"
SCHEDULED = "nightly-report"
SCHEDULE = "nightly"
# More than any other hour of the story has.
MOST_ERRORS = 24
SIDE_BY_SIDE = 8


@pytest.fixture(scope="module")
def owner(aws: LocalAws, stack: Deployment) -> Account:
    """The account through the whole story."""
    return Account(aws, stack)


@pytest.fixture(scope="module")
def misconfigurations(owner: Account) -> Mapping[str, Misconfiguration]:
    """All of them, noticed by their users and then by the guard, which may only tell."""
    found = {kind: make_misconfiguration(kind, owner.aws) for kind in MISCONFIGURATIONS}
    for one in found.values():
        one.deploy()
    deploy_stack(owner.aws, "Later", define_later_troubles)
    owner.wait_minutes(SETTLED_MINUTES)
    for one in found.values():
        one.use()
    owner.wait_minutes(DELAY_MINUTES + owner.aws.publication_minutes)
    look(owner)
    return found


@pytest.fixture(scope="module")
def before(owner: Account, misconfigurations: Mapping[str, Misconfiguration]) -> Mapping[str, Any]:
    """All settings that a remedy may change, before any was applied."""
    return {one.function: state(owner, one.function) for one in misconfigurations.values()}


@pytest.fixture(scope="module")
def fixed(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], before: Mapping[str, Any]
) -> None:
    """The same account once every kind of remedy is allowed; an exempt function joined it."""
    silent(owner, EXEMPT, tags={EXEMPT_TAG: EXEMPT_VALUE})
    owner.stack.deploy(**ALLOWED)
    owner.wait_minutes(SETTLED_MINUTES)
    owner.aws.client("lambda").invoke(FunctionName=EXEMPT, Payload=b"{}")
    let_run(owner, SCHEDULE)
    owner.wait_minutes(DELAY_MINUTES + owner.aws.publication_minutes)
    look_until_told(owner, "REMEDY APPLIED")


@pytest.fixture(scope="module")
def resolved(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], fixed: None
) -> None:
    """The same account once everything was used for a while without trouble."""
    owner.wait_minutes(SETTLED_MINUTES)
    for one in misconfigurations.values():
        one.use()
    owner.wait_minutes(DELAY_MINUTES + owner.aws.publication_minutes)
    look(owner)


def define_later_troubles(scope: Construct) -> None:
    """A function that takes too long, and one whose schedule, still off, may not invoke it."""
    define_function(scope, TIMES_OUT, code="render_report", timeout_seconds=2, memory_size=128)
    scheduled = define_function(scope, SCHEDULED, code="steady_report")
    role = iam.Role(
        scope, "NightlyRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com")
    )
    scheduler.CfnSchedule(
        scope,
        "Nightly",
        name=SCHEDULE,
        state="DISABLED",
        schedule_expression="rate(1 day)",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=scheduled.function_arn, role_arn=role.role_arn
        ),
    )


def silent(account: Account, name: str, **more: Any) -> None:
    """Create a function that may not write logs."""
    create_function(account.aws, name, code="steady_report", writes_logs=False, **more)


def let_run(account: Account, schedule: str) -> None:
    """Enable a schedule, and let its time come."""
    client = account.aws.client("scheduler")
    known = client.get_schedule(Name=schedule)
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    client.update_schedule(**{key: known[key] for key in kept}, State="ENABLED")
    account.aws.fire(schedule)


def look(account: Account) -> None:
    """Let a day pass for the diagnosis, and its hourly look be due."""
    account.aws.client("dynamodb").delete_item(
        TableName=account.stack.resource("AWS::DynamoDB::Table", "Ledger"),
        Key={"pk": {"S": "diagnosis"}, "sk": {"S": "progress"}},
    )
    account.aws.fire(ROUND)


def look_until_told(account: Account, text: str, function: str = "") -> Mail:
    """Let looks be due until a mail comes; the mail."""
    for _ in range(MOST_LOOKS):
        look(account)
        try:
            account.until(lambda: bool(account.mails(text, function)), text, MINUTES_BETWEEN_LOOKS)
        except SandboxTimeoutError:
            continue
        break
    return account.mail(text, function)


def state(account: Account, function: str) -> tuple[Any, ...]:
    """Everything that a remedy may change."""
    client, iam = account.aws.client("lambda"), account.aws.client("iam")
    configuration = client.get_function_configuration(FunctionName=function)
    try:
        policy = json.loads(client.get_policy(FunctionName=function)["Policy"])["Statement"]
    except client.exceptions.ResourceNotFoundException:
        policy = []
    role = configuration["Role"].rpartition("/")[2]
    return (
        configuration["MemorySize"],
        configuration["TracingConfig"],
        configuration.get("Description", ""),
        policy,
        iam.list_role_policies(RoleName=role)["PolicyNames"],
    )


@pytest.mark.parametrize("kind", sorted(MISCONFIGURATIONS))
def test_it_is_found_and_named(
    owner: Account,
    misconfigurations: Mapping[str, Misconfiguration],
    before: Mapping[str, Any],
    kind: str,
) -> None:
    """One notice tells what is wrong, what shows it and what fixes it; nothing is changed."""
    misconfiguration = misconfigurations[kind]

    mail = owner.mail("FOUND", misconfiguration.function)

    assert "EVIDENCE" in mail.body
    assert "HOW TO FIX" in mail.body
    assert "Nothing" in mail.body.partition("WHAT LOOPBREAKER DID")[2]
    assert state(owner, misconfiguration.function) == before[misconfiguration.function]
    assert not misconfiguration.does_work(SOON_SECONDS)


def test_it_is_told_once(owner: Account, misconfigurations: Mapping[str, Misconfiguration]) -> None:
    """The next looks find the same and say nothing again."""
    for _ in range(2):
        look(owner)
    owner.wait_minutes(2)

    for misconfiguration in misconfigurations.values():
        assert len(owner.mails("FOUND", misconfiguration.function)) == 1, misconfiguration.function


@pytest.mark.parametrize("kind", sorted(MISCONFIGURATIONS))
def test_its_look_alike_is_not_mentioned(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], kind: str
) -> None:
    """A function that only seems to have the trouble is in no notice."""
    name = misconfigurations[kind].look_alike

    assert [mail.subject for mail in owner.aws.mails() if name in mail.subject + mail.body] == []


def test_the_guard_does_not_diagnose_itself(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration]
) -> None:
    """Its own functions are in no finding."""
    assert [m.subject for m in owner.mails("FOUND") if "Loopbreaker-" in m.subject] == []


@pytest.mark.parametrize("kind", CURABLE)
def test_it_is_fixed_where_that_is_allowed(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], fixed: None, kind: str
) -> None:
    """With the flag the guard does what it named, says so, and the function does its work."""
    misconfiguration = misconfigurations[kind]

    mail = owner.mail("REMEDY APPLIED", misconfiguration.function)

    assert f"-c rollback={misconfiguration.function}" in mail.body
    owner.until(misconfiguration.does_work, f"{misconfiguration.function} does its work")


def test_invocation_rights_are_never_granted(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], fixed: None
) -> None:
    """A denied caller is named only; done by hand as the notice says, the caller is allowed."""
    misconfiguration = misconfigurations["denied"]
    mail = owner.mail("FOUND", misconfiguration.function)
    assert not owner.mails("REMEDY", misconfiguration.function)
    assert not misconfiguration.does_work()
    assert "lambda:InvokeFunction" in mail.body
    assert "AWSLambdaRole" in mail.body

    misconfiguration.fix()

    owner.until(misconfiguration.does_work, "the caller is allowed")


def test_a_schedule_that_may_not_invoke_is_found(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], fixed: None
) -> None:
    """Its role is read once its group counts failures."""
    mail = look_until_told(owner, "FOUND", SCHEDULED)

    assert "its schedule group" in mail.body
    assert f"invoke-{SCHEDULED}" in mail.body
    assert not owner.mails("REMEDY", SCHEDULED)


def test_an_exempt_function_is_never_fixed(owner: Account, fixed: None) -> None:
    """It is told of and left alone, whatever the flags say."""
    assert owner.mail("FOUND", EXEMPT)
    assert owner.mails("REMEDY", EXEMPT) == []
    names = owner.aws.client("iam").list_role_policies(RoleName=f"{EXEMPT}-role")["PolicyNames"]
    assert names == []


@pytest.mark.parametrize("kind", sorted(MISCONFIGURATIONS))
def test_what_is_well_again_is_closed(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], resolved: None, kind: str
) -> None:
    """The finding is closed by itself once its cause is gone, and said once."""
    name = misconfigurations[kind].function

    assert owner.mail("RESOLVED", name)
    assert len(owner.mails("RESOLVED", name)) == 1


def test_a_remedy_is_undone_by_the_rollback_flag(
    owner: Account,
    misconfigurations: Mapping[str, Misconfiguration],
    resolved: None,
    before: Mapping[str, Any],
) -> None:
    """Everything that was changed is as it was before, and the output names each function."""
    outputs = owner.stack.deploy(**ALLOWED, rollback="all")

    for kind in CURABLE:
        name = misconfigurations[kind].function
        assert f"{name}: remedy undone" in outputs["Restored"]
        assert state(owner, name) == before[name]
        assert owner.mail("REMEDY UNDONE", name)


def test_first_errors_are_looked_at_within_the_hour(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration], resolved: None
) -> None:
    """A function that begins to fail does not wait for the next day."""
    client = owner.aws.client("lambda")
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(lambda _: client.invoke(FunctionName=TIMES_OUT), range(MOST_ERRORS)))
    owner.wait_minutes(1 + owner.aws.publication_minutes)

    owner.aws.fire(ROUND)

    mail = owner.mail("REMEDY APPLIED", TIMES_OUT)
    assert "execution takes too long" in mail.subject


def test_a_question_is_answered(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration]
) -> None:
    """The output of the deployment tells what is wrong with one function, a mail at length."""
    name = misconfigurations["permission"].function

    outputs = owner.stack.deploy(diagnose=name)

    assert "its resource policy does not admit" in outputs["Diagnosis"]
    assert owner.mail("DIAGNOSIS", name)
    assert owner.stack.deploy()["Diagnosis"] == "nothing was asked for"


def test_a_question_about_nobody_fails_the_deployment(owner: Account) -> None:
    """A name that is wrong is said as such; nothing else fails a deployment."""
    with pytest.raises(DeploymentFailedError, match="there is no function nobody-knows"):
        owner.stack.deploy(diagnose="nobody-knows")


def test_a_diagnosis_that_cannot_be_made_fails_no_deployment(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration]
) -> None:
    """What AWS does not answer is said in the output."""
    owner.aws.fail("dynamodb:*", "InternalServerError", status=500, times=1000, role="Diagnose")
    try:
        outputs = owner.stack.deploy(diagnose=misconfigurations["permission"].function)
    finally:
        owner.aws.heal()

    assert "could not be diagnosed" in outputs["Diagnosis"]


def test_deleting_the_stack_names_open_remedies(
    owner: Account, misconfigurations: Mapping[str, Misconfiguration]
) -> None:
    """The last notice tells which remedy stays, and how to undo it by hand."""
    silent(owner, "late-import")
    owner.stack.deploy(**ALLOWED)
    owner.wait_minutes(SETTLED_MINUTES)
    owner.aws.client("lambda").invoke(FunctionName="late-import", Payload=b"{}")
    owner.wait_minutes(DELAY_MINUTES + owner.aws.publication_minutes)
    look_until_told(owner, "REMEDY APPLIED", "late-import")

    owner.stack.delete()

    mail = owner.mail("STACK DELETED, remedies")
    assert "late-import" in mail.body
    assert "aws iam delete-role-policy --role-name late-import-role" in mail.body
