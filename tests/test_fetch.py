"""Fetching reaches public hosts only, ends in time and in size, and says why it could not."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Iterator

import pytest
from webserver import Site, serving

from rag.errors import ReadError
from rag.fetch import Fetcher, check_address, is_public, plain_address


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as served:
        yield served


def reason(url: str, **how: object) -> str:
    with pytest.raises(ReadError) as failed:
        Fetcher(**({"allow_private": True, "delay": 0, "deadline": 5} | how)).fetch(url)
    return str(failed.value)


def test_a_page_comes_with_its_type_and_validators(site: Site) -> None:
    url = site.says(
        "/a?x=1&utm_source=mail", "words", ETag='"7"', Last_Modified="Mon, 02 Mar 2026 10:00:00 GMT"
    )
    found = Fetcher(allow_private=True, delay=0).fetch(f"{url}#top")
    assert (found.url, found.data, found.kind) == (f"{site.url}/a?x=1", b"words", "text/html")
    assert (found.etag, found.modified) == ('"7"', "Mon, 02 Mar 2026 10:00:00 GMT")


def test_what_did_not_change_is_not_sent_again(site: Site) -> None:
    url = site.says("/a", "words", ETag='"7"')
    found = Fetcher(allow_private=True, delay=0).fetch(url, etag='"7"')
    assert (found.unchanged, found.data) == (True, b"")


def test_redirects_are_followed_to_where_the_page_stands(site: Site) -> None:
    site.says("/new", "words")
    site.says("/old", "", status=301, Location="/new")
    assert Fetcher(allow_private=True, delay=0).fetch(f"{site.url}/old").url == f"{site.url}/new"


def test_a_redirect_loop_ends(site: Site) -> None:
    assert "more than 5 times" in reason(site.says("/a", "", status=302, Location="/a"))
    assert len(site.asked) == 6


@pytest.mark.parametrize("target", ["http://127.0.0.2/", "http://[::1]/", "http://localhost/"])
def test_a_redirect_to_a_private_address_is_refused(site: Site, target: str) -> None:
    url = site.says("/a", "", status=302, Location=target)
    assert "not a public address" in reason(
        url, public=lambda address: address == "127.0.0.1" and len(site.asked) < 1
    )


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x"])
def test_a_redirect_to_another_scheme_is_refused(site: Site, target: str) -> None:
    assert "Only http and https" in reason(site.says("/a", "", status=302, Location=target))


def test_a_private_address_is_not_even_connected_to(site: Site) -> None:
    for host in ("127.0.0.1", "localhost"):
        url = site.says("/a", "words").replace("127.0.0.1", host)
        assert "--allow-private" in reason(url, allow_private=False)
    assert site.asked == []


PRIVATE = (
    "127.0.0.1 10.1.2.3 192.168.0.1 172.16.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 "
    "::1 :: fe80::1 fd00::1 ff02::1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 2002:7f00:1:: fe80::1%eth0"
)


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "word",
        "javascript:alert(1)",
        "http://",
        "http://a b/",
        "http://u:p@e.org/",
        "http://e.org:x/",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ReadError):
        check_address(url)


def test_a_page_that_says_it_is_huge_is_not_read(site: Site) -> None:
    pieces = itertools.repeat(b"x" * 65_536)
    began = time.monotonic()
    assert "more than the 20 MB" in reason(site.says("/a", pieces, Content_Length=str(10**9)))
    assert time.monotonic() - began < 1


def test_a_page_that_never_ends_is_cut_off(site: Site) -> None:
    assert "more than the 1 MB" in reason(site.says("/a", itertools.repeat(b"x" * 65_536)), most=1_000_000)


def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(site: Site) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    assert "more than the 20 MB" in reason(site.says("/a", bomb, Content_Encoding="gzip"))


def test_packed_pages_are_unpacked_and_cut_ones_refused(site: Site) -> None:
    packed = gzip.compress(b"words" * 1000)
    site.says("/a", packed, Content_Encoding="gzip")
    assert Fetcher(allow_private=True, delay=0).fetch(f"{site.url}/a").data == b"words" * 1000
    assert "cut short" in reason(site.says("/b", packed[:-9], Content_Encoding="gzip"))
    assert "packed its answer as 'br'" in reason(site.says("/c", b"x", Content_Encoding="br"))


def drip() -> Iterator[bytes]:
    while True:
        time.sleep(0.05)
        yield b"x"


def test_a_server_that_drips_is_given_up_at_the_deadline(site: Site) -> None:
    assert "longer than 1 seconds" in reason(site.says("/a", drip()), deadline=0.6)


def test_a_silent_server_is_given_up(site: Site) -> None:
    began = time.monotonic()
    assert "silent" in reason(site.says("/a", (time.sleep(3) or b"" for _ in range(1))), silence=0.3)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (404, {}, "404 Not Found"),
        (500, {}, "500"),
        (429, {"Retry_After": "60"}, "asks to wait 60 seconds"),
        (204, {}, "204"),
    ],
)
def test_other_answers_are_said(site: Site, status: int, headers: dict[str, str], said: str) -> None:
    assert said in reason(site.says("/a", b"", status=status, **headers))


def test_an_empty_page_and_a_closed_port_are_said(site: Site) -> None:
    assert "empty page" in reason(site.says("/a", b""))
    assert "cannot be fetched" in reason("http://127.0.0.1:9/")


def test_two_requests_to_one_host_are_apart(site: Site) -> None:
    fetcher = Fetcher(allow_private=True, delay=0.3)
    url = site.says("/a", "words")
    fetcher.fetch(url)
    began = time.monotonic()
    fetcher.fetch(url)
    assert time.monotonic() - began > 0.25


def test_what_only_tracks_readers_is_left_out_of_an_address() -> None:
    assert plain_address("HTTPS://E.org?id=7&utm_source=x&fbclid=y#top") == "https://e.org/?id=7"
    assert plain_address("https://e.org/a?b=c%20d&b=") == "https://e.org/a?b=c%20d&b="
