"""Environments of functions as the reading leaves them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from functions.domain.account.environment_references import read_environment
from functions.domain.graph.propagation.index import mentions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.domain.account.environment_references import Environment
    from functions.domain.account.inventory import Account


def naming(**variables: str) -> Environment:
    """Variables whose values are ARNs of known resources, or a tracer's settings."""
    return read_environment(variables, lambda _, word: (word,) if word.startswith("arn:") else ())


def with_environments(account: Account, variables: Mapping[str, Mapping[str, str]]) -> Account:
    """The account with what the variables of its functions, by name, are known to say."""
    mentions = mentions_of(account)
    return replace(
        account,
        functions=tuple(
            replace(
                one, environment=read_environment(variables.get(one.name, {}), mentions.find_named)
            )
            for one in account.functions
        ),
    )
