"""Keeps what native libraries write to stderr off the screen; their errors come as exceptions anyway."""

import contextlib
import os
import sys


@contextlib.contextmanager
def quiet():
    """Sends the stderr file descriptor nowhere for the length of a `with` block."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
