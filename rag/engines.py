"""The models that answers are made with, each loaded when first needed."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from models.protocols import Embedder, Generator, Pairs, Parser, Reader
from models.trees import Trees
from rag.confidence import Calibration
from rag.errors import InputError, ModelError
from rag.prompts import write_prompt
from rag.records import Care
from rag.settings import Settings

_log = logging.getLogger(__name__)

FITTED = Path(__file__).resolve().parent.parent / "models"
"""Where the fitted weights of evidence and confidence are shipped."""


class Models:
    """The models, each loaded when first needed; give any of them to use it instead."""

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        parser: Parser | None = None,
        generator: Generator | None = None,
    ) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._given = (embedder, parser, generator)
        self._loaded = generator
        self._tried = generator is not None
        self.unusable = ""
        """Why there is no generator although one was asked for; empty when there is one."""

    @cached_property
    def embedder(self) -> Embedder:
        from models.embedder import load_embedder
        from models.sentence import embedder_folder

        return self._given[0] or load_embedder(embedder_folder(self._settings.embedder))

    @cached_property
    def parser(self) -> Parser:
        from models.parser import load_parser

        return self._given[1] or load_parser()

    @cached_property
    def reranker(self) -> Pairs | None:
        """What puts passages into order; None when no setting names one. Raises InputError, ModelError."""
        return _pairs(self._settings.reranker, "reranker")

    @cached_property
    def checker(self) -> Pairs | None:
        """What may lower a verdict; None when no setting names one. Raises InputError, ModelError."""
        return _pairs(self._settings.checker, "checker")

    @cached_property
    def trees(self) -> Trees:
        return Trees.load(FITTED / "evidence.npz")

    @cached_property
    def reader(self) -> Reader | None:
        """What judges whether a sentence answers; None when it cannot be had, and sentences go unread."""
        from models.reader import OnnxReader

        try:
            return OnnxReader.load(FITTED / "reader.npz", threads=self._settings.threads)
        except ModelError as error:
            _log.info("sentences are chosen without the reader: %s", error)
            return None

    @cached_property
    def calibration(self) -> Calibration:
        return Calibration.load(FITTED / "calibration.json")

    @property
    def generator(self) -> Generator | None:
        """The language model; None in the quote tier and when it cannot be loaded."""
        if self._settings.tier == "quote":
            return None
        with self._turn:
            if not self._tried:
                from models.choose import open_generator

                try:
                    # Examples and instructions are the same in every prompt of a tier, and read once for all.
                    beginning = write_prompt("", "")[:-1] if self._settings.tier == "write" else ()
                    self._loaded = open_generator(
                        self._settings.model, threads=self._settings.threads, beginning=beginning
                    )
                except (ModelError, InputError) as error:
                    self.unusable = str(error)
                self._tried = True
        return self._loaded

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
        if "reader" in vars(self) and self.reader is not None:
            self.reader.close()


def _pairs(name: str, setting: str) -> Pairs | None:
    if not name:
        return None
    from models.pairs import load_pairs

    return load_pairs(name, setting)


@dataclass(frozen=True, slots=True)
class Careful:
    """The models, with another confidence below which an answer is refused."""

    models: Models
    calibration: Calibration

    @property
    def embedder(self) -> Embedder:
        return self.models.embedder

    @property
    def parser(self) -> Parser:
        return self.models.parser

    @property
    def generator(self) -> Generator | None:
        return self.models.generator


def careful(models: Models, care: Care) -> Models | Careful:
    """Return the models, refusing sooner when `care` is strict and later when it is lenient."""
    if care == "usual":
        return models
    fitted = models.calibration
    return Careful(models, replace(fitted, threshold=fitted.strict if care == "strict" else fitted.lenient))


__all__ = ["FITTED", "Models", "careful"]
