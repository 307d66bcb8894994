"""Bodies of requests: how many may come in and wait at once, how large, how slowly."""

import asyncio
import contextlib
import json

from aiohttp import web

from edge.errors import UserError, one_line
from edge.serving.upload import MOST_BYTES

MOST_WAITING = 32  # images that come in or wait
MOST_WAITING_BYTES = 64 * 2**20  # of their bodies together
BODY_SECONDS = 30.0  # for a body to come
MOST_JSON = 64 * 2**10  # bytes
TOO_LARGE = f"the body has more than {MOST_BYTES:,} bytes; send a smaller image"


class Intake:
    """Room for the images of requests that come in or wait to be read."""

    def __init__(self):
        self._count = self._bytes = 0

    @contextlib.asynccontextmanager
    async def room(self, request: web.Request):
        """Gives the body of a request while there is room for it.

        Raises:
            HTTPServiceUnavailable: there is none; the client is told to come again.
            HTTPRequestEntityTooLarge, HTTPRequestTimeout: the body is too large, or comes too slowly.
        """
        length = MOST_BYTES if request.content_length is None else request.content_length
        if length > MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(MOST_BYTES, length, text=TOO_LARGE)
        if self._count >= MOST_WAITING or self._bytes + length > MOST_WAITING_BYTES:
            raise web.HTTPServiceUnavailable(text="too many images wait to be read", headers={"Retry-After": "1"})
        self._count += 1
        self._bytes += length
        try:
            yield await read_body(request, BODY_SECONDS)
        finally:
            self._count -= 1
            self._bytes -= length


async def read_body(request: web.Request, seconds: float) -> bytes:
    """Returns the body of a request; HTTPRequestTimeout where it does not come in so many seconds."""
    try:
        return await asyncio.wait_for(request.read(), seconds)
    except (asyncio.TimeoutError, TimeoutError):
        error = web.HTTPRequestTimeout(text=f"the body did not come within {seconds:.0f} seconds")
        error.headers["Connection"] = "close"
        raise error from None
    except web.HTTPRequestEntityTooLarge as error:
        error.text = TOO_LARGE
        raise


async def json_object(request: web.Request) -> dict:
    """Returns the JSON object that a request brings.

    Only as application/json: a page of another origin cannot send that unasked.

    Raises:
        UserError: it brings something else.
        HTTPUnsupportedMediaType, HTTPRequestEntityTooLarge: it says that it is something else, or is too large.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the body must be application/json")
    if (request.content_length or 0) > MOST_JSON:
        raise web.HTTPRequestEntityTooLarge(MOST_JSON, request.content_length or 0, text="the body is too large")
    body = await read_body(request, BODY_SECONDS)
    try:
        content = json.loads(body.decode("utf-8"), parse_constant=_no_number) if len(body) <= MOST_JSON else None
    except (ValueError, RecursionError) as error:
        raise UserError(f"the body is not JSON: {one_line(error, 80)}") from None
    if not isinstance(content, dict):
        raise UserError("the body must be a JSON object")
    return content


def _no_number(text: str):
    raise ValueError(f"{text} is not a number")
