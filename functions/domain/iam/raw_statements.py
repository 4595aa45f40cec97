"""Statements of a policy one by one, for who has to tell something of odd policies too.

`document` reads a policy strictly and as a whole: what a role may do is concluded from nothing
less. Whoever only tells who is admitted (a mail, a search for what invokes a function, a repair)
goes on where one statement, or one element of it, is none that IAM would take. Nothing is denied
or allowed by what is read here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

RawStatement: TypeAlias = Mapping[str, Any]


def list_statements(policy: object) -> tuple[RawStatement, ...]:
    """List the statements of a policy: of its JSON or its document, empty for what is neither.

    Raises
    ------
    ValueError
        For a text that is no JSON; an empty one is a policy without statements.
    """
    document = policy
    if isinstance(policy, str):
        try:
            document = json.loads(policy) if policy else {}
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
    listed = document.get("Statement", ()) if isinstance(document, Mapping) else ()
    return tuple(one for one in _list_values(listed) if isinstance(one, Mapping))


def list_actions(statement: RawStatement) -> tuple[str, ...]:
    """List what stands under Action."""
    return tuple(map(str, _list_values(statement.get("Action", ()))))


def list_principals(statement: RawStatement, kind: str) -> tuple[str, ...]:
    """List the principals of a kind (AWS, Service); everybody is ``*`` of the kind AWS."""
    principal = statement.get("Principal")
    if principal == "*":
        return ("*",) if kind == "AWS" else ()
    named = principal.get(kind, ()) if isinstance(principal, Mapping) else ()
    return tuple(map(str, _list_values(named)))


def list_condition_values(statement: RawStatement, key: str) -> Iterator[tuple[str, str]]:
    """List the operators and values of a condition key, whose case does not count."""
    conditions = statement.get("Condition")
    for operator, lines in conditions.items() if isinstance(conditions, Mapping) else ():
        for own, values in lines.items() if isinstance(lines, Mapping) else ():
            if own.lower() == key.lower():
                yield from ((operator, str(one)) for one in _list_values(values))


def find_admitted(policy: str, services: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Who may invoke the function of a resource policy, of these services.

    Yields the service's name up to the first dot and the source's ARN (``*`` where the statement
    names none). A policy that cannot be read admits nobody here: the graph says what it is.
    """
    try:
        statements = list_statements(policy)
    except ValueError:
        return
    for statement in statements:
        if statement.get("Effect") != "Allow":
            continue
        sources = [arn for _, arn in list_condition_values(statement, "aws:SourceArn")] or ["*"]
        for one in list_principals(statement, "Service"):
            service = one.partition(".")[0]
            if service in services:
                yield from ((service, arn) for arn in sources)


def trusts_account(policy: object, account: str) -> bool:
    """Whether a trust policy lets somebody of an account assume the role, or may do so.

    Raises
    ------
    ValueError
        For a text that is no JSON.
    """
    for statement in list_statements(policy):
        named = list_principals(statement, "AWS")
        if "NotPrincipal" in statement or any(one == "*" or account in one for one in named):
            return True
    return False


def _list_values(value: object) -> Iterator[Any]:
    """The elements of a list, or the single value that stands where policies allow both."""
    if isinstance(value, list | tuple):
        yield from value
    else:
        yield value
