"""What the emulator lacks, one module for each concern.

Each module's ``apply`` checks that the private functions which it replaces still have the
signature it was written for.
"""
