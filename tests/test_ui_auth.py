"""The password: how it is kept, who is let in, how guessing is slowed down."""

from __future__ import annotations

import base64
import io
import shutil
import stat
import sys
import time

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from rag import cli
from rag.errors import InputError
from ui import app, auth, guard
from ui.auth import Hashed, hash_password, load_password, read_hashed, write_password
from ui.pace import Pace, network_of

RIGHT = "four words of sand"
QUICK = Hashed(2, 1, 1, b"salt" * 4, b"")
QUICK = Hashed(2, 1, 1, QUICK.salt, auth._scrypt(RIGHT, QUICK))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def basic(password: str, user: str = "anyone") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def door():
    async def served(request: Request) -> PlainTextResponse:
        return PlainTextResponse("in")

    clock = Clock()
    page = Starlette(routes=[Route("/{path:path}", served, methods=["GET", "POST"])])
    client = TestClient(auth.Door(page, password=QUICK, clock=clock), base_url="http://127.0.0.1")
    client.clock = clock
    return client


@pytest.mark.parametrize(
    "path", ["/", "/config", "/gradio_api/upload", "/gradio_api/queue/join", "/api/ask", "/mcp", "/theme.css"]
)
def test_no_path_is_served_without_the_password(door, path):
    for method in ("GET", "POST"):
        refused = door.request(method, path)
        assert (refused.status_code, refused.text) == (401, "This page asks for a password.")
        assert refused.headers["www-authenticate"].startswith("Basic realm=")
        assert door.request(method, path, headers=basic(RIGHT)).text == "in"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Bearer " + RIGHT,
        basic("x" * 1001)["authorization"],
        "Basic " + "A" * 100_000,
    ],
)
def test_what_is_no_password_is_refused_and_never_hashed(door, header):
    for _ in range(20):
        assert door.get("/", headers={"authorization": header}).status_code == 401


def test_the_user_name_does_not_matter_and_other_letters_do(door):
    assert door.get("/", headers=basic(RIGHT, "")).status_code == 200
    assert [door.get("/", headers=basic(wrong)).status_code for wrong in (RIGHT.upper(), RIGHT + " ")] == [
        401
    ] * 2


def test_guessing_is_slowed_down_while_who_was_let_in_stays(door):
    assert door.get("/", headers=basic(RIGHT)).status_code == 200
    answers = [door.get("/", headers=basic(f"guess {n}")).status_code for n in range(auth.ATTEMPTS + 3)]
    assert answers == [401] * (auth.ATTEMPTS - 1) + [429] * 4
    assert int(door.get("/", headers=basic("guess")).headers["retry-after"]) == 13
    assert door.get("/", headers=basic(RIGHT)).status_code == 200
    door.clock.now += 2 * auth.AGAIN
    assert [door.get("/", headers=basic("guess")).status_code for _ in range(3)] == [401, 401, 429]


def test_even_the_right_password_waits_after_too_many_guesses(door):
    for n in range(auth.ATTEMPTS):
        door.get("/", headers=basic(f"guess {n}"))
    assert door.get("/", headers=basic(RIGHT)).status_code == 429


def test_the_whole_page_stands_behind_guard_and_door():
    async def served(request: Request) -> PlainTextResponse:
        return PlainTextResponse("in")

    stack = guard.middleware(("192.0.2.7",), password=QUICK)
    client = TestClient(Starlette(routes=[Route("/", served)], middleware=stack), base_url="http://192.0.2.7")
    assert client.get("/").status_code == 401
    assert client.get("/").headers["x-frame-options"] == "DENY"
    assert client.get("/", headers=basic(RIGHT)).text == "in"
    assert client.get("/", headers=basic(RIGHT) | {"origin": "http://evil.example"}).status_code == 403
    assert client.get("/", headers=basic(RIGHT) | {"host": "evil.example"}).status_code == 400


def test_a_password_is_kept_as_a_salted_hash_for_its_owner_alone(tmp_path):
    file = tmp_path / "password"
    write_password(file, RIGHT)
    first = file.read_text()
    assert first.startswith(f"scrypt${auth.COST}$8$3$")
    assert RIGHT not in first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    hashed = load_password(file, {})
    assert (hashed.matches(RIGHT), hashed.matches(RIGHT + "x")) == (True, False)
    write_password(file, RIGHT)
    assert file.read_text() != first


def test_the_environment_may_hold_the_hash_and_a_file_comes_first(tmp_path):
    assert load_password(None, {}) is None
    assert load_password(None, {auth.VARIABLE: QUICK.line()}) == QUICK
    with pytest.raises(InputError, match="cannot be read"):
        load_password(tmp_path / "absent", {auth.VARIABLE: QUICK.line()})


@pytest.mark.parametrize(
    "line",
    [
        "",
        RIGHT,
        "scrypt$2$1$1$c2FsdHNhbHQ=$AAAA",
        "md5" + QUICK.line()[6:],
        QUICK.line().replace("$2$", "$3$"),
        QUICK.line().replace("$2$", "$1073741824$"),
        QUICK.line().replace("$2$", "$-2$"),
    ],
)
def test_a_file_that_holds_no_hash_is_a_clear_error(line):
    with pytest.raises(InputError, match=r"holds no hashed password\. Make one with"):
        read_hashed(line, "The file")


def test_the_command_writes_what_it_reads_and_says_what_to_type_next(tmp_path, monkeypatch, capsys):
    file = tmp_path / "password"
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{RIGHT}\n"))
    assert cli.main(["ui", "--set-password", str(file)]) == 0
    assert f"tearsheet ui --host 0.0.0.0 --auth {file}" in capsys.readouterr().out
    assert load_password(file, {}).matches(RIGHT)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--host", "0.0.0.0"], "needs a password; found host '0.0.0.0' without one"),
        (["--auth", "/nowhere/password"], "cannot be read"),
    ],
)
def test_the_command_refuses_before_it_serves(given, said, capsys):
    assert cli.main(["ui", "--no-browser", *given]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_a_password_too_short_or_long_is_refused(password):
    with pytest.raises(InputError, match=f"found {len(password)}"):
        hash_password(password)


def test_a_right_and_a_wrong_password_take_equally_long():
    hashed = hash_password(RIGHT)
    spent = {}
    for given in (RIGHT, "x" * 18):
        began = time.process_time()
        hashed.matches(given)
        spent[given] = time.process_time() - began
    assert 0.5 < spent[RIGHT] / spent["x" * 18] < 2


def test_a_pace_gives_each_address_its_own_permits():
    clock = Clock()
    pace = Pace(2.0, 3, clock=clock)
    assert [pace.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert pace.wait("b") == 0
    clock.now += 1
    assert [pace.wait("a") for _ in range(3)] == [0, 0, 0.5]
    assert pace.wait("b", cost=3) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address, network):
    assert network_of(address) == network


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
def test_a_browser_with_the_password_uses_the_whole_page():
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("Chromium is not installed (Debian package chromium)")
    with gr.Blocks(analytics_enabled=False) as page:
        given, shown = gr.Textbox(label="Given"), gr.Textbox(label="Shown")
        given.submit(lambda text: f"{text}!", given, shown)
    page.queue()
    port = app.free_port("127.0.0.1", 0)
    options = {"server_port": port, "prevent_thread_lock": True}
    page.launch(**app.launch_options(password=QUICK) | options)
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        known = {"username": "anyone", "password": RIGHT}
        stranger, reader = running.new_context(), running.new_context(http_credentials=known).new_page()
        assert stranger.request.get(f"http://127.0.0.1:{port}/").status == 401
        assert reader.goto(f"http://127.0.0.1:{port}/").status == 200
        reader.get_by_label("Given").fill("in")
        reader.get_by_label("Given").press("Enter")
        sync_api.expect(reader.get_by_label("Shown")).to_have_value("in!")
        running.close()
    page.close(verbose=False)
