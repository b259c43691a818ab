"""The page in headless Chromium: journeys of a reader, attacks by an article and by a stranger."""

from __future__ import annotations

import gc
import http.client
import json
import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import pytest
from ui_standin import (
    ANSWERED,
    CONFLICT,
    FIRE,
    HOSPITAL,
    POLICE,
    REFUSED,
    WARD,
    Standin,
    brief_of,
    cite,
    hits,
)

from models.fake import FakeEmbedder, FakeGenerator, FakeParser
from rag.library import text_id
from rag.pipeline import Models, Tearsheet
from rag.records import Answer, Claim, Point, ReadFilter, Rejected, Section, Side
from rag.settings import Settings
from rag.since import remember
from ui import app, guard

CHROMIUM = shutil.which("chromium")
sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian package chromium)"),
]

ATTACKS = """<img src=x onerror=pwned=1> <img src=http://203.0.113.9/a.png> ![a](http://203.0.113.9/b.png)
<script>pwned=2</script> <svg onload=pwned=3> <svg><animate onbegin=pwned=4 attributeName=x></svg>
<style>@import url(http://203.0.113.9/c.css); body{background:url(http://203.0.113.9/d.png)}</style>
<iframe srcdoc="<script>parent.pwned=5</script>"></iframe> [a](javascript:pwned=6)
<a href=javascript:pwned=7>a</a>
${pwned=8} {{pwned=9}} {{constructor.constructor('pwned=10')()}} <details open ontoggle=pwned=11>
<input autofocus onfocus=pwned=12> </mark></p></article></details> <form action=http://203.0.113.9/e><button>
$$\\href{javascript:pwned=13}{x}$$ <meta http-equiv=refresh content="0;url=http://203.0.113.9/f">
<link rel=stylesheet href=http://203.0.113.9/g.css> <b id=turn-1>b</b> [1]
"onmouseover="pwned=14" `x` <!-- """
EVIL = replace(
    FIRE,
    title=f"Fire {ATTACKS}",
    source=f"Gazette {ATTACKS}",
    published=f"2026 {ATTACKS}",
    url="javascript:pwned=15",
    text=f"{ATTACKS}\n\n{POLICE} {ATTACKS}\n\n{ATTACKS}",
)
EVIL_CITE = replace(cite(EVIL, POLICE), reason=ATTACKS, support="partly")
EVIL_ANSWER = Answer(
    question="",
    status="conflict",
    short=ATTACKS,
    claims=(Claim(ATTACKS, (EVIL_CITE,), by="model"), Claim(POLICE, (EVIL_CITE,), by="source")),
    sides=(Side(ATTACKS, (EVIL_CITE,)),),
    nearest=(cite(EVIL, ATTACKS),),
    rejected=(Rejected(ATTACKS, ATTACKS),),
    notes=(ATTACKS,),
    hits=hits(EVIL, WARD),
)
EVIL_BRIEF = replace(
    brief_of(EVIL, POLICE, WARD, HOSPITAL),
    topic=ATTACKS,
    notes=(ATTACKS,),
    sections=(Section("points", ATTACKS, (Point(Claim(ATTACKS, (EVIL_CITE,)), label=ATTACKS),)),),
)
WIDE = "all => all.filter(one => one.getBoundingClientRect().right > 391).map(one => one.outerHTML)"
LONG = "word " * 40 + "x" * 300
QUESTIONS = {
    "conflict?": CONFLICT,
    "refused?": REFUSED,
    "read?": replace(ANSWERED, filters=(ReadFilter("outlet", "Radio Dalby", "", "says Radio Dalby"),)),
    "long?": replace(ANSWERED, claims=(Claim(LONG, (cite(FIRE, POLICE),), by="model"),)),
    ATTACKS.strip(): EVIL_ANSWER,
}


@dataclass(frozen=True)
class Reply:
    """What the server sent back."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """The page as served, and the stand-in behind it."""

    port: int
    asker: Standin

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> Reply:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, body=body, headers=headers or {})
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.getheaders()), reply.read())


def opened(folder) -> Tearsheet:
    settings = Settings(library=folder / "library", tier="quote")
    given = {"embedder": FakeEmbedder(), "parser": FakeParser(), "generator": FakeGenerator()}
    return Tearsheet.open(settings, write=True, models=Models(settings, **given))


def served(tearsheet, port: int = 0):
    page = app.build(tearsheet)
    port = port or app.free_port("127.0.0.1", 0)
    page.launch(**app.launch_options() | {"server_port": port, "prevent_thread_lock": True})
    # gradio leaves event loops unclosed; collected while pytest rewrites a module they upset CPython 3.11.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return page, port


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("site")) as real:
        real.add_given(replace(article, id=text_id(article.text)) for article in (FIRE, WARD))
        asker = Standin(by_question=QUESTIONS, briefs={"evil": EVIL_BRIEF}, real=real)
        page, port = served(asker)
        yield Site(port, asker)
        page.close(verbose=False)


@pytest.fixture(scope="module")
def browser(site):
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_page(site, browser) -> Iterator[Callable]:
    opened = []

    def open_one(**options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        context.set_default_timeout(8000)
        opened.append(context)
        page = context.new_page()
        page.goto(site.url)
        return page

    site.asker.pause, site.asker.drafts, site.asker.error = 0.0, ("Twelve",), None
    yield open_one
    for context in opened:
        context.close()


def ask(page, question: str, *, wait: bool = True) -> None:
    asked = page.locator("#answers h2").count()
    page.get_by_role("textbox", name="Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    sync_api.expect(page.locator("#answers h2")).to_have_count(asked + 1)
    if wait:
        sync_api.expect(page.locator(".ts-busy")).to_have_count(0)


def brief(page, topic: str, *, wait: bool = True) -> None:
    page.get_by_role("tab", name="Briefing").click()
    page.get_by_role("textbox", name="Topic").fill(topic)
    page.get_by_role("button", name="Brief", exact=True).click()
    if wait:
        sync_api.expect(page.locator("#brief-status")).to_contain_text("Made in")


def freed(asker: Standin) -> float:
    """Seconds until no model runs any more."""
    began = time.monotonic()
    while asker.running and time.monotonic() - began < 5:
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_citation_leads_to_its_card_with_the_very_words_marked(open_page):
    page = open_page()
    ask(page, "How many people were hurt?")
    page.locator("#answers a.ts-cite", has_text="[2]").first.click()
    target = page.locator(":target")
    sync_api.expect(target).to_have_attribute("id", "src-1-2")
    sync_api.expect(target.locator("mark").first).to_have_text("Nobody was killed.")
    sync_api.expect(target.locator("mark").first).to_be_in_viewport()
    target.get_by_role("link", name="See it in the article").click()
    sync_api.expect(page.locator("mark:target")).to_have_text("Nobody was killed.")
    sync_api.expect(page.locator("mark:target")).to_be_in_viewport()
    page.locator("#src-1-2").get_by_role("link", name="Back to the answer").click()
    sync_api.expect(page.locator("article:target h2")).to_have_text("How many people were hurt?")


def test_a_citation_of_an_earlier_answer_opens_its_folded_card(open_page):
    page = open_page()
    ask(page, "conflict?")
    ask(page, "How many people were hurt?")
    page.locator("#turn-1 a.ts-cite", has_text="[2]").first.click()
    sync_api.expect(page.locator("#src-1-2 mark")).to_be_in_viewport()
    sync_api.expect(page.locator(":target mark")).to_have_text(HOSPITAL)


def test_hostile_words_are_shown_and_do_nothing(open_page, site):
    page = open_page()
    wanted: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: wanted.append(request.url))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("pageerror", lambda error: problems.append(str(error)))
    ask(page, ATTACKS)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.locator("#answers a.ts-cite").first.hover()
    for question in ("refused?", ATTACKS):
        ask(page, question)
    brief(page, "evil")
    page.locator("#brief-page a.ts-cite").first.hover()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.wait_for_timeout(300)
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert problems == []
    assert [url for url in wanted if not url.startswith((site.url, "data:", "blob:"))] == []
    shown = page.locator("#answers, #sources, #brief-page, #brief-sources")
    assert (
        shown.locator("img, script, svg, style, iframe, input, form, link, meta, code, .katex").count() == 0
    )
    assert page.locator("#answers h2").first.inner_text().startswith("<img src=x onerror=pwned=1>")
    links = shown.locator("a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert links
    assert all(link.startswith("#") for link in links)


def test_the_page_asks_nothing_of_any_other_machine(open_page, site, browser):
    context = browser.new_context()
    wanted: list[str] = []
    context.on("request", lambda request: wanted.append(request.url))
    page = context.new_page()
    page.goto(site.url)
    ask(page, "How many people were hurt?")
    context.close()
    assert len(wanted) > 10
    assert [url for url in wanted if not url.startswith((site.url, "data:"))] == []


def test_sources_come_before_the_answer_and_stop_frees_the_model(open_page, site):
    page = open_page()
    site.asker.pause = 0.25
    site.asker.drafts = tuple(f"Twelve people {n}" for n in range(60))
    ask(page, "How many people were hurt?", wait=False)
    sync_api.expect(page.locator("#sources")).to_contain_text("Radio Dalby")
    sync_api.expect(page.locator("#answers")).to_contain_text("Draft, not checked yet")
    sync_api.expect(page.locator("#answers")).not_to_contain_text("[1]")
    page.get_by_role("button", name="Stop").click()
    assert freed(site.asker) < 1
    sync_api.expect(page.locator("#status")).to_contain_text("Stopped after")
    sync_api.expect(page.locator("#answers")).to_contain_text("Stopped before the answer was checked.")
    sync_api.expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    site.asker.drafts = ("Twelve",)
    ask(page, "conflict?")
    sync_api.expect(page.locator("#turn-2")).to_contain_text("The articles differ.")
    sync_api.expect(page.locator("#turn-1")).to_contain_text("Stopped before the answer was checked.")


def test_the_next_question_can_be_typed_meanwhile_and_asked_right_after_stop(open_page, site):
    page = open_page()
    site.asker.pause = 0.25
    site.asker.drafts = tuple(f"Twelve people {n}" for n in range(60))
    ask(page, "How many people were hurt?", wait=False)
    box = page.get_by_role("textbox", name="Your question")
    box.fill("refused?")
    sync_api.expect(page.locator("#answers")).to_contain_text(re.compile("people ([3-9]|[1-5][0-9])"))
    sync_api.expect(box).to_have_value("refused?")
    site.asker.drafts = ("Twelve",)
    page.get_by_role("button", name="Stop").click()
    box.press("Enter")
    sync_api.expect(page.locator("#turn-2")).to_contain_text("The articles do not say.")
    sync_api.expect(page.locator("#answers h2")).to_have_count(2)


def test_a_double_click_asks_once(open_page, site):
    page = open_page()
    site.asker.pause, site.asker.drafts = 0.1, ("Twelve", "Twelve people")
    page.get_by_role("textbox", name="Your question").fill("refused?")
    page.get_by_role("button", name="Ask", exact=True).dblclick()
    sync_api.expect(page.locator("#turn-1")).to_contain_text("The articles do not say.")
    page.wait_for_timeout(700)
    sync_api.expect(page.locator("#answers h2")).to_have_count(1)


def test_a_closed_tab_frees_the_model_for_the_next_reader(open_page, site):
    leaving, staying = open_page(), open_page()
    site.asker.pause = 0.25
    site.asker.drafts = tuple(f"Twelve people {n}" for n in range(60))
    ask(leaving, "How many people were hurt?", wait=False)
    sync_api.expect(leaving.locator("#answers")).to_contain_text("Draft, not checked yet")
    staying.get_by_role("textbox", name="Your question").fill("refused?")
    staying.keyboard.press("Enter")
    sync_api.expect(staying.locator("#status")).to_contain_text("queue: 1/1")
    site.asker.drafts = ("Twelve",)
    leaving.close()
    sync_api.expect(staying.locator("#answers")).to_contain_text("The articles do not say.", timeout=8000)
    sync_api.expect(staying.locator("#answers")).not_to_contain_text("How many people")


def test_an_error_is_a_sentence_and_the_next_question_works(open_page, site):
    page = open_page()
    site.asker.error = RuntimeError("/home/reader/secret")
    ask(page, "anything", wait=False)
    sync_api.expect(page.locator("#answers")).to_contain_text("Something went wrong inside Tearsheet")
    sync_api.expect(page.locator("body")).not_to_contain_text("secret")
    site.asker.error = None
    ask(page, "refused?")
    page.get_by_role("button", name="Forget").click()
    sync_api.expect(page.locator("#answers")).to_contain_text("Ask a question.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_on_a_telephone(open_page, scheme):
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    for question in ("long?", "conflict?", "refused?", ATTACKS):
        ask(page, question)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#ask *").evaluate_all(WIDE) == []
    left, right = (page.locator(name).bounding_box() for name in ("#left", "#right"))
    assert right["y"] >= left["y"] + left["height"] - 1


def test_the_served_page_refuses_strangers_and_sends_the_headers(site):
    assert site.send("GET", "/", {"Host": "evil.example"}).status == 400
    assert site.send("POST", "/gradio_api/queue/join", {"Origin": "http://evil.example"}).status == 403
    assert site.send("POST", "/gradio_api/upload", {"Origin": "null"}).status == 403
    served = site.send("GET", "/")
    assert served.status == 200
    assert guard.HEADERS.items() <= {name.title(): value for name, value in served.headers.items()}.items()


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../etc/passwd",
        "/gradio_api/file=http://203.0.113.9/",
        "/gradio_api/runs",
        "/gradio_api/mcp/sse",
        "/gradio_api/proxy=http://203.0.113.9/",
        "/monitoring",
        "/docs",
        "/openapi.json",
        "/static/../../../../etc/passwd",
    ],
)
def test_no_door_leads_to_files_history_or_other_machines(site, path):
    refused = site.send("GET", path)
    assert refused.status in {400, 403, 404, 405}
    assert b"root:" not in refused.body


def test_no_path_of_the_disk_and_no_endpoint_is_published(site):
    config = site.send("GET", "/config").body.decode()
    assert "/home/" not in config
    assert str(app.TEMPORARY) not in config
    assert json.loads(site.send("GET", "/gradio_api/info").body)["named_endpoints"] == {}


@pytest.mark.parametrize("question", [None, 7, ["a"], {"a": 1}, "x" * 200_000])
def test_raw_calls_with_odd_questions_become_sentences(site, question):
    """The events are private in name only: anyone on this machine can send them whatever they like."""
    config = json.loads(site.send("GET", "/config").body)
    asking = next(one["id"] for one in config["dependencies"] if len(one["inputs"]) == 8)
    fired = {
        "data": [question, {"a": [1]}, 3, None, "x", [1], {}, "2026"],
        "fn_index": asking,
        "session_hash": f"raw{type(question).__name__}",
    }
    headers = {"Content-Type": "application/json"}
    assert site.send("POST", "/gradio_api/queue/join", headers, json.dumps(fired)).status == 200
    told = site.send("GET", f"/gradio_api/queue/data?session_hash={fired['session_hash']}").body.decode()
    assert "process_completed" in told
    assert "Traceback" not in told
    assert "/home/" not in told
    assert site.send("GET", "/").status == 200


def test_the_first_run_leads_from_nothing_to_the_marked_words(browser, tmp_path):
    with opened(tmp_path) as empty:
        running, port = served(empty)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"http://127.0.0.1:{port}/")
        sync_api.expect(page.locator("#left")).to_contain_text("Your library is empty.", timeout=30_000)
        page.get_by_role("button", name="Add the five demonstration articles").click()
        # The models are loaded from the disk here, on a machine that may be busy.
        sync_api.expect(page.locator("#masthead")).to_contain_text(
            "5 articles in the library", timeout=60_000
        )
        page.get_by_role("button", name="How old is Jared Kushner?").click()
        mark = page.locator("#answers a.ts-cite").first
        sync_api.expect(mark).to_be_visible(timeout=60_000)
        mark.click()
        sync_api.expect(page.locator("#sources article:target mark").first).to_be_in_viewport(timeout=30_000)
        page.close()
        running.close(verbose=False)


def test_pointing_at_a_mark_shows_the_quote(open_page):
    page = open_page()
    ask(page, "How many people were hurt?")
    mark = page.locator(".ts-claim a.ts-cite").first
    shown = page.locator(".ts-claim .ts-pop").first
    sync_api.expect(shown).to_be_hidden()
    mark.hover()
    sync_api.expect(shown).to_contain_text(POLICE)
    sync_api.expect(shown).to_be_visible()
    page.mouse.move(0, 0)
    sync_api.expect(shown).to_be_hidden()
    mark.focus()
    sync_api.expect(shown).to_contain_text("The Dalby Gazette, 2 March 2026")


def test_the_keyboard_alone_leads_from_the_question_to_the_source_and_back(open_page):
    page = open_page()
    page.get_by_role("textbox", name="Your question").fill("How many people were hurt?")
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#answers .ts-claim")).to_have_count(1)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "ts-cite":
            break
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("article:target mark").first).to_be_in_viewport()
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Back to the answer":
            break
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("article:target h2")).to_have_text("How many people were hurt?")


def test_filters_narrow_the_question_and_are_named_over_the_answer(open_page, site):
    page = open_page()
    page.locator("#ask-narrow > button").click()
    page.get_by_role("textbox", name="From").first.fill("2026-03-03")
    page.get_by_role("textbox", name="From").first.blur()
    sync_api.expect(page.locator("#ask-narrow > button")).to_contain_text("Only from 3 March 2026")
    ask(page, "How many people were hurt?")
    assert site.asker.asked[-1][1].after == "2026-03-03"
    sync_api.expect(page.locator("#turn-1 .ts-where")).to_have_text("Only from 3 March 2026")
    page.get_by_role("textbox", name="From").first.fill("yesterday")
    ask(page, "How many people were hurt?")
    sync_api.expect(page.locator("#turn-2")).to_contain_text("A date is written like 2025-12-31")


def test_what_was_read_from_a_question_is_taken_back_by_one_click(open_page, site):
    page = open_page()
    ask(page, "read?")
    page.get_by_role("button", name="says Radio Dalby: Radio Dalby").click()
    sync_api.expect(page.locator("#turn-2 .ts-claim")).to_be_visible()
    assert site.asker.asked[-1][0] == "read?"
    assert site.asker.not_read == ("says Radio Dalby",)
    assert [answer.question for answer in site.asker.asked[-1][2]] == [ANSWERED.question]


def test_a_conversation_outlives_a_reload_is_nobody_elses_and_can_be_forgotten(open_page):
    page, other = open_page(), open_page()
    ask(page, "conflict?")
    page.reload()
    sync_api.expect(page.locator("#turn-1")).to_contain_text("The articles differ.")
    ask(page, "refused?")
    sync_api.expect(page.locator("#answers h2")).to_have_count(2)
    other.reload()
    sync_api.expect(other.locator("#answers")).to_contain_text("Ask a question.")
    page.get_by_role("button", name="Forget").click()
    sync_api.expect(page.locator("#answers")).to_contain_text("Ask a question.")
    page.reload()
    sync_api.expect(page.locator("#answers")).to_contain_text("Ask a question.")


def test_a_conversation_is_taken_away_as_markdown_with_footnotes(open_page):
    page = open_page()
    ask(page, "conflict?")
    ask(page, "How many people were hurt?")
    page.get_by_role("button", name="Copy or save").click()
    sync_api.expect(page.locator("#copied textarea")).to_have_value(
        re.compile(r"Twelve people were hurt in the fire\.\[\^1\]")
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the whole conversation").click()
    saved = download.value.path().read_text("utf-8")
    assert download.value.suggested_filename == "conversation.md"
    assert saved.index("- Twelve[^1-1]") < saved.index("[^2-1]:")


def test_a_server_that_was_started_anew_answers_the_page_that_is_still_open(browser, tmp_path):
    asker = Standin(by_question=QUESTIONS, drafts=())
    with opened(tmp_path) as asker.real:
        asker.real.add_given([replace(FIRE, id=text_id(FIRE.text))])
        running, port = served(asker)
        page = browser.new_page()
        page.set_default_timeout(8000)
        page.goto(f"http://127.0.0.1:{port}/")
        ask(page, "conflict?")
        running.close(verbose=False)
        running, _ = served(asker, port)
        page.get_by_role("textbox", name="Your question").fill("refused?")
        page.get_by_role("button", name="Ask", exact=True).click()
        sync_api.expect(page.locator("#answers")).to_contain_text("The articles do not say.")
        page.close()
        running.close(verbose=False)


def test_a_briefing_has_the_marks_of_an_answer_and_every_kind_of_file(open_page, site):
    page = open_page()
    brief(page, "the Dalby fire")
    assert site.asker.briefed[-1][:2] == ("the Dalby fire", 600)
    sync_api.expect(page.locator("#brief-page h2")).to_have_text(FIRE.title)
    page.locator("#brief-page a.ts-cite", has_text="[2]").first.click()
    sync_api.expect(page.locator("li:target mark")).to_have_text(HOSPITAL)
    sync_api.expect(page.locator("li:target mark")).to_be_in_viewport()
    page.locator("li:target").get_by_role("link", name="See it in the article").click()
    sync_api.expect(page.locator("mark:target")).to_have_text(HOSPITAL)
    begins = {"Markdown": b"# Fire", "Web page": b"<!doctype", "Word": b"PK", "PDF": b"%PDF", "JSON": b"{"}
    for name, beginning in begins.items():
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename.startswith("briefing-the-dalby-fire.")
        assert download.value.path().read_bytes().startswith(beginning)


def test_a_briefing_tells_its_stage_and_stop_frees_the_model(open_page, site):
    page = open_page()
    site.asker.pause, site.asker.drafts = 0.2, tuple(map(str, range(60)))
    brief(page, "the Dalby fire", wait=False)
    sync_api.expect(page.locator("#brief-page .ts-now")).to_have_text("Reading")
    sync_api.expect(page.locator("#brief-page")).to_contain_text("of 60 sentences")
    page.locator("#brief-stop").click()
    assert freed(site.asker) < 1
    sync_api.expect(page.locator("#brief-page")).to_contain_text("Stopped; nothing of it is kept.")
    sync_api.expect(page.locator("#brief-go")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(open_page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    for question in ("read?", "conflict?", "refused?", "How many people were hurt?"):
        ask(page, question)
    page.locator("#ask-narrow > button").click()
    page.get_by_role("button", name="Copy or save").click()
    found = []
    for tab in ("Ask", "Briefing"):
        if tab == "Briefing":
            brief(page, "the Dalby fire")
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("#ask *, #brief *").evaluate_all(WIDE) == []
        told = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        found += [
            (tab, each["id"], node["target"], node["failureSummary"])
            for each in told
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
    assert found == []


def test_two_readers_asking_at_once_wait_their_turn_and_never_see_each_other(open_page, site):
    site.asker.pause = 0.2
    site.asker.drafts = ("Twelve",) * 200
    first, second = open_page(), open_page()
    ask(first, "conflict?", wait=False)
    sync_api.expect(first.locator("#status .ts-busy")).to_be_visible(timeout=30_000)
    second.get_by_role("textbox", name="Your question").fill("refused?")
    second.get_by_role("button", name="Ask", exact=True).click()
    sync_api.expect(second.get_by_text("queue: 1/1")).to_be_visible(timeout=30_000)
    site.asker.pause = 0.0
    for page in (first, second):
        sync_api.expect(page.locator("#status")).to_contain_text("done in", timeout=15_000)
    assert first.locator("#answers h2").all_inner_texts() == ["conflict?"]
    assert second.locator("#answers h2").all_inner_texts() == ["refused?"]
    assert site.asker.running == 0


def test_who_wants_no_motion_sees_none(open_page, site):
    site.asker.pause, site.asker.drafts = 0.3, ("Twelve",) * 8
    moves = "all => all.filter(one => one.getAnimations({subtree: true}).length).map(one => one.outerHTML)"
    page = open_page(reduced_motion="reduce")
    ask(page, "How many people were hurt?", wait=False)
    sync_api.expect(page.locator("#status .ts-busy")).to_be_visible()
    assert page.locator("#status").evaluate_all(moves) == []
    page.locator("#stop").click()


def test_at_twice_the_size_everything_is_there_and_nothing_scrolls_sideways(open_page):
    page = open_page(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    ask(page, "How many people were hurt?")
    page.locator("#answers .ts-cite").first.click()
    sync_api.expect(page.locator("#sources article:target mark").first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_an_earlier_briefing_is_opened_again_with_its_marks_and_files(open_page, site):
    held = {article.text: article for article in site.asker.library.articles()}
    made_of = brief_of(held[FIRE.text], POLICE, held[WARD.text], HOSPITAL)
    site.asker.briefs["the fire"] = replace(made_of, topic="the fire")
    remember(site.asker.settings.library, site.asker.briefs["the fire"])  # as the pipeline does
    page = open_page()
    brief(page, "the fire")
    sync_api.expect(page.locator("#brief-before")).to_be_visible()
    made = page.locator("#brief-page").inner_text()
    page.reload()
    page.get_by_role("tab", name="Briefing").click()
    page.locator("#brief-before input").click()
    page.get_by_role("option").first.click()
    sync_api.expect(page.locator("#brief-status")).to_contain_text("As it was made on")
    assert page.locator("#brief-page").inner_text() == made
    sync_api.expect(page.locator("#brief-files")).to_be_visible()


def test_the_end_of_a_preview_is_not_cut_off_at_the_end_of_the_answer(open_page):
    page = open_page()
    ask(page, "How many people were hurt?")
    page.locator("#answers .ts-cite").last.hover()
    shown = page.locator("#answers .ts-pop:visible")
    low = shown.evaluate("one => one.getBoundingClientRect().bottom - 6")
    mid = shown.evaluate("one => one.getBoundingClientRect().left + 30")
    at = page.evaluate("([x, y]) => !!document.elementFromPoint(x, y).closest('.ts-pop')", [mid, low])
    assert at
