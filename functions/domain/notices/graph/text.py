"""Edges, loops and what breaks them, in words. Names and texts come from the account."""

from collections.abc import Sequence
from typing import Final

from functions.domain.graph.model import Doubt, Edge, EdgeReason, Loop, Means, Node, NodeKind
from functions.domain.notices.text import clean, cut_middle, format_count, shorten_arn

_LONGEST_NAME: Final = 60
_LONGEST_DETAIL: Final = 120
_MOST_ACTIONS: Final = 3
_KINDS: Final = {NodeKind.FUNCTION: "", NodeKind.SERVICE: "", NodeKind.OTHER: "", NodeKind.API: ""}


def name_node(node: Node) -> str:
    """Name a node as people do: the kind stands before the name of a resource."""
    kind = _KINDS.get(node.kind, f"{node.kind.value} ")
    return f"{kind}{_shorten_name(node)}"


def _shorten_name(node: Node) -> str:
    """Cut the name to a length that fits into a sentence."""
    return cut_middle(clean(node.name, 400), _LONGEST_NAME)


def _cut_detail(edge: Edge) -> str:
    """Cut what decided to a length."""
    return clean(edge.detail, _LONGEST_DETAIL)


def _describe_statement(edge: Edge) -> str:
    """Say where people find the statement of a permission."""
    policy = cut_middle(clean(edge.policy, 400), _LONGEST_NAME)
    sid = cut_middle(clean(edge.sid, 400), _LONGEST_NAME)
    where = f'policy "{policy}"' if policy else "its policies"
    if sid:
        where += f", {sid}" if sid.startswith("statement ") else f", statement {sid}"
    return where


def _list_actions(edge: Edge) -> str:
    """List the actions of a permission, the first ones of many."""
    shown = [clean(one, 80) for one in edge.actions[:_MOST_ACTIONS]]
    more = len(edge.actions) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def describe_means(edge: Edge) -> str:
    """Name the trigger or permission of an edge as people find it."""
    found = clean(shorten_arn(edge.id), _LONGEST_NAME)
    match edge.means:
        case Means.PERMISSION:
            return f"{_list_actions(edge)} ({_describe_statement(edge)})"
        case Means.SUBSCRIPTION:
            found = clean(edge.id.rsplit(":", 1)[-1], _LONGEST_NAME)
            return f"subscription {found}"
        case Means.RULE | Means.PIPE | Means.SCHEDULE:
            found = clean(edge.id.rsplit("/", 1)[-1], _LONGEST_NAME)
            return f"{edge.means.value} {found}"
        case Means.MAPPING | Means.LOG_SUBSCRIPTION | Means.ACCOUNT_LOG_SUBSCRIPTION:
            return f"{edge.means.value} {found}"
        case Means.NOTIFICATION if edge.id and not edge.id.startswith("arn:"):
            return f"notification {found}"
        case Means.TASK:
            return f"state {found}" if found else "its definition"
        case Means.DESTINATION:
            return f"destination ({edge.label})"
        case _:
            return edge.means.value


_REASONS: Final[dict[EdgeReason, str]] = {
    EdgeReason.UNDECIDED: "it depends on a value that is not known yet",
    EdgeReason.UNFILTERED: "every event passes",
    EdgeReason.FILTER_FITS: "the filter lets pass what may be written",
    EdgeReason.FILTER_MAY_FIT: "the filter may let it pass",
    EdgeReason.FILTER_UNREADABLE: "the filter could not be read",
    EdgeReason.FILTER_EXCLUDES: "the filter excludes it",
    EdgeReason.OTHER_EVENT_TYPE: "it tells of other events only",
    EdgeReason.DISABLED: "it is disabled",
    EdgeReason.CONFIGURED: "the configuration says so",
    EdgeReason.ONLY_ON_FAILURE: "only what fails goes this way",
    EdgeReason.ONLY_SOMETIMES: "only some executions go this way",
    EdgeReason.NOT_ASYNCHRONOUS: "destinations only get asynchronous invocations",
    EdgeReason.ONLY_PERMITTED: "the resource policy allows it; the trigger was not seen",
    EdgeReason.NAMED_BY_STATEMENT: "the statement names the resource",
    EdgeReason.NAMED_BY_ENVIRONMENT: "the environment names it",
    EdgeReason.FOR_DESTINATION: "a destination needs the permission as well",
    EdgeReason.SHARED_ROLE: "several functions share the role, and this one does not name it",
    EdgeReason.ASSUMED_ROLE: "only by another role, which it may assume",
    EdgeReason.ONLY_ONCE: "what is removed must be put back before it is removed again",
    EdgeReason.WILDCARD: "only a wildcard allows it",
    EdgeReason.CONDITION: "only under a condition",
    EdgeReason.UNREADABLE: "a policy could not be read",
    EdgeReason.SERVICE_CALL: "such calls make the service send events",
    EdgeReason.EXPLICIT_DENY: "a statement denies it",
    EdgeReason.BOUNDARY: "the permissions boundary does not allow it",
    EdgeReason.NOT_ALLOWED: "no statement allows it",
}


# Of everything that events can pass on their way from the function back to it.
_DOUBTS: Final[dict[Doubt, str]] = {
    Doubt.HTTP: "something on the way is called by a URL, which takes no permission of IAM",
    Doubt.BROKER: "something on the way reads from a broker, and writing to one takes no permission"
    " of IAM",
    Doubt.LOGS: "a role on the way may write to other log groups than its function's own",
    Doubt.SCHEDULES: "a role on the way may make schedules, which invoke whatever they are told to",
    Doubt.ROLE: "a policy of a role could not be read",
    Doubt.AREA: "a part of the account could not be read",
    Doubt.RESOURCE: "a resource on the way could not be read",
    Doubt.ELSEWHERE: "events may go to another account or Region, and come back from there",
    Doubt.ROLES: "a role on the way may assume more roles than were looked at",
    Doubt.ACCESS_POINT: "a role on the way may write through an access point of S3",
    Doubt.DURABLE: "something on the way may be a durable function: Lambda invokes it again",
    Doubt.UNKNOWN_TARGET: "events may go to something that the event graph does not follow",
    Doubt.BUDGET: "not read: budget. Something on the way takes more work than one reading of the"
    " account may spend on it",
}


def describe_doubt(doubt: Doubt) -> str:
    """Say why a loop cannot be ruled out, as a clause."""
    return _DOUBTS[doubt]


def describe_reason(edge: Edge) -> str:
    """Say why an edge has its certainty."""
    said = _REASONS[edge.reason]
    more = _cut_detail(edge)
    if edge.reason in {EdgeReason.EXPLICIT_DENY, EdgeReason.BOUNDARY} and edge.policy:
        said = f"{said} ({_describe_statement(edge)})"
    return f"{said} ({more})" if more else said


def describe_edge(edge: Edge) -> str:
    """Say an edge as a sentence without its full stop."""
    ends = f"{name_node(edge.source)} to {name_node(edge.target)}"
    return f"{ends}: {describe_means(edge)}; {describe_reason(edge)}"


def find_closing_trigger(loop: Loop, function: str) -> Edge:
    """Find the edge by which the loop enters a function."""
    return loop.seen_from(function).edges[0]


def find_leaving_write(loop: Loop, function: str) -> Edge:
    """Find the edge by which the loop leaves a function."""
    edges = loop.seen_from(function).edges
    return edges[1] if len(edges) > 1 else edges[0]


OR_DISABLE: Final = ", or disable it"
"""What ends the advice about an event source mapping: of no use for one that is disabled."""

_CHANGES: Final[dict[Means, str]] = {
    Means.NOTIFICATION: "Give the {means} of {source} a prefix or suffix that excludes {written},"
    " or write to another bucket",
    Means.MAPPING: "Give {means} of {source} a filter that excludes {written}" + OR_DISABLE,
    Means.SUBSCRIPTION: "Give {means} of {source} a filter policy that excludes {written},"
    " or remove it",
    Means.RULE: "Narrow the pattern of {means} so that it excludes {written}",
    Means.PIPE: "Give {means} a filter that excludes {written}, or stop it",
    Means.LOG_SUBSCRIPTION: "Remove {means} from {source}",
    Means.ACCOUNT_LOG_SUBSCRIPTION: "Exclude {source} in the selection criteria of {means}",
    Means.RUNTIME_LOGS: "Send the logs of {source} to a log group without a subscription",
    Means.DESTINATION: "Give {source} another {means} than {target}",
    Means.DEAD_LETTER: "Give {source} another {means} than {target}",
    Means.REDRIVE: "Let another function than {source} read {target}, or none",
    Means.TASK: "Let {means} of {source} not reach {target}",
    Means.EVENTBRIDGE_CONFIGURATION: "Turn EventBridge off for {source}",
    Means.CALL: "Let {source} not call {target}",
}
_NARROW: Final = "Narrow {statement} of role {role}: by {detail} it allows {actions} on {target}"
_TAKE: Final = "Take {actions} on {target} out of {statement} of role {role}"
_TAKE_CALL: Final = "Let role {role} change nothing that invokes {source}: {actions}, {statement}"
_REDRIVE: Final = "Give {source} another dead-letter queue than {target}"
_OTHER: Final = "Let {source} not reach {target} by the {means}"


def describe_change(edge: Edge, writers: Sequence[str] = (), *, more_statements: int = 0) -> str:
    """Say how to take an edge away, as an order to a person.

    Parameters
    ----------
    writers
        For a trigger: the functions that write what must not come by.
    more_statements
        For a permission: how many other statements of the role give the same.
    """
    template = _CHANGES.get(edge.means, _OTHER)
    if edge.means is Means.PERMISSION:
        template = _TAKE_CALL if edge.target.kind is NodeKind.SERVICE else _TAKE
        if edge.is_by_wildcard and edge.target.kind is not NodeKind.SERVICE:
            template = _NARROW
    if edge.means is Means.REDRIVE and edge.source.kind is NodeKind.QUEUE:
        template = _REDRIVE
    return template.format(
        source=name_node(edge.source),
        target=name_node(edge.target),
        means=describe_means(edge),
        written=f"what {_join_names(writers)} may write" if writers else "what the loop writes",
        statement=_describe_statement(edge)
        + (f" and {format_count(more_statements, 'other statement')}" if more_statements else ""),
        role=_name_role(edge),
        detail=_cut_detail(edge) or "*",
        actions=_list_actions(edge),
    )


def _name_role(edge: Edge) -> str:
    return cut_middle(clean(edge.id.rsplit("/", 1)[-1], 400), _LONGEST_NAME)


def _join_names(names: Sequence[str]) -> str:
    shown = [cut_middle(clean(one, 400), _LONGEST_NAME) for one in names[:2]]
    more = len(names) - len(shown)
    if more > 0:
        return f"{', '.join(shown)} and {format_count(more, 'other function')}"
    return " and ".join(shown)
