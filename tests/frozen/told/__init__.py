"""The stories whose records are frozen, by what they are about."""
