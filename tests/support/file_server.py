"""A web server on this machine that gives out bytes, and misbehaves when asked to."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """What is served and how.

    Attributes:
        files: path -> bytes.
        etag: names the version of all files; None sends none.
        ranges: whether ranges are honoured.
        stops: numbers of bytes after which the next answers break off.
        headers: sent in place of the usual ones.
        requests: (path, Range or None) of each request so far.
    """

    def __init__(self):
        self.files, self.etag, self.ranges, self.stops, self.headers, self.requests = {}, '"1"', True, [], {}, []
        self.url = None

    def answer(self, handler):
        path, asked = handler.path, handler.headers.get("Range")
        self.requests.append((path, asked))
        if path not in self.files:
            handler.send_error(404)
            return
        data, start = self.files[path], 0
        if asked and self.ranges and handler.headers.get("If-Range") == self.etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        headers = {"Content-Type": "application/x-gzip", "Content-Length": str(len(data) - start)}
        if self.etag:
            headers["ETag"] = self.etag
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        handler.send_response(206 if start else 200)
        for name, value in (headers | self.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        end = start + self.stops.pop(0) if self.stops else len(data)
        handler.wfile.write(data[start:end])


@contextmanager
def serving():
    """Yields a running `FileServer`."""
    files = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            files.answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
