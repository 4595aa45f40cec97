"""The command `loopbreaker`."""

from __future__ import annotations

import importlib
from typing import Any, Final

import click

from cdk_loopbreaker.cli.errors import NOT_DONE, UserError
from cdk_loopbreaker.cli.streams import give_up_output, replace_unencodable
from cdk_loopbreaker.version import __version__

# Imported when they are called: what one command needs must not slow down another's start.
_COMMANDS: Final = {
    "check": (
        "cdk_loopbreaker.cli.commands.check_command",
        "Find functions that can invoke themselves, in templates.",
    ),
    "scan": (
        "cdk_loopbreaker.cli.commands.scan_command",
        "Find functions that can invoke themselves, in a deployed account.",
    ),
    "status": (
        "cdk_loopbreaker.cli.commands.status_command",
        "Show which functions the guard holds, and why.",
    ),
    "history": ("cdk_loopbreaker.cli.commands.history_command", "Show incidents that have ended."),
    "restore": ("cdk_loopbreaker.cli.commands.restore_command", "Put functions back as they were."),
    "stop": ("cdk_loopbreaker.cli.commands.stop_command", "Stop a function now."),
    "drill": (
        "cdk_loopbreaker.cli.commands.drill_command",
        "Prove in your own account that the guard works.",
    ),
    "rules": (
        "cdk_loopbreaker.cli.commands.rules_command",
        "List the rules of the check, or explain one.",
    ),
}


class LateGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Carry out a command line. What cannot be read or written is one line, as all errors."""
        replace_unencodable()
        try:
            return super().main(*args, **more)
        except OSError as error:  # not that of a closed pipe, which ends quietly
            if error.filename is None:
                give_up_output()
            UserError(f"{error.filename or 'the output'}: {error.strerror or error}").show()
            raise SystemExit(NOT_DONE) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order in which people need them."""
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name; ``None`` where there is none."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in _COMMANDS.items()])


@click.group(
    cls=LateGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: loopbreaker check cdk.out",
)
@click.version_option(__version__, prog_name="loopbreaker")
def main() -> None:
    """Find AWS Lambda functions that can invoke themselves in a loop, and stop the ones that do."""
