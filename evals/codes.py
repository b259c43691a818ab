"""The exit codes of `tearsheet eval`, and how it complains."""

from __future__ import annotations

import sys

OK, QUALITY, UNUSABLE, BROKEN = 0, 1, 2, 3
"""All is well; an answer got worse; suite or command cannot be used; the harness failed."""


def complain(message: str, code: int) -> int:
    """Say on standard error what went wrong; return the exit code given."""
    print(f"tearsheet eval: {message}", file=sys.stderr)
    return code
