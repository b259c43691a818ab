"""Pages and feeds become articles, are read again only when they changed, and what failed is named."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from webserver import Site, serving

from models.fake import FakeEmbedder, FakeParser
from rag.adding import AddReport
from rag.errors import NotFoundError, ReadError
from rag.feeds import read_feed
from rag.fetch import Fetcher
from rag.library import Filter
from rag.pipeline import Models, Tearsheet
from rag.settings import Settings
from rag.subscriptions import subscriptions, unsubscribe

FETCHER = Fetcher(allow_private=True, delay=0, deadline=5, most=2_000_000)


def page(words: str, *, title: str = "Fire at the mill", more: str = "") -> str:
    body = "".join(
        f"<p>{words} The police of Dalby said so on Monday, in part {n} of it.</p>" for n in range(4)
    )
    return (
        f'<html><head><title>{title}</title><meta property="og:site_name" content="The Gazette">{more}'
        '<meta property="article:published_time" content="2026-03-02T10:00:00Z">'
        '<meta property="article:modified_time" content="2026-03-04T10:00:00Z">'
        f'<meta name="author" content="Ann Berg"></head><body><nav>Menu</nav><article><h1>{title}</h1>{body}'
        "</article></body></html>"
    )


def rss(*rows: tuple[str, str], title: str = "Dalby news") -> str:
    items = "".join(
        f"<item><title>Story {link}</title><link>{link}</link><description>{said}</description>"
        "<pubDate>Tue, 03 Mar 2026 10:00:00 GMT</pubDate><category>local</category></item>"
        for link, said in rows
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as served:
        yield served


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Tearsheet]:
    settings = Settings.load(library=tmp_path / "library", tier="quote")
    models = Models(settings, embedder=FakeEmbedder(), parser=FakeParser())
    with Tearsheet.open(settings, write=True, models=models) as opened:
        yield opened


def counts(report: AddReport) -> tuple[int, int, int, list[str]]:
    return report.added, report.revised, report.unchanged, [item.path for item in report.unread]


def test_a_page_becomes_an_article_with_what_it_says_of_itself(desk: Tearsheet, site: Site) -> None:
    url = site.says("/fire", page("Twelve people were hurt in the fire."))
    assert counts(desk.add([f"{url}?utm_source=x"], fetcher=FETCHER)) == (1, 0, 0, [])
    (article,) = desk.library.articles()
    assert (article.title, article.source, article.byline) == ("Fire at the mill", "The Gazette", "Ann Berg")
    assert (article.published, article.updated, article.path) == ("2026-03-02", "2026-03-04", url)
    assert article.fetched > "2026"
    assert "Twelve people were hurt" in article.text
    assert "Menu" not in article.text


def test_a_page_is_sent_again_only_when_it_changed(desk: Tearsheet, site: Site) -> None:
    url = site.says("/fire", page("Twelve people were hurt."), ETag='"1"')
    desk.add([url], fetcher=FETCHER)
    assert counts(desk.add([url], fetcher=FETCHER)) == (0, 0, 1, [])
    assert site.asked[-1][1]["If-None-Match"] == '"1"'
    site.says("/fire", page("Thirteen people were hurt."), ETag='"2"')
    assert counts(desk.add([url], fetcher=FETCHER)) == (0, 1, 0, [])
    texts = [one.article.text for one in desk.library.revisions(desk.library.articles()[0].id)]
    assert ["Twelve" in text for text in texts] == [True, False]


def test_a_removed_page_is_added_again_when_it_is_named(desk: Tearsheet, site: Site) -> None:
    url = site.says("/fire", page("Twelve people were hurt."), ETag='"1"')
    desk.add([url], fetcher=FETCHER)
    desk.remove([desk.library.articles()[0].id])
    assert counts(desk.add([url], fetcher=FETCHER)) == (1, 0, 0, [])


def test_what_cannot_be_read_is_named_and_the_rest_is_added(
    desk: Tearsheet, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Rain fell on Oslo.")
    good = site.says("/fire", page("Twelve people were hurt."))
    report = desk.add([tmp_path / "a.txt", f"{site.url}/none", "ftp://e.org/x", good], fetcher=FETCHER)
    assert counts(report) == (2, 0, 0, [f"{site.url}/none", "ftp://e.org/x"])
    assert ["404" in report.unread[0].reason, "Only http" in report.unread[1].reason] == [True, True]


def test_a_feed_is_read_and_kept_and_fetched_again_for_what_is_new(desk: Tearsheet, site: Site) -> None:
    for name in "abc":
        site.says(f"/{name}", page(f"Story {name} tells of {name * 9}."))
    feed = site.says("/feed", rss(("/a", "one"), ("/b", "two")), ETag='"1"')
    assert counts(desk.add([], feeds=[feed], fetcher=FETCHER)) == (2, 0, 0, [])
    assert [(one.url, one.title, one.articles) for one in subscriptions(desk.library.store)] == [
        (feed, "Dalby news", 2)
    ]
    asked = len(site.asked)
    assert counts(desk.sync(fetcher=FETCHER)) == (0, 0, 0, [])
    assert len(site.asked) == asked + 1
    site.says("/feed", rss(("/c", "three"), ("/b", "two, corrected"), ("/a", "one")), ETag='"2"')
    site.says("/b", page("Story b tells otherwise."))
    assert counts(desk.sync(fetcher=FETCHER)) == (1, 1, 0, [])
    assert site.paths[asked + 1 :] == ["/feed", "/c", "/b"]
    assert len(desk.library.articles(Filter(feeds=("dalby NEWS",)))) == 3
    assert desk.library.articles(Filter(feeds=("http://other/",))) == []


def test_a_removed_article_does_not_come_back_with_its_feed(desk: Tearsheet, site: Site) -> None:
    site.says("/a", page("Story a."))
    desk.add([], feeds=[site.says("/feed", rss(("/a", "one")))], fetcher=FETCHER)
    desk.remove([desk.library.articles()[0].id])
    assert counts(desk.sync(fetcher=FETCHER)) == (0, 0, 0, [])


def test_what_failed_is_tried_again_although_the_feed_is_the_same(desk: Tearsheet, site: Site) -> None:
    feed = site.says("/feed", rss(("/a", "one")), ETag='"1"')
    assert counts(desk.add([], feeds=[feed], fetcher=FETCHER)) == (0, 0, 0, [f"{site.url}/a"])
    site.says("/a", page("Story a."))
    assert counts(desk.sync(fetcher=FETCHER)) == (1, 0, 0, [])


def test_a_forgotten_feed_leaves_its_articles(desk: Tearsheet, site: Site) -> None:
    site.says("/a", page("Story a."))
    feed = site.says("/feed", rss(("/a", "one")))
    desk.add([], feeds=[feed], fetcher=FETCHER)
    unsubscribe(desk.library.store, feed)
    assert (subscriptions(desk.library.store), len(desk.library.articles())) == ([], 1)
    with pytest.raises(NotFoundError, match="sync --list"):
        unsubscribe(desk.library.store, feed)


def test_a_feed_that_never_ends_is_said_and_not_kept(desk: Tearsheet, site: Site) -> None:
    start = rss(("/a", "one")).removesuffix("</channel></rss>").encode()
    feed = site.says(
        "/feed", itertools.chain([start], itertools.repeat(b"<item><link>/a</link></item>" * 999))
    )
    report = desk.add([], feeds=[feed], fetcher=FETCHER)
    assert "more than the 2 MB" in report.unread[0].reason
    assert subscriptions(desk.library.store) == []


def test_a_feed_names_what_its_pages_do_not(desk: Tearsheet, site: Site) -> None:
    site.says("/a", "<html><body><article>" + "<p>The mill of Dalby burnt down on Monday night.</p>" * 5)
    desk.add([], feeds=[site.says("/feed", rss(("/a", "one")))], fetcher=FETCHER)
    (article,) = desk.library.articles()
    assert (article.source, article.published, article.tags) == ("Dalby news", "2026-03-03", ("local",))


ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>A &amp; B</title>
<entry><title>T</title><link href="https://e.org/x"/><published>2026-03-01T00:00:00Z</published>
<updated>2026-03-05T00:00:00Z</updated><author><name>Ann</name></author><id>1</id></entry>
<entry><link href="javascript:alert(1)"/></entry></feed>"""


def test_atom_is_read_with_its_dates() -> None:
    feed = read_feed(ATOM.encode(), "https://e.org/feed")
    (entry,) = feed.entries
    assert (feed.title, entry.url, entry.byline) == ("A & B", "https://e.org/x", "Ann")
    assert (entry.published, entry.updated) == ("2026-03-01", "2026-03-05")


@pytest.mark.parametrize("data", [b"", b"<html><p>hello</p>", b"http://127.0.0.1:1/", b"\xff\xfe\x00", b"{}"])
def test_what_is_no_feed_is_refused(data: bytes) -> None:
    with pytest.raises(ReadError, match="no RSS or Atom feed"):
        read_feed(data, "https://e.org/feed")
