"""Pictures: what the benchmark found, and what the docs show."""
