"""Connections, so that none is held for ever: few at once, a request in time, answers that are taken."""

import asyncio
import time

MOST_CONNECTIONS = 128
FIRST_REQUEST = 15.0  # seconds until the first request has come
STALLED = 15.0  # seconds in which a client takes nothing of what waits for it
SWEEP = 2.0  # seconds between two looks
COMING = 0.1  # seconds in which a connection that was made is counted as open by who knows them all
FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Refusal(asyncio.Protocol):
    """Answers one connection too many."""

    def connection_made(self, transport):
        """Says so, and closes."""
        transport.write(FULL)
        transport.close()


class Connections:
    """Makes the protocol of each connection, and cuts those that stand still for so many seconds, see above."""

    def __init__(
        self, server, most: int = MOST_CONNECTIONS, first_request: float = FIRST_REQUEST, stalled: float = STALLED
    ):
        self._server, self._most = server, most
        self._first_request, self._stalled = first_request, stalled
        self._begun = {}  # of those that have not yet asked: when they came
        self._waiting = {}  # bytes that wait for a client, and since when so many

    @property
    def count(self) -> int:
        """Number of open connections."""
        return len(self._server.connections)

    def make(self):
        """Returns the protocol of a new connection."""
        now = time.monotonic()  # one that has been closed since has no transport either
        coming = sum(one.transport is None and now - begun < COMING for one, begun in self._begun.items())
        if self.count + coming >= self._most:
            return Refusal()
        protocol = self._server()
        self._begun[protocol] = now
        return protocol

    def asked(self, protocol) -> None:
        """Notes that a connection's request has come."""
        self._begun.pop(protocol, None)

    async def sweep(self) -> None:
        """Looks at all connections now and then, until cancelled."""
        while True:
            await asyncio.sleep(min(SWEEP, self._first_request / 4, self._stalled / 4))
            self.cut(time.monotonic())

    def cut(self, now: float) -> None:
        """Cuts the connections that stood still for too long."""
        there = set(self._server.connections)
        waiting = {}
        for protocol in there:
            transport = protocol.transport
            if transport is None:
                continue
            size = transport.get_write_buffer_size()
            before, since = self._waiting.get(protocol, (0, now))
            waiting[protocol] = (size, since if size == before else now)
            late = now - self._begun.get(protocol, now) > self._first_request
            if late or (size and now - waiting[protocol][1] > self._stalled):
                transport.abort()
        self._waiting = waiting
        self._begun = {protocol: begun for protocol, begun in self._begun.items() if protocol in there}
