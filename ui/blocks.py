"""Finds a part of the page that another file laid out, by the name it has there."""

from __future__ import annotations

from typing import Any, TypeVar

import gradio as gr

Block = TypeVar("Block")


def blocks_named(page: gr.Blocks, kind: type[Block], name: str) -> list[Block]:
    """Return the parts of `page` of that kind with the id `name`: one, or none when nothing is called so."""
    parts: list[Any] = list(page.blocks.values())
    return [part for part in parts if isinstance(part, kind) and part.elem_id == name]  # type: ignore[attr-defined]
