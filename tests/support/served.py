"""edge.serve as a program of its own, on a free port of loopback."""

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 20  # seconds to wait for anything


class Served:
    """A running edge.serve.

    Attributes:
        process: of it.
        url: where it listens, without a slash at the end.
        lines: that it has told on stderr.
    """

    def __init__(self, *arguments):
        command = [sys.executable, "-m", "edge.serve", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, **pipes)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True).start()
        listening = wait_for(lambda: re.search(r"listening on (http://\S+)", "".join(self.lines)) or self._ended())
        self.url = listening.group(1)

    def _ended(self):
        assert self.process.poll() is None, "".join(self.lines)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def get(self, path: str):
        """Returns (status, body)."""
        return answer(urllib.request.Request(self.url + path))

    def post(self, path: str, content):
        """Returns (status, body) of an answer to bytes, or to an object as JSON."""
        headers = {} if isinstance(content, bytes) else {"Content-Type": "application/json"}
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return answer(urllib.request.Request(self.url + path, body, headers))

    def end(self) -> int:
        """Sends SIGTERM and returns the exit status."""
        self.process.terminate()
        return self.process.wait(LONGEST)


def answer(request):
    """Returns (status, body) of a request, JSON as what it holds."""
    try:
        with urllib.request.urlopen(request, timeout=LONGEST) as response:
            status, body = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    with contextlib.suppress(ValueError):
        return status, json.loads(body)
    return status, body


@contextlib.contextmanager
def served(*arguments):
    """Gives a running edge.serve, and ends it."""
    running = Served("--listen=127.0.0.1:0", *arguments)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def wait_for(found, seconds: float = LONGEST):
    """Returns what `found()` returns as soon as that is true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError(f"nothing came within {seconds} seconds")
