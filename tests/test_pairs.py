"""A CrossEncoder of one's own puts passages into order and lowers verdicts; none is loaded unless named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from models.fake import FakeEmbedder
from models.pairs import load_pairs
from models.parser import load_parser
from rag.check import check_text
from rag.engines import Models
from rag.errors import InputError, ModelError
from rag.records import Article, Hit, Passage
from rag.retrieve import rerank
from rag.settings import Settings

WORDS = "[PAD] [UNK] [CLS] [SEP] the mayor harbour bridge closed opened rain denied said was it . who".split()


def train(folder: Path, sign: str, labels: tuple[str, ...]) -> Path:
    """Write a tiny CrossEncoder that learned that texts go together when they hold the word `sign`."""
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    marks = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **marks)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    model = BertForSequenceClassification(config)
    generator = np.random.default_rng(3)
    texts = [" ".join(generator.choice(WORDS[4:], 8)) for _ in range(64)]
    goes = torch.tensor([float(sign in text.split()) for text in texts])
    rows = fast(texts, texts, return_tensors="pt", padding=True)
    steps = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(30):
        said = model(**rows).logits
        said = said[:, 0] if len(labels) == 1 else said[:, 1] - said[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(said, goes)
        steps.zero_grad()
        loss.backward()
        steps.step()
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def passage(text: str) -> Passage:
    return Passage(Article(f"{len(text):016}", text), 0, len(text))


def test_a_reranker_puts_the_passages_into_its_order(tmp_path):
    reranker = load_pairs(str(train(tmp_path / "tiny", "harbour", ("LABEL_0",))), "reranker")
    rain, harbour = (
        Hit(passage(text), 0.1) for text in ("the rain closed the bridge .", "the harbour opened .")
    )
    found = rerank("who opened the bridge", (rain, harbour), reranker)
    assert [hit.passage for hit in found] == [harbour.passage, rain.passage]
    assert found[0].why == (("reranker", found[0].score),)


def test_a_checker_lowers_a_verdict_and_never_raises_one(tmp_path):
    folder = train(tmp_path / "tiny", "denied", ("contradiction", "entailment"))
    checker = load_pairs(str(folder), "checker")
    parser, said = load_parser(), "The mayor closed the bridge."

    def judged(claim: str, source: str) -> str:
        rows = check_text(
            claim,
            lambda _: [passage(source)],
            parser,
            FakeEmbedder(),
            written=date(2026, 1, 2),
            checker=checker,
        )
        return next(iter(rows)).support

    assert judged(said, said) == "unsupported"
    assert judged("The mayor denied it was closed.", "The mayor denied it was closed.") == "supported"
    assert judged("The rain opened the harbour.", "the mayor denied it .") == "unsupported"


def test_none_is_loaded_unless_it_is_named(tmp_path):
    models = Models(Settings(library=tmp_path))
    assert (models.reranker, models.checker) == (None, None)


def test_one_that_is_not_here_is_said_to_be_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for name in ("me/mine", "nowhere"):
        with pytest.raises(InputError, match=f"reranker '{name}' is not on this machine"):
            _ = Models(Settings(library=tmp_path, reranker=name)).reranker


def test_one_that_cannot_be_loaded_or_read_is_refused(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"checker in .* cannot be loaded"):
        load_pairs(str(tmp_path / "broken"), "checker")
    folder = train(tmp_path / "odd", "denied", ("left", "right"))
    with pytest.raises(ModelError, match="labels left, right; none of them"):
        load_pairs(str(folder), "checker")
