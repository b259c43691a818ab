"""Fits the reader's adapter, and writes it into `models/`.

    python -m evals.fit_adapter --squad squad2_dev.json --news articles.jsonl --corpus FOLDER [--out models]

The reader is the first 20 layers of the bundled model. Low-rank matrices are added to the upper ones of them
(LoRA, Hu et al. 2021) and fitted to tell a sentence that answers a question from one that nearly does, after
a linear function of the state as it was (Kumar et al. 2022). They learn from the sentences in `evals/fitting`
with two questions that each answers and four that it nearly does, and from the first TAUGHT articles of
SQuAD 2.0, whose unanswerable questions come with the span that tempts. Prints how well sentences are told
apart (AUROC), before and after, on what was left out: the other articles of SQuAD, and every tenth sentence
of ours. Takes about 45 minutes on 2 cores; `--shipped` measures the shipped one without fitting.
`evals.fit` comes after it.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from evals.fit_contrasts import Contrast, contrasts, squad_contrasts
from evals.fit_questions import TAUGHT
from models.adapter import Adapter, load_adapter, save_adapter
from models.faster import eight_bit_copy
from models.generator import bundled_gguf
from models.gguf import read_gguf
from models.layers import rows_of
from models.llama import Vocabulary
from models.reader import ADAPTER, LAYERS

FIRST = 10
"""The layers below stay as they are: fitting them too took three times as long and told no more."""
RANK, SCALE = 8, 2.0
PARTS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
EPOCHS, RATE, DECAY, DROPPED = 4, 3e-4, 0.01, 0.05
BATCH, QUESTIONS_AT_ONCE = 4, 8
PLAINER = 0.01
"""How freely the linear function follows the states."""


def main(argv: Sequence[str] | None = None) -> int:
    """Fit the adapter, print what it tells apart, write it."""
    options = _options(argv)
    torch.manual_seed(0)
    known, held = (part[: options.most] for part in contrasts(options.news, options.corpus))
    fitted = [*squad_contrasts(options.squad, slice(0, TAUGHT), easy=True)][: options.most] + known
    measured = [*squad_contrasts(options.squad, slice(TAUGHT, None), easy=False)][: options.most] + held
    layers = Layers()
    if options.shipped:
        layers.take_shipped()
        _print_areas("as shipped", layers, held)
        return 0
    layers.start(fitted)
    _print_areas("before", layers, measured)
    print(f"fitted on {sum(len(one.asked) for one in fitted)} questions about {len(fitted)} sentences")
    for epoch in range(EPOCHS):
        loss = layers.learn(fitted, epoch)
        print(f"epoch {epoch + 1}: loss {loss:.4f}", flush=True)
    _print_areas("after", layers, measured)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        save_adapter(layers.adapter(), options.out / "adapter.npz")
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.fit_adapter", description=__doc__)
    parser.add_argument("--squad", type=Path, required=True, metavar="FILE", help="SQuAD 2.0, as published")
    parser.add_argument("--news", type=Path, required=True, metavar="FILE", help="news articles, one a line")
    parser.add_argument(
        "--corpus", type=Path, required=True, metavar="DIR", help="the reports retold in seeds/"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the adapter here")
    parser.add_argument(
        "--shipped", action="store_true", help="fit nothing, measure what is shipped on our sentences"
    )
    parser.add_argument(
        "--most", type=int, default=10**6, metavar="N", help="sentences of each set, for a try"
    )
    return parser.parse_args(argv)


# ---------------------------------------------------------------- the layers


class Layers(torch.nn.Module):
    """The reader's layers with an adapter in the upper ones, and a linear function of the last state.

    The questions on one sentence are read behind it side by side, none of them seeing another, so that the
    sentence is read once.
    """

    def __init__(self) -> None:
        super().__init__()
        copy = eight_bit_copy(bundled_gguf())
        found = read_gguf(copy)
        self.vocabulary = Vocabulary(copy)
        number = {
            key.removeprefix("llama."): float(value)
            for key, value in found.values.items()
            if isinstance(value, int | float)
        }
        self._heads, self._groups = (int(number[f"attention.head_count{end}"]) for end in ("", "_kv"))
        self._width = int(number["embedding_length"])
        self._each = self._width // self._heads
        self._epsilon = number["attention.layer_norm_rms_epsilon"]
        self._turns = 1 / number["rope.freq_base"] ** (torch.arange(0, self._each, 2) / self._each)
        names = [f"blk.{i}.{part}" for i in range(LAYERS) for part in (*PARTS, "attn_norm", "ffn_norm")]
        self._fixed = {
            name: torch.from_numpy(np.array(rows_of(found, f"{name}.weight")))
            for name in (*names, "token_embd", "output_norm")
        }
        self.left, self.right = torch.nn.ParameterDict(), torch.nn.ParameterDict()
        for name in (f"blk.{i}.{part}" for i in range(FIRST, LAYERS) for part in PARTS):
            out, into = self._fixed[name].shape
            self.left[_key(name)] = torch.nn.Parameter(torch.zeros(out, RANK))
            self.right[_key(name)] = torch.nn.Parameter(torch.randn(RANK, into) / math.sqrt(into))
        self.slopes = torch.nn.Parameter(torch.zeros(self._width))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def adapter(self) -> Adapter:
        """Return what was fitted."""
        return {
            f"{_named(key)}.weight": (SCALE * left.detach().numpy(), self.right[key].detach().numpy())
            for key, left in self.left.items()
        }

    def take_shipped(self) -> None:
        """Take the adapter and the linear function that come with Tearsheet."""
        for name, (left, right) in load_adapter(ADAPTER).items():
            key = _key(name.removesuffix(".weight"))
            self.left[key].data = torch.from_numpy(left) / SCALE
            self.right[key].data = torch.from_numpy(right)
        with np.load(ADAPTER.with_name("reader.npz"), allow_pickle=False) as stored:
            self.slopes.data = torch.from_numpy(stored["weights"]).float()
            self.bias.data = torch.tensor(float(stored["bias"]))

    def start(self, fitted: Sequence[Contrast]) -> None:
        """Fit the linear function on the states as they are."""
        from sklearn.linear_model import LogisticRegression

        batches = list(_batches(fitted))
        self.eval()
        with torch.no_grad():
            states = torch.cat([self.states(batch) for batch in batches]).numpy()
        asked = [each for batch in batches for one in batch for each in one.asked]
        middle, spread = states.mean(0), states.std(0) + 1e-6
        found = LogisticRegression(C=PLAINER, max_iter=2000).fit(
            (states - middle) / spread, [right for _, right, _ in asked], [counts for _, _, counts in asked]
        )
        slopes = found.coef_[0] / spread
        self.slopes.data = torch.from_numpy(slopes).float()
        self.bias.data = torch.tensor(float(found.intercept_[0] - slopes @ middle))

    def learn(self, fitted: Sequence[Contrast], epoch: int) -> float:
        """Go once through all questions; return the mean loss."""
        rates = self._optimiser()
        order = random.Random(epoch)
        batches = list(_batches(fitted, order))
        total = 0.0
        self.train()
        for step, batch in enumerate(batches):
            done = (epoch + step / len(batches)) / EPOCHS
            for group in rates.param_groups:
                group["lr"] = (
                    RATE * group["share"] * min(1.0, (epoch * len(batches) + step + 1) / 40) * (1.05 - done)
                )
            asked = [each for one in batch for each in one.asked]
            wanted = torch.tensor([float(right) for _, right, _ in asked])
            weight = torch.tensor([counts for _, _, counts in asked])
            losses = functional.binary_cross_entropy_with_logits(self(batch), wanted, reduction="none")
            loss = (losses * weight).sum() / weight.sum()
            rates.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            rates.step()
            total += loss.item()
        return total / len(batches)

    def _optimiser(self) -> torch.optim.AdamW:
        if not hasattr(self, "_rates"):
            ends = [self.slopes, self.bias]
            low = [*self.left.values(), *self.right.values()]
            self._rates = torch.optim.AdamW(
                [
                    {"params": low, "share": 1.0, "weight_decay": DECAY},
                    {"params": ends, "share": 0.3, "weight_decay": 0.0},
                ],
                betas=(0.9, 0.98),
            )
        return self._rates

    def forward(self, batch: Sequence[Contrast]) -> torch.Tensor:
        """Return the log-odds that each question of the batch is answered, one after the other."""
        return self.states(batch) @ self.slopes + self.bias

    def states(self, batch: Sequence[Contrast]) -> torch.Tensor:
        """Return the states after each question of the batch, shape `(n, width)`."""
        ids, places, seen, ends = _laid_out(batch, self.vocabulary)
        angles = places[..., None] * self._turns
        turns = (angles.cos()[:, None], angles.sin()[:, None])
        rows = self._fixed["token_embd"][ids]
        with torch.no_grad():
            for i in range(FIRST):
                rows = self._layer(i, rows, turns, seen)
        for i in range(FIRST, LAYERS):
            rows = self._layer(i, rows, turns, seen)
        return self._normed(rows[ends], "output_norm")

    def _layer(
        self, i: int, rows: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor], seen: torch.Tensor
    ) -> torch.Tensor:
        many, long, _ = rows.shape
        normed = self._normed(rows, f"blk.{i}.attn_norm")
        asking, keys, values = (
            self._product(f"blk.{i}.attn_{part}", normed).view(many, long, -1, self._each).transpose(1, 2)
            for part in "qkv"
        )
        asking, keys = _turned(asking, *turns), _turned(keys, *turns)
        shared = self._heads // self._groups
        mixed = functional.scaled_dot_product_attention(
            asking, keys.repeat_interleave(shared, 1), values.repeat_interleave(shared, 1), seen[:, None]
        )
        rows = rows + self._product(f"blk.{i}.attn_output", mixed.transpose(1, 2).reshape(many, long, -1))
        normed = self._normed(rows, f"blk.{i}.ffn_norm")
        gate, up = (self._product(f"blk.{i}.ffn_{part}", normed) for part in ("gate", "up"))
        return rows + self._product(f"blk.{i}.ffn_down", functional.silu(gate) * up)

    def _normed(self, rows: torch.Tensor, name: str) -> torch.Tensor:
        return functional.rms_norm(rows, (self._width,), self._fixed[name], self._epsilon)

    def _product(self, name: str, rows: torch.Tensor) -> torch.Tensor:
        whole = functional.linear(rows, self._fixed[name])
        if (key := _key(name)) not in self.left:
            return whole
        dropped = functional.dropout(rows, DROPPED, self.training)
        return whole + SCALE * functional.linear(functional.linear(dropped, self.right[key]), self.left[key])


def _laid_out(
    batch: Sequence[Contrast], vocabulary: Vocabulary
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, tuple[list[int], list[int]]]:
    """Return tokens, their places, what each may see, and where each question ends (row and column)."""
    listed = []
    for one in batch:
        head = vocabulary.tokens(one.passage)
        tails = [vocabulary.tokens(f" {text}\nAnswer:") for text, _, _ in one.asked]
        listed.append((head, tails))
    long = max(len(head) + sum(map(len, tails)) for head, tails in listed)
    ids = torch.zeros(len(batch), long, dtype=torch.long)
    places = torch.zeros(len(batch), long)
    # What fills a row up sees itself, for softmax has to see something.
    seen = torch.eye(long, dtype=torch.bool).repeat(len(batch), 1, 1)
    ends: tuple[list[int], list[int]] = ([], [])
    for row, (head, tails) in enumerate(listed):
        behind = [(number, len(head), tail) for number, tail in enumerate(tails, 1)]
        at = 0
        parts = []
        for number, first, tokens in [(0, 0, head), *behind]:
            ids[row, at : at + len(tokens)] = torch.tensor(tokens)
            places[row, at : at + len(tokens)] = torch.arange(first, first + len(tokens))
            parts += [number] * len(tokens)
            at += len(tokens)
            if number:
                ends[0].append(row)
                ends[1].append(at - 1)
        part = torch.tensor(parts)
        seen[row, :at, :at] = torch.tril((part[None] == 0) | (part[:, None] == part[None]))
    return ids, places, seen, ends


def _turned(rows: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    even, odd = rows[..., 0::2], rows[..., 1::2]
    return torch.stack((even * cosines - odd * sines, even * sines + odd * cosines), -1).flatten(-2)


def _batches(listed: Sequence[Contrast], order: random.Random | None = None) -> Iterator[list[Contrast]]:
    """Sentences of about one length together, as each is filled up to the longest."""
    split = []
    for one in listed:
        asked = list(one.asked)
        if order:
            order.shuffle(asked)
        for at in range(0, len(asked), QUESTIONS_AT_ONCE):
            split.append(Contrast(one.passage, tuple(asked[at : at + QUESTIONS_AT_ONCE]), one.kind))
    if order:
        order.shuffle(split)
    for at in range(0, len(split), BATCH * 16):
        near = sorted(split[at : at + BATCH * 16], key=_length)
        batches = [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
        if order:
            order.shuffle(batches)
        yield from batches


def _length(one: Contrast) -> int:
    return len(one.passage) + sum(len(text) + 10 for text, _, _ in one.asked)


def _print_areas(when: str, layers: Layers, measured: Sequence[Contrast]) -> None:
    from sklearn.metrics import roc_auc_score

    layers.eval()
    for kind in dict.fromkeys(one.kind for one in measured):
        batches = list(_batches([one for one in measured if one.kind == kind]))
        with torch.no_grad():
            said = torch.cat([layers(batch) for batch in batches]).numpy()
        truth = [right for batch in batches for one in batch for _, right, _ in one.asked]
        area = roc_auc_score(truth, said)
        print(
            f"{kind}, left out, {when}: AUROC {area:.3f}, {sum(truth)} of {len(truth)} answered", flush=True
        )


def _key(name: str) -> str:
    """Parameters may not be named with dots."""
    return name.replace(".", "/")


def _named(key: str) -> str:
    return key.replace("/", ".")


if __name__ == "__main__":
    sys.exit(main())
