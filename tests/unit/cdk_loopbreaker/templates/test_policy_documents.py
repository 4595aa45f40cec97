"""Policy documents: what is not known never makes a statement stronger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_loopbreaker.templates.model import Partial, Unknown
from cdk_loopbreaker.templates.policy_documents import join_policies, write_policy
from functions.domain.iam.access import Access, Identity, evaluate_identity
from functions.domain.iam.document import MalformedPolicyError, parse_policy

if TYPE_CHECKING:
    from cdk_loopbreaker.templates.model import Value
    from cdk_loopbreaker.templates.policy_documents import WrittenPolicy

PARAMETER = Unknown("parameter Name")
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
UNKNOWN_QUEUE = Partial(("arn:aws:sqs:eu-west-1:123456789012:", PARAMETER))


def write(statement: dict[str, Any], doubt: str = "") -> WrittenPolicy:
    """A policy of one statement."""
    return write_policy({"Version": "2012-10-17", "Statement": [statement]}, doubt)


def may_send(*written: WrittenPolicy, to: str = QUEUE) -> Access:
    """Whether policies let a role send messages to a queue."""
    identity = Identity(policies=tuple(parse_policy(one.text, "policy") for one in written))
    return evaluate_identity(identity, "sqs:SendMessage", to).access


def test_what_is_known_stays_as_it_is() -> None:
    """A known document allows what it says, by the Sid that people find it by."""
    allow = write(
        {"Sid": "Send", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE}
    )

    assert may_send(allow) is Access.ALLOWED
    assert [one["Sid"] for one in allow.statements] == ["Send"]
    assert (allow.unread, allow.named) == ((), frozenset({QUEUE}))


@pytest.mark.parametrize("resource", [PARAMETER, UNKNOWN_QUEUE, [PARAMETER, "arn:aws:sqs:::x"]])
def test_an_unknown_resource_is_possible(resource: Value) -> None:
    """Any queue may be the one that is not known, and none certainly is."""
    written = write({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": resource})

    assert may_send(written) is Access.POSSIBLE
    assert '"depends":{"on":["parameter Name"]}' in written.text


def test_a_known_resource_beside_an_unknown_one_is_certain() -> None:
    """One statement becomes two: what is not known of one list does not weaken the rest."""
    statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": [QUEUE, UNKNOWN_QUEUE]}

    assert may_send(write(statement)) is Access.ALLOWED
    assert may_send(write(statement), to=f"{QUEUE}-2") is Access.POSSIBLE


def test_an_unknown_resource_has_a_name_of_its_own() -> None:
    """Nobody knows where it leads: it is named after what it depends on."""
    partly = write({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": UNKNOWN_QUEUE})
    wholly = write({"Effect": "Allow", "Action": "sns:Publish", "Resource": PARAMETER})
    read = write({"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": UNKNOWN_QUEUE})

    assert partly.named == {"arn:aws:sqs:eu-west-1:123456789012:<parameter Name>"}
    assert wholly.named == {"arn:*:sns:*:*:<parameter Name>"}
    assert read.named == frozenset()


@pytest.mark.parametrize(
    "element",
    [
        {"Resource": PARAMETER},
        {"Resource": QUEUE, "Condition": {"StringEquals": {"aws:userid": PARAMETER}}},
        {"Resource": QUEUE, "Condition": PARAMETER},
        {"NotResource": PARAMETER},
        {"NotResource": [PARAMETER, "arn:aws:sqs:::x"]},
    ],
)
def test_what_may_be_denied_is_not_ruled_out(element: dict[str, Any]) -> None:
    """A Deny of which something is not known takes certainty away, and nothing else."""
    allow = write({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    deny = write({"Effect": "Deny", "Action": "sqs:*", **element})

    assert may_send(allow, deny) is Access.POSSIBLE


@pytest.mark.parametrize(
    "statement",
    [
        PARAMETER,
        {"Effect": "Allow", "Action": PARAMETER, "Resource": "*"},
        {"Effect": PARAMETER, "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": ["s3:*", PARAMETER], "Resource": "*"},
    ],
)
def test_without_its_actions_a_statement_is_missing(statement: Value) -> None:
    """The document is not complete, and says why."""
    written = write_policy({"Statement": [statement]})

    assert (written.statements, written.unread) == ((), ("parameter Name",))


def test_some_actions_are_known() -> None:
    """What is known of a list of actions is allowed; the rest is missing."""
    action = ["sqs:SendMessage", PARAMETER]
    written = write({"Effect": "Allow", "Action": action, "Resource": QUEUE})

    assert may_send(written) is Access.ALLOWED
    assert written.unread == ("parameter Name",)


def test_an_unknown_principal_may_be_anybody() -> None:
    """A resource policy for somebody unknown lets everybody write, perhaps."""
    statement = {"Effect": "Allow", "Action": "sqs:*", "Principal": {"AWS": PARAMETER}}
    (own,) = write(statement).statements

    assert own["Principal"] == {"AWS": ["*"]}
    assert own["Condition"] == {"depends": {"on": ["parameter Name"]}}


def test_an_unknown_source_is_a_pattern() -> None:
    """Who asks for the sources of a statement gets as much as is known."""
    condition = {"ArnLike": {"AWS:SourceArn": Partial(("arn:aws:s3:::", PARAMETER))}}
    (own,) = write(
        {"Effect": "Allow", "Action": "sqs:*", "Principal": "*", "Condition": condition}
    ).statements

    assert own["Condition"]["ArnLike"] == {"AWS:SourceArn": ["arn:aws:s3:::*"]}


def test_a_policy_that_may_not_exist_is_possible() -> None:
    """Everything that it says depends on its condition."""
    statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": QUEUE}

    assert may_send(write(statement, doubt="the condition of Policy")) is Access.POSSIBLE


@pytest.mark.parametrize("document", ["{", "null", 7, [], None, {"Statement": [7]}, {}])
def test_what_is_no_policy_is_malformed(document: Value) -> None:
    """It is left to the reader of policies to say what is wrong with it."""
    written = write_policy(document)

    if written.malformed or written.statements:
        with pytest.raises(MalformedPolicyError):
            parse_policy(written.text, "policy")
    else:
        assert document == {}


def test_a_policy_that_nests_too_deeply_is_not_known() -> None:
    """As an object and as JSON, however deep."""
    deep = f'{{"Statement": [{{"Effect": "Allow", "Action": "a:b", "Resource": {"[" * 900}'
    text = f"{deep}{']' * 900}}}]}}"

    assert write_policy(text).unread == ("a value that is nested too deeply",)
    assert write_policy("[" * 100_000).malformed


def test_policies_of_one_resource_are_joined() -> None:
    """Two statements with one Sid would be refused: the second gets another."""
    statement = {"Sid": "Send", "Effect": "Allow", "Action": "sqs:*", "Resource": QUEUE}

    joined = join_policies([write(statement), write(statement)])

    assert len(parse_policy(joined.text, "policy").statements) == 2


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from([PARAMETER, UNKNOWN_QUEUE, "Allow", "sqs:*", QUEUE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Statement",
                    "Sid",
                    "Effect",
                    "Action",
                    "Resource",
                    "Principal",
                    "Condition",
                    "AWS",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=50)
@given(VALUES)
def test_any_value_is_written(document: Any) -> None:
    """Whatever stands where a policy should, there is JSON of it, without what is unknown."""
    written = write_policy(document, "a doubt")

    assert written.malformed or json.loads(written.text)
    assert "Unknown(" not in written.text
