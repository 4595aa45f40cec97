import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import LoopbreakerError
from functions.domain.naming import InvalidFunctionReferenceError, function_name

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
QUALIFIERS = st.sampled_from(["", ":$LATEST", ":1", ":live"])
PREFIXES = st.sampled_from(
    [
        "",
        "function:",
        "123456789012:function:",
        "us-east-1:123456789012:function:",
        "arn:aws:lambda:us-east-1:123456789012:function:",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:",
    ]
)


@given(prefix=PREFIXES, name=NAMES, qualifier=QUALIFIERS)
def test_finds_the_name_in_every_form(prefix: str, name: str, qualifier: str) -> None:
    """Whatever form AWS writes a function in, its name is found."""
    assert name == function_name(f"{prefix}{name}{qualifier}")


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
        function_name(garbage)

    assert isinstance(refused.value, LoopbreakerError)
    assert isinstance(refused.value, ValueError)
