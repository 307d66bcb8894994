"""HTTP: from requests to the service, and back."""

import asyncio
import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from edge.errors import UserError, WorkError
from edge.serving import metrics
from edge.serving.guard import Guard
from edge.serving.intake import Intake, json_object
from edge.serving.middleware import guarded, telling
from edge.serving.page import page
from edge.serving.region import Region
from edge.serving.service import Service
from edge.serving.settings import Settings
from edge.serving.stream import Streams
from edge.serving.upload import MOST_BYTES

STUCK = 60.0  # seconds of one image, from which on the reader counts as stuck
AGAIN = {"Retry-After": "1"}


class Server:
    """The requests that a service answers, counted by (path, status); who listens sets `connections`."""

    def __init__(self, service: Service, guard: Guard):
        self.service = service
        self.requests = Counter()
        self.connections = None
        self._encoder = ThreadPoolExecutor(1, "encoder")
        self._intake = Intake()
        self._streams = Streams(service, self._jpeg)
        self.app = web.Application(
            middlewares=[telling(self.requests, self._asked), guarded(guard)], client_max_size=MOST_BYTES
        )
        self.app.add_routes(
            [
                web.get("/", self._page),
                web.get("/live", self._live),
                web.get("/reading", self._reading),
                web.get("/frame.jpg", self._frame),
                web.get("/stream.mjpg", self._streams.answer, allow_head=False),  # which would send the body
                web.get("/healthz", self._health),
                web.get("/metrics", self._metrics),
                web.post("/read", self._read),
                web.post("/settings", self._settings),
                web.post("/region", self._region),
                web.post("/hold", self._hold),
                web.post("/save", self._save),
                web.post("/forget", self._forget),
            ]
        )

    def close(self) -> None:
        """Ends the streams."""
        self._streams.close()
        self._encoder.shutdown(wait=False, cancel_futures=True)

    def _asked(self, request):
        if self.connections and request.protocol:
            self.connections.asked(request.protocol)

    async def _page(self, request):
        html, policy = page()
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def _reading(self, request):
        return web.json_response(self._last().reading() | {"published": self.service.meter.reading})

    async def _frame(self, request):
        wanted = request.query.get("frame")
        seen = self._last() if wanted is None else self.service.recent.find(_number(wanted, "frame"))
        if seen is None:
            raise web.HTTPNotFound(text="this frame is gone")
        return web.Response(body=await self._jpeg(seen), content_type="image/jpeg")

    async def _live(self, request):
        service, last = self.service, self.service.recent.last
        after = _number(request.query.get("after", "0"), "after")
        totals, camera, publisher = service.totals(), service.camera, service.publisher
        manifest = service.manifest
        return web.json_response(
            {
                "reading": last and last.reading(),
                "picture": last and last.picture(manifest),
                "history": service.recent.history(after, last.number) if last else [],
                "published": {"reading": service.meter.reading, "state": service.meter.state},
                "settings": service.settings.content(),
                "bundle": {
                    "name": manifest.name,
                    **{name: getattr(manifest, name) for name in ("num_patches", "exit_entropy", "saliency_level")},
                },
                "region": service.region.content(),
                "totals": {"images": totals.frames + totals.uploads, "early_exits": totals.early_exits,
                           "patches": totals.patches},
                "camera": "none" if camera is None else camera.trouble or camera.frame_error or "up",
                "mqtt": "none" if publisher is None else "up" if publisher.is_up else "away",
                "saves": service.saved is not None,
            }
        )  # fmt: skip

    async def _health(self, request):
        service = self.service
        troubles = []
        if service.reader.busy_seconds > STUCK:
            troubles.append("the reader is stuck")
        if service.camera and not service.camera.is_up:
            troubles.append("the camera is away")
        status = 503 if troubles else 200
        return web.json_response({"status": "; ".join(troubles) or "ok"}, status=status)

    async def _metrics(self, request):
        count = self.connections.count if self.connections else 0
        text = metrics.exposition(self.service, self.requests, count)
        return web.Response(body=text.encode(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _read(self, request):
        async with self._intake.room(request) as body:
            return web.json_response(await asyncio.wrap_future(self.service.read_upload(body)))

    async def _settings(self, request):
        await asyncio.wrap_future(self.service.change(Settings.from_content(await json_object(request))))
        return web.json_response(self.service.settings.content())

    async def _region(self, request):
        content = await json_object(request)
        if set(content) != {"region"}:
            raise UserError('the body must be {"region": [left, top, right, bottom]}, or null for the whole frame')
        await self._on_disk(self.service.change_region, Region.from_content(content["region"]))
        return web.json_response({"region": self.service.region.content()})

    async def _hold(self, request):
        number = _number((await json_object(request)).get("frame"), "frame")
        held = self.service.recent.hold(number)
        if held is None:
            raise web.HTTPConflict(text="no frame has been read yet")
        return web.json_response({"reading": held.reading(), "picture": held.picture(self.service.manifest)})

    async def _save(self, request):
        content = await json_object(request)
        name = await self._on_disk(self.service.save, _number(content.get("frame"), "frame"), content.get("label"))
        if name is None:
            raise web.HTTPConflict(text="this frame is gone; hold a newer one")
        return web.json_response({"file": name})

    async def _forget(self, request):
        await json_object(request)
        self.service.meter.forget()
        return web.json_response({})

    async def _on_disk(self, work, *arguments):
        """Returns what is done on a thread, since the disk may be slow; 507 where it refuses."""
        try:
            return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
        except (OSError, WorkError) as error:
            raise web.HTTPInsufficientStorage(text=str(error)) from None

    def _jpeg(self, seen):
        return asyncio.get_running_loop().run_in_executor(self._encoder, self.service.jpeg, seen)

    def _last(self):
        if self.service.camera is None:
            raise web.HTTPNotFound(text="no camera is read here; start with --camera=KIND")
        if self.service.recent.last is None:
            raise web.HTTPServiceUnavailable(text="no frame has been read yet", headers=AGAIN)
        return self.service.recent.last


def _number(value, name: str) -> int:
    """Returns a whole number of a request; UserError where it is none."""
    with contextlib.suppress(ValueError, TypeError):
        if not isinstance(value, bool | float) and len(str(value)) < 20 and int(value) >= 0:
            return int(value)
    raise UserError(f"{name} must be a whole number, received {str(value)[:40]!r}")
