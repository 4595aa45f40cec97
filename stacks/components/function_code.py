from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from aws_cdk import Stage
from aws_cdk import aws_lambda as lambda_

from stacks.components.archive import hash_archive, hash_directory
from stacks.components.bundle import BundleError, write_bundle

if TYPE_CHECKING:
    from constructs import Construct

# What the installed package carries, made when it was built. In a checkout there is none.
SHIPPED: Final = Path(__file__).with_name("functions.zip")


def function_code(scope: Construct) -> lambda_.Code:
    """Make the code of the guard functions a CDK asset.

    It is the archive of the installed package; in a checkout it is bundled below the cloud
    assembly. Its hash is of names and contents: the same sources always give the same one, and a
    deployment without a change of code leaves the functions alone.

    Raises
    ------
    BundleError
        When it cannot be bundled, or the construct is not within an app.
    """
    if SHIPPED.is_file():
        return lambda_.Code.from_asset(str(SHIPPED), asset_hash=hash_archive(SHIPPED))
    stage = Stage.of(scope)
    if stage is None:
        raise BundleError("the functions can only be bundled within an app")
    directory = Path(stage.asset_outdir) / "bundle"
    write_bundle(directory)
    return lambda_.Code.from_asset(str(directory), asset_hash=hash_directory(directory))
