"""Incidents as they really end up in the ledger, for the tests of the notices and their pages."""
