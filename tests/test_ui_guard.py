"""The guard around the page, without a browser: switches, hosts, origins, bodies, headers."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from rag.errors import InputError
from rag.settings import Settings
from ui import app, guard
from ui.alias import Alias
from ui.auth import Hashed


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture(scope="module")
def client() -> TestClient:
    routes = [Route("/", echo), Route("/join", echo, methods=["POST"])]
    page = Starlette(routes=routes, middleware=guard.middleware())
    return TestClient(page, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "0.0.0.0", ""]
)
def test_a_foreign_host_name_is_refused(client, host):
    refused = client.get("/", headers={"host": host})
    assert refused.status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "localhost"])
def test_this_machine_is_served_under_its_names(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3000",
        "https://127.0.0.1:7860",
        "null",
        "http://127.0.0.1:7861",
        "",
    ],
)
def test_a_foreign_origin_is_refused(client, origin):
    assert client.post("/join", headers={"origin": origin}).status_code == 403
    assert client.get("/", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_link_to_the_page_but_not_read_or_write(client, site):
    fetched = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
    opened = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=fetched).status_code == 403
    assert client.post("/join", headers=opened).status_code == 403
    assert client.get("/", headers=opened).status_code == 200


def test_the_page_itself_may_post(client):
    own = {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"}
    assert client.post("/join", headers=own, content=b"12345").text == "5"


def test_a_large_body_is_refused_also_when_its_length_is_not_declared(client):
    large = guard.MAX_BODY + 1
    assert client.post("/join", content=b"x" * large).status_code == 413
    assert client.post("/join", headers={"content-length": "9" * 5000}).status_code == 413
    undeclared = (b"x" * 100_000 for _ in range(large // 100_000 + 1))
    assert client.post("/join", content=undeclared).status_code >= 400


def test_every_response_carries_the_headers(client):
    refused = client.get("/", headers={"host": "evil.example"})
    foreign = client.post("/join", headers={"origin": "null"})
    for response in (client.get("/"), refused, foreign, client.get("/absent")):
        assert {name: response.headers.get(name) for name in guard.HEADERS} == guard.HEADERS


def test_the_page_address_never_keeps_a_query(client):
    answer = client.get("/?__theme=dark", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_policy_allows_no_evaluation_frame_or_foreign_source():
    assert "unsafe-eval" not in guard.CONTENT_POLICY
    assert "frame-ancestors 'none'" in guard.CONTENT_POLICY
    assert "http" not in guard.CONTENT_POLICY
    assert "*" not in guard.CONTENT_POLICY


def test_switches_in_the_environment_are_gone_before_gradio_is_imported(tmp_path):
    hostile = {
        "GRADIO_SHARE": "True",
        "GRADIO_ALLOWED_PATHS": "/",
        "GRADIO_MCP_SERVER": "True",
        "GRADIO_VIBE_MODE": "1",
        "GRADIO_ANALYTICS_ENABLED": "True",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "SPACE_ID": "someone/space",
        "HF_TOKEN": "secret",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    program = "import os, ui; print(sorted(k for k in os.environ if k[:6] in ('GRADIO', 'SPACE_', 'HF_TOK')))"
    found = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | hostile, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "['GRADIO_ANALYTICS_ENABLED', 'GRADIO_TEMP_DIR']"
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"


def test_the_launch_options_keep_every_door_shut(tmp_path):
    options = app.launch_options(blocked=(str(tmp_path),))
    shut = (
        "share",
        "run_history",
        "enable_monitoring",
        "mcp_server",
        "ssr_mode",
        "pwa",
        "show_error",
        "inbrowser",
    )
    assert [options[name] for name in shut] == [False] * len(shut)
    assert options["server_name"] == "127.0.0.1"
    assert options["allowed_paths"] == []
    assert options["blocked_paths"] == [str(tmp_path)]


def test_the_folder_for_temporary_files_is_closed_to_others(tmp_path):
    folder = guard.private_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_page_for_other_machines_needs_a_password_and_has_no_tools(tmp_path):
    with pytest.raises(InputError, match=r"needs a password; found host '0\.0\.0\.0' without one"):
        app.serve(Settings(library=tmp_path), host="0.0.0.0", open_browser=False)
    hashed = Hashed(2, 1, 1, b"salt" * 4, b"x" * 32)
    with pytest.raises(InputError, match="only served to this machine; found --mcp with host '192"):
        app.serve(Settings(library=tmp_path), host="192.0.2.7", open_browser=False, password=hashed, mcp=True)


def test_the_greeting_names_the_address_others_use_and_warns():
    said = guard.greeting("192.0.2.7", 7860)
    assert "http://192.0.2.7:7860/" in said
    assert "127.0.0.1" not in said
    assert "plain HTTP" in said
    assert guard.greeting("127.0.0.1", 7860) == "Tearsheet is at http://127.0.0.1:7860/ (Ctrl-C stops it).\n"
    assert "http://127.0.0.1:7860/mcp" in guard.greeting("127.0.0.1", 7860, mcp=True)


def test_the_names_of_a_page_for_others_are_this_machines_and_never_every_name():
    names = guard.own_names("192.0.2.7")
    assert names[0] == "192.0.2.7"
    assert socket.gethostname().lower() in names
    assert {"*", "0.0.0.0"} & {*names} == set()
    assert guard.own_names("localhost") == guard.LOOPBACK


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def guarded(clock: Clock) -> TestClient:
    page = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    return TestClient(guard.Guard(page, clock=clock), base_url="http://127.0.0.1:7860")


def test_a_flood_of_requests_that_ask_for_work_is_slowed_down():
    clock = Clock()
    client = guarded(clock)
    answers = [client.post("/join").status_code for _ in range(guard.ASKED + 2)]
    assert answers == [200] * guard.ASKED + [429, 429]
    assert client.get("/").status_code == 200
    clock.now += 1
    assert [client.post("/join").status_code for _ in range(41)] == [200] * 40 + [429]


def test_an_upload_may_be_larger_than_a_question_and_not_without_end():
    clock = Clock()
    client = guarded(clock)
    body = b"x" * (guard.MAX_BODY + 1)
    assert client.post("/join", content=body).status_code == 413
    assert client.post(guard.UPLOAD, content=body).status_code == 200
    assert client.post(guard.UPLOAD, headers={"content-length": str(guard.MAX_UPLOAD + 1)}).status_code == 413
    full = {"content-length": str(guard.MAX_UPLOAD)}
    assert [client.post(guard.UPLOAD, headers=full).status_code for _ in range(11)][-2:] == [429, 429]


def test_what_is_served_at_the_same_time_is_bounded(client):
    page = guard.Guard(Starlette(routes=[Route("/", echo)]))
    page._served = guard.SERVED
    assert TestClient(page, base_url="http://127.0.0.1").get("/").status_code == 503
    page._served = 0
    assert TestClient(page, base_url="http://127.0.0.1").get("/").status_code == 200
    assert page._served == 0


@pytest.fixture
def renamed(tmp_path):
    async def told(request: Request) -> JSONResponse:
        return JSONResponse(
            {"path": f"{tmp_path}/a.txt", "known": str(tmp_path) in (await request.body()).decode()}
        )

    async def file(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.url.path, 404 if "absent" in request.url.path else 200)

    routes = [Route("/told", told, methods=["POST"]), Route("/gradio_api/{path:path}", file)]
    return TestClient(Alias(Starlette(routes=routes), folder=tmp_path))


def test_the_folder_of_temporary_files_has_another_name_outside(renamed, tmp_path):
    reply = renamed.post("/told", json={"path": "/tearsheet-files/a.txt"})
    assert str(tmp_path) not in reply.text
    assert reply.json()["path"] == "/tearsheet-files/a.txt"
    assert int(reply.headers["content-length"]) == len(reply.content)


def test_what_comes_back_under_that_name_is_found_again(renamed, tmp_path):
    assert renamed.get("/gradio_api/file=/tearsheet-files/a.txt").text == f"/gradio_api/file={tmp_path}/a.txt"
    assert renamed.post("/told", json={"path": "/tearsheet-files/b"}).json()["known"]


def test_even_a_refusal_does_not_tell_the_folder(renamed, tmp_path):
    refused = renamed.get("/gradio_api/file=/tearsheet-files/absent.txt")
    assert (refused.status_code, refused.text) == (404, "/gradio_api/file=/tearsheet-files/absent.txt")


def test_the_next_port_is_taken_when_one_is_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        assert first < app.free_port("127.0.0.1", first) < first + app.PORTS


def test_no_free_port_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(app, "PORTS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"The ports {first} to {first} are all taken"):
            app.free_port("127.0.0.1", first)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_a_clear_error(port):
    with pytest.raises(InputError, match=f"from 0 to 65535; found {port}"):
        app.free_port("127.0.0.1", port)
