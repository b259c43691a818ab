"""Which place lies in which, and what kind it is: Miami in Florida is no other place, and Hungary no city."""

from __future__ import annotations

import re
from functools import lru_cache

from rag.names import same_name
from rag.text import normalise

_STATES = (
    "alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii "
    "idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan "
    "minnesota mississippi missouri montana nebraska nevada new_hampshire new_jersey new_mexico "
    "new_york north_carolina north_dakota ohio oklahoma oregon pennsylvania rhode_island south_carolina "
    "south_dakota tennessee texas utah vermont virginia washington west_virginia wisconsin wyoming"
)
_COUNTRIES = (
    "afghanistan albania algeria argentina armenia australia austria azerbaijan bangladesh belarus "
    "belgium bolivia bosnia brazil britain bulgaria cambodia canada chile china colombia croatia cuba "
    "cyprus czechia denmark ecuador egypt england estonia ethiopia finland france germany ghana greece "
    "haiti honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica japan jordan "
    "kazakhstan kenya kuwait latvia lebanon libya lithuania malaysia mali mexico moldova mongolia "
    "morocco myanmar nepal netherlands new_zealand nicaragua niger nigeria north_korea norway oman "
    "pakistan palestine peru philippines poland portugal qatar romania russia rwanda saudi_arabia "
    "scotland senegal serbia slovakia slovenia somalia south_africa south_korea spain sri_lanka sudan "
    "sweden switzerland syria taiwan tanzania thailand tunisia turkey uganda uk ukraine "
    "united_arab_emirates united_kingdom united_states us u.s usa uruguay uzbekistan venezuela vietnam "
    "wales yemen zambia zimbabwe"
)
_EUROPE = (
    "albania andorra armenia austria azerbaijan belarus belgium bosnia britain bulgaria croatia cyprus "
    "czechia denmark england estonia finland france georgia germany greece hungary iceland ireland italy "
    "latvia lithuania luxembourg malta moldova monaco montenegro netherlands norway poland portugal romania "
    "russia scotland serbia slovakia slovenia spain sweden switzerland turkey uk ukraine united_kingdom wales"
)
_WITHIN = (
    "miami florida, orlando florida, tampa florida, mar-a-lago florida, palm_beach florida, "
    "jacksonville florida, tallahassee florida, los_angeles california, san_francisco california, "
    "san_diego california, sacramento california, oakland california, san_jose california, hollywood "
    "california, houston texas, dallas texas, austin texas, san_antonio texas, fort_worth texas, "
    "el_paso texas, chicago illinois, boston massachusetts, philadelphia pennsylvania, pittsburgh "
    "pennsylvania, detroit michigan, atlanta georgia, seattle washington, portland oregon, denver "
    "colorado, phoenix arizona, tucson arizona, las_vegas nevada, cleveland ohio, columbus ohio, "
    "cincinnati ohio, indianapolis indiana, milwaukee wisconsin, minneapolis minnesota, nashville "
    "tennessee, memphis tennessee, new_orleans louisiana, baltimore maryland, charlotte north_carolina, "
    "raleigh north_carolina, charleston south_carolina, st_louis missouri, kansas_city missouri, "
    "oklahoma_city oklahoma, salt_lake_city utah, anchorage alaska, honolulu hawaii, manhattan "
    "new_york, brooklyn new_york, new_york_city new_york, buffalo new_york, moscow russia, "
    "saint_petersburg russia, kyiv ukraine, odesa ukraine, kharkiv ukraine, lviv ukraine, pokrovsk "
    "ukraine, london england, manchester england, birmingham england, liverpool england, edinburgh "
    "scotland, glasgow scotland, cardiff wales, belfast northern_ireland, paris france, marseille "
    "france, lyon france, berlin germany, munich germany, hamburg germany, frankfurt germany, rome "
    "italy, milan italy, venice italy, madrid spain, barcelona spain, lisbon portugal, amsterdam "
    "netherlands, the_hague netherlands, brussels belgium, geneva switzerland, zurich switzerland, "
    "davos switzerland, vienna austria, budapest hungary, warsaw poland, prague czechia, bucharest "
    "romania, sofia bulgaria, athens greece, istanbul turkey, ankara turkey, beijing china, shanghai "
    "china, hong_kong china, wuhan china, tokyo japan, osaka japan, seoul south_korea, pyongyang "
    "north_korea, delhi india, mumbai india, islamabad pakistan, karachi pakistan, kabul afghanistan, "
    "tehran iran, baghdad iraq, damascus syria, beirut lebanon, jerusalem israel, tel_aviv israel, "
    "gaza_city gaza, cairo egypt, riyadh saudi_arabia, jeddah saudi_arabia, doha qatar, dubai "
    "united_arab_emirates, abu_dhabi united_arab_emirates, nairobi kenya, lagos nigeria, johannesburg "
    "south_africa, sydney australia, melbourne australia, toronto canada, ottawa canada, montreal "
    "canada, vancouver canada, mexico_city mexico, havana cuba, caracas venezuela, buenos_aires "
    "argentina, rio_de_janeiro brazil, sao_paulo brazil, santiago chile, lima peru"
)
WITHIN = {
    inner.replace("_", " "): outer.replace("_", " ")
    for inner, outer in (pair.strip().split() for pair in _WITHIN.split(","))
}
"""City: the state or country in which it lies, for cities often in the news."""
STATES = frozenset(state.replace("_", " ") for state in _STATES.split())
"""Of the United States."""
COUNTRIES = frozenset(country.replace("_", " ") for country in _COUNTRIES.split())
EUROPE = frozenset(country.replace("_", " ") for country in _EUROPE.split())


def lies_in(inner: str, outer: str) -> bool:
    """Whether one place is known to lie in the other, across spellings."""
    holder = next((held for city, held in WITHIN.items() if same_name(city, _bare(inner))), "")
    return bool(holder) and _holds(holder, _bare(outer))


def holds_named(outer: str, text: str) -> bool:
    """Whether a text names a city that lies in the place: Geneva in Switzerland, or a Swiss city."""
    cities = cities_in(outer)
    low = f" {normalise(text)} " if cities else ""
    return any(re.search(rf"\W{re.escape(city)}\W", low) for city in cities)


@lru_cache(maxsize=256)
def cities_in(outer: str) -> frozenset[str]:
    """Return the cities known to lie in a state or country, which its adjective may stand for."""
    return frozenset(city for city, holder in WITHIN.items() if _holds(holder, _bare(outer)))


def _holds(holder: str, named: str) -> bool:
    """Whether `named` is a state or country, or its adjective."""
    if named in {"us", "u.s", "usa", "united states", "america", "american"}:
        return holder in STATES
    return holder == named or (" " not in holder and " " not in named and same_name(holder, named))


def is_no(kind: str, place: str) -> bool:
    """Whether a place is known to be no `city`, `state`, `region`, `country` or `european country`."""
    name = _bare(place)
    if kind in {"city", "town", "village", "capital"}:
        return name in COUNTRIES or (name in STATES and name not in {"new york", "washington"})
    if kind == "state":
        return name in COUNTRIES and name not in STATES
    if kind == "european country":
        return is_no("country", place) or name in COUNTRIES - EUROPE
    if kind in {"region", "province", "county", "oblast"}:
        return name in WITHIN or name in COUNTRIES
    if kind == "country":
        return name in WITHIN or name in STATES - COUNTRIES - {"georgia"}
    return False


def _bare(place: str) -> str:
    return normalise(place).removeprefix("the ").removesuffix("'s").strip(".,")
