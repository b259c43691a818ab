"""False and harmless sentences are made of true ones, one of each kind at most."""

import json

from evals.alter import alter
from evals.swaps import HAND
from models.parser import load_parser

TRUE = "On Monday, Rubio told reporters that 22 ships may sail to the United States soon."


def test_each_kind_changes_the_one_thing_it_is_named_for() -> None:
    (parse,) = load_parser().parse([TRUE])
    (other,) = load_parser().parse(["Witkoff met Macron in Paris."])
    made = {each.kind: each.text for each in alter(parse, other.entities, "2026-03-04")}
    assert "32 ships" in made["number"]
    assert made["date"].startswith("On Thursday, ")
    assert "ships will sail" in made["may becomes will"]
    assert "did not tell reporters" in made["negation"]
    assert made["spelling"].endswith("to the U.S. soon.")
    assert TRUE not in made.values()


def test_what_was_written_by_hand_is_halved_and_names_its_passage() -> None:
    rows = [json.loads(line) for line in HAND.read_text("utf-8").splitlines()]
    harmless = [row for row in rows if row["harmless"]]
    assert len(harmless) >= 60
    assert sum(row["set"] == "kept" for row in harmless) == len(harmless) // 2
    assert all(row["passage"] and row["claim"] != row["passage"] for row in rows)
