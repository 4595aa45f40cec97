"""A scan of moto's server: an AWS that nobody here wrote."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from cdk_loopbreaker.cli.main import main
from tests.functional.scan.loops import ACCOUNT, HEALTHY, LOOPING, REGION, SECRET, Builder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def _moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server, with the account in it, and an environment that leads there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def make_client(service: str) -> Any:
        config: Any = Config(s3={"addressing_style": "path"})
        create: Any = boto3.client
        return create(service, region_name=REGION, config=config)

    try:
        Builder(make_client).build()
        yield
    finally:
        server.stop()


@pytest.mark.thorough
@pytest.mark.usefixtures("_hasty", "_moto")
def test_the_scan_finds_the_loops(tmp_path: Path) -> None:
    """Each loop is certain, nothing healthy is flagged, and what moto lacks is a gap."""
    saved = tmp_path / "scan.json.gz"
    result = CliRunner().invoke(main, ["scan", "--region", REGION, "--json", "--save", str(saved)])
    report = json.loads(result.stdout)
    loops = [one for one in report["findings"] if one["steps"]]
    proofs = {one["name"]: one["proof"] for one in report["regions"][0]["functions"]}

    assert result.exit_code == 0, result.stderr
    assert {name for one in loops for name in one["functions"]} == LOOPING
    assert {one["certainty"] for one in loops} == {"certain"}
    assert sorted(one["rule"] for one in loops) == ["LB001", "LB002", "LB002"]
    assert proofs.keys() == LOOPING | HEALTHY
    assert {proofs[name] for name in HEALTHY} <= {"ruled_out", "unknown"}
    assert "recursive loop settings" in {one["area"] for one in report["regions"][0]["gaps"]}
    assert SECRET.encode() not in gzip.decompress(saved.read_bytes())
    assert SECRET not in result.output
