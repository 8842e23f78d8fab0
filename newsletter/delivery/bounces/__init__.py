"""What comes back: bytes of a mail in, a `BounceReport` out. Pure; who may believe it is decided elsewhere."""

from newsletter.delivery.bounces.recognise import recognise
from newsletter.delivery.bounces.report import BounceReport, Failure, Reason, Traces, Verdict

__all__ = ["BounceReport", "Failure", "Reason", "Traces", "Verdict", "recognise"]
