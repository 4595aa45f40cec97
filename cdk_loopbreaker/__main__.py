"""`python -m cdk_loopbreaker`, the same as `loopbreaker`."""

from cdk_loopbreaker.cli.main import main

main(prog_name="loopbreaker")
