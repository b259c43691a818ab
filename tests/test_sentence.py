"""Which folder the setting `embedder` means, and that the library follows when it changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.compute import package_folder
from models.embedder import PACKAGE, load_embedder
from models.sentence import embedder_folder
from rag.errors import InputError
from rag.pipeline import Tearsheet
from rag.settings import Settings

BUNDLED = package_folder(PACKAGE) / "model"
SEED = Path(__file__).resolve().parents[1] / "seeds" / "articles" / "kushner-joins-witkoff.md"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another embedder for the library: the bundled one, pooled by its first token."""
    folder = tmp_path / "other"
    shutil.copytree(BUNDLED, folder)
    pooling = folder / "1_Pooling" / "config.json"
    said = json.loads(pooling.read_text())
    said |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    pooling.write_text(json.dumps(said))
    return folder


def test_a_folder_a_name_and_what_the_hub_tool_left_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--BAAI--bge-small-en-v1.5" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert embedder_folder("bge-small-en-v1.5") == embedder_folder("BAAI/bge-small-en-v1.5") == snapshot
    assert embedder_folder(str(snapshot)) == snapshot
    assert embedder_folder("") is embedder_folder("all-MiniLM-L6-v2") is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("multilingual-e5-small", "`hf download intfloat/multilingual-e5-small` fetches it"),
        ("me/mine", "`hf download me/mine` fetches it"),
        ("mine", "no embedder 'mine'. Known: all-minilm-l6-v2, "),
    ],
)
def test_one_that_is_not_here_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=says):
        embedder_folder(name)


def test_the_library_follows_another_embedder(tmp_path: Path, other: Path) -> None:
    settings = Settings.load(library=tmp_path / "library", threads=1, tier="quote")
    with Tearsheet.open(settings, write=True) as tearsheet:
        tearsheet.add([SEED])
        ours = tearsheet.library.embedder
    settings = Settings.load(library=tmp_path / "library", threads=1, tier="quote", embedder=str(other))
    with Tearsheet.open(settings, write=True) as tearsheet:
        tearsheet.add([SEED])
        assert tearsheet.library.embedder == load_embedder(other).fingerprint != ours
        assert "44" in tearsheet.ask("How old is Jared Kushner?").claims[0].text
