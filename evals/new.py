"""Starts a fact file on the articles of a library: these copied beside it, and a case to fill in for each."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from evals.cases import SCHEMA
from evals.match import numbers
from rag.errors import InputError
from rag.library import Library
from rag.read import read_file
from rag.records import Article
from rag.text import sentences, words

KEY_WORDS = 3
"""Words of the title that make the key of an article."""

HEAD = """\
# Facts about the articles in {corpus}/. Write each case by reading them, never from the program's output.
# Check this file: tearsheet eval lint {name}      Ask it: tearsheet eval run {name}
# Editors that know TOML schemas complete and check it with evals/schema.json.
schema = {schema}
corpus = {corpus_text}

[articles]
{articles}

# One case. Take the # away, write the question, and shorten `any` to the words that make an answer right.
# A question that the articles do not answer has class = "unanswerable", a reason, and no fact.
# Articles that disagree make class = "conflict", with a [[case.side]] for each, written like a fact.
"""

CASE = """
# [[case]]
# id = {id}
# class = "answerable"
# ask = "..."
# [[case.fact]]
# id = "fact"
# any = ["..."]            # or number = {{ value = 12 }}, date = "2026-03-03", regex = '...', all = [...]
# support = [{key}]
# quote = {quote}
# [case.probe]
# pass = ["... [{bare}]."]
# fail = ["..."]
"""


def write_new(path: Path, library: Path, *, only: Sequence[str] = ()) -> int:
    """Write the fact file and a folder of articles beside it; return how many. Raises InputError."""
    folder = path.with_name(f"{path.stem}-articles")
    for taken in (path, folder):
        if taken.exists():
            raise InputError(f"{taken} is there already. Choose another name or remove it.")
    with Library.open(library) as opened:
        articles = [opened.article(name) for name in only] if only else opened.articles()
    if not articles:
        raise InputError("The library holds no articles yet. Add some with `tearsheet add PATH`.")
    folder.mkdir(parents=True)
    keys: dict[str, Article] = {}
    for article in articles:
        keys[_key(article, keys)] = article
    files = {key: _write_article(article, folder, key) for key, article in keys.items()}
    text = HEAD.format(
        corpus=folder.name,
        corpus_text=_quoted(folder.name),
        name=path.name,
        schema=SCHEMA,
        articles="\n".join(f"{key} = [{_quoted(file)}]" for key, file in files.items()),
    )
    path.write_text(text + "".join(_case(key, article) for key, article in keys.items()), "utf-8")
    return len(keys)


def _key(article: Article, taken: dict[str, Article]) -> str:
    """Return a short key from the title, different from those that are taken."""
    plain = [re.sub(r"[^a-z0-9]+", "", word) for word in words(article.title or Path(article.path).stem)]
    stem = "-".join([word for word in plain if len(word) > 2][:KEY_WORDS]) or article.id[:8]
    return stem if stem not in taken else f"{stem}-{article.id[:4]}"


def _write_article(article: Article, folder: Path, key: str) -> str:
    """Write the article so that it is read back with the same text; return the name of its file."""
    fields = {"title": article.title, "source": article.source, "url": article.url}
    fields |= {"published": article.published, "byline": article.byline}
    given = {name: value for name, value in fields.items() if value}
    readable = folder / f"{key}.md"
    front = "".join(f"{name}: {value}\n" for name, value in given.items())
    readable.write_text(f"---\n{front}---\n\n{article.text}\n", "utf-8")
    if [read.text for read in read_file(readable) if isinstance(read, Article)] == [article.text]:
        return readable.name
    readable.unlink()
    exact = folder / f"{key}.jsonl"
    exact.write_text(json.dumps(given | {"text": article.text}, ensure_ascii=False) + "\n", "utf-8")
    return exact.name


def _case(key: str, article: Article) -> str:
    """Return a case to fill in, with the first sentence that has a number as its quote."""
    spoken = [" ".join(article.text[start:end].split()) for start, end in sentences(article.text)]
    quote = next((text for text in spoken if numbers(text)), spoken[0] if spoken else "")
    return CASE.format(id=_quoted(f"{key}-1"), key=_quoted(key), bare=key, quote=_quoted(quote))


def _quoted(text: str) -> str:
    """Return a TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
