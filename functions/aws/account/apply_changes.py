"""What becomes of the facts when something of the account has changed.

Each change forgets what it made untrue, or reads anew what a list describes. The reader then asks
for whatever is missing, as after any list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.aws.account import facts as f
from functions.aws.account.read_client import NotAllowedError, UnansweredError
from functions.aws.account.read_session import MALFORMED
from functions.aws.account.services import events, flows, lambdas, roles, sources
from functions.domain.account.configuration_change import AREAS, ChangeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from functions.aws.account.read_session import ReadSession
    from functions.domain.account.configuration_change import Change

    _Way: TypeAlias = Callable[[ReadSession, str], None]


def work_in(change: Change, reading: ReadSession) -> None:
    """Work a change in; where AWS does not answer, what was known stays, with a gap beside it.

    Raises
    ------
    OutOfTimeError
        When the run has to end first. The change is then to be worked in again.
    """
    area = AREAS[change.kind]
    try:
        _WAYS[change.kind](reading, change.name)
    except NotAllowedError as error:
        reading.facts.note_gap(area, str(error), resource=change.name, action=error.action)
    except (UnansweredError, *MALFORMED) as error:
        reading.facts.note_gap(area, str(error), resource=change.name)
    else:
        reading.facts.remove_gap(area, change.name)


def _forget(section: f.Section[Any]) -> _Way:
    return lambda reading, name: reading.facts.drop(section, name)


def _reread_role(reading: ReadSession, name: str) -> None:
    for arn in roles.find_role_arns(reading, name):
        reading.facts.drop(f.ROLES, arn)


def _rule(reading: ReadSession, name: str) -> None:
    bus, _, rule = name.rpartition("|")
    events.reread_rule(reading, bus, rule)


def _schedule(reading: ReadSession, name: str) -> None:
    group, _, schedule = name.partition("|")
    events.reread_schedule(reading, group, schedule)


def _reread_api(reading: ReadSession, name: str) -> None:
    for section in (f.INTEGRATIONS, f.ROUTES, f.METHODS):
        reading.facts.drop(section, name)


def _reread_queue(reading: ReadSession, name: str) -> None:
    queue, _, target = name.partition("|")
    sources.reread_queue(reading, queue, target)


_K = ChangeKind
_WAYS: Final[Mapping[ChangeKind, _Way]] = {
    _K.FUNCTION: lambdas.reread_function,
    _K.PERMISSION: lambdas.forget_policies,
    _K.MAPPING: lambdas.reread_mapping,
    _K.DESTINATIONS: _forget(f.DESTINATIONS),
    _K.RECURSION: _forget(f.RECURSION),
    _K.URL: _forget(f.URLS),
    _K.TAGS: lambda reading, _: lambdas.reread_tags(reading),
    _K.ROLE: _reread_role,
    _K.POLICY: _forget(f.MANAGED),
    _K.BUCKET: sources.reread_bucket,
    _K.BUCKET_GONE: sources.forget_bucket,
    _K.SUBSCRIPTION: sources.reread_subscription,
    _K.RULE: _rule,
    _K.SCHEDULE: _schedule,
    _K.SCHEDULE_GROUP: events.relist_group,
    _K.PIPE: events.reread_pipe,
    _K.LOG_GROUP: _forget(f.LOG_SUBSCRIPTIONS),
    _K.ACCOUNT_LOGS: lambda reading, _: sources.reread_account_log_subscriptions(reading),
    _K.MACHINE: flows.reread_machine,
    _K.MACHINE_GONE: flows.forget_machine,
    _K.STREAM: flows.reread_stream,
    _K.STREAM_GONE: flows.forget_stream,
    _K.QUEUE: _reread_queue,
    _K.RESOURCE_POLICY: _forget(f.RESOURCE_POLICIES),
    _K.BUS_POLICY: events.reread_bus,
    _K.API: _reread_api,
}
