"""Functions that are invoked by version or alias: what is judged there, and what is left to people.

A published version cannot be changed (Lambda developer guide, *Manage Lambda function versions*):
UpdateFunctionConfiguration changes $LATEST, which such callers do not reach. CloudWatch's metrics
of a function and its REPORT lines are of all its versions together.
"""

from typing import Final

from functions.domain.diagnosis.facts import FunctionUnderDiagnosis, Part
from functions.domain.diagnosis.finding import Observation
from functions.domain.notices.text import clean

_MOST: Final = 5


def explain_leaving_to_people(facts: FunctionUnderDiagnosis) -> str:
    """Why a change of $LATEST is not for the guard to make; empty where it may be."""
    if facts.qualifiers:
        return (
            f"The function is invoked as {_list_qualifiers(facts)}, or can be. A published version"
            " cannot be changed, and a change of $LATEST alone does not reach these callers."
        )
    if facts.lacks(Part.VERSIONS):
        return (
            "It is not known whether the function is invoked by version or alias, which a change"
            " of $LATEST would not reach."
        )
    return ""


def explain_publishing(facts: FunctionUnderDiagnosis) -> str:
    """What has to follow a change of $LATEST, as a sentence behind another; empty for nothing."""
    if not facts.qualifiers:
        return ""
    named = facts.version.qualifier if facts.version is not None else ""
    target = f"the alias {clean(named, 80)}" if named and not named.isdecimal() else "callers"
    return (
        " That changes $LATEST only: then publish a new version (aws lambda publish-version) and"
        f" let {target} use it{'' if target == 'callers' else ' (aws lambda update-alias)'}."
    )


def describe_judged_version(facts: FunctionUnderDiagnosis) -> tuple[Observation, ...]:
    """Which configuration the finding is about, where there is more than one."""
    version = facts.version
    if version is not None:
        return (
            Observation(
                words=f"It is invoked as {clean(version.qualifier, 80)} (version"
                f" {clean(version.version, 20)}), so the configuration of that version was judged,"
                " not that of $LATEST; metrics and logs are of all versions together"
            ),
        )
    if facts.qualifiers:
        return (
            Observation(
                words=f"It can be invoked as {_list_qualifiers(facts)}; as far as CloudWatch tells,"
                " most invocations are of $LATEST, whose configuration was judged"
            ),
        )
    return ()


def _list_qualifiers(facts: FunctionUnderDiagnosis) -> str:
    listed = ", ".join(clean(one, 80) for one in facts.qualifiers[:_MOST])
    more = len(facts.qualifiers) - _MOST
    return f"{listed} and {more:,} more" if more > 0 else listed
