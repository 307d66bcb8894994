import asyncio
from pathlib import Path

from aiohttp.test_utils import TestServer

from edge.serving.guard import Guard
from edge.serving.load import measure, read_alone
from edge.serving.server import Server

MODELS = Path(__file__).parents[3] / "models"
SAMPLES = sorted((MODELS / "samples").iterdir())


def test_answers_are_counted_and_compared(make_service):
    images, per_second = read_alone(MODELS / "cluttered_mnist", SAMPLES)
    assert "".join(prediction for _, prediction in images) == "73424053"
    assert per_second > 1
    damaged = [(images[0][0], "8"), (b"no image", "")]

    async def run():
        async with TestServer(Server(make_service(), Guard("0123456789abcdef")).app) as server:
            url = str(server.make_url("/"))
            right = await measure(url, images, 3, 0.3, "0123456789abcdef")
            return right, await measure(url, damaged, 1, 0.3, "0123456789abcdef")

    right, wrong = asyncio.run(run())
    assert (right["wrong"], list(right["statuses"])) == (0, ["200"])
    assert right["statuses"]["200"] > 3
    assert right["p50_ms"] <= right["p99_ms"]
    assert 10 < right["megabytes_before"] < 10_000
    assert list(wrong["statuses"]) == ["200", "400"]
    assert wrong["wrong"] == wrong["statuses"]["200"]
