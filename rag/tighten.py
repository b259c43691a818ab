"""Lines of a briefing -> shorter ones by the language model, each kept only when its passage says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from models.protocols import Generator, Message, Parse, Parser, Token
from rag.errors import CancelledError
from rag.question import AMOUNTS
from rag.records import Brief, Citation, Claim, Event, Point, Rejected
from rag.statements import Step
from rag.text import normalise
from rag.trim import finish
from rag.verify import check, well_formed
from rag.wordings import Opening, wordings

LONG = 18
"""Words from which a line is worth tightening."""
SHORTER = 0.85
"""Part of its words that the shorter line may have at most."""
REPLY_TOKENS = 100
KINDS = frozenset({"answer", "points", "alone"})


def tighten(
    made: Brief,
    writer: Generator,
    parser: Parser,
    *,
    on_step: Step | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Brief:
    """Return the briefing with its long lines tightened where that passed every check.

    Every number and name of a line must stand in the shorter one as well. Raises CancelledError.
    """
    rejected: list[Rejected] = []
    total = sum(len(section.points) for section in made.sections if section.kind in KINDS) + len(
        made.timeline
    )
    done = 0

    def shorter(claim: Claim) -> Claim:
        nonlocal done
        if cancelled is not None and cancelled():
            raise CancelledError("The briefing was cancelled.")
        if on_step is not None:
            on_step("wording", done, total)
        done += 1
        if len(claim.text.split()) < LONG or "“" in claim.text or '"' in claim.text:
            return claim
        line = _parses(parser, claim.text)[0]
        text = _ask(line, writer, cancelled)
        if not text or normalise(text) == normalise(claim.text):
            return claim
        wrong = _objection(text, line, claim.citations[0], parser)
        if wrong:
            rejected.append(Rejected(text, wrong))
            return claim
        return Claim(text, claim.citations[:1], by="model")

    def tightened(points: Sequence[Point]) -> tuple[Point, ...]:
        return tuple(replace(point, claim=shorter(point.claim)) for point in points)

    def told(event: Event) -> Event:
        return replace(event, claim=shorter(event.claim))

    sections = tuple(
        replace(section, points=tightened(section.points)) if section.kind in KINDS else section
        for section in made.sections
    )
    return replace(
        made,
        sections=sections,
        timeline=tuple(map(told, made.timeline)),
        rejected=tuple(rejected),
        model=writer.name,
        tier="write",
    )


def _ask(line: Parse, writer: Generator, cancelled: Callable[[], bool] | None) -> str:
    """Return the model's wording of a line out of the line's own words; empty when it has but one."""
    keep = [(token.start, token.end) for token in line.tokens if _stays(token)]
    lattice = wordings(line, keep, Opening())
    if lattice is None:
        return ""
    prompt = [
        Message(
            "system",
            "You shorten sentences. Keep the names, the numbers and the meaning. Write one sentence.",
        ),
        Message("user", f"Shorten this sentence: {line.text}"),
    ]
    pieces = writer.write(prompt, max_tokens=REPLY_TOKENS, stop=("\n",), lattice=lattice, cancelled=cancelled)
    text = "".join(pieces).strip()
    return finish(text)


def _stays(token: Token) -> bool:
    return token.pos in {"PROPN", "NUM"} or token.entity in AMOUNTS


def _objection(text: str, line: Parse, cited: Citation, parser: Parser) -> str:
    """Return why a tightened line may not stand for the line; empty when it may."""
    if len(text.split()) > SHORTER * len(line.text.split()):
        return "it is no shorter"
    own, source = _parses(parser, text, cited.quote)
    wrong = well_formed(own)
    if wrong:
        return wrong
    said = normalise(text)
    for token in line.tokens:
        if _stays(token) and normalise(token.text) not in said:
            return f"it leaves out {token.text}"
    verdict = check(own, [source], published=cited.article.published)
    return "" if verdict.support == "supported" else verdict.reason


def _parses(parser: Parser, *texts: str) -> list[Parse]:
    return parser.parse([" ".join(text.split()) for text in texts])


__all__ = ["tighten"]
