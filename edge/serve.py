"""Serves what a bundle reads: a live page of a camera, HTTP, MQTT.

python -m edge.serve --bundle=BUNDLE [--camera=KIND] [--listen=127.0.0.1:8080] [--token_file=FILE] [--folder=DIR] ...
python -m edge.serve --bundle=BUNDLE --camera=auto --mqtt=HOST[:PORT] [--stable=N] [--monotonic] [--max_step=N] ...
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: a thread per core makes tiny products slower

import importlib
import sys
from argparse import Namespace
from functools import partial
from pathlib import Path

from edge.answers.reader import KNOWN, add_known, make_reader
from edge.arguments import OneLineParser, number, number_of_threads
from edge.bundle import load_bundle
from edge.errors import UserError, one_line, run_main
from edge.files import read_bytes
from edge.network.pyramid_runner import make_runner
from edge.network.runner import NEVER
from edge.run import MOST_STABLE
from edge.run import make_parser as parser_of_run
from edge.sight.camera import open_camera

MOST_PASSWORD_BYTES = 4096
LISTEN = "127.0.0.1:8080"


def make_parser() -> OneLineParser:
    """Returns the parser of the command line."""
    parser = OneLineParser(prog="python -m edge.serve", description="Serves what a bundle reads: page, HTTP, MQTT.")
    add = parser.add_argument
    add("--bundle", required=True, metavar="BUNDLE", help="a folder or zip file made by tools.quantize")
    add("--camera", metavar="KIND", help="picamera2, opencv, auto, with :INDEX for another camera; or images:PATH")
    add("--interval", type=number(0, kind=float), default=0.5, metavar="S", help="seconds between frames (default 0.5)")
    add("--listen", default=LISTEN, metavar="HOST:PORT", help=f"where to listen (default {LISTEN}, this machine alone)")
    proxy = "a name under which a proxy on this machine is asked, and which it hands on as Host"
    add("--host_name", metavar="NAME", help=proxy)
    add("--token_file", "--token-file", metavar="FILE", help="a file that holds the token which requests must bring")
    add("--open", action="store_true", help="listen on another address without a token: whoever reaches it may ask")
    add("--folder", metavar="DIR", help="for frames saved with their right reading, annotations.json, region.json")
    add("--num_patches", type=int, metavar="K", help="patches per image; the bundle's own by default")
    exits = "keep the coarse answer where its entropy is at most X nats"
    add("--exit_entropy", type=number(0, kind=float), metavar="X", help=exits)
    salient = "look at cells of at least this saliency alone; no exit"
    add("--saliency_level", type=number(0, kind=float), metavar="X", help=salient)
    add_known(parser)
    add("--threads", type=number_of_threads, default=1, metavar="N", help="threads of one inference (default 1)")
    stable = "publish a reading when N of the last 2 N - 1 frames have it (default 3)"
    add("--stable", type=number(1, cap=MOST_STABLE), default=3, metavar="N", help=stable)
    add("--monotonic", action="store_true", help="a meter: publish no number that is less than the last one")
    add("--max_step", type=number(0), metavar="N", help="publish no number that is further than N from the last one")
    _add_mqtt(add)
    return parser


def _add_mqtt(add):
    add("--mqtt", metavar="HOST[:PORT]", help="a broker to publish readings at; Home Assistant finds them by itself")
    add("--mqtt_user", metavar="NAME", help="who we are at the broker")
    add("--mqtt_password_file", metavar="FILE", help="a file that holds the password")
    add("--mqtt_tls", action="store_true", help="speak TLS with the broker")
    add("--name", default="reader", metavar="NAME", help="of this reader, in topics: dcn/NAME/reading (default reader)")
    add("--unit", metavar="UNIT", help="of the reading, for Home Assistant, such as kWh")


def parse_arguments(arguments):
    """Returns the command line's arguments; UserError where they do not go together."""
    parsed = make_parser().parse_args(arguments)
    if parsed.mqtt and not parsed.camera:
        raise UserError("--mqtt publishes what a camera shows; add --camera=auto")
    if not parsed.mqtt and (parsed.mqtt_user, parsed.mqtt_password_file, parsed.mqtt_tls) != (None, None, False):
        raise UserError("--mqtt_user, --mqtt_password_file and --mqtt_tls go with --mqtt; add --mqtt=HOST")
    if parsed.mqtt_password_file and parsed.mqtt_user is None:
        raise UserError("--mqtt_password_file goes with --mqtt_user; add --mqtt_user=NAME")
    if parsed.unit and not parsed.mqtt:
        raise UserError("--unit is for Home Assistant, by --mqtt; leave it out, or add --mqtt=HOST")
    if parsed.open and parsed.token_file:
        raise UserError("--open is without a token; give --open or --token_file, and not both")
    return parsed


def main(arguments) -> int:
    """Runs the command; returns its exit status, that of the signal which ended it."""
    parsed = parse_arguments(arguments)
    _need("aiohttp", *(["paho.mqtt"] if parsed.mqtt else []))
    from edge.serving.listen import listen
    from edge.serving.server import Server

    address, guard = _guard(parsed)
    service = make_service(parsed)
    return listen(service, Server(service, guard), address, _report)


def make_service(parsed):
    """Returns the service that the command line asks for; see `edge.serving.service.Service`."""
    from edge.serving.meter import Meter
    from edge.serving.service import Service
    from edge.serving.settings import Settings

    bundle = load_bundle(parsed.bundle)
    if bundle.doubt:
        _report(f"note: {bundle.doubt}")
    runner = make_runner(bundle, parsed.threads)
    service = Service(
        runner.manifest,
        lambda settings: _make_read(runner, settings, parsed),
        Settings(parsed.num_patches, parsed.exit_entropy, parsed.saliency_level),
        Path(parsed.folder) if parsed.folder else None,
        Meter(parsed.stable, parsed.monotonic, parsed.max_step),
    )
    if parsed.mqtt:
        service.publisher = _publisher(parsed, runner.manifest)
    if parsed.camera:
        from edge.serving.frames import CameraThread

        camera = partial(open_camera, parsed.camera)
        service.camera = CameraThread(camera, service.handle_frame, parsed.interval, _report)
    return service


def _make_read(runner, settings, parsed):
    """Returns a function, pixels -> result, that follows the settings; UserError where the bundle cannot."""
    from edge.serving.settings import NEVER as NO_EXIT

    values = settings.content() | {name: getattr(parsed, name) for name in KNOWN}
    if values["exit_entropy"] == NO_EXIT:
        values["exit_entropy"] = NEVER
    defaults = vars(parser_of_run().parse_args(["--bundle=any", "-"]))
    return make_reader(runner, Namespace(**(defaults | values)))


def _publisher(parsed, manifest):
    from edge.serving.discovery import Topics
    from edge.serving.mqtt import Publisher, parse_broker

    password = None
    if parsed.mqtt_password_file:
        try:
            password = read_bytes(parsed.mqtt_password_file, MOST_PASSWORD_BYTES).decode().strip()
        except (OSError, ValueError) as error:
            raise UserError(
                f"--mqtt_password_file={parsed.mqtt_password_file} cannot be read: {one_line(error)}; name another file"
            ) from None
    broker = parse_broker(parsed.mqtt, parsed.mqtt_user, password, parsed.mqtt_tls)
    return Publisher(broker, Topics(parsed.name), manifest.name, parsed.monotonic, parsed.unit, _report)


def _guard(parsed):
    """Returns where to listen and who may ask; UserError where that would be open without being meant to be."""
    from edge.serving.guard import LOOPBACK, Guard, load_token, parse_address

    address = parse_address(parsed.listen)
    token = load_token(parsed.token_file) if parsed.token_file else None
    if address.is_loopback:
        names = [parsed.host_name.lower()] if parsed.host_name else []
        return address, Guard(token, (*LOOPBACK, address.host, *names))
    if parsed.host_name:
        raise UserError(f"--host_name goes with a --listen of this machine alone, received {address}; leave it out")
    if token is None and not parsed.open:
        raise UserError(
            f"--listen={address} is reached from other machines; give --token_file=FILE, or --open to do without"
        )
    if token is None:
        _report(f"open: whoever reaches {address} sees the camera and may change what is read")
    return address, Guard(token)


def _need(*modules):
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise UserError(f"{module} cannot be imported: {one_line(error)}; pip install '.[serve]'") from None


def _report(line: str):
    # One write: several threads report, and print writes the end of the line by itself.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
