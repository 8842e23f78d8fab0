"""What a sentence opens with that only points back: "To address this gap, we …", "However, …", "In this paper, we …".

Where the sentence before it is not shown, such an opening points at nothing, and takes room from what is said.
"""

from __future__ import annotations

import re

_LONGEST = 90  # characters; what is longer says something of its own
_LEAST_LEFT = 30
_AIMS = (
    "address|bridge|fill|tackle|overcome|solve|mitigate|resolve|remedy|close|alleviate|meet|handle|counter|combat|"
    "circumvent|answer|achieve|facilitate|enable|investigate|explore|study|test|do"
)
_BACK = r"(?:this|that|these|those|such|the above|the aforementioned|it|them)"
_OPENING = re.compile(
    rf"(?:(?:in order )?to (?:this end|(?:{_AIMS})\b[^,;:()]*?\b{_BACK}\b[^,;:()]*)"
    rf"|(?:based|building|drawing|relying) on (?:this|these|those|such)\b[^,;:()]*"
    rf"|(?:motivated|inspired|guided|driven) by (?:this|these|those|such)\b[^,;:()]*"
    rf"|(?:given|in light of|in view of|in response to|because of|due to|for) (?:this|these|those|such)\b[^,;:()]*"
    r"|in (?:this|the present|our) (?:paper|work|study|article|report|survey|research|technical report|letter|note)"
    r"|however|moreover|furthermore|additionally|in addition|besides|therefore|thus|hence|consequently|accordingly"
    r"|as a result|nevertheless|nonetheless|in contrast|by contrast|instead|meanwhile|specifically|in particular"
    r"|also|finally|lastly|then|next"
    r"),\s+",
    re.IGNORECASE,
)
_PLAIN_WORD = re.compile(r"(?:a|[^\W\d_A-Z]{2,})(?:-[^\W\d_A-Z]+)*[\s,;:]")  # "mRNA" and "k-means" stay as they are


def without_opening(sentence: str) -> str:
    """Give a sentence without what points back to the one before it; as it is, where little would be left."""
    found = _OPENING.match(sentence)
    if not found or found.end() > _LONGEST or len(sentence) - found.end() < _LEAST_LEFT:
        return sentence
    rest = without_opening(sentence[found.end() :])  # "However, in this paper, we …"
    return rest[0].upper() + rest[1:] if _PLAIN_WORD.match(rest) else rest
