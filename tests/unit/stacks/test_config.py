"""The context flags: what is accepted, and the one line that refuses the rest."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.config import Config, ConfigFileError, flags_from_file
from stacks.flag_values import FLAGS, ConfigError, function_names

ROOT = Path(__file__).resolve().parents[3]
CDK_KEYS: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
ARN = "arn:aws:lambda:eu-west-1:123456789012:function"
ELSEWHERE = "arn:aws:lambda:us-east-1:999999999999:function"
A_FUNCTION = f"a function name or an ARN like {ARN}:orders"
AN_ADDRESS = "an address like you@example.com, or none"
LISTED = "unknown flag, docs/deploying.md lists those that exist"


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


def test_flags_file(tmp_path: Path) -> None:
    """Lasting flags are in a file of their own, as JSON writes them."""
    path = tmp_path / "loopbreaker.json"
    path.write_text('{"email": ["a@example.com"], "exempt": ["billing"], "sweep_minutes": 30}')

    config = Config.from_context(flags_from_file(path))

    assert (config.email, config.exempt, config.sweep_minutes) == (
        ("a@example.com",),
        ("billing",),
        30,
    )


def test_no_flags_file(tmp_path: Path) -> None:
    """The file may be missing."""
    assert flags_from_file(tmp_path / "loopbreaker.json") == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "file loopbreaker.json is not JSON: Expecting property name enclosed in double"),
        ("[1]", 'file loopbreaker.json must hold an object such as {"email": "you@example.com"}'),
        (
            '{"rollback": "orders"}',
            ("file loopbreaker.json must not hold rollback: give it with -c, for one deployment"),
        ),
        ('{"emial": "a@b.co"}', "flag emial=a@b.co: unknown flag, did you mean email?"),
        (
            '{"@aws-cdk/core:x": 1}',
            "flag @aws-cdk/core:x=1: unknown flag, docs/deploying.md lists those that exist",
        ),
    ],
)
def test_wrong_flags_file(tmp_path: Path, text: str, line: str) -> None:
    """A file that holds something else than lasting flags is refused in one line."""
    path = tmp_path / "loopbreaker.json"
    path.write_text(text)

    with pytest.raises((ConfigError, ConfigFileError)) as caught:
        flags_from_file(path)

    assert str(caught.value).startswith(f"Loopbreaker: {line}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("context", "line"),
    [
        ({"mode": "dry-run"}, "mode=dry-run: must be enforce or observe"),
        ({"mode": "Observe"}, "mode=Observe: must be enforce or observe"),
        ({"mode": ""}, "mode=: must be enforce or observe"),
        ({"response": "kill"}, "response=kill: must be hold or throttle or notify"),
        (
            {"response": "cap"},
            "response=cap: is hold now: leave the flag out, or give response=hold",
        ),
        ({"coverage": "all"}, "coverage=all: must be account or function"),
        ({"events": "false"}, "events=false: must be on or off"),
        ({"chat": "slack"}, "chat=slack: must be on or off"),
        (
            {"remedies": "logs,all"},
            "remedies=all: must be logs or traces or permissions or memory",
        ),
        ({"remedies": "logs,logs"}, "remedies=logs: must be given once, not twice"),
        (
            {"remedies": "memory"},
            (
                "remedies=memory: give it together with "
                "memory_ceiling_mb=<most megabytes of a function>"
            ),
        ),
        (
            {"memory_ceiling_mb": "512"},
            "memory_ceiling_mb=512: give it together with remedies=memory",
        ),
        (
            {"remedies": "memory", "memory_ceiling_mb": "127"},
            "memory_ceiling_mb=127: must be a whole number from 128 to 10240",
        ),
        ({"diagnose": "a,b"}, f"diagnose=a,b: must be {A_FUNCTION}"),
        (
            {"diagnose": "Loopbreaker-contain"},
            (
                "diagnose=Loopbreaker-contain: is a function of Loopbreaker, "
                "which is never diagnosed"
            ),
        ),
        ({"email": "you"}, f"email=you: must be {AN_ADDRESS}"),
        (
            {"email": "a@b.co;c@d.co"},
            f"email=a@b.co;c@d.co: must be {AN_ADDRESS}",
        ),
        (
            {"email": "a@example.com,,b@example.com"},
            (
                f"email=a@example.com,,b@example.com: must be {AN_ADDRESS}; "
                "several are separated by commas"
            ),
        ),
        (
            {"email": "a@example.com,A@Example.com"},
            "email=a@example.com: must be given once, not twice",
        ),
        (
            {"sweep_minutes": "4"},
            "sweep_minutes=4: must be a whole number from 5 to 1440, or 0 for off",
        ),
        (
            {"sweep_minutes": "1441"},
            "sweep_minutes=1441: must be a whole number from 5 to 1440, or 0 for off",
        ),
        (
            {"sweep_minutes": "-5"},
            "sweep_minutes=-5: must be a whole number from 5 to 1440, or 0 for off",
        ),
        ({"blast_radius": "0"}, "blast_radius=0: must be a whole number from 1 to 50"),
        ({"blast_radius": "51"}, "blast_radius=51: must be a whole number from 1 to 50"),
        ({"blast_radius": "3.5"}, "blast_radius=3.5: must be a whole number from 1 to 50"),
        ({"blast_radius": "٣"}, "blast_radius=٣: must be a whole number from 1 to 50"),
        (
            {"danger_usd_per_minute": "0"},
            "danger_usd_per_minute=0: must be a whole number from 1 to 10000",
        ),
        (
            {"danger_usd_per_minute": "0.5"},
            "danger_usd_per_minute=0.5: must be a whole number from 1 to 10000",
        ),
        ({"floor_per_minute": "0"}, "floor_per_minute=0: must be a whole number from 1 to 1000000"),
        (
            {"account_alarm_per_minute": "many"},
            "account_alarm_per_minute=many: must be a whole number from 1 to 100000000",
        ),
        ({"exempt": "my function"}, f"exempt=my function: must be {A_FUNCTION}"),
        ({"exempt": f"{ARN}:orders:live"}, f"exempt={ARN}:orders:live: must be {A_FUNCTION}"),
        ({"exempt": f"orders,{ARN}:orders"}, "exempt=orders: must be given once, not twice"),
        (
            {"exempt": "Loopbreaker-contain"},
            "exempt=Loopbreaker-contain: is a function of Loopbreaker, which is never contained",
        ),
        (
            {"accepted_loops": f"{ARN}:a", "diagnose": f"{ELSEWHERE}:b"},
            (
                f"accepted_loops={ARN}:a: is in account 123456789012 Region eu-west-1, but "
                f"diagnose={ELSEWHERE}:b is in account 999999999999 Region us-east-1; "
                "a deployment watches one account and one Region"
            ),
        ),
        (
            {"mode": "observe", "remedies": "logs"},
            (
                "remedies=logs: mode=observe changes nothing, so leave it out, or give it together "
                "with rollback"
            ),
        ),
        (
            {"email": "a@example.com,none"},
            f"email=none: must be {AN_ADDRESS}",
        ),
        (
            {"blast_radius": "9" * 5000},
            f"blast_radius={'9' * 200}...: must be a whole number from 1 to 50",
        ),
        ({"exempt": ["a,b"]}, 'exempt=["a,b"]: must be a list of texts like ["a", "b"]'),
        ({"exempt": [1]}, 'exempt=[1]: must be a list of texts like ["a", "b"]'),
        ({"mode": ["observe"]}, 'mode=["observe"]: must be one value, not a list'),
        (
            {"my.email": "a@example.com"},
            "my.email=a@example.com: unknown flag, did you mean email?",
        ),
        ({"émail": "a@example.com"}, "émail=a@example.com: unknown flag, did you mean email?"),
        ({"exempt": "a,b,a"}, "exempt=a: must be given once, not twice"),
        (
            {"rollback": ""},
            f"rollback=: must be {A_FUNCTION}, or all; several are separated by commas",
        ),
        (
            {"rollback": "all,orders"},
            "rollback=all,orders: must be either all or functions, not both",
        ),
        ({"rollback": "my function"}, f"rollback=my function: must be {A_FUNCTION}, or all"),
        (
            {"rollback": f"{ARN}:orders:live"},
            f"rollback={ARN}:orders:live: must be {A_FUNCTION}, or all",
        ),
        (
            {"rollback": "arn:aws-x:lambda:eu-west-1:123456789012:function:orders"},
            (
                "rollback=arn:aws-x:lambda:eu-west-1:123456789012:function:orders: "
                f"must be {A_FUNCTION}, or all"
            ),
        ),
        (
            {"rollback": "arn:aws:lambda:eu-west-1:12345:function:a"},
            f"rollback=arn:aws:lambda:eu-west-1:12345:function:a: must be {A_FUNCTION}, or all",
        ),
        (
            {"rollback": "arn:aws:sqs:eu-west-1:123456789012:orders"},
            f"rollback=arn:aws:sqs:eu-west-1:123456789012:orders: must be {A_FUNCTION}, or all",
        ),
        (
            {"rollback": f"{ARN}:a,arn:aws:lambda:us-east-1:123456789012:function:b"},
            (
                "rollback=arn:aws:lambda:us-east-1:123456789012:function:b: "
                "is in account 123456789012 Region us-east-1, but "
                f"rollback={ARN}:a is in account 123456789012 Region eu-west-1; "
                "a deployment watches one account and one Region"
            ),
        ),
        ({"rollback": f"orders,{ARN}:orders"}, "rollback=orders: must be given once, not twice"),
        (
            {"rollback": "Loopbreaker-contain"},
            "rollback=Loopbreaker-contain: is a function of Loopbreaker, which is never contained",
        ),
        (
            {"rollback": "orders", "rollback_mode": "later"},
            "rollback_mode=later: must be now or probation",
        ),
        (
            {"rollback": "orders", "rollback_force": "true"},
            "rollback_force=true: must be no or yes",
        ),
        (
            {"rollback_force": "yes"},
            (
                "rollback_force=yes: give it together with "
                "rollback=<function>[,<function>...] or rollback=all"
            ),
        ),
        (
            {"rollback": "orders", "rollback_mode": "probation", "rollback_force": "yes"},
            "rollback_force=yes: leave it out: rollback_mode=probation needs no force",
        ),
        (
            {"rollback_mode": "now"},
            (
                "rollback_mode=now: give it together with "
                "rollback=<function>[,<function>...] or rollback=all"
            ),
        ),
        ({"rolback": "orders"}, "rolback=orders: unknown flag, did you mean rollback?"),
        ({"Rollback": "orders"}, "Rollback=orders: unknown flag, did you mean rollback?"),
        (
            {"sweep-minutes": "5"},
            "sweep-minutes=5: unknown flag, did you mean sweep_minutes?",
        ),
        ({"colour": "red"}, f"colour=red: {LISTED}"),
        ({"mode": "a\nb"}, "mode=a b: must be enforce or observe"),
    ],
)
def test_refused(context: dict[str, object], line: str) -> None:
    """Each wrong flag gives one line that names the flag, the value and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        Config.from_context(context)

    assert f"Loopbreaker: flag {line}" == str(caught.value)


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


def test_lasting_flags() -> None:
    """What the next deployment must repeat is what differs from the defaults, but no rollback."""
    config = Config.from_context(
        {
            "email": "a@example.com,b@example.com",
            "mode": "enforce",
            "exempt": "billing",
            "sweep_minutes": "0",
            "rollback": "orders",
            "rollback_mode": "now",
        }
    )

    assert config.lasting_flags() == (
        "-c email=a@example.com,b@example.com -c exempt=billing -c sweep_minutes=0"
    )


def test_no_lasting_flags() -> None:
    """Without flags there is nothing to repeat."""
    assert Config(rollback=("all",)).lasting_flags() == ""


def test_lasting_flags_are_safe_in_a_shell() -> None:
    """An address that a shell would take for more than a text is quoted."""
    config = Config.from_context({"email": "a$(id)@example.com"})

    assert config.lasting_flags() == "-c 'email=a$(id)@example.com'"


@given(
    st.builds(
        Config,
        email=st.lists(st.emails(), max_size=3, unique_by=str.lower)
        .map(tuple)
        .filter(lambda emails: _is_accepted("email", ",".join(emails))),
        mode=st.sampled_from(["enforce", "observe"]),
        response=st.sampled_from(["hold", "throttle", "notify"]),
        exempt=st.lists(
            st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).filter(
                lambda name: not name.startswith("Loopbreaker-")
            ),
            unique=True,
        ).map(tuple),
        danger_usd_per_minute=st.integers(1, 10_000),
        floor_per_minute=st.integers(1, 1_000_000),
        account_alarm_per_minute=st.just(0) | st.integers(1, 100_000_000),
        coverage=st.sampled_from(["account", "function"]),
        sweep_minutes=st.just(0) | st.integers(5, 1440),
        blast_radius=st.integers(1, 50),
    )
)
def test_repeating_the_lasting_flags_changes_nothing(config: Config) -> None:
    """A deployment with the flags of the last one has the same configuration."""
    words = shlex.split(config.lasting_flags())

    assert Config.from_context(dict(word.split("=", 1) for word in words[1::2])) == config


def _is_accepted(flag: str, value: str) -> bool:
    try:
        Config.from_context({flag: value} if value else {})
    except ConfigError:
        return False
    return True
