"""The check as a plugin of the CDK's validation: it runs with every synthesis of an app."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from os.path import commonpath
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import jsii
from aws_cdk import (
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)

from cdk_loopbreaker.checking.acceptance import accept_by_file, read_accepted_entries
from cdk_loopbreaker.checking.check import check_templates
from cdk_loopbreaker.checking.finding import is_failing
from cdk_loopbreaker.checking.rules import RULES
from cdk_loopbreaker.templates.read import read_templates
from cdk_loopbreaker.version import __version__
from functions.domain.notices.graph.drawing import draw_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import (
        IPolicyValidationContext,
    )

    from cdk_loopbreaker.checking.finding import Finding, Report

FailOn: TypeAlias = Literal["certain", "possible", "never"]

# The CDK puts it before each rule: ``loopbreaker::LB001``.
_NAME: Final = "loopbreaker"
# The CDK shows nothing of a plugin but its violations, and of these only those of a construct.
_UNUSED: Final = "unused-acceptance"


@jsii.implements(IPolicyValidationPlugin)
class LoopCheck:
    """Finds functions that can invoke themselves, in all stacks and stages of an app.

    Findings are warnings, unless `fail_on` makes them fail the synthesis. The app accepts one by
    ``Validations.of(construct).acknowledge(Acknowledgment(id="loopbreaker::LB001", reason=...))``.

    >>> Validations.of(app).add_plugins(LoopCheck(fail_on="certain"))  # doctest: +SKIP

    Parameters
    ----------
    fail_on
        ``certain`` fails on certain findings, ``possible`` on possible ones too.
    accept
        File with accepted findings, as for ``loopbreaker check --accept``.
    parameters
        Values of template parameters by their names; without one its default counts.

    Raises
    ------
    ValueError
        When `fail_on` is none of these.
    """

    def __init__(
        self,
        *,
        fail_on: FailOn = "never",
        accept: str | Path | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        if fail_on not in get_args(FailOn):
            allowed = ", ".join(get_args(FailOn))
            raise ValueError(f"LoopCheck: fail_on={fail_on!r}: must be one of {allowed}")
        self._fail_on = fail_on
        self._accept = None if accept is None else Path(accept)
        self._parameters = dict(parameters or {})

    @property
    def name(self) -> str:
        """What stands before the rules of this plugin."""
        return _NAME

    @property
    def version(self) -> str:
        """The version of Loopbreaker."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """The rules that it knows."""
        return [*(one.id for one in RULES), _UNUSED]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check all templates of the app together, so that loops across stacks are found."""
        templates = [Path(one.template_path) for one in context.stack_templates]
        if not templates:
            return PolicyValidationPluginReport(success=True, violations=[])
        root = Path(commonpath([one.parent for one in templates]))
        report = self._check(root)
        where = context.stack_templates[0].stack_construct_path
        return PolicyValidationPluginReport(
            success=report.count_failing(self._fail_on) == 0,
            violations=[
                *(self._describe(one) for one in report.open),
                *(_describe_unused(one, where) for one in report.unused),
            ],
        )

    def _check(self, root: Path) -> Report:
        now = datetime.now(UTC)
        report = check_templates(read_templates([root], parameters=self._parameters), at=now)
        if self._accept is None:
            return report
        entries = read_accepted_entries(self._accept)
        findings, unused = accept_by_file(report.findings, entries, str(self._accept), now.date())
        return replace(report, findings=findings, unused=unused)

    def _describe(self, finding: Finding) -> PolicyViolation:
        place = finding.place
        resources = []
        if place is not None:
            resources.append(
                PolicyViolatingResource(
                    resource_logical_id=place.logical_id, template_path=place.file, locations=[]
                )
            )
        metadata = {"certainty": finding.certainty.value, "fingerprint": finding.fingerprint}
        if finding.loop is not None:
            metadata["loop"] = draw_line(finding.loop)
        return PolicyViolation(
            rule_name=finding.rule.id,
            description=finding.summary,
            fix="; or: ".join(finding.advice) or None,
            severity="error" if is_failing(finding, self._fail_on) else "warning",
            rule_metadata=metadata,
            violating_resources=resources,
        )


def _describe_unused(words: str, where: str) -> PolicyViolation:
    """An entry of the file with accepted findings that has ended or accepts nothing."""
    resource = PolicyViolatingResource(construct_path=where, locations=[])
    return PolicyViolation(
        rule_name=_UNUSED, description=words, severity="info", violating_resources=[resource]
    )
