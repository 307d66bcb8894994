import errno
import hashlib
import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from file_server import serving

from train.data.svhn_format1 import download
from train.errors import DataUnavailableError, TrainingError, UserError

DATA = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "BLOCK", 10000)
    with serving() as server:
        server.files["/a.tar.gz"] = DATA
        yield server


@pytest.fixture
def fetch(server, tmp_path):
    """Returns a function that fetches a.tar.gz into the returned path."""
    path = tmp_path / "cache" / "a.tar.gz"

    def run(url=None):
        download.fetch(url or server.url + "a.tar.gz", path, len(DATA), SHA256, remedy="get it another way")
        return path

    run.path = path
    return run


def left(fetch):
    """Returns the names of what lies in the folder, besides the lock."""
    return sorted({path.name for path in fetch.path.parent.glob("*")} - {"a.tar.gz.lock"})


def broken_off(fetch, server, bytes_, again=0):
    """Leaves a transfer that got no further than `bytes_`: it broke off, and after `again` bytes once more."""
    server.stops += [bytes_, again]
    with pytest.raises(DataUnavailableError, match=f"broke off at {bytes_} of {len(DATA)} bytes"):
        fetch()
    assert left(fetch) == ["a.tar.gz.partial", "a.tar.gz.partial.json"]
    server.requests.clear()


def test_a_file_comes_whole_and_alone(fetch, server):
    assert fetch().read_bytes() == DATA
    assert left(fetch) == ["a.tar.gz"]
    assert server.requests == [("/a.tar.gz", None)]


def test_a_broken_transfer_goes_on_at_once(fetch, server):
    server.stops += [100000, 150000]
    assert fetch().read_bytes() == DATA
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-", "bytes=250000-"]


def test_the_next_run_goes_on_where_it_stopped(fetch, server):
    broken_off(fetch, server, 120000)
    assert fetch().read_bytes() == DATA
    assert server.requests == [("/a.tar.gz", "bytes=120000-")]
    assert left(fetch) == ["a.tar.gz"]


def test_two_at_a_time_fetch_it_once(fetch, server):
    with ThreadPoolExecutor(2) as pool:
        assert [path.read_bytes() == DATA for path in pool.map(lambda _: fetch(), range(2))] == [True, True]
    assert server.requests == [("/a.tar.gz", None)]


def test_without_ranges_it_begins_again(fetch, server):
    broken_off(fetch, server, 120000)
    server.ranges = False
    assert fetch().read_bytes() == DATA


def test_a_file_that_changed_meanwhile_is_not_patched_together(fetch, server):
    server.files["/a.tar.gz"] = bytes(len(DATA))
    broken_off(fetch, server, 120000)
    server.files["/a.tar.gz"], server.etag = DATA, '"2"'
    assert fetch().read_bytes() == DATA


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_what_names_no_version_is_fetched_anew(fetch, server, etag):
    server.etag = etag
    broken_off(fetch, server, 120000, again=120000)
    assert fetch().read_bytes() == DATA
    assert server.requests == [("/a.tar.gz", None)]


def test_a_wrong_checksum_is_told_and_nothing_stays(fetch, server):
    server.files["/a.tar.gz"] = bytes(len(DATA))
    with pytest.raises(UserError, match=rf"is not the expected file: {len(DATA)} bytes, sha256 {SHA256}") as caught:
        fetch()
    assert not isinstance(caught.value, DataUnavailableError)
    assert left(fetch) == []


def test_a_partial_file_that_was_tampered_with_is_removed(fetch, server):
    broken_off(fetch, server, 120000)
    partial = fetch.path.with_name("a.tar.gz.partial")
    partial.write_bytes(bytes(len(DATA) + 5))
    with pytest.raises(UserError, match=f"Received: {len(DATA) + 5} bytes"):
        fetch()
    assert fetch().read_bytes() == DATA


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Content-Length": "1000"}, f"is not what it should be, {len(DATA)} bytes. Received: 1000 bytes, application"),
        ({"Content-Type": "text/html"}, "Received: .* text/html"),
    ],
)
def test_something_else_in_its_place_is_named(fetch, server, headers, message):
    server.headers = headers
    with pytest.raises(DataUnavailableError, match=message):
        fetch()
    assert left(fetch) == []


def test_a_missing_file_is_named_with_what_to_do(fetch, server):
    with pytest.raises(DataUnavailableError, match="answers with status 404 .*: get it another way"):
        fetch(url=server.url + "b.tar.gz")


def test_no_connection_is_told_with_what_to_do(fetch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/a.tar.gz"
        with pytest.raises(DataUnavailableError, match=r"can't be reached \(ConnectionError\): get it another way"):
            fetch(url=url)
    assert left(fetch) == []


def test_a_server_that_never_answers_is_not_waited_for(fetch, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(requests, "get", lambda *args, **kwargs: answers.wait(60))
    with pytest.raises(DataUnavailableError, match=r"can't be reached \(TimeoutError\)"):
        fetch()
    answers.set()


def test_a_disk_without_room_is_told_before(fetch, server, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(TrainingError, match="a.tar.gz needs 1 MB more in .* Received: 0 MB free"):
        fetch()
    assert left(fetch) == []


def test_a_disk_that_fills_up_leaves_nothing_that_looks_finished(fetch, server, monkeypatch):
    real_open = open

    def full(path, mode="r"):
        file = real_open(path, mode)
        if mode == "ab":
            file.close()
            file = real_open("/dev/full", "wb", buffering=0)
        return file

    monkeypatch.setattr(download, "open", full, raising=False)
    with pytest.raises(TrainingError, match="can't be written \\(No space left on device\\)"):
        fetch()
    assert "a.tar.gz" not in left(fetch)
    monkeypatch.undo()
    assert fetch().read_bytes() == DATA


def test_a_folder_that_may_not_be_written(fetch, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(type(fetch.path), "mkdir", refused)
    with pytest.raises(TrainingError, match="can't be written \\(Permission denied\\)"):
        fetch()
