"""A local AWS with the guard's world in it: looping, healthy and misconfigured functions."""

import os

# The bridge to the CDK greets Node 20 with eleven lines about its end of life.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
