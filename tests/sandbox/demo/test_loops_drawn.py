"""The picture of an account's loops: what it says of AWS's own detection, and whose loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.demo.drawing.loops_drawn import OWN_PREFIX, draw_loops
from sandbox.local_aws import LocalAws
from sandbox.scenarios.loops import SqsLoop
from sandbox.scenarios.provision import Grant, arn, create_function, map_source

if TYPE_CHECKING:
    from pathlib import Path


def test_a_loop_that_is_allowed_is_not_one_that_aws_stops(tmp_path: Path) -> None:
    """The setting RecursiveLoop is read before the picture says that AWS may stop a loop."""
    path = tmp_path / "loops.svg"
    queue = arn("sqs", "jobs")
    own = f"{OWN_PREFIX}retry"
    with LocalAws(speed=60, worker_cap=2) as aws:
        SqsLoop(aws).deploy()
        create_function(
            aws, own, code="run_job", grants=(Grant(actions=("sqs:*",), resources=(queue,)),)
        )
        map_source(aws, own, queue)

        draw_loops(aws, path)

    svg = path.read_text()
    assert "1 certain loop, AWS does not stop it" in svg
    assert "AWS may stop it" not in svg
    assert own not in svg
