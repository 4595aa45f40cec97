"""Whether a remedy is applied: nothing by default, and never more than was found."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.domain.account.environment_references import Environment
from functions.domain.diagnosis.authorization import Authorization, RemedyPolicy, decide, is_narrow
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.facts import (
    FactGap,
    FoundTrigger,
    FunctionUnderDiagnosis,
    InvokerKind,
    NamedCaller,
    Part,
)
from functions.domain.diagnosis.finding import Certainty, Finding
from functions.domain.diagnosis.remediation import Remediation, RemediationState
from functions.domain.diagnosis.remedy import (
    AddPermission,
    NamedStep,
    PutInlinePolicy,
    Remedy,
    RemedyKind,
    SetMemory,
    SetTracing,
    compose_policy,
)
from functions.workflows.diagnosis.remediate import plan_remediation
from tests.unit.domain.diagnosis.checks.test_no_traces import EXPECTED, TRACING_ROLE
from tests.unit.domain.diagnosis.checks.test_not_authorized import caller, denial
from tests.unit.domain.diagnosis.samples import (
    ARN,
    GROUP_ARN,
    NOW,
    allow,
    facts,
    group,
    logless,
    reports,
    role,
    rule,
    traffic,
)

ALL = RemedyPolicy(kinds=frozenset(RemedyKind), memory_ceiling_mb=2_048)
SLOW = facts(traffic=traffic(p95_duration_ms=2_900))


def found(under: FunctionUnderDiagnosis) -> Finding:
    """The one finding of a function."""
    (finding,) = examine(under).findings
    return finding


def consent(
    under: FunctionUnderDiagnosis, policy: RemedyPolicy, earlier: Remediation | None = None
) -> Authorization:
    """What is decided about the one finding of a function."""
    return decide(found(under), under, policy, earlier).consent


@pytest.mark.parametrize(
    ("under", "kind"),
    [
        (logless(), RemedyKind.LOGS),
        (facts(role=TRACING_ROLE, environment=EXPECTED), RemedyKind.TRACES),
        (facts(triggers=(rule(),)), RemedyKind.PERMISSIONS),
        (SLOW, RemedyKind.MEMORY),
    ],
)
def test_each_kind_is_allowed_by_its_name_alone(
    under: FunctionUnderDiagnosis, kind: RemedyKind
) -> None:
    """Nothing is applied by default, and each flag allows its own kind only."""
    own = replace(ALL, kinds=frozenset({kind}))
    others = replace(ALL, kinds=frozenset(RemedyKind) - {kind})

    assert consent(under, RemedyPolicy()) is Authorization.NOT_ALLOWED
    assert consent(under, others) is Authorization.NOT_ALLOWED
    assert consent(under, own) is Authorization.ALLOWED


REFUSED: dict[str, tuple[FunctionUnderDiagnosis, RemedyPolicy, Authorization]] = {
    "exempt by tag or flag": (logless(is_exempt=True), ALL, Authorization.EXEMPT),
    "exempt by name": (logless(), replace(ALL, exempt=frozenset({"orders"})), Authorization.EXEMPT),
    "a guard function": (logless(is_guard=True), ALL, Authorization.OWN_FUNCTION),
    "a guard function by name": (
        logless(),
        replace(ALL, own_functions=frozenset({"orders"})),
        Authorization.OWN_FUNCTION,
    ),
    "observe mode": (logless(), replace(ALL, is_observing=True), Authorization.OBSERVE_MODE),
    "no ceiling": (SLOW, replace(ALL, memory_ceiling_mb=None), Authorization.NO_CEILING),
    "above the ceiling": (SLOW, replace(ALL, memory_ceiling_mb=768), Authorization.ABOVE_CEILING),
    "the right of an identity": (facts(callers=(caller(),)), ALL, Authorization.NAMED_ONLY),
    "likely only": (
        facts(reports=reports(max_memory_used_mb=480)),
        ALL,
        Authorization.NOT_CERTAIN,
    ),
    "memory of a published version": (
        replace(SLOW, qualifiers=("live",)),
        ALL,
        Authorization.NAMED_ONLY,
    ),
    "memory, where it is not known what is invoked": (
        replace(SLOW, gaps=(FactGap(part=Part.VERSIONS, words="Rate exceeded"),)),
        ALL,
        Authorization.NAMED_ONLY,
    ),
    "traces of a published version": (
        facts(role=TRACING_ROLE, environment=EXPECTED, qualifiers=("7",)),
        ALL,
        Authorization.NAMED_ONLY,
    ),
    "traces that need a wildcard": (
        facts(tracing_mode="Active", role=role()),
        ALL,
        Authorization.NAMED_ONLY,
    ),
}


@pytest.mark.parametrize(("under", "policy", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(
    under: FunctionUnderDiagnosis, policy: RemedyPolicy, expected: Authorization
) -> None:
    """Each reason against a remedy holds even where everything is allowed."""
    assert consent(under, policy) is expected


def test_a_contained_function_is_left_alone() -> None:
    """Nothing of a function that the guard holds is examined, and nothing changed."""
    held = replace(logless(), is_contained=True)

    assert examine(held).findings == ()
    assert decide(found(logless()), held, ALL).consent is Authorization.CONTAINED


def treated(state: RemediationState, under: FunctionUnderDiagnosis | None = None) -> Remediation:
    """An earlier remediation of the function."""
    finding = found(under or logless())
    return replace(plan_remediation(finding, finding.remedies[0], NOW), state=state)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (RemediationState.APPLYING, Authorization.TREATED_BEFORE),
        (RemediationState.APPLIED, Authorization.TREATED_BEFORE),
        (RemediationState.UNDOING, Authorization.TREATED_BEFORE),
        (RemediationState.UNDONE, Authorization.UNDONE_BY_PERSON),
        (RemediationState.FAILED, Authorization.TREATED_BEFORE),
        (RemediationState.DELETED, Authorization.ALLOWED),
    ],
)
def test_people_have_the_last_word(state: RemediationState, expected: Authorization) -> None:
    """What was tried, or undone by a person, is not repeated."""
    assert consent(logless(), ALL, treated(state)) is expected


def test_a_refused_remedy_is_tried_again_after_a_week() -> None:
    """By then somebody may have allowed it."""
    refused = treated(RemediationState.FAILED)
    old = replace(refused, updated_at=NOW.replace(day=NOW.day - 7))

    assert consent(logless(), ALL, old) is Authorization.ALLOWED


def test_another_trigger_gets_a_statement_of_its_own() -> None:
    """A remediation in force is continued with what it does not have, and nothing is repeated."""
    before = treated(RemediationState.APPLIED, facts(triggers=(rule(),)))
    another = rule(source_arn=rule().source_arn.replace("nightly", "hourly"))
    under = facts(triggers=(rule(), another))

    decision = decide(found(under), under, ALL, before)

    assert decision.is_applied
    assert decision.remedy is not None
    (step,) = decision.remedy.steps
    assert isinstance(step, AddPermission)
    assert step.source_arn == another.source_arn


GRANT = PutInlinePolicy(
    role="orders-role", policy_name="Loopbreaker-logs-orders", document=compose_policy(())
)


def granting(**statement: Any) -> PutInlinePolicy:
    """An inline policy of one statement."""
    narrow = {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": [GROUP_ARN]}
    return replace(GRANT, document=json.dumps({"Statement": [{**narrow, **statement}]}))


ADMIT = AddPermission(
    function="orders",
    statement_id="Loopbreaker-events-1",
    principal="events.amazonaws.com",
    source_arn=rule().source_arn,
)
BROAD: dict[str, tuple[RemedyKind, NamedStep]] = {
    "any resource": (RemedyKind.LOGS, granting(Resource="*")),
    "any log group": (RemedyKind.LOGS, granting(Resource="arn:aws:logs:eu-west-1:123456789012:*")),
    "a wildcard in the group": (
        RemedyKind.LOGS,
        granting(Resource=GROUP_ARN.replace("orders", "*")),
    ),
    "a second resource": (RemedyKind.LOGS, granting(Resource=[GROUP_ARN, "arn:aws:s3:::b"])),
    "NotResource": (RemedyKind.LOGS, granting(Resource=[], NotResource=[GROUP_ARN])),
    "any action": (RemedyKind.LOGS, granting(Action="*")),
    "any logs action": (RemedyKind.LOGS, granting(Action="logs:*")),
    "another action": (RemedyKind.LOGS, granting(Action="logs:DeleteLogGroup")),
    "the right to invoke": (
        RemedyKind.LOGS,
        granting(Action="lambda:InvokeFunction", Resource=ARN),
    ),
    "a Deny": (RemedyKind.LOGS, granting(Effect="Deny")),
    "no statement": (RemedyKind.LOGS, GRANT),
    "no policy": (RemedyKind.LOGS, replace(GRANT, document="{}")),
    "another role": (RemedyKind.LOGS, replace(granting(), role="admin")),
    "a name that is not ours": (RemedyKind.LOGS, replace(granting(), policy_name="own")),
    "a policy as a trace remedy": (RemedyKind.TRACES, granting()),
    "everybody": (RemedyKind.PERMISSIONS, replace(ADMIT, principal="*")),
    "a role": (RemedyKind.PERMISSIONS, replace(ADMIT, principal="arn:aws:iam::1:role/a")),
    "an account": (RemedyKind.PERMISSIONS, replace(ADMIT, principal="123456789012")),
    "no source": (RemedyKind.PERMISSIONS, replace(ADMIT, source_arn="")),
    "any source": (RemedyKind.PERMISSIONS, replace(ADMIT, source_arn="*")),
    "any rule": (
        RemedyKind.PERMISSIONS,
        replace(ADMIT, source_arn=ADMIT.source_arn.replace("nightly", "*")),
    ),
    "another rule": (
        RemedyKind.PERMISSIONS,
        replace(ADMIT, source_arn=ADMIT.source_arn.replace("nightly", "hourly")),
    ),
    "any bucket": (RemedyKind.PERMISSIONS, replace(ADMIT, source_arn="arn:aws:s3:::*")),
    "another account's source": (RemedyKind.PERMISSIONS, replace(ADMIT, source_account="9" * 12)),
    "another action on the function": (
        RemedyKind.PERMISSIONS,
        replace(ADMIT, action="lambda:*"),
    ),
    "another function": (RemedyKind.PERMISSIONS, replace(ADMIT, function="other")),
    "another qualifier": (RemedyKind.PERMISSIONS, replace(ADMIT, qualifier="live")),
    "less memory": (RemedyKind.MEMORY, SetMemory(function="orders", to=256, prior=512)),
    "far more memory": (RemedyKind.MEMORY, SetMemory(function="orders", to=4_096, prior=512)),
    "another function's memory": (RemedyKind.MEMORY, SetMemory(function="a", to=256, prior=128)),
    "tracing off": (
        RemedyKind.TRACES,
        SetTracing(function="orders", to="PassThrough", prior="Active"),
    ),
}


@pytest.mark.parametrize(("kind", "step"), BROAD.values(), ids=BROAD)
def test_too_broad(kind: RemedyKind, step: NamedStep) -> None:
    """Whatever a check may come up with, a step that does more than its kind is never taken."""
    under = facts(triggers=(rule(),))
    remedy = Remedy(words="", kind=kind, steps=(step,))
    finding = replace(found(logless()), remedies=(remedy,), certainty=Certainty.CERTAIN)

    assert not is_narrow(remedy, under)
    ceiling = replace(ALL, memory_ceiling_mb=10_240)
    assert decide(finding, under, ceiling).consent is Authorization.TOO_BROAD


def test_the_narrow_ones_are_narrow() -> None:
    """The steps that the table above is made of are fine where nothing is changed about them."""
    under = facts(triggers=(rule(),))

    for kind, step in ((RemedyKind.LOGS, granting()), (RemedyKind.PERMISSIONS, ADMIT)):
        assert is_narrow(Remedy(words="", kind=kind, steps=(step,)), under)


API = "arn:aws:execute-api:eu-west-1:123456789012:a1b2"
LOG = "arn:aws:logs:eu-west-1:123456789012:log-group"
TEXTS = st.sampled_from(
    ["*", "", "orders", f"{API}/*/GET/orders/*", f"{API}/*", f"{API}/*/*/*", f"{LOG}:/shop:*",
     f"{LOG}:*", f"{LOG}:/*:*", rule().source_arn, "arn:aws:s3:::*",
     "arn:aws:s3:::b", "arn:aws:iam::123456789012:role/a", "123456789012", "live", "$LATEST"]
)  # fmt: skip
TRIGGERS = st.builds(
    FoundTrigger,
    kind=st.sampled_from(InvokerKind),
    principal=st.sampled_from(["events.amazonaws.com", "s3.amazonaws.com", "*", "123456789012"])
    | TEXTS,
    source_arn=TEXTS,
    source_account=st.sampled_from(["123456789012", "999988887777", "*", ""]),
    qualifier=st.sampled_from(["", "live", "$LATEST"]),
    is_exact=st.booleans(),
)
CALLERS: st.SearchStrategy[NamedCaller] = st.sampled_from(
    [caller(), caller(allow("*")), caller(is_certain=False), caller(boundary=[])]
)
STATEMENTS = st.sampled_from(
    [allow("logs:*"), allow("*", Condition={"Bool": {"aws:x": "true"}}),
     {"Effect": "Deny", "Action": "logs:PutLogEvents", "Resource": "*"}, allow("xray:*")]
)  # fmt: skip
NAMES = st.sampled_from(["/aws/lambda/orders", "/shop/*", "*", "a?b", "${x}", "/shop/orders"])
ANYTHING = st.builds(
    lambda statements, **changes: facts(role=role(*statements), **changes),
    statements=st.lists(STATEMENTS, max_size=2),
    triggers=st.lists(TRIGGERS, max_size=3).map(tuple),
    callers=st.lists(CALLERS, max_size=2).map(tuple),
    denials=st.sampled_from([(), (denial(),)]),
    log_group=st.builds(
        lambda name, exists: group(name=name, exists=exists, has_events=False), NAMES, st.booleans()
    ),
    traffic=st.sampled_from([traffic(), traffic(p95_duration_ms=2_999)]),
    reports=st.sampled_from([None, reports(timeouts=4_000), reports(max_memory_used_mb=512)]),
    tracing_mode=st.sampled_from(["Active", "PassThrough"]),
    environment=st.sampled_from([Environment(), EXPECTED]),
    memory_mb=st.integers(128, 10_240),
    is_exempt=st.booleans(),
    is_guard=st.booleans(),
)


@given(under=ANYTHING, policy=st.sampled_from([ALL, RemedyPolicy()]))
def test_whatever_is_found_what_is_applied_is_narrow(
    under: FunctionUnderDiagnosis, policy: RemedyPolicy
) -> None:
    """No wildcard, no identity's right, nothing on exempt or own functions."""
    for finding in examine(under).findings:
        decision = decide(finding, under, policy)
        if not decision.is_applied:
            continue
        assert policy.kinds
        assert not under.is_exempt
        assert not under.is_guard
        assert finding.entry != "not_authorized"
        assert decision.remedy is not None
        for step in decision.remedy.steps:
            assert_harmless(step, under)


def assert_harmless(step: NamedStep, under: FunctionUnderDiagnosis) -> None:
    """What holds for every step that is ever taken."""
    match step:
        case PutInlinePolicy():
            assert step.role == "orders-role"
            for statement in json.loads(step.document)["Statement"]:
                assert statement["Effect"] == "Allow"
                assert all(
                    one.startswith("logs:") and "*" not in one for one in statement["Action"]
                )
                assert under.log_group is not None
                (resource,) = statement["Resource"]
                assert resource.removesuffix(":*").endswith(f":log-group:{under.log_group.name}")
                assert not set("*?") & set(resource.removesuffix(":*"))
        case AddPermission():
            assert step.principal.endswith(".amazonaws.com")
            assert step.source_arn in {one.source_arn for one in under.triggers}
            own = step.source_arn.removesuffix(":*") if ":logs:" in step.source_arn else ""
            own = step.source_arn.partition("/")[0] if ":execute-api:" in step.source_arn else own
            assert not set("*?") & set(own or step.source_arn)
            assert "*" not in step.principal + step.source_account
            assert step.source_account in {"", "123456789012"}
        case SetMemory():
            assert step.prior < step.to <= 2_048
        case _:
            assert getattr(step, "function", "") == "orders"


@given(under=ANYTHING)
def test_deciding_twice_equals_deciding_once(under: FunctionUnderDiagnosis) -> None:
    """Examining and deciding depend on nothing but the facts."""
    first = [(one, decide(one, under, ALL)) for one in examine(under).findings]
    assume(first)

    assert [(one, decide(one, under, ALL)) for one in examine(under).findings] == first


@pytest.mark.parametrize(
    ("source_arn", "expected"),
    [
        ("arn:aws:s3:::*", Authorization.TOO_BROAD),
        ("*", Authorization.TOO_BROAD),
        ("arn:aws:events:eu-west-1:123456789012:rule/*", Authorization.TOO_BROAD),
        (f"{API}/*", Authorization.TOO_BROAD),
        (f"{API}/*/*/*", Authorization.TOO_BROAD),
        (f"{LOG}:*", Authorization.TOO_BROAD),
        (f"{LOG}:/shop*:*", Authorization.TOO_BROAD),
        (f"{API}/*/GET/orders", Authorization.ALLOWED),
        (f"{API}/*/GET/orders/*", Authorization.ALLOWED),
        (f"{LOG}:/shop:*", Authorization.ALLOWED),
        ("arn:aws:sns:eu-west-1:123456789012:orders", Authorization.ALLOWED),
    ],
)
def test_one_source_is_admitted(source_arn: str, expected: Authorization) -> None:
    """Stars that AWS itself writes into the ARN of one source are fine, all others are not."""
    under = facts(triggers=(rule(source_arn=source_arn),))

    assert consent(under, ALL) is expected


def test_a_source_of_another_account_is_never_admitted() -> None:
    """Not even where it was found as a trigger: people decide whom they let in."""
    foreign = rule().source_arn.replace("123456789012", "9" * 12)
    under = facts(triggers=(rule(source_arn=foreign),))
    step = replace(ADMIT, source_arn=foreign)

    assert not is_narrow(Remedy(words="", kind=RemedyKind.PERMISSIONS, steps=(step,)), under)


@pytest.mark.parametrize(
    "under", [SLOW, facts(role=TRACING_ROLE, environment=EXPECTED)], ids=["memory", "traces"]
)
def test_no_change_of_latest_is_narrow_for_who_is_invoked_by_alias(
    under: FunctionUnderDiagnosis,
) -> None:
    """Whatever a check makes of it, a change that callers would not reach is never applied."""
    remedy = found(under).remedies[0]

    assert is_narrow(remedy, under)
    assert not is_narrow(remedy, replace(under, qualifiers=("live",)))
