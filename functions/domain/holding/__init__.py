"""Holding a function for minutes, to see whether it feeds itself."""
