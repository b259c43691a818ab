"""Two runs of the same cases: which differ, and whether the difference is more than chance."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from evals.runfile import CaseRun, Run
from rag.errors import InputError

EXACT = 16
"""Differences up to which every assignment of signs is tried."""
DRAWS = 10_000
SEED = 20260101
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second run against the first, on the cases that both were asked."""

    pairs: int
    gained: tuple[str, ...]
    """Cases that only the second passes."""
    lost: tuple[str, ...]
    """Cases that only the first passes."""
    p_pass: float
    """Exact McNemar: the chance of flips as uneven as these if the two are as good."""
    difference: float
    """Of the pass rates, second minus first."""
    interval: tuple[float, float]
    """95 % of the difference, resampling whole clusters of cases."""
    p_recall: float
    """Sign-flip permutation on the cited-fact recall of each case."""
    recall: float
    """Mean difference of cited-fact recall."""

    @property
    def verdict(self) -> str:
        low, high = self.interval
        if low <= 0 <= high:
            return "cannot tell"
        return "better" if low > 0 else "worse"


def compare(first: Run, second: Run) -> Comparison:
    """Pair the runs by case. Raises InputError when they share no case."""
    ours = first.by_id
    pairs = [(ours[case.id], case) for case in second.cases if _both_ran(ours.get(case.id), case)]
    if not pairs:
        raise InputError("The two runs have no case in common. Run the same suites.")
    gained = tuple(new.id for old, new in pairs if new.passed and not old.passed)
    lost = tuple(new.id for old, new in pairs if old.passed and not new.passed)
    recalls = [_recall(new) - _recall(old) for old, new in pairs if old.recall[1] and new.recall[1]]
    return Comparison(
        pairs=len(pairs),
        gained=gained,
        lost=lost,
        p_pass=mcnemar(len(gained), len(lost)),
        difference=(len(gained) - len(lost)) / len(pairs),
        interval=cluster_bootstrap([(new.cluster, int(new.passed) - int(old.passed)) for old, new in pairs]),
        p_recall=sign_flip(recalls),
        recall=sum(recalls) / len(recalls) if recalls else 0.0,
    )


def _both_ran(old: CaseRun | None, new: CaseRun) -> bool:
    return old is not None and "not run" not in (old.label, new.label)


def _recall(case: CaseRun) -> float:
    return case.recall[0] / case.recall[1]


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided exact p of `gained` against `lost` flips.

    >>> round(mcnemar(6, 0), 3), round(mcnemar(5, 0), 3), round(mcnemar(8, 1), 3)
    (0.031, 0.062, 0.039)
    """
    flips = gained + lost
    tail = sum(math.comb(flips, few) for few in range(min(gained, lost) + 1)) / 2**flips
    return float(min(1.0, 2 * tail))


def sign_flip(differences: Sequence[float], *, draws: int = DRAWS, seed: int = SEED) -> float:
    """Return the two-sided p of the mean difference under random signs; exact for up to 16 that differ."""
    moved = [abs(each) for each in differences if each]
    if not moved:
        return 1.0
    seen = abs(sum(differences)) - 1e-12
    if len(moved) <= EXACT:
        signed = product((1, -1), repeat=len(moved))
        sums = [abs(sum(s * d for s, d in zip(signs, moved, strict=True))) for signs in signed]
        return sum(each >= seen for each in sums) / len(sums)
    draw = random.Random(seed)
    extreme = sum(abs(sum(d if draw.random() < 0.5 else -d for d in moved)) >= seen for _ in range(draws))
    return (extreme + 1) / (draws + 1)


def cluster_bootstrap(
    differences: Sequence[tuple[str, int]], *, draws: int = DRAWS, seed: int = SEED
) -> tuple[float, float]:
    """Return the 95 % interval of the mean difference when whole clusters are drawn again."""
    clusters: dict[str, list[int]] = {}
    for name, difference in differences:
        clusters.setdefault(name, []).append(difference)
    if len(clusters) == 1:  # nothing to draw from: its cases stand for clusters
        clusters = {str(index): [each] for index, (_, each) in enumerate(differences)}
    sums = [(sum(each), len(each)) for each in clusters.values()]
    draw = random.Random(seed)
    means = []
    for _ in range(draws):
        drawn = draw.choices(sums, k=len(sums))
        means.append(sum(total for total, _ in drawn) / sum(size for _, size in drawn))
    means.sort()
    cut = int((1 - LEVEL) / 2 * draws)
    return means[cut], means[draws - 1 - cut]


def comparison_lines(first: Run, second: Run, found: Comparison) -> list[str]:
    """Return the comparison for a reader."""
    low, high = found.interval
    return [
        f"{second.name} against {first.name}, on {found.pairs} cases",
        f"  pass rate      {found.difference:+.3f}  [{low:+.3f}, {high:+.3f}]  {found.verdict}",
        f"  flips          {len(found.gained)} gained, {len(found.lost)} lost (McNemar p={found.p_pass:.3f})",
        f"  cited facts    {found.recall:+.3f}  (sign-flip p={found.p_recall:.3f})",
        *(f"  + {name}" for name in found.gained),
        *(f"  - {name}" for name in found.lost),
    ]
