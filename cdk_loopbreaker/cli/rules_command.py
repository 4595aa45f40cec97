"""`loopbreaker rules`: the pages of the rules."""

from __future__ import annotations

import click
from rich.markdown import Markdown

from cdk_loopbreaker.checking.rules import RULES, find_rule, read_page
from cdk_loopbreaker.cli.console import make_console
from cdk_loopbreaker.cli.errors import UserError


@click.command()
@click.argument("rule_id", metavar="[RULE]", required=False)
def rules(rule_id: str | None) -> None:
    """List the rules of the check, or explain one: loopbreaker rules LB001."""
    if rule_id is None:
        for one in RULES:
            click.echo(f"{one.id}  {one.title}")
        return
    rule = find_rule(rule_id)
    if rule is None:
        known = ", ".join(one.id for one in RULES)
        raise UserError(f"no rule {rule_id}; known are {known}")
    console = make_console()
    if console.is_terminal:
        console.print(Markdown(read_page(rule)))
    else:
        click.echo(read_page(rule), nl=False)
