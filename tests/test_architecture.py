"""The shape of the program, as docs/architecture.md draws it: what imports what, how long a file may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
FOLDERS = ("ui", "evals", "rag", "models")

ORDER = (
    "ui",
    "evals",
    "rag.cli",
    "rag.check_command",
    "rag.shelf rag.brief_command rag.models_command",
    "rag.session",
    "rag.terminal_brief",
    "rag.terminal",
    "rag.pipeline",
    "rag.engines",
    "rag.page_pdf rag.page_docx",
    "rag.page",
    "rag.fuse",
    "rag.render_brief rag.render_check rag.since rag.tighten",
    "rag.render",
    "rag.brief",
    "rag.sections rag.telling",
    "rag.lines",
    "rag.answer",
    "rag.compare",
    "rag.differ rag.described",
    "rag.contrast rag.differ_events",
    "rag.sides rag.timeline rag.people rag.amounts rag.gaps",
    "rag.points",
    "rag.statements rag.scope",
    "rag.check",
    "rag.verdict",
    "rag.verify rag.coverage",
    "rag.wordings",
    "rag.trim",
    "rag.reported",
    "rag.roles rag.measures",
    "rag.disagree",
    "rag.either rag.alike",
    "rag.confidence rag.select",
    "rag.evidence",
    "rag.several rag.gather",
    "rag.spans",
    "rag.posts",
    "rag.span rag.relations rag.opposites rag.options rag.conversation rag.timewords rag.standing",
    "rag.question",
    "rag.syntax",
    "rag.places",
    "rag.prompts rag.numbers rag.names rag.dates",
    "rag.portable",
    "rag.history",
    "rag.adding",
    "rag.web",
    "rag.retrieve rag.chunk rag.read rag.feeds rag.revisions",
    "rag.clean rag.docx rag.fetch",
    "rag.server",
    "rag.vectors",
    "rag.library rag.listing",
    "rag.changes",
    "rag.laws rag.matrix rag.subscriptions rag.facets",
    "rag.store",
    "rag.rows rag.schema",
    "rag.origins rag.filters rag.planted",
    "rag.settings",
    "rag.text",
    "rag.records",
    "models",
    "rag.errors",
)
"""From the top down: a line may import only from lines below it. Files of `ui`, `evals` and `models` may
import others of their folder."""

STAGES = {
    "reading": ("rag.web", "rag.read", "rag.feeds", "rag.docx", "rag.fetch", "rag.clean"),
    "cutting": ("rag.chunk",),
    "finding": ("rag.retrieve", "rag.planted"),
    "answering": (
        *("rag.check", "rag.conversation", "rag.described", "rag.timewords"),
        *("rag.coverage", "rag.reported", "rag.roles", "rag.measures"),
        *(
            "rag.answer",
            "rag.wordings",
            "rag.compare",
            "rag.opposites",
            "rag.options",
            "rag.verdict",
            "rag.verify",
            "rag.disagree",
            "rag.either",
            "rag.alike",
            "rag.confidence",
            "rag.evidence",
            "rag.gather",
        ),
        *(
            "rag.spans",
            "rag.posts",
            "rag.span",
            "rag.relations",
            "rag.question",
            "rag.prompts",
            "rag.numbers",
            "rag.names",
        ),
        *("rag.brief", "rag.scope", "rag.statements", "rag.points", "rag.trim", "rag.dates"),
        *("rag.timeline", "rag.people", "rag.amounts", "rag.gaps", "rag.sides", "rag.differ", "rag.contrast"),
        *(
            "rag.differ_events",
            "rag.lines",
            "rag.sections",
            "rag.telling",
            "rag.standing",
            "rag.since",
            "rag.tighten",
            "rag.fuse",
        ),
    ),
    "showing": (
        *("rag.render", "rag.render_brief", "rag.render_check"),
        *("rag.page", "rag.page_docx", "rag.page_pdf"),
    ),
}
"""The stages of the pipeline, which know nothing of each other; `rag.pipeline` alone knows their order."""

EXCEPTIONS = {
    ("rag.cli", "ui.app"): "`tearsheet ui` opens the page, and imports it only then",
    ("rag.cli", "ui.auth"): "`tearsheet ui` takes a password, before anything heavy is imported",
    ("rag.cli", "evals.cli"): "`tearsheet eval` has arguments of its own",
}

FENCES = {
    "llama_cpp": ("models/llama.py", "evals/overhead.py"),
    "torch sentence_transformers transformers": (
        "models/embedder.py",
        "models/pairs.py",
        "evals/fit_adapter.py",
    ),
    "onnxruntime": ("models/session.py",),
    "tokenizers": ("models/embedder.py", "models/words.py"),
    "safetensors": ("models/words.py",),
    "spacy": ("models/parser.py",),
    "chromadb": ("rag/vectors.py", "rag/server.py"),
    "sqlite3": (
        "rag/library.py",
        "rag/changes.py",
        "rag/store.py",
        "rag/schema.py",
        "rag/rows.py",
        "rag/laws.py",
    ),
    "trafilatura pypdf": ("rag/read.py",),
    "feedparser": ("rag/feeds.py",),
    "rich": (
        "rag/terminal.py",
        "rag/terminal_brief.py",
        "rag/cli.py",
        "rag/session.py",
        "rag/brief_command.py",
        "rag/check_command.py",
    ),
    "gradio starlette fastapi pydantic mcp": ("ui/",),
    "fpdf": ("rag/page_pdf.py",),
    "socket": ("ui/app.py", "ui/guard.py", "rag/fetch.py", "models/served.py"),
    "http.client": ("rag/fetch.py", "rag/server.py", "models/fetch.py", "models/served.py"),
    "urllib.request": ("models/fetch.py", "models/served.py"),
    "http.server requests httpx aiohttp": (),
    "sklearn": ("evals/fit.py", "evals/fit_adapter.py", "evals/verdicts.py"),
    "pytest": ("evals/plugin.py",),
    "unittest.mock": (),
}
"""Where each of these packages may be imported; the network only where a user asks."""

LATE = (
    "llama_cpp torch sentence_transformers transformers onnxruntime tokenizers safetensors spacy chromadb "
    "trafilatura pypdf feedparser"
)
"""Packages too slow to import before they are needed: only inside functions."""
FITS = ("evals.fit_adapter",)
"""Programs that are run by themselves and do nothing without such a package."""

LONGEST = 500
"""Lines of a file; it becomes two files, or a folder, at about 400."""
LONGEST_TEST = 700

VAGUE = ("utils", "helpers", "base", "common", "core", "manager", "misc")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


FILES = tuple(path for folder in FOLDERS for path in sorted((PROJECT / folder).rglob("*.py")))
TESTS = tuple(sorted((PROJECT / "tests").glob("*.py")))
MODULES = {name_of(path): path for path in FILES}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def imports(tree: ast.AST) -> Iterator[str]:
    """What is imported, with each name taken from a module: `from rag import cli` gives rag, rag.cli."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(name: str) -> set[str]:
    return {found for found in imports(TREES[name]) if found in MODULES and found != name} - {"rag"}


def place(name: str) -> int | None:
    for number, line in enumerate(ORDER):
        if {name, name.split(".")[0]} & set(line.split()):
            return number
    return None


def is_inside(path: Path, places: tuple[str, ...]) -> bool:
    where = path.relative_to(PROJECT).as_posix()
    return any(where == place or (place.endswith("/") and where.startswith(place)) for place in places)


def belongs_to(found: str, packages: str) -> bool:
    return any(found == package or found.startswith(f"{package}.") for package in packages.split())


@pytest.mark.parametrize("name", MODULES)
def test_every_file_has_its_place_and_imports_only_what_stands_below(name):
    here = place(name)
    assert here is not None or name == "rag", f"{name} has no line in ORDER of this file; give it one."
    for found in imported_modules(name):
        down = place(found)
        same_folder = name.split(".")[0] == found.split(".")[0] in ORDER[here].split()
        allowed = down > here or same_folder or (name, found) in EXCEPTIONS
        assert allowed, f"{name} imports {found}, which stands above it or beside it in ORDER of this file."


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_no_other_stage(stage):
    others = {name for other, names in STAGES.items() if other != stage for name in names}
    for name in STAGES[stage]:
        met = sorted(imported_modules(name) & others)
        assert not met, f"{name} imports {met[0]}, of another stage. Only rag/pipeline.py joins stages."


def test_no_file_imports_itself_by_way_of_others():
    seen: set[str] = set()

    def follow(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"These files import each other in a circle: {' -> '.join((*trail, name))}."
        if name not in seen:
            for found in sorted(imported_modules(name)):
                if (name, found) not in EXCEPTIONS:
                    follow(found, (*trail, name))
            seen.add(name)

    for name in MODULES:
        follow(name, ())


@pytest.mark.parametrize("packages", FENCES)
def test_packages_stay_behind_their_fence(packages):
    for name, path in MODULES.items():
        for found in imports(TREES[name]):
            inside = not belongs_to(found, packages) or is_inside(path, FENCES[packages])
            where = " or ".join(FENCES[packages]) or "no file"
            assert inside, f"{name} imports {found}; that may stand in {where}."


@pytest.mark.parametrize("name", [name for name in MODULES if name not in FITS])
def test_slow_packages_are_imported_inside_functions(name):
    late = (node for node in ast.walk(TREES[name]) if isinstance(node, ast.FunctionDef))
    inside = {found for function in late for found in imports(function)}
    early = [found for found in imports(TREES[name]) if belongs_to(found, LATE) and found not in inside]
    assert not early, f"{name} imports {early[0]} too early: do it in the function that needs it."


@pytest.mark.parametrize("name", FITS)
def test_no_file_imports_what_fits(name):
    assert [other for other in MODULES if name in imported_modules(other)] == []


@pytest.mark.parametrize("name", MODULES)
def test_no_import_is_relative(name):
    relative = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, f"{name} has a relative import; write the whole name, which can be searched for."


@pytest.mark.parametrize("name", MODULES)
def test_every_file_says_in_its_first_line_what_it_is(name):
    said = (ast.get_docstring(TREES[name]) or "").split("\n")[0]
    assert said, f"{name} does not say what it is: begin it with a docstring of one line."
    assert said[-1] in ".?!", f"The first line of {name} is not a whole sentence: {said!r}."


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=lambda path: path.name)
def test_files_stay_short_and_are_named_for_what_they_do(path):
    lines = len(path.read_text("utf-8").splitlines())
    longest = LONGEST_TEST if path in TESTS else LONGEST
    assert lines <= longest, (
        f"{path.name} has {lines} lines, more than {longest}; part it by what its parts do."
    )
    assert path.stem not in VAGUE, f"{path.name} could hold anything; name it for the one thing it does."
