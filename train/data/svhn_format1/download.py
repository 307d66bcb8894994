"""One large file over HTTP: resumed where it stopped, checked when it is whole, never under its name before."""

import json
import os
import shutil
import threading
from pathlib import Path

import requests

from train import files
from train.errors import DataUnavailableError, TrainingError, UserError
from train.progress import Progress, log

ANSWER_SECONDS = 8  # in which a server must begin to answer, name look-up included
SILENCE_SECONDS = 30  # after which a transfer counts as broken
ATTEMPTS = 4  # to go on with a broken transfer, in one run
BLOCK = 1 << 20


class _Broken(Exception):
    """The transfer stopped before its end."""


def fetch(url: str, path: Path, size: int, sha256: str, remedy: str):
    """Fetches `url` to `path`.

    What has come lies in `path`.partial; the next call goes on from there, if the server still has the same file (HTTP
    range with If-Range), and begins again if not. `path` appears when size and checksum are right. A second process
    waits for the first, and fetches nothing if it was successful.

    Args:
        remedy: what to do where it can't be had, for the message.

    Raises:
        DataUnavailableError: there is no connection, it breaks again and again, or the server has something else.
        UserError: all of it came, and the checksum is wrong.
        TrainingError: it can't be written.
    """
    try:
        with files.locked(path):
            if not path.exists():
                partial = _Partial(path, url)
                _transfer_all(url, partial, size, remedy)
                partial.finish(size, sha256)
    except OSError as error:
        raise TrainingError(
            f"{path} can't be written ({error.strerror or error}); make room or mend its permissions, and give the "
            "same command again"
        ) from error


class _Partial:
    """What has come of a file so far, and which version of it that was."""

    def __init__(self, path: Path, url: str):
        self.path, self.url = path, url
        self.data = path.with_name(path.name + ".partial")
        self.facts = path.with_name(path.name + ".partial.json")

    def size(self) -> int:
        return self.data.stat().st_size if self.data.exists() else 0

    def version(self) -> str | None:
        """Returns what the server named the version that has come in part; None where nothing can be continued."""
        try:
            facts = json.loads(self.facts.read_text())
            return facts["version"] if facts["url"] == self.url and self.size() else None
        except (OSError, ValueError, KeyError):
            return None

    def begin(self, version: str | None):
        self.data.write_bytes(b"")
        files.write_text(self.facts, json.dumps({"url": self.url, "version": version}))

    def discard(self):
        self.data.unlink(missing_ok=True)
        self.facts.unlink(missing_ok=True)

    def finish(self, size: int, sha256: str):
        """Gives the file its name if it is the expected one."""
        found = files.sha256(self.data)
        if (self.size(), found) != (size, sha256):
            received = f"{self.size()} bytes, sha256 {found}"
            self.discard()
            raise UserError(
                f"{self.url} is not the expected file: {size} bytes, sha256 {sha256}. Received: {received}; it was "
                "removed, give the same command again"
            )
        os.replace(self.data, self.path)
        self.facts.unlink(missing_ok=True)


def _check_room(folder: Path, needed: int, name: str):
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise TrainingError(
            f"{name} needs {needed / 1e6:.0f} MB more in {folder}. Received: {free / 1e6:.0f} MB free; make room"
        )


def _transfer_all(url: str, partial: _Partial, size: int, remedy: str):
    """Appends what is missing, and goes on with a transfer that broke off as long as something comes."""
    name = partial.path.name
    for attempt in range(ATTEMPTS):
        before = partial.size()
        try:
            return _transfer(url, partial, size, remedy)
        except _Broken as error:
            log.warning("%s: the transfer broke off at %d of %d bytes (%s)", name, partial.size(), size, error)
            if attempt == ATTEMPTS - 1 or partial.size() == before:
                raise DataUnavailableError(
                    f"{url} broke off at {partial.size()} of {size} bytes ({error}); the same command goes on from "
                    f"there. Or: {remedy}"
                ) from error


def _transfer(url: str, partial: _Partial, size: int, remedy: str):
    """Appends what is missing; `_Broken` where it ends too soon."""
    have, version = partial.size(), partial.version()
    if have >= size and version:
        return  # `finish` says whether it is right
    headers = {"Accept-Encoding": "identity"}
    if version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    response = _open(url, headers, remedy)
    with response:
        begins = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        if response.status_code == 206 and version and begins == str(have):
            log.info("%s: going on at %d of %d bytes", partial.path.name, have, size)
        else:
            have = 0
        announced = have + int(response.headers.get("Content-Length", size - have))
        kind = response.headers.get("Content-Type", "of unknown type")
        if announced != size or kind.startswith("text/"):
            raise DataUnavailableError(
                f"{url} is not what it should be, {size} bytes. Received: {announced} bytes, {kind}: {remedy}"
            )
        _check_room(partial.path.parent, size - have, partial.path.name)
        if not have:
            partial.begin(_version(response))
        progress = Progress(f"fetching {partial.path.name}", size / 1e6, "MB", have / 1e6)
        with open(partial.data, "ab") as file:
            for block in _blocks(response):
                file.write(block)
                progress.advance(len(block) / 1e6)
    if partial.size() < size:
        raise _Broken("the connection was closed")


def _blocks(response):
    try:
        yield from response.iter_content(BLOCK)
    except requests.RequestException as error:
        raise _Broken(type(error).__name__) from error


def _version(response) -> str | None:
    """Returns what names this version of the file; a weak ETag may not be used for ranges (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")


def _open(url: str, headers: dict, remedy: str) -> requests.Response:
    """Returns the server's answer to one try, within seconds: name look-up has no time limit of its own."""
    outcome = []

    def request():
        try:
            timeout = (ANSWER_SECONDS / 2, SILENCE_SECONDS)
            outcome.append(requests.get(url, headers=headers, stream=True, timeout=timeout))
        except requests.RequestException as error:
            outcome.append(error)

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    answer = outcome[0] if outcome else TimeoutError()
    if isinstance(answer, Exception):
        raise DataUnavailableError(f"{url} can't be reached ({type(answer).__name__}): {remedy}")
    if answer.status_code not in (200, 206):
        answer.close()
        raise DataUnavailableError(f"{url} answers with status {answer.status_code} ({answer.reason}): {remedy}")
    return answer
