"""The picture of the loops."""
