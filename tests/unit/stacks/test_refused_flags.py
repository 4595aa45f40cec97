"""Flags that are refused, in one line that names what is allowed."""

from __future__ import annotations

import pytest

from stacks.config import Config
from stacks.flag_values import ConfigError
from tests.unit.stacks.flags import (
    A_FUNCTION,
    AN_ADDRESS,
    ARN,
    ELSEWHERE,
    LISTED,
)


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
