"""Broken and hostile model files: each gives a clear error, and the process that asked lives on."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_gguf import ARRAY, Parts, listed, number, text, with_keys, words, write_gguf

from models.gguf import check_chat_model, read_gguf
from models.isolate import IsolatedGenerator
from models.protocols import Message
from rag.errors import ModelError

ASK = (Message("system", "Be short."), Message("user", "Say yes."))
TOKENS = "tokenizer.ggml."


def templated(source: str) -> Callable[[Parts], Parts]:
    return with_keys(tokenizer_chat__template=words("tokenizer.chat_template", source))


def sized(name: str, value: int) -> Callable[[Parts], Parts]:
    key = f"llama.{name}"
    return with_keys(**{key.replace("_", "__").replace(".", "_"): number(key, value)})


def broken_first_info(old: bytes, new: bytes) -> Callable[[Parts], Parts]:
    """Return an edit of what the header says of the first tensor: its dimensions, kind and offset."""

    def edit(parts: Parts) -> Parts:
        name = parts.infos[0][: 8 + int.from_bytes(parts.infos[0][:8], "little")]
        rest = parts.infos[0][len(name) :]
        assert old in rest
        return replace(parts, infos=(name + rest.replace(old, new, 1), *parts.infos[1:]))

    return edit


def last_offset(offset: bytes) -> Callable[[Parts], Parts]:
    return lambda parts: replace(parts, infos=(*parts.infos[:-1], parts.infos[-1][:-8] + offset))


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ messages }}"
ONE_MORE = listed(f"{TOKENS}tokens", [b"a"] * 49_153)
TWO_TOKENS = listed(f"{TOKENS}tokens", [b"a", b"b"])

# Found by reading the header, before llama.cpp sees the file.
REFUSED = {
    "version": (lambda parts: replace(parts, version=9), "its version is 9"),
    "too many tensors": (lambda parts: replace(parts, tensors=2**60), "header counts 1152921504606846976"),
    "tensors missing": (lambda parts: replace(parts, tensors=parts.tensors + 9), "damaged or no GGUF"),
    "dimensions": (broken_first_info(b"\2\0\0\0", b"\x63\0\0\0"), "has 99 dimensions"),
    "offset": (last_offset(b"\xe0" * 8), "ends at"),
    "crooked offset": (last_offset(b"\1" + b"\0" * 7), "ends at"),
    "alignment": (with_keys(general_alignment=number("general.alignment", 7)), "its alignment is 7"),
    "endless text": (with_keys(a=text("a") + struct.pack("<IQ", 8, 2**62)), "runs past"),
    "endless array": (with_keys(a=text("a") + struct.pack("<IIQ", ARRAY, 4, 2**61)), "runs past"),
    "unknown kind": (with_keys(a=text("a") + struct.pack("<I", 77)), "a value of kind 77"),
    "no architecture": (with_keys(general_architecture=None), "does not name its architecture"),
    "embeddings": (with_keys(general_architecture=words("general.architecture", "bert")), "embedding model"),
    "pooling": (sized("pooling_type", 1), "is an embedding model"),
    "adapter": (with_keys(general_type=words("general.type", "adapter")), "of the type 'adapter'"),
    "no vocabulary": (with_keys(tokenizer_ggml_tokens=None), "carries no vocabulary"),
    "no template": (with_keys(tokenizer_chat__template=None), "carries no chat template"),
    "too many tokens": (with_keys(tokenizer_ggml_tokens=ONE_MORE), "knows 49152"),
}  # fmt: skip

# What only llama.cpp or the template engine find out, in a process of their own.
SURVIVED = {
    "architecture": (with_keys(general_architecture=words("general.architecture", "zzzzz")), "unknown model"),
    "vocabulary cut": (with_keys(tokenizer_ggml_tokens=TWO_TOKENS), "cannot load"),
    "no merges": (with_keys(tokenizer_ggml_merges=None), "cannot load"),
    "no layers": (sized("block_count", 0), "died of SIGABRT while it was being loaded"),
    "a layer more": (sized("block_count", 31), "tensor 'blk.30"),
    "no heads": (sized("attention.head_count", 0), "cannot load"),
    "crooked heads": (sized("attention.head_count", 7), "cannot load"),
    "experts": (sized("expert_count", 2**31), "died of SIGABRT"),
    "no context": (sized("context_length", 0), "cannot run"),
    "one tensor": (lambda parts: replace(parts, infos=parts.infos[:1] * parts.tensors), "cannot load"),
    "a part of many": (with_keys(split_count=text("split.count") + struct.pack("<IH", 2, 5)), "split"),
    "no template": (templated("{% for m in messages %}{{ m.content }"), "template cannot be read"),
    "spying template": (templated("{{ ''.__class__.__mro__ }}{{ messages }}"), "unsafe"),
    "bursting template": (templated("{{ 'x' * 30000000000 }}{{ messages }}"), "template fails"),
    "endless template": (templated(ENDLESS), "no sign of life for 2 seconds"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_header_is_refused_unloaded(tmp_path: Path, name: str) -> None:
    edit, says = REFUSED[name]
    with pytest.raises(ModelError, match=says):
        check_chat_model(read_gguf(write_gguf(tmp_path / "bad.gguf", edit)))


@pytest.mark.parametrize("name", SURVIVED)
def test_a_bad_model_kills_nobody_but_its_own_process(tmp_path: Path, name: str) -> None:
    edit, says = SURVIVED[name]
    file = write_gguf(tmp_path / "bad.gguf", edit)
    with (
        pytest.raises(ModelError, match=says),
        closing(IsolatedGenerator(file, threads=1, context=512, silence=2)) as generator,
    ):
        list(generator.write(ASK, max_tokens=2))


def test_a_model_larger_than_the_memory_is_refused_with_both_numbers(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "large.gguf", sized("block_count", 100_000_000))
    with pytest.raises(ModelError, match=r"needs about [\d.]+ GB of memory .* [\d.]+ of [\d.]+ GB are free"):
        IsolatedGenerator(file, threads=1)


def test_numbers_that_are_none_are_noticed_in_the_child(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "nan.gguf", real=True, nan=40_000_000)
    generator = IsolatedGenerator(file, threads=1, context=512)
    for _ in range(2):
        with pytest.raises(ModelError, match="its weights are damaged"):
            list(generator.write(ASK, max_tokens=2))
    generator.close()
