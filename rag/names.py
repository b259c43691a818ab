"""When two words name the same: word families, surnames, spellings, countries and their adjectives."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from rag.text import STOPWORDS, normalise


def akin(left: str, right: str) -> bool:
    """Whether two lemmas are one word family: `negotiate` and `negotiation`."""
    shorter = min(len(left), len(right))
    if left == right:
        return True
    if shorter < 4:
        return False
    shared = len(_common(left, right))
    return (shared >= 5 and shared >= shorter - 3) or (
        shared == shorter and max(len(left), len(right)) - shared <= 3
    )


def _common(left: str, right: str) -> str:
    for i, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return left[:i]
    return left[: min(len(left), len(right))]


TITLES = frozenset(
    ("mr mrs ms dr president secretary envoy minister prime special the of state general").split()
)


def name_keys(name: str) -> tuple[str, ...]:
    """Return the words by which a name is recognised again: its last word that is no title."""
    parts = [part.strip(".,'\"") for part in normalise(name).split()]
    parts = [
        part.removesuffix("'s") for part in parts if part not in TITLES and part not in STOPWORDS
    ] or parts
    return (parts[-1],) if parts else ()


_SPELLINGS = {
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "aug": "august", "sept": "september",
    "sep": "september", "oct": "october", "nov": "november", "dec": "december",
    "kiev": "kyiv", "zelenskyy": "zelensky", "zelenskiy": "zelensky", "dmitriyev": "dmitriev", "yuri": "yury",
    "kharkov": "kharkiv", "lvov": "lviv", "gaddafi": "qaddafi", "kadhafi": "qaddafi", "odessa": "odesa",
    "us": "usa", "u.s.": "usa", "u.s": "usa", "u.s.a": "usa",
    "america": "usa", "american": "usa", "states": "usa",
    "americans": "usa", "uk": "britain", "u.k.": "britain", "u.k": "britain", "e.u": "europe",
    "british": "britain", "eu": "europe",
    "european": "europe", "e.u.": "europe",
}  # fmt: skip
_PEOPLES = (
    "afghan afghanistan, african africa, albanian albania, algerian algeria, argentine argentina, "
    "argentinian argentina, armenian armenia, asian asia, australian australia, austrian austria, "
    "belarusian belarus, belgian belgium, bolivian bolivia, bosnian bosnia, brazilian brazil, "
    "bulgarian bulgaria, californian california, cambodian cambodia, canadian canada, chilean chile, "
    "chinese china, colombian colombia, croatian croatia, cuban cuba, cypriot cyprus, czech czechia, "
    "danish denmark, dutch netherlands, egyptian egypt, english england, estonian estonia, "
    "ethiopian ethiopia, finnish finland, french france, georgian georgia, german germany, "
    "ghanaian ghana, greek greece, haitian haiti, hawaiian hawaii, hungarian hungary, icelandic iceland, "
    "indian india, indonesian indonesia, iranian iran, iraqi iraq, irish ireland, israeli israel, "
    "italian italy, jamaican jamaica, japanese japan, jordanian jordan, kenyan kenya, korean korea, "
    "kuwaiti kuwait, latvian latvia, lebanese lebanon, libyan libya, lithuanian lithuania, "
    "malaysian malaysia, mexican mexico, moldovan moldova, mongolian mongolia, moroccan morocco, "
    "nigerian nigeria, norwegian norway, pakistani pakistan, palestinian palestine, peruvian peru, "
    "philippine philippines, filipino philippines, polish poland, portuguese portugal, qatari qatar, "
    "romanian romania, russian russia, rwandan rwanda, scottish scotland, senegalese senegal, "
    "serbian serbia, slovak slovakia, slovenian slovenia, somali somalia, spanish spain, sudanese sudan, "
    "swedish sweden, swiss switzerland, syrian syria, taiwanese taiwan, texan texas, thai thailand, "
    "tunisian tunisia, turkish turkey, ugandan uganda, ukrainian ukraine, uruguayan uruguay, "
    "venezuelan venezuela, vietnamese vietnam, welsh wales, yemeni yemen, zimbabwean zimbabwe, "
    "angolan angola, arabian arabia, saudi arabia, bahraini bahrain, bangladeshi bangladesh, "
    "congolese congo, crimean crimea, ecuadorian ecuador, emirati emirates, eritrean eritrea, "
    "honduran honduras, "
    "kazakh kazakhstan, laotian laos, liberian liberia, malian mali, maltese malta, nepalese nepal, "
    "nicaraguan nicaragua, omani oman, panamanian panama, paraguayan paraguay, singaporean singapore, "
    "tanzanian tanzania, tibetan tibet, uzbek uzbekistan, zambian zambia, "
    "eastern east, northern north, southern south, western west"
)
for _adjective, _place in (pair.split() for pair in _PEOPLES.split(", ")):
    _SPELLINGS |= {_adjective: _place, f"{_adjective}s": _place}
_SEATS = {
    "washington": "usa", "moscow": "russia", "kremlin": "russia", "kyiv": "ukraine", "kiev": "ukraine",
    "beijing": "china", "tehran": "iran", "brussels": "europe", "london": "britain", "paris": "france",
    "berlin": "germany", "tokyo": "japan", "seoul": "korea", "ankara": "turkey", "riyadh": "arabia",
}  # fmt: skip
"""Seats of government, which stand for it."""


_MARKS = ".,;:!?\"'()[]"
_SOUNDS = (
    ("yy", "y"), ("iy", "y"), ("ij", "y"), ("ii", "y"), ("ie", "y"), ("ye", "y"), ("i", "y"), ("kh", "h"),
    ("q", "k"), ("ck", "k"), ("ou", "u"), ("oo", "u"), ("w", "v"), ("ph", "f"), ("zh", "j"), ("tch", "ch"),
)  # fmt: skip
_CAPITAL = re.compile(r"\b[^\W\d_a-z][\w’']*")
SHORTEST_SOUND = 5
"""Letters from which two spellings of one sound are one name: Zelensky and Zelenskiy, but not Kim and Kym."""


def same_name(left: str, right: str) -> bool:
    """Whether two normalised words name the same, across possessives, spellings and countries' adjectives."""
    left, right = _bare(left), _bare(right)
    if _spelled_alike(left, right):
        return True
    return _has_sound(left) and _has_sound(right) and _sound(left) == _sound(right)


def _has_sound(word: str) -> bool:
    """Whether a word is one name with what sounds like it; "being" is a common word, not Beijing."""
    return len(word) >= SHORTEST_SOUND and word.isalpha() and word not in STOPWORDS


def _bare(word: str) -> str:
    return word.strip(_MARKS).removesuffix("'s").removesuffix("'")


def _spelled_alike(left: str, right: str) -> bool:
    return left == right or _SPELLINGS.get(left, left) == _SPELLINGS.get(right, right)


@lru_cache(maxsize=8192)
def _sound(word: str) -> str:
    """Return a spelling that transliterations of one name share: without accents and doubled letters."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if letter.isalpha())
    for many, one in _SOUNDS:
        bare = bare.replace(many, one)
    return "".join(letter for i, letter in enumerate(bare) if letter != bare[i - 1 : i])


@lru_cache(maxsize=256)
def article_words(text: str) -> frozenset[str]:
    """Return the different words of a text, normalised; possessives and hyphened parts by themselves too."""
    whole = normalise(text)
    found = {*whole.split(), *whole.replace("-", " ").split()}
    return frozenset(word.strip(".,;:!?\"'()") for word in found)


@dataclass(frozen=True, slots=True)
class _Named:
    """The words of a text in the forms by which a name is found among them."""

    plain: frozenset[str]
    """In one of their spellings."""
    singular: frozenset[str]
    sounds: frozenset[str]
    """Of those that are somewhere written with a capital letter."""


@lru_cache(maxsize=256)
def _named(text: str) -> _Named:
    held = article_words(text)
    capitals = {normalise(word).strip(_MARKS) for word in _CAPITAL.findall(text)}
    plain = frozenset(_SPELLINGS.get(bare, bare) for bare in map(_bare, held))
    return _Named(
        plain,
        frozenset(word.removesuffix("s") for word in held),
        frozenset(_sound(bare) for bare in map(_bare, held & capitals) if _has_sound(bare)),
    )


def named_in(name: str, text: str) -> bool:
    """Whether a text names it somewhere: by its last word, in the plural, or by its initials."""
    words = _named(text)
    for key in name_keys(name):
        one = key.removesuffix("s") if len(key) > 3 else key
        if one in words.singular:
            return True
        for each in map(_bare, (key, _SEATS.get(key, key))):
            if _SPELLINGS.get(each, each) in words.plain or (
                _has_sound(each) and _sound(each) in words.sounds
            ):
                return True
        if one[-1:].isdigit() and any(word.startswith(one) for word in article_words(text)):
            return True
    initials = "".join(word[0] for word in name.split() if word[0].isupper())
    return len(initials) > 1 and re.search(rf"\b{initials}\b", text) is not None


_GIVEN = re.compile(r"^[A-Z][a-z’'-]{2,}$")
_SHORT_FORMS = frozenset("bob bill dick tony ted ned peggy polly sasha larry hank".split())
"""Given names that begin with another letter than the name they are short for."""
_BEFORE_A_SURNAME = TITLES | frozenset(
    "governor senator congressman congresswoman representative judge justice mayor chief officer sheriff "
    "captain colonel professor doctor king queen prince princess pope chancellor premier sir lady lord coach "
    "former vice chairman chairwoman director commissioner detective sergeant lieutenant admiral ambassador "
    "attorney lawyer democrat republican speaker leader chair actor actress singer author team candidate "
    "pastor bishop father hurricane saint st mount lake monday tuesday wednesday thursday friday saturday "
    "sunday".split()
)


def of_another(name: str, text: str) -> bool:
    """Whether a text has the surname with other given names alone: Donald Trump, not Melania Trump."""
    given, *rest = [part.removesuffix("’s").removesuffix("'s") for part in name.split()] or [""]
    if not rest or not _GIVEN.match(given) or not _GIVEN.match(rest[-1]) or named_in(given, text):
        return False
    told = normalise(given)
    bearers = re.findall(rf"(?<=[a-z,;“\"(] )([A-Z][a-z]+) {re.escape(rest[-1])}\b", text)
    others = {normalise(one) for one in bearers} - _BEFORE_A_SURNAME - STOPWORDS
    alike = any(one[0] == told[0] or {one, told} & _SHORT_FORMS for one in others)
    return bool(others) and told not in _BEFORE_A_SURNAME and not alike
