"""A page in a headless Chromium, driven over its DevTools protocol."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio"),
    *("--window-size=1200,900", "--remote-debugging-port=0"),
)
LONGEST = 60  # seconds to wait for anything; a busy machine starts a browser slowly


class Page:
    """One page. Every method that waits is a coroutine.

    Attributes:
        troubles: (address, words) of what went wrong: exceptions, what the policy forbade, what was not found.
    """

    def __init__(self, socket):
        self._socket, self._numbers = socket, itertools.count(1)
        self.troubles = []

    async def call(self, method: str, **parameters) -> dict:
        """Returns what a method of the protocol returns."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=LONGEST)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message):
        if message["method"] == "Runtime.exceptionThrown":
            self.troubles.append(("", str(message["params"]["exceptionDetails"])))
        elif message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.troubles.append((message["params"]["entry"].get("url", ""), message["params"]["entry"]["text"]))

    async def evaluate(self, script: str):
        """Returns the value of an expression in the page."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, script: str):
        """Returns the value of an expression as soon as that is true."""
        ends = time.monotonic() + LONGEST
        while time.monotonic() < ends:
            if value := await self.evaluate(script):
                return value
        raise AssertionError(f"not within {LONGEST} seconds: {script}")

    async def drag(self, start, end):
        """Moves the mouse with its button down, from one point of the window to another."""
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    async def screenshot(self, path: Path):
        """Writes what is seen as a PNG."""
        path.write_bytes(base64.b64decode((await self.call("Page.captureScreenshot"))["data"]))


@contextlib.asynccontextmanager
async def opened(url: str, profile: Path):
    """Gives the page at an address, in a browser of its own whose files lie in a folder."""
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{await _port(profile, process)}/json/list") as response:
                targets = json.loads(await response.text())
            address = next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page")
            async with session.ws_connect(address, max_msg_size=2**26) as socket:
                page = Page(socket)
                for domain in ("Runtime", "Log", "Page"):
                    await page.call(f"{domain}.enable")
                await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
                await page.call("Page.navigate", url=url)
                await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
                yield page
    finally:
        process.kill()
        process.wait()


async def _port(profile: Path, process) -> str:
    file, ends = profile / "DevToolsActivePort", time.monotonic() + LONGEST
    while time.monotonic() < ends:
        assert process.poll() is None, f"{CHROMIUM} ended with status {process.returncode}"
        if file.exists() and (lines := file.read_text().splitlines()):
            return lines[0]
        time.sleep(0.05)
    raise AssertionError(f"{CHROMIUM} did not begin within {LONGEST} seconds")
