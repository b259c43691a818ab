"""How `tearsheet check` marks sentences written by hand: true ones, and the same with one thing altered."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from rag.pipeline import Tearsheet
from rag.settings import Settings

SET = Path(__file__).resolve().parent / "cases" / "drafts.json"
RIGHT = {"true": ("supported",), "altered": ("contradicted", "unsupported", "partly")}


def main(path: Path = SET) -> int:
    """Print each sentence that is marked wrongly, then the counts."""
    given = json.loads(path.read_text("utf-8"))
    counts = []
    with tempfile.TemporaryDirectory(prefix="tearsheet-drafts-") as folder:
        settings = Settings.load(library=Path(folder) / "library", tier="quote")
        with Tearsheet.open(settings, write=True) as tearsheet:
            tearsheet.add([path.parent / given["corpus"]])
            for part, right in RIGHT.items():
                made = tearsheet.check("\n\n".join(given[part]), written=given["written"])
                wrong = [each for each in made.sentences if each.support not in right]
                for each in wrong:
                    print(f"  {part}, marked {each.support}: {each.text}  ({each.reason})")
                counts.append(
                    f"{part}: {len(made.sentences) - len(wrong)} of {len(made.sentences)} as they should be"
                )
    print("\n".join(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
