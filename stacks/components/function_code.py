from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Stage
from aws_cdk import aws_lambda as lambda_

from stacks.components.bundle import BundleError, write_bundle

if TYPE_CHECKING:
    from constructs import Construct


def function_code(scope: Construct) -> lambda_.Code:
    """Bundle the code below the cloud assembly and make it a CDK asset.

    The asset's hash is the CDK's fingerprint of the bundle: of names and contents, not of times.
    The same sources therefore always give the same hash, and a deployment without a change of
    code leaves the functions alone.
    """
    stage = Stage.of(scope)
    if stage is None:
        raise BundleError("the functions can only be bundled within an app")
    directory = Path(stage.asset_outdir) / "bundle"
    write_bundle(directory)
    return lambda_.Code.from_asset(str(directory))
