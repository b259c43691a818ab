"""Every error a person can be shown, in one tree.

TearsheetError
├── InputError           what was given cannot be used (exit code 2)
│   ├── ReadError        a file, URL or feed could not be read as an article
│   ├── NotFoundError    no article answers to that name
│   └── QuestionError    the question is empty or too long
├── BusyError            too many wait for the model already (exit code 1)
├── LibraryError         the library cannot be used as it stands (exit code 3)
│   ├── LockedError      another process owns the library
│   └── DamagedError     a law of the library does not hold
└── ModelError           a model cannot be loaded or run (exit code 4)
    └── CancelledError   the user stopped it

Each message says what was wrong, what was found and what to do next. An expected
outcome (nothing found, no answer, unsupported) is a value, never an error.
"""


class TearsheetError(Exception):
    """Base of every error meant for a person; `str(error)` is the whole message."""

    exit_code = 1


class InputError(TearsheetError):
    """What was given cannot be used."""

    exit_code = 2


class ReadError(InputError):
    """A file, URL or feed could not be read as an article."""


class NotFoundError(InputError):
    """No article in the library answers to that name."""


class QuestionError(InputError):
    """The question is empty or longer than the product accepts."""


class BusyError(TearsheetError):
    """Too many wait for the model already; ask again in a moment."""


class LibraryError(TearsheetError):
    """The library cannot be used as it stands."""

    exit_code = 3


class LockedError(LibraryError):
    """Another process owns the library for writing."""


class DamagedError(LibraryError):
    """A law of the library does not hold; `tearsheet doctor` says which."""


class ModelError(TearsheetError):
    """A model cannot be loaded or run."""

    exit_code = 4


class CancelledError(ModelError):
    """The user stopped a running model."""
