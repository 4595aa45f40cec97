"""The items of an incident: in its function's place, aside of it, and once it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.records.incidents.incident_record import load_incident, pack_incident
from functions.aws.records.items import (
    build_key,
    format_moment,
    read_text,
    unpack,
    write_epoch,
    write_expiry,
    write_moment,
)
from functions.aws.records.table import MARK
from functions.aws.records.writes import (
    AttributeAbsent,
    Compare,
    ConditionCheck,
    Delete,
    PutItem,
    Update,
)
from functions.domain.detection.evidence import PRECEDENT_DAYS, RECENT_MINUTES
from functions.domain.errors import InvalidTransitionError, StaleIncidentError
from functions.domain.incidents.history import (
    FILED_KEPT,
    FiledIncident,
    PastIncident,
    gives_its_place_back,
)
from functions.domain.incidents.incident import KEPT_AFTER_CLOSE

if TYPE_CHECKING:
    from datetime import datetime

    from functions.aws.records.items import Item
    from functions.aws.records.writes import WriteCondition
    from functions.domain.incidents.incident import Incident

LIVE: Final = "live"
INCIDENT: Final = "incident#"
UNSENT: Final = "unsent#"
PAST: Final = "past#"
CLOSED: Final = "closed#"
FILED: Final = "filed"
PLACE_UNTIL: Final = "place_until"
_LATELY: Final = "lately"
_PAST_KEPT: Final = timedelta(days=PRECEDENT_DAYS, minutes=RECENT_MINUTES)


def build_incident_key(function: str) -> Item:
    """The place of a function's incident."""
    return build_key(LIVE, f"{INCIDENT}{function}")


def build_unsent_key(incident: Incident) -> Item:
    """Where a closed incident waits for its notices, once another one has taken its place."""
    return build_key(LIVE, f"{UNSENT}{incident.function}#{incident.id}")


def put_live(
    incident: Incident,
    *,
    condition: WriteCondition | None = None,
    key: Item | None = None,
    until: datetime | None = None,
) -> PutItem:
    """The incident in place of what is stored.

    Parameters
    ----------
    key
        Where it is written, if that is not its function's place.
    until
        How long its place within the blast radius counts, if it takes one.
    """
    item = {**(key or build_incident_key(incident.function)), **_build_attributes(incident)}
    if until is not None:
        item[PLACE_UNTIL] = write_epoch(until)
    return PutItem(item=item, condition=condition)


def update_live(
    incident: Incident,
    key: Item,
    *,
    mark: str,
    until: datetime | None = None,
    condition: WriteCondition | None = None,
) -> Update:
    """The incident in place of its earlier version, if a further condition holds, too.

    An update, not a put: it leaves the place within the blast radius alone, unless there is a new
    one. An incident that gives its place back has none.
    """
    values = {**_build_attributes(incident), MARK: {"S": mark}}
    if until is not None:
        values[PLACE_UNTIL] = write_epoch(until)
    is_without = until is None and gives_its_place_back(incident)
    is_stored = is_version(incident)
    return Update(
        key=key,
        values=values,
        removed=(PLACE_UNTIL,) if is_without else (),
        condition=is_stored if condition is None else is_stored & condition,
    )


def delete_live(incident: Incident, key: Item) -> Delete:
    """The incident is no live one any more."""
    return Delete(key=key, condition=is_version(incident))


def put_closed(incident: Incident) -> PutItem:
    """The incident among the closed ones of its function."""
    at = incident.ended_at
    item = {
        **build_key(f"{CLOSED}{incident.function}", f"{format_moment(at)}#{incident.id}"),
        **_build_attributes(incident),
        "expires_at": write_expiry(at + KEPT_AFTER_CLOSE),
    }
    return PutItem(item=item)


def put_past(incident: Incident) -> PutItem:
    """When the function was in trouble."""
    at, past = incident.ended_at, PastIncident.of(incident)
    item = {
        **build_key(LIVE, f"{PAST}{format_moment(at)}#{incident.id}"),
        "function": {"S": past.function},
        "since": write_moment(past.since),
        "until": write_moment(past.until),
        "is_lifted": {"BOOL": past.is_lifted},
        "expires_at": write_expiry(at + _PAST_KEPT),
    }
    return PutItem(item=item)


def put_filed(incident: Incident) -> PutItem:
    """That it was filed away, for lists of all functions."""
    at, filed = incident.ended_at, FiledIncident.of(incident)
    item = {
        **build_key(FILED, f"{format_moment(at)}#{incident.id}"),
        "id": {"S": filed.id},
        "function": {"S": filed.function},
        "since": write_moment(filed.since),
        "until": write_moment(filed.until),
        "state": {"S": filed.state},
        "was_held": {"BOOL": filed.was_held},
        "expires_at": write_expiry(at + FILED_KEPT),
    }
    return PutItem(item=item)


def put_lately(incident: Incident) -> PutItem:
    """When the function's last incident was closed."""
    at = incident.ended_at
    item = {
        **build_key(_LATELY, incident.function),
        "closed_at": write_moment(at),
        "expires_at": write_expiry(at + timedelta(minutes=RECENT_MINUTES)),
    }
    return PutItem(item=item)


def check_lately(function: str, latest: datetime) -> ConditionCheck:
    """That no incident of the function was closed after a moment."""
    return ConditionCheck(
        key=build_key(_LATELY, function),
        condition=AttributeAbsent("closed_at") | Compare("closed_at", "<=", write_moment(latest)),
    )


def is_version(incident: Incident) -> WriteCondition:
    """That the version which the incident is based on is what is stored."""
    is_it = Compare("id", "=", {"S": incident.id})
    return is_it & Compare("version", "=", {"N": str(incident.version)})


def holds_version(item: Item, incident: Incident) -> bool:
    """Whether an item is the version which the incident is based on."""
    version = item.get("version", {}).get("N")
    return read_text(item, "id") == incident.id and version == str(incident.version)


def prepare_write(incident: Incident) -> Incident:
    """The incident as it is stored by the next write."""
    return replace(incident, version=incident.version + 1)


def load(item: Item) -> Incident:
    """The incident of an item.

    Raises
    ------
    UnreadableRecordError
    """
    return load_incident(read_text(item, "record") or unpack(item, "record"))


def require_closed(incident: Incident) -> None:
    """Raise `InvalidTransitionError` for an incident that is not closed."""
    if not incident.is_closed:
        raise InvalidTransitionError(f"incident {incident.id} is not closed: {incident.state}")


def make_stale_error(incident: Incident, item: Item) -> StaleIncidentError:
    """The error for an incident in whose place something else is stored."""
    found = "nothing"
    if item:
        found = f"{read_text(item, 'id')} version {item.get('version', {}).get('N')}"
    return StaleIncidentError(
        f"incident {incident.id} version {incident.version} is not what is stored: {found}"
    )


def _build_attributes(incident: Incident) -> Item:
    """The incident, as it will be once it is written. Only `record` is read back."""
    next_version = prepare_write(incident)
    return {
        "id": {"S": next_version.id},
        "version": {"N": str(next_version.version)},
        "state": {"S": next_version.state.value},
        "record": pack_incident(next_version),
    }
