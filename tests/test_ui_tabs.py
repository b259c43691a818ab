"""The Library, Evals and Models tabs in headless Chromium: journeys, hostile articles, axe, small screens."""

from __future__ import annotations

import gc
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from eval_standin import standin_run
from test_ui_browser import ATTACKS

from evals.runfile import write_run
from models.fake import FakeEmbedder, FakeGenerator, FakeParser
from rag.library import text_id
from rag.pipeline import Models, Tearsheet
from rag.records import Article
from rag.settings import Settings
from ui import app, guard

CHROMIUM = shutil.which("chromium")
sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian package chromium)"),
]
TABS = ("Library", "Evals", "Models")
TOWNS = ("Dalby", "Ostrelle", "Thornvale", "Veldhaven", "Tarnvik", "Hexin", "Lypivka", "Solvei")


class SlowEmbedder(FakeEmbedder):
    """Embeds only while `go` is set, so that a test can look at the page in between."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()

    def embed(self, texts, role):
        self.go.wait(30)
        return super().embed(texts, role)


@dataclass
class Place:
    url: str
    tearsheet: Tearsheet
    embedder: SlowEmbedder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tabs")
    settings = Settings(library=folder / "library", tier="quote")
    embedder = SlowEmbedder()
    models = Models(settings, embedder=embedder, parser=FakeParser(), generator=FakeGenerator())
    write_run(
        standin_run(folder, broken="verification"),
        settings.library / "evals" / "20260305-120000_dalby_stand-in" / "run.json",
    )
    with Tearsheet.open(settings, write=True, models=models) as tearsheet:
        page = app.build(tearsheet)
        port = app.free_port("127.0.0.1", 0)
        page.launch(**app.launch_options() | {"server_port": port, "prevent_thread_lock": True})
        # gradio leaves event loops unclosed; collected while pytest rewrites a module upset CPython 3.11.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        yield Place(f"http://127.0.0.1:{port}/", tearsheet, embedder)
        page.close(verbose=False)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_tab(place, browser) -> Iterator[Callable]:
    opened = []

    def open_one(name: str, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        context.set_default_timeout(10_000)
        opened.append(context)
        page = context.new_page()
        page.goto(place.url)
        go(page, name)
        return page

    empty(place)
    yield open_one
    place.embedder.go.set()
    for context in opened:
        context.close()


def empty(place: Place, *articles: Article) -> None:
    """Let the library hold these articles and nothing else."""
    place.tearsheet.remove([article.id for article in place.tearsheet.library.articles()])
    if articles:
        place.tearsheet.add_given(articles)


def some(number: int) -> list[Article]:
    texts = [
        f"The council of {TOWNS[n % 8]} met on day {n}. It took {n * 7 + 3} votes to pass item {n * n}. "
        + " ".join(f"{town.lower()}{n * k}" for k, town in enumerate(TOWNS))
        for n in range(number)
    ]
    return [
        Article(
            text_id(text),
            text,
            f"Council, item {n}",
            f"The {TOWNS[n % 3]} Post",
            published=f"2026-03-{n + 1:02}",
        )
        for n, text in enumerate(texts)
    ]


def go(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def expect(locator):
    return sync_api.expect(locator)


# Adding


def test_a_folder_of_fifty_with_two_bad_files_is_added_and_each_is_accounted_for(open_tab, tmp_path):
    for number, article in enumerate(some(48)):
        (tmp_path / f"a{number}.txt").write_text(article.text, "utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 cut short")
    (tmp_path / "empty.md").write_bytes(b"")
    page = open_tab("Library")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(tmp_path)
    expect(page.locator("#lib-result")).to_contain_text("48 added, 2 not read", timeout=30_000)
    expect(page.locator(".ts-results tbody tr")).to_have_count(50)
    expect(page.locator(".ts-results .ts-bad", has_text="broken.pdf")).to_contain_text("The PDF is cut short")
    expect(page.locator("#lib-facts")).to_contain_text("48 articles")
    expect(page.locator("#masthead")).to_contain_text("48 articles in the library")
    expect(page.locator("#lib-list label")).to_have_count(20)
    expect(page.locator("#lib-line")).to_contain_text("48 articles, 1 to 20 shown")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#lib-line")).to_contain_text("21 to 40 shown")
    assert "/tmp" not in page.content()
    assert str(Path.home()) + "/" not in page.content()


def test_a_refresh_while_articles_are_added_loses_nothing(open_tab, place, tmp_path):
    page = open_tab("Library")
    place.embedder.go.clear()
    files = [
        {"name": f"{n}.txt", "mimeType": "text/plain", "buffer": a.text.encode()}
        for n, a in enumerate(some(6))
    ]
    page.locator("#lib-drop input[type=file]").set_input_files(files)
    expect(page.locator("#lib-result")).to_contain_text("Adding 1 of 6")
    page.reload()
    go(page, "Library")
    expect(page.locator("#lib-result")).to_contain_text("Adding 1 of 6")
    place.embedder.go.set()
    expect(page.locator("#lib-result")).to_contain_text("6 added")
    expect(page.locator("#lib-list label")).to_have_count(6)


def test_stop_ends_adding_and_keeps_what_was_added(open_tab, place):
    page = open_tab("Library")
    place.embedder.go.clear()
    files = [
        {"name": f"{n}.txt", "mimeType": "text/plain", "buffer": a.text.encode()}
        for n, a in enumerate(some(9))
    ]
    page.locator("#lib-drop input[type=file]").set_input_files(files)
    page.locator("#lib-stop").click()
    place.embedder.go.set()
    expect(page.locator("#lib-result")).to_contain_text("Stopped in")
    assert place.tearsheet.library.counts().articles < 9


def test_a_file_that_is_too_large_is_refused_with_a_sentence(open_tab, place, tmp_path):
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(guard.MAX_FILE + 1)
    page = open_tab("Library")
    page.locator("#lib-drop input[type=file]").set_input_files(large)
    expect(page.get_by_text("exceed the maximum allowed size")).to_be_visible()
    assert place.tearsheet.library.counts().articles == 0


# Browsing


def test_search_open_and_remove_with_a_question_first(open_tab, place):
    page = open_tab("Library")
    articles = some(5)
    empty(place, *articles)
    go(page, "Ask")
    go(page, "Library")
    expect(page.locator("#lib-list label")).to_have_count(5)
    page.get_by_role("textbox", name="Search").fill(f"tarnvik {articles[4].id[:8]}")
    expect(page.locator("#lib-list label")).to_have_count(1)
    page.locator("#lib-list input").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#lib-pane h2")).to_have_text("Council, item 4")
    page.get_by_role("button", name="Remove this article…").click()
    expect(page.locator("#lib-asked")).to_contain_text("Remove “Council, item 4” from the library?")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("#lib-asked")).to_be_hidden()
    assert place.tearsheet.library.counts().articles == 5
    page.get_by_role("button", name="Remove this article…").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("#lib-pane")).to_contain_text("Removed 1 article.")
    expect(page.locator("#masthead")).to_contain_text("4 articles in the library")
    expect(page.locator("#lib-line")).to_contain_text("No article passes.")


def test_hostile_articles_are_shown_and_do_nothing(open_tab, place):
    page = open_tab("Library")
    wanted: list[str] = []
    page.on("request", lambda request: wanted.append(request.url))
    evil = Article(
        text_id(ATTACKS), ATTACKS, ATTACKS, ATTACKS, url="javascript:pwned=16", path=ATTACKS, byline=ATTACKS,
        published=f"2026 {ATTACKS}", tags=(ATTACKS[:60],),
    )  # fmt: skip
    empty(place, evil)
    go(page, "Ask")
    go(page, "Library")
    page.locator("#lib-list label").first.click()
    expect(page.locator("#lib-pane h2")).to_contain_text("<img src=x onerror=pwned=1>")
    page.locator("#lib-remove").click()
    page.wait_for_timeout(300)
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert [url for url in wanted if not url.startswith((place.url, "data:", "blob:"))] == []
    shown = page.locator("#lib-pane, #lib-chart, #lib-list, #lib-asked, #lib-line")
    assert shown.locator("img, script, svg, style, iframe, form, link, meta, b b, code, .katex").count() == 0


# Evals and models


def test_a_failed_case_is_opened_beside_its_evidence(open_tab):
    page = open_tab("Evals")
    expect(page.locator("#ev-figures h2")).to_have_text("5 of 6 cases passed")
    page.locator("#ev-cases label").first.click()
    expect(page.locator("#ev-pane .ts-verdict").first).to_contain_text("✗ Failed")
    page.locator("#ev-pane a.ts-cite").first.click()
    expect(page.locator("#ev-pane article:target")).to_be_in_viewport()


def test_a_suite_is_started_and_stopped(open_tab):
    page = open_tab("Evals")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#ev-progress")).to_contain_text("Running", timeout=30_000)
    # The line of progress above it moves it all the time.
    page.locator("#ev-stop").click(force=True)
    expect(page.locator("#ev-progress")).to_contain_text("Stopped.", timeout=30_000)
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()


def test_a_model_is_looked_at(open_tab):
    page = open_tab("Models")
    page.locator("#mo-list label", has_text="qwen3-0.6b").click()
    expect(page.locator("#mo-pane h2")).to_have_text("qwen3-0.6b")
    expect(page.locator("#mo-pane")).to_contain_text("Apache-2.0")


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_tab, place, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_tab("Library", color_scheme=scheme)
    empty(place, *some(25))
    found = []
    for name, choice in (("Evals", "#ev-cases"), ("Models", "#mo-list"), ("Library", "#lib-list")):
        go(page, name)
        page.locator(f"{choice} label").first.click()
        page.wait_for_timeout(500)
        told = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        found += [
            (name, each["id"], node["target"], node["failureSummary"])
            for each in told
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
    assert found == []


def test_nothing_scrolls_sideways_on_a_telephone(open_tab, place):
    page = open_tab("Library")
    empty(place, *some(25))
    for name, choice in (("Evals", "#ev-cases"), ("Models", "#mo-list"), ("Library", "#lib-list")):
        page.set_viewport_size({"width": 1280, "height": 844})
        go(page, name)
        page.locator(f"{choice} label").first.click()
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_a_reader_of_another_owners_library_sees_that_it_cannot_be_changed(place, browser, tmp_path):
    with Tearsheet.open(place.tearsheet.settings, models=place.tearsheet.models) as reader:
        site = app.build(reader)
        port = app.free_port("127.0.0.1", 0)
        site.launch(**app.launch_options() | {"server_port": port, "prevent_thread_lock": True})
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        go(page, "Library")
        expect(page.locator("#lib-facts")).to_contain_text("Another process adds to this library")
        page.locator("#lib-add button").first.click()
        expect(page.locator("#lib-fetch")).to_be_disabled()
        page.close()
        site.close(verbose=False)
