"""The library's SQLite file while it is open: who may write, transactions, errors a person understands."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import DamagedError, LibraryError, LockedError
from rag.schema import VERSION, require_version

if TYPE_CHECKING:
    from filelock import BaseFileLock

FILE = "library.db"
LOCK = "writer.lock"
OWNER = "writer.pid"

WAIT = 10
"""Seconds a statement waits for another process, e.g. for a reader that recovers the file after a crash."""


class Store:
    """An open library file. Safe to use from several threads, one at a time inside `writing`."""

    def __init__(self, folder: Path, db: sqlite3.Connection, lock: BaseFileLock | None) -> None:
        self.folder = folder
        self.db = db
        self.turn = threading.RLock()
        self._lock = lock

    @classmethod
    def open(cls, folder: Path, *, write: bool) -> Store:
        """Open the file in `folder`; for writing, take the writer's lock and make what is missing.

        Raises LockedError, LibraryError or DamagedError.
        """
        lock = _take_lock(folder) if write else None
        try:
            return cls(folder, _connect(folder, write=write), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def close(self) -> None:
        """Close the file and give the writer's lock back."""
        with self.turn:
            self.db.close()
            if self._lock is not None:
                with suppress(sqlite3.Error):
                    _leave_shared_files(self.folder)
                self._lock.release()
                self._lock = None

    @property
    def writable(self) -> bool:
        return self._lock is not None

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self.turn, reported(self.folder):
            return self.db.execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: kept when the block ends, undone when it raises."""
        if not self.writable:
            raise LibraryError(f"The library at {self.folder} is open for reading only; nothing was changed.")
        with self.turn, reported(self.folder):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            finally:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")

    def noted(self, key: str) -> str:
        """Return the note under `key`, empty when there is none."""
        rows = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else ""


def is_older(folder: Path) -> bool:
    """Whether the library there was written by an older Tearsheet and must be opened for writing once."""
    if not (folder / FILE).is_file():
        return False
    with reported(folder), closing(_to_read(folder)) as db:
        return 0 < db.execute("PRAGMA user_version").fetchone()[0] < VERSION  # type: ignore[no-any-return]


def note(db: sqlite3.Connection, key: str, value: str) -> None:
    """Set a note, inside a transaction."""
    db.execute("REPLACE INTO meta VALUES (?, ?)", (key, value))


@contextmanager
def reported(folder: Path) -> Iterator[None]:
    """Turn what SQLite or the file system raises into an error for a person."""
    try:
        yield
    except sqlite3.OperationalError as error:
        message = f"The library at {folder} cannot be used: {error}. {_remedy(str(error))}"
        raise LibraryError(message) from error
    except sqlite3.DatabaseError as error:
        message = (
            f"The library at {folder} is damaged: {error}. Run `tearsheet doctor`, or restore a copy of it."
        )
        raise DamagedError(message) from error
    except OSError as error:
        message = f"The library folder {folder} cannot be used: {error}. Check that it may be written to."
        raise LibraryError(message) from error


def _remedy(message: str) -> str:
    if "full" in message:
        return "Free some disk space; all that was added before is safe."
    if "disk I/O" in message:
        return "Is there disk space left, and is the disk whole? All that was added before is safe."
    if "readonly" in message or "unable to open" in message:
        return "Check that the folder exists and may be written to."
    return "Try again, and run `tearsheet doctor` if it stays so."


def _connect(folder: Path, *, write: bool) -> sqlite3.Connection:
    with reported(folder):
        if not write and not (folder / FILE).is_file():
            raise LibraryError(f"There is no library at {folder} yet. `tearsheet add PATH` makes one.")
        if write and (folder / FILE).exists() and not os.access(folder / FILE, os.W_OK):
            # SQLite would open it for reading and fail at the first change.
            raise LibraryError(f"The file {folder / FILE} may not be written to. Change that, or only read.")
        db = _to_write(folder) if write else _to_read(folder)
        try:
            require_version(db, folder, write=write)
        except BaseException:
            db.close()
            raise
    return db


def _to_write(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False, timeout=WAIT)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    # FULL: a committed article outlives a power cut too, for one flush per article.
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _to_read(folder: Path) -> sqlite3.Connection:
    # A folder that nobody may write to has no writer to wait for, and no room for the files that WAL shares.
    mode = "mode=ro" if os.access(folder, os.W_OK) else "immutable=1"
    uri = f"{(folder / FILE).absolute().as_uri()}?{mode}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=WAIT)
    db.row_factory = sqlite3.Row
    return db


def _leave_shared_files(folder: Path) -> None:
    """Make the two files that WAL shares: a reader of the library at rest would otherwise create them."""
    db = _to_read(folder)
    try:
        db.execute("SELECT count(*) FROM meta").fetchone()
    finally:
        db.close()


def _take_lock(folder: Path) -> BaseFileLock:
    """Take the writer's lock, or raise LockedError naming the process that has it."""
    from filelock import FileLock, Timeout

    with reported(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            owner = (folder / OWNER).read_text() if (folder / OWNER).exists() else "unknown"
            raise LockedError(
                f"Process {owner} is writing to the library at {folder}. "
                "Wait until it has finished, or stop it, and try again."
            ) from None
        (folder / OWNER).write_text(str(os.getpid()))
    return lock
