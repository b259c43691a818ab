"""Chat messages to a prompt by the template of the model file; what the messages say stays apart from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from models.protocols import Message
from rag.errors import ModelError

SYSTEM = Message("system", "You are a helpful assistant.")
"""Sent when the caller sends no system message: several templates would put in their own."""
LONGEST = 1_000_000
"""Characters a template may make of messages whose contents are replaced by marks."""

_MARK = re.compile("\ue000([0-9]+)\ue001")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a prompt."""

    text: str
    special: bool
    """From the template, so control tokens in it are meant; never true of what a message says."""


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled chat template."""

    draw: Callable[[list[dict[str, str]]], str]

    def render(self, messages: Sequence[Message]) -> list[Piece]:
        """Return the prompt of `messages`, up to where the reply begins.

        A template that knows no system role gets the system message at the head of the first user
        message. Raises ModelError when the template fails or leaves a message out.
        """
        given = list(messages) if messages and messages[0].role == "system" else [SYSTEM, *messages]
        marked = [{"role": message.role, "content": f"\ue000{i}\ue001"} for i, message in enumerate(given)]
        try:
            text = self.draw(marked)
        except ModelError:
            if len(marked) < 2:
                raise
            head = {"role": marked[1]["role"], "content": f"{marked[0]['content']}\n\n{marked[1]['content']}"}
            text = self.draw([head, *marked[2:]])
        pieces = [
            Piece(given[int(part)].content if odd else part, special=not odd)
            for i, part in enumerate(_MARK.split(text))
            if (odd := i % 2) or part
        ]
        used = {int(number) for number in _MARK.findall(text)}
        if len(used) != len(given):
            missing = next(message.role for i, message in enumerate(given) if i not in used)
            raise ModelError(f"The chat template of the model drops the {missing} message. Use another.")
        return pieces


def load_template(source: str, *, bos: str, eos: str) -> Template:
    """Compile the Jinja text `source` in a sandbox; ModelError when it is no template."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    # Not optimised: what a template computes from constants would be computed here, a billion letters too.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, optimized=False, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = refuse
    try:
        compiled = environment.from_string(source)
    except (TemplateError, RecursionError, ValueError) as error:
        raise ModelError(f"The model's chat template cannot be read: {error}. Use another model.") from error
    fixed: dict[str, Any] = {"bos_token": bos, "eos_token": eos}
    fixed |= {"add_generation_prompt": True, "enable_thinking": False}

    def draw(messages: list[dict[str, str]]) -> str:
        parts: list[str] = []
        length = 0
        try:
            for part in compiled.generate(messages=messages, **fixed):
                length += len(part)
                if length > LONGEST:
                    raise ModelError(f"The model's chat template writes over {LONGEST} characters.")
                parts.append(part)
        except (
            TemplateError,
            TypeError,
            ValueError,
            KeyError,
            ArithmeticError,
            RecursionError,
            MemoryError,
        ) as error:
            raise ModelError(f"The model's chat template fails: {error}. Use another model.") from error
        return "".join(parts)

    return Template(draw)
