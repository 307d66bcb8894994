"""Listens until a signal comes, and then ends in order."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from edge.errors import WorkError, one_line
from edge.serving.connections import Connections
from edge.serving.guard import Address
from edge.serving.server import Server
from edge.serving.service import Service

KEEPALIVE = 30.0  # seconds that a connection without a request stays
GOODBYE = 3.0  # seconds that answers may take once we end
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Quiet(logging.Filter):
    """Lets pass, as one line, what aiohttp says, but not that somebody sent what is no HTTP."""

    def filter(self, record):
        error = record.exc_info and record.exc_info[1]
        record.exc_info = record.exc_text = None
        if isinstance(error, HttpProcessingError | ConnectionError):
            return False
        if error:
            record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}: {one_line(error)}", ()
        return True


def _logger() -> logging.Logger:
    logger = logging.getLogger("edge.serving")
    logger.propagate = False
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.addFilter(_Quiet())
        logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    return logger


def listen(service: Service, server: Server, address: Address, report: Callable[[str], None]) -> int:
    """Serves until SIGTERM or an interrupt; returns the exit status that tells which.

    Args:
        address: where to listen; port 0 takes one that is free.
        report: takes a line that tells of the beginning and the end.

    Raises:
        WorkError: the address cannot be had.
    """
    return asyncio.run(_listen(service, server, address, report))


async def _listen(service, server, address, report) -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    received = []

    def end(number):
        received.append(number)
        ended.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, end, number)
    runner = web.AppRunner(
        server.app,
        handle_signals=False,
        access_log=None,
        logger=_logger(),
        keepalive_timeout=KEEPALIVE,
        lingering_time=1.0,
        auto_decompress=False,
        shutdown_timeout=GOODBYE,
    )
    await runner.setup()
    connections = server.connections = Connections(runner.server)
    try:
        listening = await _bound(loop, connections, address)
        port = listening.sockets[0].getsockname()[1]
        service.start()
        report(f"listening on http://{Address(address.host, port)}")
        sweeping = loop.create_task(connections.sweep())
        await ended.wait()
        report(f"{signal.Signals(received[0]).name}: ending")
        listening.close()
        sweeping.cancel()
        server.close()
        await loop.run_in_executor(None, service.stop)
    finally:
        await runner.cleanup()
        for number in SIGNALS:
            with contextlib.suppress(ValueError):
                loop.remove_signal_handler(number)
    return 128 + received[0]


async def _bound(loop, connections, address):
    try:
        return await loop.create_server(connections.make, address.host, address.port, reuse_address=True)
    except OSError as error:
        raise WorkError(f"--listen={address} cannot be had: {one_line(error)}; choose another port") from None
