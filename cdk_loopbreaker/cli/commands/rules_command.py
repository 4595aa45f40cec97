"""`loopbreaker rules`: the pages of the rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from rich.markdown import Markdown

from cdk_loopbreaker.checking.rules import RULES, find_rule, read_page
from cdk_loopbreaker.cli.console import make_console
from cdk_loopbreaker.cli.errors import UserError

if TYPE_CHECKING:
    from cdk_loopbreaker.checking.rules import Rule


@click.command()
@click.argument("rule_id", metavar="[RULE]", required=False)
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of text.")
def rules(*, rule_id: str | None, is_json: bool) -> None:
    """List the rules of the check, or explain one: loopbreaker rules LB001."""
    chosen = RULES if rule_id is None else (_find(rule_id),)
    if is_json:
        click.echo(json.dumps([_describe(one) for one in chosen], indent=2))
    elif rule_id is None:
        for one in chosen:
            click.echo(f"{one.id}  {one.title}")
    else:
        _print_page(chosen[0])


def _find(rule_id: str) -> Rule:
    rule = find_rule(rule_id)
    if rule is None:
        known = ", ".join(one.id for one in RULES)
        raise UserError(f"no rule {rule_id}; known are {known}")
    return rule


def _describe(rule: Rule) -> dict[str, str]:
    return {"id": rule.id, "name": rule.name, "title": rule.title, "page": read_page(rule)}


def _print_page(rule: Rule) -> None:
    console = make_console()
    if console.is_terminal:
        console.print(Markdown(read_page(rule)))
    else:
        click.echo(read_page(rule), nl=False)
