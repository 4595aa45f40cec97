"""What other tools read of this repository names options and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from cdk_loopbreaker.checking.rules import RULES
from cdk_loopbreaker.cli.commands.check_command import check

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = {option for parameter in check.params for option in parameter.opts}


def test_the_action_calls_options_that_exist() -> None:
    """Each option of the command that the action calls is one of the command's."""
    action = yaml.safe_load((ROOT / ".github/actions/loopbreaker-check/action.yml").read_text())
    scripts = [step["run"] for step in action["runs"]["steps"]]
    called = {
        option
        for script in scripts
        for line in script.splitlines()
        if "loopbreaker check" in line or "options+=" in line
        for option in re.findall(r"--[a-z-]+", line)
    }

    assert called == {"--accept", "--format", "--fail-on"}
    assert called <= OPTIONS
    used = {name for step in action["runs"]["steps"] for name in step.get("env", {}).values()}
    assert used == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}


def test_the_hook_runs_on_templates() -> None:
    """The files of the hook are the ones that people give templates, and no others."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    chosen = re.compile(hook["files"])

    assert hook["entry"] == "loopbreaker check"
    for name in ("template.yaml", "a/template.yml", "Shop.template.json", "b/x.template.yaml"):
        assert chosen.search(name), name
    for name in ("mytemplate.yaml", "template.yaml.j2", "values.yaml", "template.py"):
        assert not chosen.search(name), name


def test_the_page_has_each_rule_and_option() -> None:
    """docs/checking.md lists all rules with their pages, and all options of the command."""
    page = (ROOT / "docs/checking.md").read_text()

    for rule in RULES:
        assert f"[{rule.id}](../cdk_loopbreaker/checking/pages/{rule.id}.md)" in page
    table = page.split("## Options")[1].split("## Accept")[0]
    assert set(re.findall(r"--[a-z][a-z-]+", table)) == {
        one for one in OPTIONS if one.startswith("--") and one != "--help"
    }
