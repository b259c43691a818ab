"""Words by which articles say the opposite of each other where the very word of the question is not said."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.question import Question


@dataclass(frozen=True, slots=True)
class Opposites:
    """What is asked, and how either answer to it is worded."""

    asked: re.Pattern[str]
    yes: str
    says: re.Pattern[str]
    no: str
    denies: re.Pattern[str]
    of_named: bool = False
    """Whether a sentence has to name somebody whom the question names; else a word of it is enough."""


def opposites_asked(question: Question) -> tuple[Opposites, ...]:
    """Return the pairs that a question of yes or no, or of how something is, asks about."""
    if question.kind not in {"yesno", "manner"} and not _ON_BEHALF.search(question.text):
        return ()
    return tuple(pair for pair in _PAIRS if pair.asked.search(question.text))


def _pair(asked: str, yes: str, says: str, no: str, denies: str, *, of_named: bool = False) -> Opposites:
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in (asked, says, denies)]
    return Opposites(patterns[0], yes, patterns[1], no, patterns[2], of_named)


_ON_BEHALF = re.compile(r"\b(?:whose behalf|on behalf of)\b", re.IGNORECASE)
_PAIRS = (
    _pair(
        r"\b(?:is|was|are|were|an?|in|acts?|acted|through|use\w*)\b.*\b(?:un)?official(?:ly)?\b"
        r"(?! (?:said|says|told))|\b(?:rogue|back.?channels?|private (?:mission|initiative|citizens?))\b"
        r"|\bgo-?betweens?\b|\b(?:white house|kremlin|government|ministry|administration)\b.*"
        r"\b(?:stands?|stood|back\w*|behind|approv\w+|sanction\w+|authori[sz]\w+)\b"
        r"|\bon (?:whose|the .{3,30}) behalf\b|\bon behalf of\b",
        "official",
        r"\b(?:white house|kremlin|government|ministry|administration)\b.{0,20}"
        r"\b(?:confirmed|announced|sent)\b|\b(?:special|official) (?:envoy|visit|trip|mission)\b",
        "not official",
        r"\b(?:unofficial|rogue|back.?channels?|bypass\w*|outside (?:of )?official)\b",
    ),
    _pair(
        r"\b(?:friendly|hostile)\b",
        "friendly",
        r"\bfriendly\b|\b(?:board|directors?)\b.{0,40}\brecommend",
        "hostile",
        r"\bhostile\b",
    ),
    _pair(
        r"\b(?:accident\w*|arson|deliberate\w*|on purpose)\b",
        "an accident",
        r"\baccident(?:al|ally)?\b",
        "deliberate",
        r"\b(?:arson|deliberate\w*|set on purpose)\b",
    ),
    _pair(
        r"\b(?:interested in|willing(?:ness)?|open(?:ness)? to|receptive|read(?:y|iness)|eager|inclined)\b",
        "willing",
        r"(?<!not )(?<!not be )(?<!n[’']t )"
        r"\b(?:interested in|(?:willing|open|receptive|ready|prepared) to|keen on)\b",
        "not willing",
        r"\b(?:not|n[’']t|no longer|never)(?: be)? (?:interested|willing|open to|ready|prepared|keen)\b"
        r"|\b(?:unwilling|uninterested|reluctant|no interest|refus\w+ to|rul\w+ out|nothing .{0,40}force)\b",
        of_named=True,
    ),
    _pair(
        r"\b(?:pressur\w+|isolat\w+|tough on)\b",
        "under pressure",
        r"\b(?:isolat\w+|pressuring|(?:raised|raising|stepp\w+ up|more|maximum) pressure|tough(?:er)? on)\b",
        "no pressure",
        r"\b(?:hold(?:s|ing)? (?:off|back)|eas(?:ed|es|ing) (?:off|pressure)|lift(?:ed|s|ing) sanctions"
        r"|refrain\w*|without pressure|no pressure)\b",
        of_named=True,
    ),
    _pair(
        r"\b(?:progress|headway|breakthrough|mov(?:ing|ed) forward|advanc(?:ed|ing)|stalled|stuck)\b",
        "progress",
        r"\b(?:(?:major|good|great|real|significant|made) progress|progress (?:had|has) been made)\b"
        r"|(?<!no )\b(?:breakthrough|headway|productive|constructive)\b",
        "no progress",
        r"\b(?:no|little|lack of|without)(?: \w+)? (?:progress|headway|breakthrough|compromise)\b"
        r"|\b(?:stalled|deadlock\w*|stuck|standstill|at an impasse)\b",
    ),
    _pair(
        r"\b(?:feels?|felt|happy|pleased|satisfied|frustrat\w+|optimis\w+|pessimis\w+|hopeful|views? on)\b",
        "positive",
        r"(?<!not )\b(?:positive|optimis\w+|hopeful|pleased|satisfied|happy|encouraged|very good)\b",
        "negative",
        r"\b(?:negative|pessimis\w+|frustrat\w+|disappoint\w+|unhappy|dissatisfied|impatien\w+|angry)\b",
        of_named=True,
    ),
    _pair(
        r"\b(?:front|advanc\w+|breakthrough|gain\w* ground|battlefield)\b",
        "advancing",
        r"(?<!not )\b(?:steadily advanc\w+|advanc\w+ steadily|advancing"
        r"|(?:continu\w+|kept|keeps?) (?:to )?advanc\w+|gain\w* ground)\b",
        "no breakthrough",
        r"\b(?:not?|n[’']t|without)\b.{0,40}\bbreakthrough\b"
        r"|\b(?:stalemate|deadlock\w*|held the line|bogged down)\b",
        of_named=True,
    ),
    _pair(
        r"\b(?:surprise|unexpected\w*|beforehand|in advance)\b",
        "a surprise",
        r"\b(?:surpris\w+|unexpected(?:ly)?|unannounced|without warning)\b",
        "announced",
        r"\b(?:confirmed|announced|scheduled|planned|expected to|set to|due to)\b",
    ),
)
