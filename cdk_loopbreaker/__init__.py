"""Loopbreaker for other people's CDK apps, and on the command line."""
