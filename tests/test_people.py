"""What a sentence says that somebody is."""

from __future__ import annotations

import numpy as np
import pytest

from models.parser import load_parser
from rag.people import people
from rag.records import Article
from rag.statements import Statement


def called(text: str) -> dict[str, list[str]]:
    parse = load_parser().parse([text])[0]
    statement = Statement(Article("a", text), 0, len(text), parse, np.zeros(0, np.float32), 0, 0.0)
    return {person.name: [role.role for role in person.roles] for person in people([statement])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The king’s special envoy, Anna Berg, flew home.", {"Anna Berg": ["king’s special envoy"]}),
        ("Anna Berg, head of the Dalby fund, flew home.", {"Anna Berg": ["head of the Dalby fund"]}),
        ("They met Anna Berg, head of the Dalby fund", {"Anna Berg": ["head of the Dalby fund"]}),
        ("The bridge of Dalby was built in 1932.", {}),
    ],
    ids=["before the name", "behind it", "at the very end", "nobody"],
)
def test_a_post_is_taken_from_beside_the_name(text: str, expected: dict[str, list[str]]) -> None:
    assert called(text) == expected
