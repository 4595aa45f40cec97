"""The version of Loopbreaker: the wheel, the reports and the command line read it here."""

from typing import Final

__version__: Final = "0.1.0"
