"""Measures the start of `edge.run`: the time to its first line, and its memory.

python -m edge.startup --bundle=BUNDLE IMAGE [--runs=10]
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from typing import Any, NamedTuple

from edge.arguments import OneLineParser, number
from edge.errors import UserError, run_main


class Start(NamedTuple):
    """How a program started: seconds to its first line, its processor's seconds, peak memory in MB, its first line.

    Linux counts the memory of the process that started it in that peak, where that was larger.
    """

    seconds: float
    processor: float
    megabytes: float
    line: str


def start_once(arguments, program: str = "edge.run") -> Start:
    """Returns how a program of this package started; UserError with its own message where its status is not 0."""
    begun = time.perf_counter()
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started: Any = subprocess.Popen([sys.executable, "-m", program, *arguments], **pipes)
    with started as process:
        line = process.stdout.readline()
        seconds = time.perf_counter() - begun
        rest = threading.Thread(target=process.stdout.read)  # or a full pipe would stop it
        rest.start()
        message = process.stderr.read()
        rest.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(message.decode(errors="replace").removeprefix("error: "))
    if not line:
        raise UserError(f"{program} printed no line; name an image. Received: {arguments[-1]}")
    return Start(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, line.decode())


def main(arguments=None) -> None:
    """The command `python -m edge.startup`."""
    parser = OneLineParser(prog="python -m edge.startup", description="Measures the start of edge.run.")
    parser.add_argument("--bundle", required=True, metavar="BUNDLE", help="a folder or zip file made by tools.quantize")
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    parser.add_argument(
        "--runs", type=number(1, cap=10_000), default=10, metavar="N", help="how often to start it (default 10)"
    )
    parsed = parser.parse_args(arguments)
    starts = [start_once([f"--bundle={parsed.bundle}", "--", parsed.image]) for _ in range(parsed.runs)]
    seconds, processor, megabytes, _ = zip(*starts)
    print(f"start to first line: median {statistics.median(seconds):.3f} s, most {max(seconds):.3f} s")
    print(f"processor time: median {statistics.median(processor):.3f} s")
    print(f"peak memory: {max(megabytes):.1f} MB ({parsed.runs} starts)")


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
