"""Where each setting comes from, which one wins, and what is said of those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import InputError
from rag.settings import Settings, config_file, default_library


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    """An absent settings file, and no variable that sets anything."""
    for name in ("LIBRARY", "MODEL", "TIER", "THREADS", "PASSAGES"):
        monkeypatch.delenv(f"TEARSHEET_{name}", raising=False)
    path = tmp_path / "tearsheet.toml"
    monkeypatch.setenv("TEARSHEET_CONFIG", str(path))
    return path


def test_without_any_the_defaults_hold(config):
    assert Settings.load() == Settings(default_library(), "", "write", 0, 10)


def test_an_argument_wins_over_a_variable_and_that_over_the_file(config, monkeypatch):
    config.write_text('tier = "compose"\npassages = 3\nthreads = 2\n')
    monkeypatch.setenv("TEARSHEET_PASSAGES", "4")
    monkeypatch.setenv("TEARSHEET_THREADS", "5")
    found = Settings.load(threads=6)
    assert (found.tier, found.passages, found.threads) == ("compose", 4, 6)


def test_an_argument_of_none_is_not_given(config, monkeypatch):
    monkeypatch.setenv("TEARSHEET_TIER", "quote")
    assert Settings.load(tier=None).tier == "quote"


def test_a_tilde_in_the_library_is_the_home_folder(config, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    config.write_text('library = "~/mine"\n')
    assert Settings.load().library == tmp_path / "mine"


def test_without_a_named_file_the_one_of_the_user_is_read(config, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("TEARSHEET_CONFIG")
    config_file().parent.mkdir()
    config_file().write_text("passages = 7\n")
    assert Settings.load().passages == 7


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "colour = 1",
            "sets 'colour', which is not a setting. Known: checker, embedder, library, model, passages",
        ),
        ('tier = "best"', "The tier must be one of quote, write, compose; found 'best'."),
        ("passages = 0", "The setting 'passages' must be a whole number of at least 1; found 0."),
        ('threads = "many"', "The setting 'threads' must be a whole number of at least 0; found 'many'."),
        ('vectors = "host:8000"', "'vectors' is an address like http://localhost:8000; found 'host:8000'."),
        ("tier = ", "cannot be read"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(config, written, said):
    config.write_text(written)
    with pytest.raises(InputError) as error:
        Settings.load()
    assert said in str(error.value)
