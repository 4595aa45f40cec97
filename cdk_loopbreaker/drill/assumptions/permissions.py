"""Assumptions about IAM: propagation, conditions, and resource policies."""

from __future__ import annotations

from typing import Final

from cdk_loopbreaker.drill.assumptions.model import Assumption, MeasureName

PERMISSIONS: Final = (
    Assumption(
        id="A-001",
        claim="A new permission is in force within a minute.",
        files=("functions/aws/runtime/propagation.py",),
        if_wrong=(
            "The call is denied as it was without waiting, and the deployment says so. Nothing was"
            " changed by it."
        ),
        measure=MeasureName.IAM_PROPAGATION,
    ),
    Assumption(
        id="A-011",
        claim="GetAccountAuthorizationDetails lists the AWS managed policies in use.",
        files=("functions/aws/account/services/roles.py",),
        if_wrong="A policy that was not listed is read by itself, with one call more.",
        reason="it takes the right to read every policy of the account",
    ),
    Assumption(
        id="A-021",
        claim=(
            "The default policy of an SNS topic lets no role publish that has no permission of its"
            " own."
        ),
        files=("functions/domain/graph/writes/resource_grants.py",),
        if_wrong="A loop through such a topic counts as ruled out; a spike is judged more mildly.",
        reason="the drill makes no topic",
    ),
    Assumption(
        id="A-022",
        claim="A permission on an access point suffices for the bucket behind it.",
        files=("functions/domain/graph/writes/role_permissions.py",),
        if_wrong="A loop is called possible that is not: one entry of a digest.",
        reason="the drill makes no bucket",
    ),
    Assumption(
        id="A-041",
        claim="ArnLike with a pattern of fewer than six parts, such as `*`, may match or not.",
        files=("functions/domain/iam/conditions.py",),
        if_wrong="Nothing is concluded from such a condition, whatever AWS does.",
        measure=MeasureName.POLICY_SIMULATION,
    ),
    Assumption(
        id="A-042",
        claim="The principal `*` of a resource policy includes AWS services.",
        files=("functions/domain/iam/resource_policy.py",),
        if_wrong="A trigger is in the graph that AWS refuses: a loop too many is warned about.",
        reason="it would take a resource that everybody may invoke",
    ),
    Assumption(
        id="A-043",
        claim="A service principal with a Region and the one without may stand for each other.",
        files=("functions/domain/iam/resource_policy.py",),
        if_wrong="The trigger is called possible, never certain and never ruled out.",
        reason="it differs from service to service, and the drill could try one",
    ),
    Assumption(
        id="A-044",
        claim="Functions call AWS with TLS, and in their own Region.",
        files=("functions/domain/iam/identity.py",),
        if_wrong="A loop is called possible instead of certain, or the other way round.",
        reason="it is a property of the code of your functions, not of AWS",
    ),
    Assumption(
        id="A-045",
        claim="`*` in one part of an ARN may match the next part as well.",
        files=("functions/domain/iam/identity.py",),
        if_wrong="What only such a match allows is called possible, never certain.",
        measure=MeasureName.POLICY_SIMULATION,
    ),
    Assumption(
        id="A-054",
        claim="Reading the resources of a REST API with their methods needs no other permission.",
        files=("stacks/components/permissions/resources.py", "cdk_loopbreaker/scanning/policy.py"),
        if_wrong="The API is reported as one that could not be read.",
        reason="it takes a REST API, and the drill makes none",
    ),
    Assumption(
        id="A-055",
        claim="AWS evaluates `aws:ResourceTag` for each action that changes concurrency or tags.",
        files=("stacks/components/permissions/statements.py",),
        if_wrong="The check in the code, which comes first, protects exempt functions.",
        reason="only the role of the guard has this statement, and the drill does not assume it",
    ),
    Assumption(
        id="A-060",
        claim="Lambda may leave the function's ARN out when it writes logs or traces for it.",
        files=("functions/domain/diagnosis/checks/rights.py",),
        if_wrong="A finding is missing, never wrong.",
        reason="only a policy with such a condition shows it, and its function would log nothing",
    ),
    Assumption(
        id="A-061",
        claim="A condition without a set operator may do anything with a key of several values.",
        files=("functions/domain/iam/conditions.py",),
        if_wrong="Nothing is concluded from such a condition, whatever AWS does.",
        measure=MeasureName.POLICY_SIMULATION,
    ),
    Assumption(
        id="A-065",
        claim="A dashboard reads the payload of a button of a custom widget as text or as markup.",
        files=("functions/domain/page/actions.py",),
        if_wrong=(
            "Only names that need no escaping in either get a button. The command beside it does"
            " the same."
        ),
        reason="only a person who presses a button of a dashboard shows it",
    ),
    Assumption(
        id="A-066",
        claim=(
            "A call of a button of a custom widget has `widgetContext`, and perhaps the parameters"
            " of the widget."
        ),
        files=("functions/domain/requests/request.py",),
        if_wrong="The button's answer is a refusal or JSON. The command beside it does the same.",
        reason="only a person who presses a button of a dashboard shows it",
    ),
    Assumption(
        id="A-067",
        claim=(
            "The fields of `metadata` of a custom notification take the short texts that the guard"
            " sends."
        ),
        files=("functions/domain/notices/events/chat.py",),
        if_wrong="The message does not appear in chat. The mail and the event are sent anyway.",
        reason="it takes a chat workspace that is connected to the account",
    ),
    Assumption(
        id="A-068",
        claim="AWS compares `events:source` of a policy with each entry of PutEvents.",
        files=("stacks/components/permissions/statements.py",),
        if_wrong=(
            "Events are refused, and given up in the log. Every mail is sent all the same; without"
            " the condition a guard function could send events of other sources."
        ),
        reason="the drill has no right to send events",
    ),
)
