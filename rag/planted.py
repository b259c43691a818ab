"""Finds articles that speak to a machine instead of a reader: orders to the assistant, false turns.

An article that holds one such passage is not evidence for anything: whoever planted it may have bent the
rest as well. No model is asked, for it would be the one the passage is written for. The rules look for
an addressee and an order, for the marks by which chat formats part turns, and for the usual ways to annul
what was said before. Reporting about such passages may be caught with them; it is left out of answers,
with a notice, not out of the library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rag.records import Hit
from rag.text import sentence_at

_MACHINE = (
    r"(?:(?:ai|a\.i\.|virtual|digital)[ -](?:assistant|model|system|agent|reader|tool|chat ?bot)s?"
    r"|language models?|chat ?bots?|llms?|(?:the|an|every|any|dear) assistants?|the model|the ai)"
)
_CALLED = re.compile(r"assistant|model|bot|llm|a\.i\.|(?<![a-z])ai(?![a-z])|virtual|digital")
_ANSWERING = (
    r"(?:answer|answers|answering|answered|reply|replies|respond|responds|say|says|write|writes|written|output"
    r"|print|repeat|quote|quotes|cite|cites|summari[sz]e\w*|mention|send|fetch|load|visit|asked|comply)"
)
_ORDER = r"(?:answer|reply|respond|say|write|output|print|repeat|quote|cite|fetch|load|visit|call|state)"
_RULES: tuple[tuple[tuple[str, ...], str], ...] = (
    # Marks of turns and of the ends of what a program put together.
    (("<|",), r"<\|[^|<>\n]{1,40}\|>"),
    (
        ("[", "{", "<"),
        r"[\[{<]{1,2}\s*[/#]?\s*(?:system|inst|assistant|developer|context|instructions?)\s*[\]}>]{1,2}",
    ),
    (
        ("system", "assistant", "developer"),
        r"(?:^|[\n.!?>]\s*)(?:system|assistant|developer|ai assistant)\s*:",
    ),
    (("##",), r"#{2,}\s*(?:instructions?|system|response)\b"),
    (
        ("begin ", "end "),
        r"\b(?:begin|end) (?:of )?(?:the )?(?:trusted |system |all )?(?:context|articles|prompt|documents)\b"
        r"(?=[.:\]]|$| [a-z])",
    ),
    (("new instruction",), r"\bnew instructions?\s*:"),
    (
        ("dear ", "known to the model"),
        r"\bdear (?:model|ai|bot|machine|summari[sz]er|robot|program)\b|\bknown to the model\b",
    ),
    (("{",), r"\{\s*[\"“](?:status|answer|role|claims|content)[\"”]\s*:"),
    (
        ("always answer", "tell me the pass", "type "),
        r"\balways answer\b|\btell me the pass(?:phrase|word)\b|\btype (?:her|his|their|your) password\b",
    ),
    (("as a",), r"\bas an? (?:ai|language model)\b[^.!?\n]{0,40}\b(?:you|must|comply)\b"),
    (
        ("you are ",),
        r"\byou are (?:now )?(?:in \w+ mode|(?:\w+, )?an? (?:ai|assistant|language model|chat ?bot)\b)",
    ),
    # What was said before is annulled, or the answer dictated.
    (
        ("ignor", "disregard", "forget", "override"),
        r"\b(?:ignore|disregard|forget|override|ignorez?|ignoriere?n?|ignora|ignorar)\b[^.!?\n]{0,40}"
        r"\b(?:instruct\w*|prompts?|guidelines|rules above|(?:previous|prior|earlier|above) \w+|précédent\w*"
        r"|anweisung\w*|instruc\w+|istruzion\w*)",
    ),
    ((), r"(?:ігноруй|игнорируй|проігноруй|忽略|無視|تجاهل)"),
    (("only ",), r"\b(?:the )?only (?:correct|approved|permitted|allowed|valid) (?:answer|reply|response)\b"),
    (
        ("only ", "nothing else", "in capital letters"),
        rf"(?:^|[\n.!?:,;]\s*){_ORDER}\b[^.!?\n]{{0,80}}"
        r"\b(?:only (?:with|this|the)|nothing else|in capital letters)",
    ),
    (("only",), rf"(?:^|[\n.!?:,;]\s*){_ORDER} only\b"),
    (
        ("asked",),
        rf"\bwhen(?:ever)? (?:you are |the model is )?asked\b[^.!?\n]{{0,120}}, (?:please )?{_ORDER}\b",
    ),
    (
        (" answer", " reply", " repl", " response"),
        r"\b(?:end|begin|start|finish|close) (?:every|each|all|your) (?:answer|reply|response)s?\b",
    ),
    (("must",), r"\b(?:every|each) (?:answer|reply|response)\b[^.!?\n]{0,60}\bmust\b"),
    (
        ("the user",),
        r"\b(?:do not|don't|don’t|never|must not) (?:tell|inform|warn|show) the user\b|\btell the user to\b",
    ),
    (("the user",), r"\bfor the user\b|\bthe user is an? (?:admin\w*|developer|owner)"),
    ((" prompt",), r"\b(?:your|the) (?:system|hidden|initial) prompt\b|\bsystem prompt\b"),
    (("the question",), r"\bsend the question to\b|\bfollowed by the question\b"),
)
"""What a text must hold one of, in small letters, and the rule it is then searched with."""
_CALLS = (
    rf"(?:^|[\n.!?]\s*|\bto |\bfor )(?:dear |the |any |all )?(?:{_MACHINE}|assistant)\s*[:,]",
    rf"\b{_MACHINE}\b[^.!?\n]{{0,80}}\b(?:must|shall|should|has to|have to|is to|are to|required|has"
    r"|will)\b"
    rf"[^.!?\n]{{0,80}}\b{_ANSWERING}\b",
    rf"\bwhen(?:ever)? {_MACHINE} {_ANSWERING}\b",
    rf"\binstructions? (?:for|to) (?:the |all |any )?(?:{_MACHINE}|assistant)",
    rf"\bnew (?:task|instruction|order)s? (?:for|to) (?:the )?(?:{_MACHINE}|assistant)",
    rf"\b(?:note|message|notice|hint|word)s? (?:for|to) (?:the |all |any )?{_MACHINE}",
)
"""Rules for a text that names a machine: an addressee and an order."""
_SEARCHES = tuple((cues, re.compile(rule, re.M)) for cues, rule in _RULES)
_CALLING = tuple(re.compile(rule, re.M) for rule in _CALLS)


@lru_cache(maxsize=512)
def planted(text: str) -> str:
    """Return the first passage of an article that gives orders to a machine, or an empty string."""
    low = text.lower()
    if len(low) != len(text):  # some capitals become two letters, and places would shift
        low = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)
    rules = [rule for cues, rule in _SEARCHES if not cues or any(cue in low for cue in cues)]
    if _CALLED.search(low):
        rules += _CALLING
    ends = [found.end() for rule in rules if (found := rule.search(low))]
    if not ends:
        return ""
    start, end = sentence_at(text, min(min(ends), len(text)) - 1)
    return text[start:end]


def without_planted(hits: Sequence[Hit], most: int) -> tuple[tuple[Hit, ...], tuple[str, ...]]:
    """Return the first `most` hits in honest articles, and a note that names the others met on the way."""
    honest: list[Hit] = []
    ids: dict[str, None] = {}
    for hit in hits:
        if len(honest) == most:
            break
        if planted(hit.passage.article.text):
            ids[hit.passage.article.id] = None
        else:
            honest.append(hit)
    return tuple(honest), left_out_note(ids)


def left_out_note(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the note on articles that were left out, by id alone, for their titles may be orders too."""
    short = dict.fromkeys(id_[:8] for id_ in ids)
    if not short:
        return ()
    many = "1 article was" if len(short) == 1 else f"{len(short)} articles were"
    shown = ", ".join(f"`tearsheet show {each}`" for each in short)
    return (f"{many} left out, for giving orders to programs that read it: {shown}",)
