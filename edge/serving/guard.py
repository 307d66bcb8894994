"""Who may ask: the token, names by which a browser may reach us, and pages of others."""

import base64
import binascii
import hmac
from dataclasses import dataclass

from edge.errors import UserError, one_line
from edge.files import read_bytes

LEAST_TOKEN = 16  # characters
MOST_TOKEN_BYTES = 4096
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone reaches it."""
        return self.host == "localhost" or self.host == "::1" or self.host.startswith("127.")

    def __str__(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Returns the address that HOST:PORT names, [HOST]:PORT for IPv6; UserError where it is none."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not is_host(host) or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise UserError(f"--listen must be HOST:PORT, for instance 127.0.0.1:8080, received {text!r}")
    return Address(host, int(port))


def is_host(text: str) -> bool:
    """Returns whether a text may be the name or the address of a machine: no label is empty, or too long."""
    try:
        return bool(text.encode("idna"))
    except UnicodeError:
        return False


def load_token(path) -> str:
    """Returns the token that a file holds; UserError where it cannot be read, or is too short to be safe."""
    try:
        token = read_bytes(path, MOST_TOKEN_BYTES).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise UserError(f"--token_file={path} cannot be read: {one_line(error)}; name a file of ASCII text") from None
    if len(token) < LEAST_TOKEN or not token.isprintable():
        raise UserError(
            f"--token_file={path} must hold one line of at least {LEAST_TOKEN} characters, received {len(token)}; "
            "make one: openssl rand -hex 16"
        )
    return token


@dataclass(frozen=True)
class Guard:
    """The rules of who may ask.

    Attributes:
        token: that a request has to bring; None where it needs none.
        hosts: names under which we are asked; None: any. On loopback a foreign page could otherwise have its own name
            lead here, and read what a browser on this machine may read.
    """

    token: str | None = None
    hosts: tuple[str, ...] | None = None

    def knows(self, authorization: str | None) -> bool:
        """Returns whether a request's Authorization brings the token: as Bearer, or as the password of Basic."""
        if self.token is None:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        given = given.strip()
        if scheme.lower() == "basic":
            given = _password(given)
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def is_ours(self, host: str | None) -> bool:
        """Returns whether a request's Host is a name of ours."""
        return self.hosts is None or _name(host or "") in self.hosts

    @staticmethod
    def is_same_origin(origin: str | None, host: str | None) -> bool:
        """Returns whether a request comes from our own page, or from no page at all."""
        return origin is None or origin.partition("://")[2].lower() == (host or "").lower()


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _name(host: str) -> str:
    """Returns the name in a Host, without port and brackets, in small letters."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
