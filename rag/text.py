"""Sentences, words and normal forms of plain text, always by character offset."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Span = tuple[int, int]

WRAP_WIDTH = 110
"""A text whose longest line is no longer than this was wrapped by hand: its single newlines are spaces."""

STOPWORDS = frozenset(
    (
        "a about above after again against all also am an and any are as at be because been before being "
        "below between both but by can could did do does doing down during each few for from further had has "
        "have having he her here hers herself him himself his how i if in into is it its itself just may me "
        "might more most must my myself no nor not now of off on once only or other our ours ourselves out "
        "over own s same shall she should so some such t than that the their theirs them themselves then "
        "there these they this those through to too under until up upon us very was we were what when where "
        "which while who whom whose why will with would you your yours yourself yourselves"
    ).split()
)

_WORD = re.compile(r"[^\W_]+(?:[.,'’\-][^\W_]+)*%?")
_ASCII = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys(("\u00a0", "\u2009", "\u202f", "\u2007"), " ")
)
_TERMINAL = re.compile(r"[.!?…:;][\"'”’)\]]*\s*$")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s")
_ABBREVIATED = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Sgt|Capt|Maj|Adm|Sen|Rep|Gov|Rev|Hon|St|Jr|Sr|No|vs|Jan|Feb|Mar|Apr|"
    r"Jun|Jul|Aug|Sept?|Oct|Nov|Dec|approx|est)|\b[A-Z]\.[A-Z]|\b[ap]\.m)\.[\"'”’)\]]*$"
)
_OPENS = re.compile(r"[\"'“‘(\[]*(?:[A-Z0-9]|[^\W\d_a-z])")


def normalise(text: str) -> str:
    """Return `text` case-folded, NFKC, with plain quotes, dashes and single spaces. Offsets are not kept."""
    folded = unicodedata.normalize("NFKC", text.translate(_ASCII)).casefold()
    return " ".join(folded.split())


def words(text: str) -> list[str]:
    """Return the words and numbers of `text`, normalised, in order."""
    return _WORD.findall(normalise(text))


def content_words(text: str) -> list[str]:
    """Return `words(text)` without stopwords; a possessive counts as its owner."""
    bare = (word.removesuffix("'s").removesuffix("'") for word in words(text))
    return [word for word in bare if word not in STOPWORDS]


def word_spans(text: str) -> list[Span]:
    """Return the character span of each word of `text`."""
    return [match.span() for match in _WORD.finditer(text)]


def paragraphs(text: str) -> tuple[Span, ...]:
    """Return the trimmed span of each paragraph, heading or list item, in order.

    A newline ends a paragraph unless the text was wrapped by hand and the line runs on.
    """
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text)]
    wrapped = bool(lines) and max(end - start for start, end in lines) <= WRAP_WIDTH
    spans: list[Span] = []
    for start, end in lines:
        line = text[start:end]
        if not line.strip():
            spans.append((end, end))
            continue
        if wrapped and spans and _runs_on(text, spans[-1], start, line):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(span for span in (_trim(text, *span) for span in spans) if span[0] < span[1])


def _runs_on(text: str, previous: Span, start: int, line: str) -> bool:
    """Whether a hand-wrapped `line` continues the paragraph `previous`."""
    gap = text[previous[1] : start]
    if previous[0] == previous[1] or gap.count("\n") != 1 or _BULLET.match(line):
        return False
    last = text[text.rfind("\n", 0, previous[1]) + 1 : previous[1]].rstrip()
    room = len(last) + 1 + len(line.split(maxsplit=1)[0]) <= WRAP_WIDTH - 30
    return not (_TERMINAL.search(last) and room) and not (room and line.startswith(" "))


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[Span, ...]:
    """Return the trimmed span of each sentence of `text`, in order; none crosses a paragraph."""
    from sentencex import get_sentence_boundaries

    spans: list[Span] = []
    for start, end in paragraphs(text):
        block = text[start:end]
        cuts: list[Span] = []
        for boundary in get_sentence_boundaries("en", block.replace("\n", " ")):
            cut = _trim(block, boundary["start_index"], boundary["end_index"])
            if cut[0] == cut[1]:
                continue
            if cuts and _joins(block, cuts[-1], cut):
                cuts[-1] = (cuts[-1][0], cut[1])
            else:
                cuts.append(cut)
        spans.extend((start + left, start + right) for left, right in cuts)
    return tuple(spans)


def _joins(block: str, left: Span, right: Span) -> bool:
    """Whether a split after an abbreviation, or inside a quotation, was wrong."""
    before, after = block[left[0] : left[1]], block[right[0] : right[1]]
    return bool(_ABBREVIATED.search(before)) or not _OPENS.match(after)


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def sentence_at(text: str, position: int) -> Span:
    """Return the sentence that holds `position`, or an empty span at it when none does."""
    return next((span for span in sentences(text) if span[0] <= position < span[1]), (position, position))


def adjoin(text: str, left: Span, right: Span) -> bool:
    """Whether one stretch of `text` stands right before the other, in one paragraph."""
    first, second = sorted((left, right))
    between = text[first[1] : second[0]]
    return not between.strip() and "\n\n" not in between
