"""Which sentences of the hits are looked at closely."""

from models.embedder import load_embedder
from models.parser import load_parser
from rag.gather import Sentence, gather
from rag.question import read_question
from rag.records import Article, Hit, Passage

SOMETHING = "The council met in the {} hall by the harbour and spoke about the state of the town. "
MANY = [
    SOMETHING.format(word)
    for word in "new red big low dim far wet dry hot icy odd shy sad raw fit mad".split()
]


def gathered(question: str, *texts: str) -> tuple[Sentence, ...]:
    """The sentences gathered from one article whose passages are the texts."""
    article, parser = Article("a", "".join(texts), title="Dalby"), load_parser()
    hits, start = [], 0
    for text in texts:
        hits.append(Hit(Passage(article, start, start + len(text)), 1.0))
        start += len(text)
    return gather(read_question(question, parser), hits, load_embedder(), parser)


def test_of_two_like_sentences_the_one_with_something_like_what_is_asked_for_comes_first() -> None:
    text = "Falk holds a share of the town. Falk holds 20% of the town."
    first, second = gathered("What share of the town does Falk hold?", text)
    assert (first.text, second.text) == ("Falk holds 20% of the town.", "Falk holds a share of the town.")


def test_what_leads_up_to_a_quotation_comes_with_it() -> None:
    quoted = "In the Review a man from afar, Carl Holm, goes on for pages:\n“A worse peace is on offer.”\n"
    *_, last = gathered(
        "What was said about the state of the town by the harbour, and of a peace on offer?",
        "".join(MANY[:8]), quoted, "".join(MANY[8:]),
    )  # fmt: skip
    assert last.text == "In the Review a man from afar, Carl Holm, goes on for pages:"


def test_a_city_names_the_country_it_lies_in() -> None:
    (sentence,) = gathered("Where did they meet?", "They met in Geneva on Monday.")
    assert sentence.names_anything("Switzerland")
    assert sentence.names_anything("Swiss")
    assert not sentence.names_anything("Austria")
    assert not sentence.names_anything("United States")
