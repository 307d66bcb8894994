"""Measures a running edge.serve: many clients that send images for a while, beside edge.run alone.

python -m edge.serving.load --url=http://127.0.0.1:8080 --bundle=BUNDLE PATH... [--clients=20] [--seconds=60]

Exit status 1 where an answer was wrong. The bundle is the one that is served.
"""

import asyncio
import itertools
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path

import aiohttp
import numpy as np

from edge.arguments import OneLineParser, number
from edge.bundle import load_bundle
from edge.errors import EXIT_FAILED, WorkError, one_line, run_main
from edge.network.pyramid_runner import make_runner
from edge.serving.guard import load_token
from edge.sight.images import expand, model_pixels, open_image

SHORTEST_WAIT = 0.05  # seconds of a client that was told to come again: less than it was told, to keep the service busy


class Load:
    """Clients that send images, one after the other, and compare the answers.

    Args:
        images: (bytes, expected prediction) of each.

    Attributes:
        seconds: of each answer of status 200.
        statuses: status -> number of answers.
        wrong: number of answers that differ from what was expected.
    """

    def __init__(self, session, images):
        self._session, self._images = session, itertools.cycle(images)
        self.seconds, self.statuses, self.wrong = [], Counter(), 0

    async def client(self, ends: float) -> None:
        """Sends images until a time of `time.monotonic`."""
        while time.monotonic() < ends:
            body, expected = next(self._images)
            begun = time.monotonic()
            async with self._session.post("/read", data=body) as response:
                content = await response.json()
            self.statuses[response.status] += 1
            if response.status == 200:
                self.seconds.append(time.monotonic() - begun)
                self.wrong += content["prediction"] != expected
            else:
                await asyncio.sleep(SHORTEST_WAIT)

    async def megabytes(self) -> float:
        """Returns the memory of the service."""
        async with self._session.get("/metrics") as response:
            text = await response.text()
        found = re.search(r"^process_resident_memory_bytes (\d+)", text, re.MULTILINE)
        return float(found[1]) / 1e6 if found else 0.0


def read_alone(bundle, paths, threads: int = 1):
    """Returns (bytes, prediction) of each image, and images per second, as edge.run reads them one after the other."""
    runner, images = make_runner(load_bundle(bundle), threads), []
    rule = runner.manifest.input
    for _ in range(2):  # interpreters are made in the first round
        images, begun = [], time.monotonic()
        for path in paths:
            pixels = model_pixels(open_image(path, rule), rule, path)
            images.append((Path(path).read_bytes(), runner.run(pixels).prediction))
        per_second = len(images) / (time.monotonic() - begun)
    return images, per_second


async def measure(url: str, images, clients: int, seconds: float, token: str | None) -> dict:
    """Returns what `clients` clients measured in so many seconds."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector) as session:
        load = Load(session, images)
        await load.client(time.monotonic() + min(1.0, seconds))  # interpreters and canvases are made
        before, warm = await load.megabytes(), Load(session, images)
        begun = time.monotonic()
        await asyncio.gather(*(warm.client(begun + seconds) for _ in range(clients)))
        took = time.monotonic() - begun
        p50, p99 = np.percentile(warm.seconds or [0.0], [50, 99])
        return {
            "clients": clients,
            "seconds": round(took, 1),
            "requests_per_second": round(len(warm.seconds) / took, 1),
            "p50_ms": round(1e3 * p50, 1),
            "p99_ms": round(1e3 * p99, 1),
            "statuses": {str(status): count for status, count in sorted(warm.statuses.items())},
            "wrong": warm.wrong,
            "megabytes_before": round(before, 1),
            "megabytes_after": round(await warm.megabytes(), 1),
        }


def main(arguments) -> int:
    """The command `python -m edge.serving.load`."""
    parser = OneLineParser(prog="python -m edge.serving.load", description="Measures a running edge.serve.")
    add = parser.add_argument
    add("--url", required=True, metavar="URL", help="where edge.serve listens")
    add("--bundle", required=True, metavar="BUNDLE", help="the bundle that is served")
    add("paths", nargs="+", metavar="PATH", help="image files, folders, quoted patterns")
    add("--clients", type=number(1), default=20, metavar="N", help="at once (default 20)")
    add("--seconds", type=number(0.1, kind=float), default=60.0, metavar="S", help="for so long (default 60)")
    add("--token_file", metavar="FILE", help="the token that the service asks for")
    parsed = parser.parse_args(arguments)
    token = load_token(parsed.token_file) if parsed.token_file else None
    images, alone = read_alone(parsed.bundle, list(expand(parsed.paths)))
    try:
        found = asyncio.run(measure(parsed.url, images, parsed.clients, parsed.seconds, token))
    except (aiohttp.ClientError, AttributeError, ValueError) as error:
        raise WorkError(f"{parsed.url} does not answer as edge.serve does: {one_line(error)}") from None
    print(json.dumps({"images_per_second_alone": round(alone, 1)} | found))
    return EXIT_FAILED if found["wrong"] else 0


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
