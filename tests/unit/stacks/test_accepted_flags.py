"""Flags that are accepted, and their defaults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.config import Config
from stacks.flag_values import FLAGS, ConfigError, function_names
from tests.unit.stacks.flags import (
    ARN,
    CDK_KEYS,
)


def test_defaults() -> None:
    """Without a flag everything has its documented default."""
    assert Config(
        email=(),
        mode="enforce",
        response="hold",
        danger_usd_per_minute=1,
        rollback=(),
        rollback_mode="now",
        rollback_force="no",
        exempt=(),
        floor_per_minute=500,
        account_alarm_per_minute=0,
        coverage="account",
        sweep_minutes=60,
        blast_radius=3,
        accepted_loops=(),
        diagnose="",
        remedies=(),
        memory_ceiling_mb=0,
        events="on",
        chat="off",
    ) == Config.from_context({})


@pytest.mark.parametrize(
    ("flag", "text", "value"),
    [
        ("email", "you@example.com", ("you@example.com",)),
        (
            "email",
            "a@example.com, b+x@sub.example.co.uk",
            ("a@example.com", "b+x@sub.example.co.uk"),
        ),
        ("mode", "observe", "observe"),
        ("mode", "enforce", "enforce"),
        ("response", "throttle", "throttle"),
        ("response", "notify", "notify"),
        ("rollback", "all", ("all",)),
        ("rollback", "orders,enrich-order", ("orders", "enrich-order")),
        ("rollback", f"{ARN}:orders", (f"{ARN}:orders",)),
        ("rollback", f"{ARN}:orders,enrich", (f"{ARN}:orders", "enrich")),
        (
            "rollback",
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:a",
            ("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:a",),
        ),
        (
            "rollback",
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:a",
            ("arn:aws-cn:lambda:cn-north-1:123456789012:function:a",),
        ),
        (
            "rollback",
            "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:a",
            ("arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:a",),
        ),
        ("exempt", "billing,a_b-C9", ("billing", "a_b-C9")),
        ("exempt", f"{ARN}:orders,billing", (f"{ARN}:orders", "billing")),
        ("exempt", ["billing", "orders"], ("billing", "orders")),
        ("exempt", [], ()),
        ("email", ["a@example.com", "b@example.com"], ("a@example.com", "b@example.com")),
        ("email", "none", ("none",)),
        ("danger_usd_per_minute", "1", 1),
        ("danger_usd_per_minute", "10000", 10_000),
        ("floor_per_minute", "1", 1),
        ("floor_per_minute", "1000000", 1_000_000),
        ("account_alarm_per_minute", "5000", 5000),
        ("coverage", "function", "function"),
        ("sweep_minutes", "0", 0),
        ("sweep_minutes", "5", 5),
        ("sweep_minutes", "1440", 1440),
        ("sweep_minutes", 30, 30),  # a number from cdk.json instead of the command line
        ("blast_radius", "1", 1),
        ("blast_radius", "50", 50),
        ("accepted_loops", "archiver,requeue", ("archiver", "requeue")),
        ("diagnose", "orders", "orders"),
        ("diagnose", f"{ARN}:orders", f"{ARN}:orders"),
        ("remedies", "logs, traces,permissions", ("logs", "traces", "permissions")),
    ],
)
def test_accepted(flag: str, text: object, value: object) -> None:
    """Each allowed value, the limits included, is parsed into its type."""
    assert value == getattr(Config.from_context({flag: text}), flag)


@pytest.mark.parametrize("ceiling", ["128", "10240"])
def test_memory_within_its_ceiling(ceiling: str) -> None:
    """The remedy that costs money comes with its bound."""
    config = Config.from_context({"remedies": "memory", "memory_ceiling_mb": ceiling})

    assert (("memory",), int(ceiling)) == (config.remedies, config.memory_ceiling_mb)


def test_restored_and_exempt_together() -> None:
    """A false alarm is answered by restoring and exempting the same function at once."""
    config = Config.from_context({"rollback": "orders", "exempt": "orders"})

    assert (config.rollback, config.exempt) == (("orders",), ("orders",))


def test_exempt_and_accepted_together() -> None:
    """A function may be exempt, and its loops accepted: never contained, and no warning sent."""
    config = Config.from_context({"exempt": "orders", "accepted_loops": "orders"})

    assert (config.exempt, config.accepted_loops) == (("orders",), ("orders",))


def test_remedies_are_undone_while_observing() -> None:
    """What is to be undone needs its permission, also where nothing else may be changed."""
    config = Config.from_context({"mode": "observe", "remedies": "logs", "rollback": "orders"})

    assert (config.mode, config.remedies) == ("observe", ("logs",))


@pytest.mark.parametrize(
    ("context", "is_missing"),
    [
        ({}, True),
        ({"mode": "enforce"}, True),
        ({"email": []}, True),
        ({"email": "none"}, False),
        ({"email": "a@example.com"}, False),
        ({"mode": "observe"}, False),
    ],
)
def test_recipient(context: dict[str, object], *, is_missing: bool) -> None:
    """Stopping functions takes a recipient, or the word that others subscribe to the topic."""
    assert Config.from_context(context).is_recipient_missing is is_missing


def test_no_email_subscribes_nobody() -> None:
    """The word `none` is no address."""
    assert Config.from_context({"email": "none"}).addresses == ()
    assert Config.from_context({"email": "a@example.com"}).addresses == ("a@example.com",)


def test_many_addresses() -> None:
    """More addresses than a template has room for are refused in one short line."""
    most = ",".join(f"a{number}@example.com" for number in range(50))
    assert len(Config.from_context({"email": most}).email) == 50

    with pytest.raises(ConfigError) as caught:
        Config.from_context({"email": f"{most},b@example.com"})

    assert str(caught.value).endswith("...: has 51 addresses, 50 are allowed; use a mailing list")
    assert len(str(caught.value)) < 350


@pytest.mark.parametrize("flag", ["rollback", "diagnose", "exempt", "accepted_loops"])
@pytest.mark.parametrize(
    ("account", "region", "here"),
    [
        ("999999999999", "eu-west-1", "account 999999999999 Region eu-west-1"),
        ("123456789012", "us-east-1", "account 123456789012 Region us-east-1"),
        (None, "us-east-1", "Region us-east-1"),
        ("999999999999", None, "account 999999999999"),
    ],
)
def test_arn_of_another_place(
    flag: str, account: str | None, region: str | None, here: str
) -> None:
    """An ARN of another account or Region is refused with both places, never cut to its name."""
    config = Config.from_context({flag: f"{ARN}:orders"})

    with pytest.raises(ConfigError) as caught:
        config.refuse_other_homes(account, region)

    assert str(caught.value) == (
        f"Loopbreaker: flag {flag}={ARN}:orders: is in account 123456789012 Region eu-west-1, "
        f"but this deployment goes to {here}"
    )


@pytest.mark.parametrize(
    ("account", "region"),
    [("123456789012", "eu-west-1"), (None, None), ("123456789012", None)],
)
def test_arn_of_this_place(account: str | None, region: str | None) -> None:
    """An ARN of the own account and Region passes, and one whose place is not known yet."""
    config = Config.from_context({"rollback": f"{ARN}:orders", "exempt": "billing"})

    config.refuse_other_homes(account, region)

    assert function_names((*config.rollback, *config.exempt)) == ("orders", "billing")


def test_keys_of_the_cdk_pass() -> None:
    """The CDK's own context never stops a deployment."""
    context = {
        **CDK_KEYS,
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:bundling-stacks": ["**"],
        "availability-zones:account=123456789012:region=eu-west-1": ["eu-west-1a"],
        "acknowledged-issue-numbers": [1],
        "cli-telemetry": False,
    }

    assert Config() == Config.from_context(context)


@given(flag=st.sampled_from(sorted(FLAGS)), value=st.text(max_size=80))
def test_any_text_is_accepted_or_refused_in_one_line(flag: str, value: str) -> None:
    """No value of any flag makes synth fail in another way or with a second line."""
    try:
        Config.from_context({flag: value})
    except ConfigError as error:
        line = str(error)
    else:
        return

    assert line.startswith(f"Loopbreaker: flag {flag}=")
    assert len(line.splitlines()) == 1
