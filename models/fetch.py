"""Fetches a model file: resumed where it broke off, checked by size and hash, in place only when whole.

What is under way stands beside its place as `.part`; nothing of that name is ever loaded.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from filelock import FileLock, Timeout

from models.catalog import HUB, known
from models.choose import HUB_PREFIX, RECEIPT
from models.gguf import check_chat_model, read_gguf
from models.places import models_folder
from rag.errors import CancelledError, InputError, ModelError

STALL = 30.0
"""Seconds without a byte after which a connection is given up and made anew."""
TRIES = 5
"""Connections in a row that may bring nothing."""
PAUSE = 1.0
BLOCK = 1 << 20
MARGIN = 200_000_000
"""Bytes of the disk that are left free."""
MIRRORS = ("TEARSHEET_HUB", "HF_ENDPOINT")
"""Variables that name a mirror of the model hub."""
_HASH = re.compile(r'^"?([0-9a-f]{64})"?$')
_HUB_NAME = re.compile(r"^(\w[\w.\-]*/\w[\w.\-]*)/(\w[\w.\-]*\.gguf)(?:@([\w.\-]+))?$")

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes in all; 0 when that is not known."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file comes from and what it must be; 0 and the empty text mean unknown."""

    url: str
    file: str
    bytes: int = 0
    sha256: str = ""


def source_of(model: str) -> Source:
    """Return where a model is had: a name of the catalog, `hf:owner/repo/file.gguf[@revision]`, or a URL.

    Raises InputError for anything else.
    """
    if model.startswith(HUB_PREFIX):
        found = _HUB_NAME.match(model.removeprefix(HUB_PREFIX))
        if not found:
            raise InputError(f"A file of the hub is hf:owner/repo/file.gguf; found {model!r}.")
        repo, file, revision = found.groups()
        return Source(f"{_hub()}/{repo}/resolve/{revision or 'main'}/{file}", file)
    if model.startswith(("http://", "https://")):
        file = urlsplit(model).path.rpartition("/")[2]
        if not file.endswith(".gguf"):
            raise InputError(f"The address of a model ends in .gguf; found {model!r}.")
        return Source(model, file)
    row = known(model)
    if row.bundled:
        raise InputError(f"The model {row.name!r} came with the installation; there is nothing to fetch.")
    return Source(row.url.replace(HUB, _hub(), 1), row.file, row.bytes, row.sha256)


def fetch(
    source: Source,
    *,
    folder: Path | None = None,
    stall: float = STALL,
    pause: float = PAUSE,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Return the whole and checked file of `source` in `folder`, by default that of the models.

    What was fetched before a failure is kept and gone on from. Raises ModelError, saying what to do.
    """
    place = (folder or models_folder()) / source.file
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=0):
            if place.is_file() and _receipted(place, source):
                return place
            return _Fetch(source, place, stall, pause, on_progress, cancelled).run()
    except Timeout as error:
        raise ModelError(f"Another process is fetching {source.file}. Wait until it is done.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ModelError(
                f"The disk of {place.parent} is full. Free some space and pull again: what is there is kept."
            ) from error
        raise ModelError(
            f"{place} cannot be written: {error.strerror or error}. Check the folder."
        ) from error


def adopt(place: Path, sha256: str, *, url: str = "") -> None:
    """Check a file that somebody brought, and note its hash beside it. ModelError when it is another."""
    found = _hash_of(place)
    if sha256 and found != sha256:
        raise ModelError(
            f"{place} is not the file it should be: its SHA-256 is {found[:16]}…, not {sha256[:16]}…."
            " Get it again."
        )
    check_chat_model(read_gguf(place))
    _note(place, url, found)


class _Fetch:
    """One attempt to have a file, over as many connections as it takes."""

    def __init__(
        self,
        source: Source,
        place: Path,
        stall: float,
        pause: float,
        on_progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._source = source
        self._place = place
        self._part = place.with_name(f"{place.name}.part")
        self._stall, self._pause = stall, pause
        self._on_progress = on_progress or (lambda *_: None)
        self._cancelled = cancelled or (lambda: False)
        self._there = 0

    def run(self) -> Path:
        vain = 0
        while True:
            before = self._size()
            try:
                self._connect(before)
                break
            except (HTTPError, URLError, HTTPException, TimeoutError, ConnectionError) as error:
                vain = 0 if self._size() > before else vain + 1
                if isinstance(error, HTTPError) and error.code not in (408, 425, 429, 500, 502, 503, 504):
                    raise self._refused(error) from error
                if vain >= TRIES:
                    raise self._unreachable(error) from error
                self._wait(self._pause * 2 ** max(0, vain - 1))
        return self._settle()

    def _connect(self, have: int) -> None:
        """Fetch what is missing over one connection; returns when everything is there."""
        if self._source.bytes and have == self._source.bytes:
            return
        if self._source.bytes and have > self._source.bytes:
            have = self._forget()
        headers = {"User-Agent": "tearsheet", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        notice = _Notice()
        request = Request(self._source.url, headers=headers)
        try:
            opened = build_opener(notice).open(request, timeout=self._stall)
        except HTTPError as error:
            if error.code == 416 and have:
                self._forget()
                raise ConnectionError("the part that is there is longer than the file") from error
            raise
        with opened as response:
            self._expect(notice.first or response.headers)
            if have and not self._source.sha256:
                self._forget()
                raise ConnectionError("nothing tells whether the part that is there belongs to the file")
            if have and response.status != 206:
                have = self._forget()
            if have and not str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-"):
                self._forget()
                raise ConnectionError("the server went on from another place")
            total = have + int(response.headers.get("Content-Length") or 0)
            self._check_size(total)
            self._receive(response, have, self._source.bytes or total)

    def _receive(self, response: HTTPResponse, have: int, total: int) -> None:
        free = shutil.disk_usage(self._part.parent).free
        if total and total - have + MARGIN > free:
            raise ModelError(
                f"{self._source.file} needs {(total - have) / 1e9:.2f} GB more in {self._part.parent}, and"
                f" {free / 1e9:.2f} GB are free. Free some space, or name another folder: TEARSHEET_MODELS."
            )
        with self._part.open("ab") as file:
            while block := response.read1(BLOCK):
                if self._cancelled():
                    raise CancelledError(f"Stopped; {have:,} bytes are kept.")
                file.write(block)
                have += len(block)
                if total and have > total:
                    break
                self._on_progress(have, total)
        if total and have < total:
            raise ConnectionError(f"the connection ended at byte {have:,} of {total:,}")
        if total and have > total:
            self._forget()
            raise ModelError(f"{self._source.url} sent more than {total:,} bytes. Try another mirror.")

    def _expect(self, headers: HTTPMessage) -> None:
        """Take from the hub what it says of the file, when we do not know better."""
        said = _HASH.match(headers.get("X-Linked-Etag") or headers.get("ETag") or "")
        size = str(headers.get("X-Linked-Size") or "0")
        self._source = replace(
            self._source,
            sha256=self._source.sha256 or (said.group(1) if said else ""),
            bytes=self._source.bytes or (int(size) if size.isdigit() else 0),
        )

    def _check_size(self, total: int) -> None:
        if self._source.bytes and total and total != self._source.bytes:
            self._forget()
            raise ModelError(
                f"{self._source.url} offers {total:,} bytes, and {self._source.file} has"
                f" {self._source.bytes:,}. Try another mirror."
            )

    def _settle(self) -> Path:
        """Check the whole file and put it in its place."""
        found = _hash_of(self._part)
        if self._source.sha256 and found != self._source.sha256:
            self._forget()
            raise ModelError(
                f"{self._source.url} is not what it should be: its SHA-256 is {found[:16]}…, not"
                f" {self._source.sha256[:16]}…. It was thrown away; pull again, or from another mirror."
            )
        try:
            check_chat_model(read_gguf(self._part))
        except ModelError:
            self._forget()
            raise
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
        self._part.replace(self._place)
        _note(self._place, self._source.url, found)
        return self._place

    def _refused(self, error: HTTPError) -> ModelError:
        reasons = {401: "it wants an account", 403: "it wants an account", 404: "there is no such file"}
        reason = reasons.get(error.code, " ".join(str(error.reason).split()))
        return ModelError(f"{self._source.url} cannot be had: {reason} ({error.code}). Check the name.")

    def _unreachable(self, error: Exception) -> ModelError:
        reason = getattr(error, "reason", None) or error
        size = f" ({self._source.bytes:,} bytes)" if self._source.bytes else ""
        return ModelError(
            f"{urlsplit(self._source.url).hostname} cannot be reached: {reason}. Pull again when it can, or"
            f" fetch {self._source.url}{size} elsewhere and put it at {self._place}."
        )

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.is_file() else 0

    def _forget(self) -> int:
        self._part.unlink(missing_ok=True)
        return 0

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._cancelled():
                raise CancelledError("Stopped; what was fetched is kept.")
            time.sleep(0.05)


class _Notice(HTTPRedirectHandler):
    """Follows redirects to the web only, and keeps what the first answer said of the file."""

    max_redirections = 5

    def __init__(self) -> None:
        self.first: HTTPMessage | None = None

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise HTTPError(newurl, code, "it leads to an address that is not encrypted", headers, fp)
        self.first = self.first or headers
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _receipted(place: Path, source: Source) -> bool:
    with suppress(OSError, ValueError, KeyError):
        receipt: dict[str, Any] = json.loads(place.with_name(place.name + RECEIPT).read_text("utf-8"))
        status = place.stat()
        if (receipt["bytes"], receipt["modified"]) == (status.st_size, status.st_mtime_ns):
            return not source.sha256 or receipt["sha256"] == source.sha256
    return False


def _note(place: Path, url: str, sha256: str) -> None:
    status = place.stat()
    receipt = {"url": url, "bytes": status.st_size, "modified": status.st_mtime_ns, "sha256": sha256}
    place.with_name(place.name + RECEIPT).write_text(json.dumps(receipt) + "\n", "utf-8")


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hub() -> str:
    return next((os.environ[name].rstrip("/") for name in MIRRORS if os.environ.get(name)), HUB)
