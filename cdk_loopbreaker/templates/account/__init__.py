"""The account that a template describes, as far as the event graph is made of it."""
