"""Ours and other libraries behind two verbs, each as its documentation shows: add articles, find a passage.

    python -m evals.speed.programs PROGRAM add STORE ARTICLES.jsonl
    python -m evals.speed.programs PROGRAM find STORE QUESTION

Each prints one JSON object. The others are imported by name: they are no packages of ours.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.compute import package_folder
from models.embedder import PACKAGE

if TYPE_CHECKING:
    from rag.pipeline import Tearsheet

Library = Any
"""An object of a library that is not ours."""

Add = Callable[[Path, Path], float]
Find = Callable[[Path, str], str]

TOP = 10


def add_ours(store: Path, file: Path) -> float:
    """Add through the pipeline: passages of whole sentences, words and vectors, copies, one commit each."""
    tearsheet = _ours(store, write=True)
    with tearsheet:
        # Open the model before the clock runs, as every other program does.
        tearsheet.models.embedder.embed([""], "passage")
        began = time.perf_counter()
        tearsheet.add([file])
        return time.perf_counter() - began


def find_ours(store: Path, question: str) -> str:
    """Find by words and vectors, as the pipeline does before it answers."""
    from rag.retrieve import retrieve

    with _ours(store, write=False) as tearsheet:
        return retrieve(question, tearsheet.library, tearsheet.models.embedder, k=TOP)[0].passage.text


def add_plain(store: Path, file: Path) -> float:
    """Chroma and sentence-transformers: 180 words, 30 of them repeated, one call for each article."""
    model, collection = _sentence_model(), _collection(store)
    began = time.perf_counter()
    for row in _rows(file):
        words = row["text"].split()
        parts = [" ".join(words[i : i + 180]) for i in range(0, max(1, len(words) - 30), 150)]
        collection.add(
            ids=[f"{row['id']}-{i}" for i in range(len(parts))],
            documents=parts,
            embeddings=model.encode(parts, show_progress_bar=False).tolist(),
        )
    return time.perf_counter() - began


def find_plain(store: Path, question: str) -> str:
    """Find with one query."""
    vectors = _sentence_model().encode([question]).tolist()
    return str(_collection(store).query(query_embeddings=vectors, n_results=TOP)["documents"][0][0])


def add_langchain(store: Path, file: Path) -> float:
    """LangChain with its recursive splitter, 1,000 characters, 200 of them repeated, into Chroma."""
    chroma = _langchain(store)
    splitter = import_module("langchain_text_splitters").RecursiveCharacterTextSplitter(
        chunk_size=1000, chunk_overlap=200
    )
    began = time.perf_counter()
    pieces = splitter.create_documents([row["text"] for row in _rows(file)])
    chroma.add_documents(pieces)
    return time.perf_counter() - began


def find_langchain(store: Path, question: str) -> str:
    """Find with a similarity search."""
    return str(_langchain(store).similarity_search(question, k=TOP)[0].page_content)


def add_txtai(store: Path, file: Path) -> float:
    """Txtai with content and hybrid search, a row for each paragraph."""
    embeddings = _txtai(store)
    rows = [
        (f"{row['id']}-{place}", part, None)
        for row in _rows(file)
        for place, part in enumerate(row["text"].split("\n"))
        if part.strip()
    ]
    began = time.perf_counter()
    (embeddings.upsert if embeddings.exists(str(store)) else embeddings.index)(rows)
    embeddings.save(str(store))
    return time.perf_counter() - began


def find_txtai(store: Path, question: str) -> str:
    """Find with a hybrid search."""
    return str(_txtai(store).search(question, TOP)[0]["text"])


PROGRAMS: dict[str, tuple[Add, Find]] = {
    "tearsheet": (add_ours, find_ours),
    "plain": (add_plain, find_plain),
    "langchain": (add_langchain, find_langchain),
    "txtai": (add_txtai, find_txtai),
}


def _ours(store: Path, *, write: bool) -> Tearsheet:
    from rag.pipeline import Tearsheet
    from rag.settings import Settings

    return Tearsheet.open(Settings.load(library=store, tier="quote"), write=write)


def _weights() -> str:
    return str(package_folder(PACKAGE) / "model")


def _sentence_model() -> Library:
    return import_module("sentence_transformers").SentenceTransformer(_weights(), device="cpu")


def _collection(store: Path) -> Library:
    client = import_module("chromadb").PersistentClient(path=str(store))
    return client.get_or_create_collection("articles", embedding_function=None)


def _langchain(store: Path) -> Library:
    embeddings = import_module("langchain_huggingface").HuggingFaceEmbeddings(model_name=_weights())
    return import_module("langchain_chroma").Chroma(
        "articles", embedding_function=embeddings, persist_directory=str(store)
    )


def _txtai(store: Path) -> Library:
    embeddings = import_module("txtai.embeddings").Embeddings(
        path=_weights(), content=True, hybrid=True, gpu=False
    )
    if embeddings.exists(str(store)):
        embeddings.load(str(store))
    return embeddings


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb of one program and print what it took."""
    program, verb, store, given = argv or sys.argv[1:]
    add, find = PROGRAMS[program]
    found: dict[str, object] = {}
    if verb == "add":
        found["seconds"] = add(Path(store), Path(given))
    else:
        found["passage"] = find(Path(store), given)
    found["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
