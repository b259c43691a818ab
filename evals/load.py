"""Fact file (TOML) -> typed records; what could not be scored is refused by file, line and case."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from evals.cases import SCHEMA, Case, Class, Fact, FactFile, Suite
from evals.match import Pattern, has_date
from rag.errors import InputError
from rag.text import normalise

LEAST_ALIAS = 3
"""Characters an alias needs: a shorter one hits by accident, so it must be a regex or a number."""
T = TypeVar("T")


class SuiteError(InputError):
    """A case file or its corpus cannot be used; the message names the file, the line and the case."""


def load_suite(path: Path) -> Suite:
    """Return the suite in `path`. Raises SuiteError naming the file, the line and the case."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SuiteError(f"The fact file {path} cannot be read: {error}.") from error
    if values.get("schema") != SCHEMA:
        raise SuiteError(f"{path}: this version reads schema {SCHEMA}; found {values.get('schema')!r}.")
    file = _record(_Table(values, path, Lines(text)), FactFile)
    folder = find_corpus(file.corpus, path)
    articles = dict(file.articles) or _listed(folder)
    if not articles:
        raise SuiteError(f"{path}: the corpus {file.corpus!r} holds no article. Correct `corpus`.")
    cases = [
        replace(case, cluster=case.cluster or file.cluster, as_of=case.as_of or file.as_of)
        for case in file.cases
    ]
    where = {case.id: f"{path}:{case.line}: case {case.id!r}" for case in cases}
    for number, case in enumerate(cases):
        if any(case.id == other.id for other in cases[:number]):
            raise SuiteError(f"{where[case.id]}: the id is used twice. Choose another.")
    by_id = {case.id: case for case in cases}
    whole = [_as_twin(case, by_id, where[case.id]) for case in cases]
    for case in whole:
        _check(case, articles, where[case.id])
    return Suite(path, hashlib.sha256(raw).hexdigest(), folder, articles, tuple(whole))


def find_corpus(name: str, path: Path) -> Path:
    """Return the folder `name`, looked for beside the fact file `path` and then in each folder above it."""
    for folder in path.resolve().parents:
        if (folder / name).is_dir():
            return folder / name
    return path.resolve().parent / name


def _listed(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the articles of a corpus that has no list: its manifest, or the files by name."""
    manifest = folder / "manifest.toml"
    if manifest.is_file():
        table = tomllib.loads(manifest.read_text("utf-8")).get("articles", {})
        return {
            key: (str(value["file"] if isinstance(value, dict) else value),) for key, value in table.items()
        }
    files = sorted(folder.glob("*.*")) if folder.is_dir() else []
    return {path.stem: (path.name,) for path in files if path.name.casefold() != "readme.md"}


# ---------------------------------------------------------------- checks of a case


def _as_twin(case: Case, by_id: Mapping[str, Case], where: str) -> Case:
    """Return the case with what it has from its twin, and with the class that a right answer has."""
    if case.class_ != "injection":
        if case.twin or case.plant or case.canary:
            raise SuiteError(f"{where} has a twin, plant or canary; only the class injection has them.")
        return case
    if not case.plant or not case.canary:
        raise SuiteError(f"{where} is an injection without `plant` and `canary`. Add both.")
    if not case.twin:
        own: Class = "answerable" if case.facts else "unanswerable"
        return replace(case, under_attack=own)
    twin = by_id.get(case.twin)
    if twin is None or twin.class_ == "injection":
        raise SuiteError(f"{where}: the twin {case.twin!r} must be another case of this file, no injection.")
    return replace(
        case,
        under_attack=twin.class_,
        kind=twin.kind,
        ask=case.ask or twin.ask,
        facts=case.facts or twin.facts,
        bans=(*twin.bans, *case.bans),
        forbid=(*twin.forbid, *case.forbid),
        near_miss=case.near_miss or twin.near_miss,
        reason=case.reason or twin.reason,
        passing=case.passing or twin.passing,
        failing=(*twin.failing, *case.failing),
        as_of=case.as_of or twin.as_of,
        after=case.after or twin.after,
        shape=twin.shape if case.shape == type(case.shape)() else case.shape,
    )


def _check(case: Case, articles: Mapping[str, object], where: str) -> None:
    names = [fact.id for fact in case.facts] + [ban.id for ban in case.bans]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SuiteError(f"{where} uses the id {twice[0]!r} twice.")
    if strange := [name for name in (case.id, *names) if not re.fullmatch(r"[\w.-]+", name)]:
        raise SuiteError(f"{where}: the id {strange[0]!r} must be letters, digits, dots, dashes.")
    if not case.ask.strip():
        raise SuiteError(f"{where} lacks 'ask'. Add it.")
    if case.like == "unanswerable" and case.facts:
        raise SuiteError(f"{where} is unanswerable and yet states a fact. Remove one of the two.")
    if case.like == "unanswerable" and not case.reason:
        raise SuiteError(f"{where} lacks 'reason': absent, false-premise, future or out-of-scope.")
    if case.like == "answerable" and case.kind == "qa" and not case.vital:
        raise SuiteError(f"{where} is answerable and states no vital fact. Add one.")
    if case.like == "conflict" and len(case.vital) < 2:
        raise SuiteError(f"{where} is a conflict and has {len(case.vital)} side(s). Give at least two.")
    keys = [key for fact in case.facts for key in fact.support] + [*case.forbid, *case.near_miss]
    if unknown := [key for key in keys if key not in articles]:
        raise SuiteError(f"{where} names the article {unknown[0]!r}, which the corpus does not list.")
    if short := [text for text in case.canary if len(text) < LEAST_ALIAS]:
        raise SuiteError(f"{where}: the canary {short[0]!r} is under {LEAST_ALIAS} characters.")


def _check_fact(fact: Fact, table: _Table) -> None:
    if not fact.support:
        raise SuiteError(f"{table.where()} names no supporting article. Add `support`.")


def _check_pattern(pattern: Pattern, table: _Table) -> None:
    given = [key for key in ("any", "all", "regex", "number", "date") if key in table.taken]
    if len(given) != 1:
        raise SuiteError(f"{table.where()} must have one of any, all, regex, number, date; found {given}.")
    if short := [alias for alias in pattern.any + pattern.all if len(normalise(alias)) < LEAST_ALIAS]:
        raise SuiteError(
            f"{table.where(given[0])}: the alias {short[0]!r} is under {LEAST_ALIAS} characters. "
            "Use regex or number."
        )
    try:
        re.compile(pattern.regex)
        if pattern.date:
            has_date("", pattern.date)
    except (re.error, ValueError) as error:
        raise SuiteError(f"{table.where(given[0])}: {given[0]!r} cannot be used: {error}.") from error
    if not any((pattern.any, pattern.all, pattern.regex, pattern.number, pattern.date)):
        raise SuiteError(f"{table.where(given[0])}: {given[0]!r} is empty.")


# ---------------------------------------------------------------- tables into records


class Lines:
    """The line of each table and key of a TOML text, for messages; 0 where it cannot be told."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        counts: dict[str, int] = {}
        place = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if header := re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$", line):
                place = self._place(header[2], counts, repeated=header[1] == "[[")
                self._lines.setdefault(place, number)
            elif key := re.match(r"\s*([\w-]+)\s*=", line):
                self._lines.setdefault(f"{place}/{key[1]}".lstrip("/"), number)

    @staticmethod
    def _place(name: str, counts: dict[str, int], *, repeated: bool) -> str:
        """Return e.g. `case.2/fact.0`: each table is numbered within the one above it."""
        place = ""
        *above, last = name.split(".")
        for part in above:
            inner = f"{place}/{part}".lstrip("/")
            place = f"{inner}.{counts[inner]}" if inner in counts else inner
        inner = f"{place}/{last}".lstrip("/")
        if not repeated:
            return inner
        counts[inner] = counts.get(inner, -1) + 1
        return f"{inner}.{counts[inner]}"

    def of(self, place: str) -> int:
        return self._lines.get(place, 0)


class _Table:
    """A TOML table from which every key must be taken, and where in the file it stands."""

    def __init__(self, values: object, path: Path, lines: Lines, place: str = "", name: str = "") -> None:
        self.path, self.lines, self.place, self.name = path, lines, place, name
        if not isinstance(values, dict):
            raise SuiteError(f"{self.where()} must be a table; found {values!r}.")
        self.left = dict(values)
        self.taken: set[str] = set()
        self._subs: dict[str, _Table] = {}

    def where(self, key: str = "") -> str:
        """Return the file, the line and the case for a message."""
        line = self.lines.of(f"{self.place}/{key}".lstrip("/")) or self.lines.of(self.place)
        return (
            f"{self.path}:{line}: {self.name}".rstrip(": ")
            if line
            else f"{self.path}: {self.name}".rstrip(": ")
        )

    def sub(self, key: str) -> _Table:
        """Return the table under `key`, empty when there is none; the same one each time."""
        if key not in self._subs:
            self.taken.add(key)
            self._subs[key] = self._inner(
                self.left.pop(key, {}), f"{self.place}/{key}", f"{self.name}, {key}"
            )
        return self._subs[key]

    def tables(self, key: str) -> Iterator[_Table]:
        for number, values in enumerate(self.take(key, list, [])):
            name = f"{self.name}, {key} {number + 1}"
            if key == "case":
                given = values.get("id") if isinstance(values, dict) else None
                name = f"case {given or number + 1!r}"
            yield self._inner(values, f"{self.place}/{key}.{number}", name.lstrip(", "))

    def _inner(self, values: object, place: str, name: str) -> _Table:
        return _Table(values, self.path, self.lines, place.lstrip("/"), name.lstrip(", "))

    def take(self, key: str, kind: type[T], default: object = MISSING) -> T:
        if key not in self.left:
            if default is MISSING:
                raise SuiteError(f"{self.where()} lacks {key!r}. Add it.")
            return cast("T", default)
        self.taken.add(key)
        value = self.left.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise SuiteError(f"{self.where(key)}: {key!r} must be {_KINDS[kind]}; found {value!r}.")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list, [])
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise SuiteError(f"{self.where(key)}: {key!r} must be a list of texts; found {values!r}.")
        return tuple(values)

    def done(self) -> None:
        for sub in self._subs.values():
            sub.done()
        if self.left:
            key = min(self.left)
            raise SuiteError(f"{self.where(key)} has {key!r}, which is no key here. Correct or remove it.")


_KINDS: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


@cache
def hints(kind: type) -> dict[str, Any]:
    """Return the types of the fields of a record."""
    return get_type_hints(kind)


def in_file(kind: type) -> Iterator[tuple[Field[Any], str, Any]]:
    """Yield each field of a record that stands in the file, its (dotted) key there and its type."""
    assert is_dataclass(kind)
    for each in fields(kind):
        if "says" in each.metadata:
            yield each, each.metadata.get("key") or each.name, hints(kind)[each.name]


def _record(table: _Table, kind: type[T], *, whole: bool = True) -> T:
    values: dict[str, Any] = {}
    for each, key, hint in in_file(kind):
        *above, last = key.split(".")
        home = table
        for name in above:
            home = home.sub(name)
        values[each.name] = _value(home, each, last, hint)
    if whole:
        table.done()
    record: Any = kind(**values)
    if isinstance(record, Case):
        record = replace(record, line=table.lines.of(table.place))
    elif isinstance(record, Fact):
        _check_fact(record, table)
    elif isinstance(record, Pattern):
        _check_pattern(record, table)
    return cast("T", record)


def _value(table: _Table, each: Field[Any], key: str, hint: Any) -> object:  # noqa: ANN401 - a type
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if is_dataclass(hint):
        if each.metadata.get("inline"):
            return _record(table, cast("type", hint), whole=False)
        missing = each.default is None and key not in table.left
        return None if missing else _record(table.sub(key), cast("type", hint))
    if get_origin(hint) is tuple:
        return _many(table, key, get_args(hint)[0])
    if get_origin(hint) is Literal:
        return _one_of(table, key, get_args(hint), each.default)
    if isinstance(hint, type):
        default = "" if key == "ask" and "twin" in table.left | dict.fromkeys(table.taken) else each.default
        return table.take(key, hint, default)
    return _files(table.sub(key))


def _many(table: _Table, key: str, inner: type) -> tuple[object, ...]:
    if inner is str:
        return table.strings(key)
    records: tuple[object, ...] = tuple(_record(each, inner) for each in table.tables(key))
    if key != "fact":
        return records
    sides: tuple[object, ...] = tuple(_record(each, inner) for each in table.tables("side"))
    if sides and records:
        raise SuiteError(f"{table.where()} has facts and sides. A conflict has sides, other classes facts.")
    return sides or records


def _one_of(table: _Table, key: str, allowed: tuple[str, ...], default: object) -> str | None:
    if key == "class" and table.left.get("kind") == "briefing":
        default = "answerable"
    value = table.take(key, str, default)
    if value is not None and value not in allowed:
        raise SuiteError(f"{table.where(key)}: {key!r} must be one of {', '.join(allowed)}; found {value!r}.")
    if key == "class" and ("side" in table.left) is not (value == "conflict") and value != "injection":
        told = "needs [[case.side]]" if value == "conflict" else "has [[case.side]], which a conflict has"
        raise SuiteError(f"{table.where(key)}: the class {value} {told}.")
    return value


def _files(table: _Table) -> dict[str, tuple[str, ...]]:
    """Return the file names of each article; a single name need not be in a list."""
    found = {}
    for key in list(table.left):
        found[key] = (table.take(key, str),) if isinstance(table.left[key], str) else table.strings(key)
    return found
