"""The frame of every request: errors become a line of JSON, browsers are kept strict, strangers stay out."""

import sys
from collections import Counter
from collections.abc import Callable

from aiohttp import web

from edge.errors import UserError, WorkError, one_line
from edge.serving.guard import Guard
from edge.serving.reader import BusyError

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "dcn",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
OPEN = ("/healthz",)  # asked by programs that watch over services; tells nothing of what is seen


def telling(requests: Counter, asked: Callable):
    """Returns the outermost middleware: counts answers by (path, status), and makes one line of what went wrong."""

    @web.middleware
    async def tell(request, handler):
        asked(request)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = _error(error.status, error.text or error.reason)
            response.headers.update({name: error.headers[name] for name in KEPT if name in error.headers})
        except UserError as error:
            response = _error(400, str(error))
        except BusyError as error:
            response = _error(503, str(error))
            response.headers["Retry-After"] = "1"
        except WorkError as error:
            response = _error(500, str(error))
        except ConnectionError:  # the client has gone
            raise
        except Exception as error:
            print(f"error: {request.method} {request.path!r}: {type(error).__name__}: {one_line(error)}",
                  file=sys.stderr, flush=True)  # fmt: skip
            response = _error(500, "this went wrong here; the log tells what")
        route = request.match_info.route.resource
        requests[route.canonical if route else "other", response.status] += 1
        if not response.prepared:
            _strict(response)
        return response

    return tell


KEPT = ("Allow", "Connection", "Retry-After", "WWW-Authenticate")


def _strict(response):
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def strict_headers(headers: dict) -> dict:
    """Returns the headers of an answer that is sent piece by piece, with those that keep browsers strict."""
    return HEADERS | headers


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": one_line(Exception(text))}, status=status)


def guarded(guard: Guard):
    """Returns the middleware that lets in whom a guard knows."""

    @web.middleware
    async def check(request, handler):
        host = request.headers.get("Host")
        if not guard.is_ours(host):
            raise web.HTTPMisdirectedRequest(text="this is not a name of this service; ask for localhost")
        if request.path not in OPEN and not guard.knows(request.headers.get("Authorization")):
            raise web.HTTPUnauthorized(
                text="the token is missing or wrong", headers={"WWW-Authenticate": 'Basic realm="dcn", charset="UTF-8"'}
            )
        if request.method == "POST" and not guard.is_same_origin(request.headers.get("Origin"), host):
            raise web.HTTPForbidden(text="a page of another origin may not do this")
        return await handler(request)

    return check
