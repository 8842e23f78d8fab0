"""Where sentences end: abbreviations, initials, decimals, mathematics and addresses do not end one.

Written for English; the full stops of Chinese, Japanese, Hindi, Urdu and Arabic end sentences too, and German ordinals
do not. Labels of structured abstracts ("Results:") belong to the sentence behind them.
"""

from __future__ import annotations

import re

_LABELS = frozenset({
    "background", "introduction", "context", "motivation", "importance", "rationale", "objective", "objectives", "aim",
    "aims", "purpose", "hypothesis", "methods", "method", "design", "setting", "participants", "patients",
    "interventions", "intervention", "exposure", "exposures", "measurements", "measures", "approach", "materials",
    "procedure", "results", "result", "findings", "outcomes", "conclusions", "conclusion", "interpretation",
    "significance", "implications", "discussion", "summary", "limitations", "funding", "registration", "availability",
})  # fmt: skip
_BESIDE_LABELS = _LABELS | {"and", "main", "outcome", "trial", "study", "key", "primary"}
# A label is told by its colon, by capitals, or by the capital that it is glued to: "RESULTS We …", "ResultsWe …".
_COLON = re.compile(r"((?:[A-Za-z]+ ){0,3}?[A-Za-z]+)\s?[:.—–](?=\s|$)")
_CAPITALS = re.compile(r"(?:[A-Z]{3,} (?:AND )?){0,2}([A-Z]{4,})\s+(?=[A-Z])")
_GLUED = re.compile(r"(Background|Objectives?|Aims?|Methods?|Results?|Findings|Conclusions?)\s*(?=[A-Z][a-z]*\b)")

_CANDIDATE = re.compile(
    r"[.!?؟।۔][\"'”’)\]»]*\s+|[。！？][”’」』）]*\s*"
    r"|[.!?](?=(?:BACKGROUND|METHODS?|RESULTS?|CONCLUSIONS?|Background|Methods|Results|Conclusions?)[:A-Z\s])"
)
# Pandoc's rule for what is mathematics and what is money: no space inside the dollars, no digit after them.
_MATH = re.compile(r"(?<!\\)\$(?![\s$])[^$]{1,300}?(?<![\s\\])\$(?!\d)")
_LAST_WORD = re.compile(r"[^\s(\[“\"'~]+$")
_NEXT_WORD = re.compile(r"[A-Za-z]+(?=[\s,])")
_BEGINNING = re.compile(r"[\"'“‘„«¿¡(\[]*(\w*)")
_INITIALS = re.compile(r"(?:[A-Za-z]\.-?)+")
_ITEM = re.compile(r"(?:^|[:;.]\s)\(?\d{1,2}\.$")  # "… as follows: 1." or a sentence that so far is just "2."
_ORDINAL = re.compile(r"\b(?:der|die|das|dem|den|des|am|im|vom|zum|zur|bis|und|oder) \d{1,2}\.$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# After these a sentence never ends …
_ABBREVIATIONS = _words(
    "e.g. i.e. vs. v.s. cf. fig. figs. eq. eqs. eqn. sec. sect. ref. refs. tab. thm. lem. prop. cor. def. ch. nos. "
    "dr. mr. mrs. ms. prof. st. resp. approx. ca. viz. w.r.t. s.t. a.k.a. vol. pp. ed. eds. dept. univ. incl. "
    "bzw. vgl. sog. ggf. evtl. inkl. nr. abb."
)
# … and after these only where the next word is one that begins sentences. So it is with initials ("U.S.").
_SOMETIMES_LAST = _words("al. etc. no. inc. ltd. corp. jr. sr. a.m. p.m. usw. spp. sp.")
_OPENERS = _words(
    "We The This These Those That In Our It Its However Here To A An For By On At As With While When Although Despite "
    "Moreover Furthermore Additionally Finally Using Recent Recently Such They There Thus Hence Therefore Experiments "
    "Results Yet But And If Both Extensive Code First Second Existing After Across Among Compared Unlike Under Since "
    "Because Given No All Most Many Each Patients Participants Die Der Das Es Wir In Diese Dieser"
)


def split_sentences(text: str) -> list[str]:
    """Give the sentences of `text`, with every character of it but the space between them."""
    sentences: list[str] = []
    start = 0
    mathematics = [found.span() for found in _MATH.finditer(text)] if "$" in text else []
    for found in _CANDIDATE.finditer(text):
        stop = found.end()
        inside = any(a < found.start() < b - 1 for a, b in mathematics)
        if not inside and _ends(text, start, found.start(), stop):
            sentences.append(text[start:stop].strip())
            start = stop
    if start < len(text):
        sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def label(sentence: str) -> str:
    """Give the label that a sentence of a structured abstract begins with, in small letters, or ''."""
    for form in (_CAPITALS, _GLUED, _COLON):
        found = form.match(sentence)
        words = found[1].lower().split() if found else []
        if words and _BESIDE_LABELS.issuperset(words):
            return next((word for word in words if word in _LABELS), "")
    return ""


def _ends(text: str, start: int, mark: int, stop: int) -> bool:
    """Tell whether the mark at `mark` ends the sentence that began at `start`; `stop` is where the next would begin."""
    if text[mark] in "。！？।۔":
        return True
    beginning = _BEGINNING.match(text, stop)
    if beginning and beginning[1].islower():  # "mRNA" begins a sentence, "and" does not
        return False
    if text[mark] != ".":
        return True
    last = _LAST_WORD.search(text, max(start, mark - 24), mark + 1)
    word = last[0] if last else ""
    if word.lower() in _ABBREVIATIONS or (word[:-1].isdecimal() and _counts(text[max(start, mark - 24) : mark + 1])):
        return False
    if word.lower() in _SOMETIMES_LAST or _INITIALS.fullmatch(word):
        following = _NEXT_WORD.match(text, stop)
        return following is not None and following[0] in _OPENERS
    return not (mark - start < 40 and _COLON.fullmatch(text, start, mark + 1) and label(text[start : mark + 1]))


def _counts(ending: str) -> bool:
    """Tell whether the number before a full stop counts items ("2. We prove …") or is a German ordinal."""
    return bool(_ITEM.search(ending) or _ORDINAL.search(ending))
