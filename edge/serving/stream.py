"""Frames one after the other in one answer, which a browser shows as a moving picture."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from edge.serving.middleware import strict_headers
from edge.serving.seen import Seen
from edge.serving.service import Service

MOST = 8  # at once
SLOWEST = 10.0  # seconds in which a client has to take a frame
LOOK = 0.05  # seconds between two looks for a new frame
BOUNDARY = "frame"
BUFFER = 2**17  # bytes that the system keeps for a client


class Streams:
    """Answers that go on for as long as there are frames; `jpeg` makes a JPEG of one."""

    def __init__(self, service: Service, jpeg: Callable[[Seen], Awaitable[bytes]]):
        self._service, self._jpeg = service, jpeg
        self._count, self._closed = 0, False

    def close(self) -> None:
        """Ends all of them."""
        self._closed = True

    async def answer(self, request) -> web.StreamResponse:
        """Sends each frame that is read from now on; a client that does not take them in time is cut."""
        if self._service.camera is None:
            raise web.HTTPNotFound(text="no camera is read here; start with --camera=KIND")
        if self._count >= MOST:
            raise web.HTTPServiceUnavailable(text=f"{MOST} streams are open already", headers={"Retry-After": "5"})
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        response = web.StreamResponse(headers=strict_headers({"Content-Type": kind}))
        self._count += 1
        try:
            _keep_little(request)
            await response.prepare(request)
            with contextlib.suppress(ConnectionError, asyncio.TimeoutError, TimeoutError):
                await self._send(request, response)
        finally:
            self._count -= 1
        if request.transport:
            request.transport.abort()  # what was not taken is not waited for
        return response

    async def _send(self, request, response):
        shown = 0
        while not self._closed and request.transport is not None:
            seen = self._service.recent.last
            if seen is None or seen.number == shown:
                await asyncio.sleep(LOOK)
                continue
            shown = seen.number
            content = await self._jpeg(seen)
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
            await asyncio.wait_for(response.write(head.encode() + content + b"\r\n"), SLOWEST)


def _keep_little(request):
    """Lets the system keep few frames for a slow client, which would otherwise see them many seconds late."""
    connection = request.transport and request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
