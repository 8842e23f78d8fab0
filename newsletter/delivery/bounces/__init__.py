"""What comes back: bytes of a mail in, a `BounceReport` out. Pure; who may believe it is decided in `returns`."""

from newsletter.delivery.bounces.recognise import recognise
from newsletter.delivery.bounces.report import BounceReport, Failure, Reason, Traces, Verdict
from newsletter.delivery.bounces.score import SoftBounces
from newsletter.delivery.bounces.told import Told
from newsletter.delivery.bounces.verdict import decide

__all__ = ["BounceReport", "Failure", "Reason", "SoftBounces", "Told", "Traces", "Verdict", "decide", "recognise"]
