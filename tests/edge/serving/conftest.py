"""A service over the shipped classifier, and requests to it; all of it without a socket of its own unless asked for."""

import asyncio
import importlib.util
from pathlib import Path

import pytest

HAS_AIOHTTP = importlib.util.find_spec("aiohttp") is not None
HAS_PAHO = importlib.util.find_spec("paho") is not None
collect_ignore = [] if HAS_AIOHTTP and HAS_PAHO else [path.name for path in Path(__file__).parent.glob("test_*.py")]
MODELS = Path(__file__).parents[3] / "models"
SAMPLES = MODELS / "samples"  # 7 3 4 2 4 0 5 3
BUNDLE = f"--bundle={MODELS / 'cluttered_mnist'}"


@pytest.fixture
def make_service():
    """Returns a function: arguments of edge.serve -> a service that has begun; ended when the test ends."""
    from edge import serve

    begun = []

    def make(*arguments):
        service = serve.make_service(serve.parse_arguments([BUNDLE, *map(str, arguments)]))
        service.start()
        begun.append(service)
        return service

    yield make
    for service in begun:
        service.stop()


@pytest.fixture
def ask():
    """Returns a function: service, then what to do with a client, a coroutine function -> what that returns."""
    from aiohttp.test_utils import TestClient, TestServer

    from edge.serving.guard import Guard
    from edge.serving.server import Server

    def run(service, work, guard=None):
        async def serve():
            server = Server(service, guard or Guard())
            async with TestClient(TestServer(server.app)) as client:
                try:
                    return await work(client)
                finally:
                    server.close()

        return asyncio.run(serve())

    return run
