import re

import botocore.session
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.domain.account.names import (
    REGION_PATTERN,
    EdgeReplica,
    InvalidFunctionReferenceError,
    parse_edge_replica,
    parse_function_name,
    parse_metric_name,
    parse_session_function,
)
from functions.domain.errors import LoopbreakerError
from stacks import config, flag_values
from tests.examples import examples

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
QUALIFIERS = st.sampled_from(["", ":$LATEST", ":$LATEST.PUBLISHED", ":1", ":live"])
PREFIXES = st.sampled_from(
    [
        "",
        "function:",
        "123456789012:function:",
        "us-east-1:123456789012:function:",
        "arn:aws:lambda:us-east-1:123456789012:function:",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:",
        "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:",
        "arn:aws-iso:lambda:us-iso-east-1:123456789012:function:",
        "arn:aws-iso-b:lambda:us-isob-east-1:123456789012:function:",
    ]
)


@given(prefix=PREFIXES, name=NAMES, qualifier=QUALIFIERS)
def test_finds_the_name_in_every_form(prefix: str, name: str, qualifier: str) -> None:
    """Whatever form AWS writes a function in, its name is found."""
    assert name == parse_function_name(f"{prefix}{name}{qualifier}")


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        " ",
        "my function",
        "a" * 65,
        "arn:aws:s3:::bucket",
        "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:x:y",
        "name:qualifier:more",
        "name\nname",
        "i-abcd1111!",
    ],
)
def test_refuses_what_names_no_function(garbage: str) -> None:
    """Anything else is refused with an error that is both the domain's and a ValueError."""
    with pytest.raises(InvalidFunctionReferenceError, match="is not a Lambda function") as refused:
        parse_function_name(garbage)

    assert isinstance(refused.value, LoopbreakerError)
    assert isinstance(refused.value, ValueError)


SESSION = botocore.session.get_session()
MODEL = SESSION.get_service_model("lambda")


def _pattern(shape: str) -> str:
    """The pattern of a shape of Lambda's service model."""
    pattern: str = MODEL.shape_for(shape).metadata["pattern"]
    return pattern


def _is_of_usual_length(reference: str) -> bool:
    """Whether the name alone is one that AWS lets people give: the patterns do not limit it."""
    return len(max(reference.split(":"), key=len)) <= 64


@pytest.mark.parametrize("shape", ["FunctionName", "UnqualifiedFunctionName", "FunctionArn"])
@settings(
    max_examples=examples(40),
    deadline=None,
    # Texts of a pattern take long to be made up on a busy machine.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_reads_all_that_aws_reads(shape: str, data: st.DataObject) -> None:
    """Whatever has a shape of AWS's own model is read, and names a function."""
    text = st.from_regex(re.compile(_pattern(shape), re.ASCII), fullmatch=True)
    reference = data.draw(text.filter(_is_of_usual_length))

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", parse_function_name(reference))


REGIONS = {
    partition: SESSION.get_available_regions("lambda", partition)
    for partition in SESSION.get_available_partitions()
}


@pytest.mark.parametrize("partition", REGIONS)
def test_reads_the_arns_of_every_partition(partition: str) -> None:
    """No partition and none of its Regions has ARNs of its own."""
    home = [f"arn:{partition}:lambda:{one}:123456789012" for one in REGIONS[partition]]

    assert {parse_function_name(f"{one}:function:orders:live") for one in home} <= {"orders"}
    assert {parse_function_name(f"{one}:function:orders:$LATEST.PUBLISHED") for one in home} <= {
        "orders"
    }
    assert all(re.fullmatch(REGION_PATTERN, one) for one in REGIONS[partition])


def test_flags_of_a_deployment_take_the_same_regions() -> None:
    """What the stacks take for a Region is what the guard takes for one."""
    assert REGION_PATTERN == flag_values.REGION_PATTERN
    for partition, regions in REGIONS.items():
        for region in regions:
            arn = f"arn:{partition}:lambda:{region}:123456789012:function:orders"
            assert config.Config.from_context({"rollback": arn}).rollback == (arn,)


@pytest.mark.parametrize(
    "reference",
    [
        "us-east-1.edge-auth",
        "us-east-1.edge-auth:3",
        "arn:aws:lambda:eu-west-1:123456789012:function:us-east-1.edge-auth",
    ],
)
def test_knows_a_replica_of_lambda_at_edge(reference: str) -> None:
    """A name that begins with a Region is a copy of that Region's function, and no function."""
    assert parse_edge_replica(reference) == EdgeReplica(home="us-east-1", name="edge-auth")
    assert parse_metric_name(reference) == "us-east-1.edge-auth"
    with pytest.raises(InvalidFunctionReferenceError):
        parse_function_name(reference)


@given(prefix=PREFIXES, name=NAMES)
def test_a_function_is_no_replica(prefix: str, name: str) -> None:
    """Its metrics are kept under its own name."""
    assert parse_edge_replica(f"{prefix}{name}") is None
    assert parse_metric_name(f"{prefix}{name}") == name


@pytest.mark.parametrize("name", ["", "a.b", "us-east-1.", "us-east-1.a.b", "x" * 65])
def test_other_dots_name_nothing(name: str) -> None:
    """A dot after anything but a Region is nobody's name."""
    assert parse_edge_replica(name) is None
    with pytest.raises(InvalidFunctionReferenceError):
        parse_metric_name(name)


@pytest.mark.parametrize(
    ("caller", "function"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Loopbreaker-ContainRole-1/orders", "orders"),
        ("arn:aws-us-gov:sts::123456789012:assumed-role/role/orders", "orders"),
        ("arn:aws:iam::123456789012:user/orders", ""),
        ("arn:aws:iam::123456789012:role/orders", ""),
        ("cloudformation.amazonaws.com", ""),
        ("", ""),
    ],
)
def test_the_session_of_a_role_names_the_function(caller: str, function: str) -> None:
    """Whoever called otherwise is no function."""
    assert parse_session_function(caller) == function
