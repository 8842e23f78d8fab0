"""`newsletter check`: everything that is wrong or weak with an installation, each with its cure.

One module looks at one part, and gives `Check`s; `examine` goes through all of them. Nothing is changed by it.
"""

from newsletter.checks.check import Check, Status, worst
from newsletter.checks.examination import examine

__all__ = ["Check", "Status", "examine", "worst"]
