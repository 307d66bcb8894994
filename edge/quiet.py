"""Keeps what native libraries write to stderr off the user's screen; their errors come as exceptions anyway."""

import contextlib
import os
import sys
import threading

STDERR = 2
_lock = threading.Lock()
_held: dict[str, int] = {"blocks": 0, "stderr": -1}  # how many are open, and a copy of the descriptor as it was


def own_stderr():
    """Gives Python's stderr a descriptor of its own, so that its lines come while another thread is in `quiet`."""
    try:
        if sys.stderr.fileno() != STDERR:
            return
        copy = os.dup(STDERR)
    except (OSError, ValueError):  # it is none of the system's, or is closed
        return
    sys.stderr.flush()
    sys.stderr = open(copy, "w", buffering=1, encoding=sys.stderr.encoding, errors=sys.stderr.errors)  # noqa: SIM115


@contextlib.contextmanager
def quiet():
    """Sends the stderr file descriptor nowhere for the length of a `with` block, in several threads until the last."""
    sys.stderr.flush()
    _enter()
    try:
        yield
    finally:
        sys.stderr.flush()
        _leave()


def _enter():
    with _lock:
        _held["blocks"] += 1
        if _held["blocks"] > 1:
            return
        try:
            _held["stderr"] = os.dup(STDERR)
        except OSError:  # there is none
            _held["stderr"] = -1
            return
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, STDERR)
        os.close(sink)


def _leave():
    with _lock:
        _held["blocks"] -= 1
        if _held["blocks"] == 0 and _held["stderr"] >= 0:
            os.dup2(_held["stderr"], STDERR)
            os.close(_held["stderr"])
