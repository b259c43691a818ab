"""The main job with the bundled models in a process that can reach nothing but itself."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import loopback
import pytest

TESTS = Path(__file__).resolve().parent
SEEDS = TESTS.parent / "seeds" / "articles"
PROGRAM = """
import json, sys
import loopback
loopback.refuse_the_network()
from rag.cli import main
codes = [main(json.loads(command)) for command in sys.argv[1:]]
print(json.dumps({"codes": codes, "attempts": loopback.ATTEMPTS}))
"""
COMMANDS = (
    ["--json", "add", str(SEEDS)],
    ["--json", "ask", "How old is Jared Kushner?"],
    ["--json", "ask", "How old is Jared Kushner?", "--tier", "quote"],
    ["--json", "doctor"],
)


def without_network() -> list[str]:
    """A prefix that runs a command where there is no network at all, when this machine grants it."""
    prefix = ["unshare", "--map-root-user", "--net"]
    granted = (
        shutil.which("unshare") and not subprocess.run([*prefix, "true"], capture_output=True).returncode
    )
    return prefix if granted else []


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What the commands print, a line each, and last their codes and what they tried to reach."""
    home = tmp_path_factory.mktemp("home")
    places = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "TEARSHEET_LIBRARY": str(home / "library")}
    paths = {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSF"))}
    command = [*without_network(), sys.executable, "-c", PROGRAM, *map(json.dumps, COMMANDS)]
    ran = subprocess.run(command, env=kept | places | paths, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_main_job_reaches_for_nothing(printed):
    assert printed[-1] == {"codes": [0, 0, 0, 0], "attempts": []}


def test_the_seed_articles_are_added_and_the_laws_hold(printed):
    assert (printed[0]["added"], printed[0]["unread"]) == (5, [])
    assert (printed[3]["articles"], printed[3]["problems"]) == (5, [])


@pytest.mark.parametrize(("number", "tier"), [(1, "write"), (2, "quote")])
def test_the_answer_is_cited_from_the_bundled_models(printed, number, tier):
    answer = printed[number]
    assert (answer["status"], answer["short"], answer["model"]["tier"]) == ("answered", "44", tier)
    assert bool(answer["model"]["name"]) == (tier == "write")
    citation = answer["claims"][0]["citations"][0]
    assert Path(citation["path"]).name == "kushner-joins-witkoff.md"
    assert citation["quote"].startswith("Kushner, 44, who is married to Ivanka Trump")


@pytest.mark.parametrize("reach", [
    lambda: socket.create_connection(("203.0.113.1", 80), timeout=1),
    lambda: socket.getaddrinfo("example.org", 443),
    lambda: socket.gethostbyname("example.org"),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("203.0.113.1", 53)),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_what_reaches_out_is_refused_and_counted(reach):
    with pytest.raises(OSError, match="Tests do not use the network"):
        reach()
    assert len(loopback.ATTEMPTS) == 1
    loopback.ATTEMPTS.clear()


def test_this_machine_may_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert loopback.ATTEMPTS == []
