"""Measures of Lambda itself, with the probe of the drill."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.errors import get_words
from cdk_loopbreaker.drill.measures.context import judge, leave
from cdk_loopbreaker.drill.model import Helper
from cdk_loopbreaker.drill.plan import RESERVED_HELPER
from functions.aws.runtime.errors import get_code

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.measures.context import MeasureContext
    from cdk_loopbreaker.drill.model import Finding

_PROBE: Final = Helper.PROBE
_IN_FORCE_SECONDS: Final = 10.0
_MOST_MINUTES: Final = 3.0
_SLOW_SECONDS: Final = 15
_POLL_SECONDS: Final = 1.0
_REFUSALS: Final = 3
_PROVISIONED_MINUTES: Final = 6.0
_QUEUED: Final = 4
_QUEUED_SECONDS: Final = 5
_EVENTS_MINUTES: Final = 8.0
_INVALID: Final = "InvalidParameterValueException"
_ENVIRONMENTS: Final = 3


def measure_reservation(context: MeasureContext) -> tuple[Finding, ...]:
    """How soon a reservation of 0 is in force, and whether what runs goes on."""
    stage, functions = context.stage, context.functions
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(functions.probe, _PROBE, "slow", seconds=_SLOW_SECONDS)
        stage.clock.sleep(_POLL_SECONDS)
        functions.reserve(_PROBE, 0)
        began = accepted = stage.clock.now()
        refused = 0
        try:

            def is_refused() -> bool:
                nonlocal refused, accepted
                asked = stage.clock.now()
                if functions.is_refused(_PROBE):
                    refused += 1
                else:
                    refused, accepted = 0, asked
                return refused >= _REFUSALS

            is_in_force = stage.wait_for(is_refused, _MOST_MINUTES, poll_seconds=_POLL_SECONDS)
            took = (accepted - began).total_seconds()
            try:
                goes_on = "environment" in running.result()
            except Exception as error:  # noqa: BLE001 - what became of it is the question
                goes_on = False
                context.note("An execution in flight at a reservation of 0", get_words(error))
        finally:
            functions.reserve(_PROBE, RESERVED_HELPER)
    released = stage.clock.now()
    stage.wait_for(lambda: not functions.is_refused(_PROBE), _MOST_MINUTES, poll_seconds=1.0)
    back = (stage.clock.now() - released).total_seconds()
    context.note("A reservation above 0 in force again", f"{back:.0f} s after the call")
    if not is_in_force:
        text = f"still not refused {_MOST_MINUTES:.0f} min after the call"
        return (judge("A-034", is_confirmed=False, text=text), leave("A-063", text))
    return (
        judge(
            "A-034",
            is_confirmed=took <= _IN_FORCE_SECONDS,
            text=(
                f"the last invocation that was not refused began {took:.0f} s after the call"
                if took
                else "no invocation after the call was accepted"
            ),
        ),
        judge(
            "A-063",
            is_confirmed=goes_on,
            text=f"an execution of {_SLOW_SECONDS} s that had begun before"
            f" {'ended with its answer' if goes_on else 'was ended'}",
        ),
    )


def measure_provisioned(context: MeasureContext) -> tuple[Finding, ...]:
    """What AWS says when it refuses a reservation, with and without provisioned concurrency."""
    stage, functions = context.stage, context.functions
    client, name = stage.clients.once("lambda"), stage.names.function(_PROBE)
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    too_much = _reserve_in_vain(context, limit)
    context.note(
        f"PutFunctionConcurrency with {limit:,}, all that the account has", too_much or "accepted"
    )
    version = client.publish_version(FunctionName=name)["Version"]
    target = {"FunctionName": name, "Qualifier": version}
    client.put_provisioned_concurrency_config(**target, ProvisionedConcurrentExecutions=1)
    try:
        is_ready = stage.wait_for(
            lambda: client.get_provisioned_concurrency_config(**target)["Status"] == "READY",
            _PROVISIONED_MINUTES,
        )
        while_there = _reserve_in_vain(context, 0)
    finally:
        client.delete_provisioned_concurrency_config(**target)
    just_after = _reserve_in_vain(context, 0)
    functions.reserve(_PROBE, RESERVED_HELPER)
    if not is_ready:
        text = f"provisioned concurrency was not there within {_PROVISIONED_MINUTES:.0f} minutes"
        return (leave("A-002", text), leave("A-003", text))
    names_it = "provisioned" in while_there.lower()
    return (
        judge(
            "A-002",
            is_confirmed=names_it and "provisioned" not in too_much.lower(),
            text=f"below the provisioned concurrency: {while_there or 'accepted'};"
            f" beyond the account: {too_much or 'accepted'}",
        ),
        judge(
            "A-003",
            is_confirmed=not just_after or just_after.startswith(_INVALID),
            text=f"right after its removal: {just_after or 'accepted'}",
        ),
    )


def _reserve_in_vain(context: MeasureContext, count: int) -> str:
    """What AWS says; empty where it took the reservation, which is then taken back."""
    try:
        context.functions.reserve(_PROBE, count)
    except Exception as error:
        if not get_code(error):
            raise
        return get_words(error)
    context.functions.reserve(_PROBE, RESERVED_HELPER)
    return ""


def measure_async_events(context: MeasureContext) -> tuple[Finding, ...]:
    """What becomes of asynchronous events that Lambda had queued when 0 is reserved."""
    stage, functions = context.stage, context.functions
    client, name = stage.clients("lambda"), stage.names.function(_PROBE)
    functions.reserve(_PROBE, 1)
    marks = [f"mark-{number}" for number in range(_QUEUED)]
    try:
        for mark in marks:
            payload = f'{{"probe": "mark", "seconds": {_QUEUED_SECONDS}, "token": "{mark}"}}'
            client.invoke(FunctionName=name, InvocationType="Event", Payload=payload.encode())
        stage.clock.sleep(_QUEUED_SECONDS)
        functions.reserve(_PROBE, 0)
        stage.clock.sleep(30)
    finally:
        before = _count_marks(context, marks)
        functions.reserve(_PROBE, RESERVED_HELPER)
    if before == len(marks):
        return (leave("A-062", "all events had run before the reservation was in force"),)
    stage.wait_for(lambda: _count_marks(context, marks) == len(marks), _EVENTS_MINUTES)
    back = _count_marks(context, marks) - before
    waiting = len(marks) - before
    text = f"of {waiting} queued events {back} ran within {_EVENTS_MINUTES:.0f} min of the restore"
    return (judge("A-062", is_confirmed=back == 0, text=text),)


def _count_marks(context: MeasureContext, marks: list[str]) -> int:
    table = context.stage.names.resource("progress")
    found: Any = context.stage.clients("dynamodb").batch_get_item(
        RequestItems={
            table: {"Keys": [{"token": {"S": one}} for one in marks], "ConsistentRead": True}
        }
    )
    return len(found["Responses"].get(table, []))


def measure_description_update(context: MeasureContext) -> tuple[Finding, ...]:
    """Whether an update of the description alone replaces warm environments."""
    stage, functions = context.stage, context.functions
    client, name = stage.clients("lambda"), stage.names.function(_PROBE)
    before = {str(functions.probe(_PROBE)["environment"]) for _ in range(_ENVIRONMENTS)}
    client.update_function_configuration(FunctionName=name, Description="drill: another text")
    stage.insist(
        lambda: (
            client.get_function_configuration(FunctionName=name).get("LastUpdateStatus")
            in (None, "Successful")
        ),
        _MOST_MINUTES,
        "The update of the probe",
    )
    after = {str(functions.probe(_PROBE)["environment"]) for _ in range(_ENVIRONMENTS)}
    kept = before & after
    text = "a warm environment went on" if kept else "no environment from before answered"
    return (judge("A-040", is_confirmed=not kept, text=text),)


def measure_session_name(context: MeasureContext) -> tuple[Finding, ...]:
    """What the session of a function's role is called."""
    arn = str(context.functions.probe(_PROBE, "session").get("arn", ""))
    wanted = context.stage.names.function(_PROBE)
    return (
        judge(
            "A-024", is_confirmed=arn.rpartition("/")[2] == wanted, text=f"the function is {arn}"
        ),
    )
