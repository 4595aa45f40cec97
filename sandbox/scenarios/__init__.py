"""Functions of imagined users: what runs in the sandbox, and how it gets there."""
