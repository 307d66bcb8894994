"""edge.serve as a program: its arguments, its end, and what strangers send."""

import io
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from served import LONGEST, served

from edge.errors import UserError, run_main
from edge.serve import _guard, main, parse_arguments
from edge.serving.settings import Settings

MODELS = Path(__file__).parents[3] / "models"
BUNDLE = f"--bundle={MODELS / 'cluttered_mnist'}"
SEVEN = (MODELS / "samples" / "1.png").read_bytes()
ROUNDS = 4
MALFORMED = [
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
    b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"POST /save HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
    b"GET /live?after=x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /live HTTP/1.1\r\nHost: foreign.example\r\n\r\n",
    b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    b"G\xc3\x89T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


def status_of(port, request):
    """Returns the status that a request is answered with, 0 where the connection is closed without a word."""
    with socket.create_connection(("127.0.0.1", port), LONGEST) as connection:
        try:
            connection.sendall(request)
            answer = connection.recv(100)
        except ConnectionError:
            return 0
    return int(answer.split()[1]) if answer else 0


def test_malformed_requests_are_refused_without_a_traceback():
    with served(BUNDLE) as running:
        statuses = [status_of(running.port, request) for _ in range(ROUNDS) for request in MALFORMED]
        assert all(status == 0 or 400 <= status < 500 for status in statuses), set(statuses)
        assert statuses.count(0) <= 3 * ROUNDS
        status, fields = running.post("/read", SEVEN)
        assert (status, fields["prediction"]) == (200, "7")
        assert running.end() == 143
        assert "".join(running.lines) == f"listening on {running.url}\nSIGTERM: ending\n"


def test_a_port_that_is_taken_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as exit_info:
        run_main(main, [BUNDLE, f"--listen=127.0.0.1:{taken.getsockname()[1]}"])
    assert exit_info.value.code == 1
    assert "cannot be had: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listen=0.0.0.0:8080"], "is reached from other machines; give --token_file=FILE, or --open"),
        (["--listen=8080"], "--listen must be HOST:PORT"),
        (["--listen=localhost:x"], "--listen must be HOST:PORT"),
        (["--mqtt=localhost"], "--mqtt publishes what a camera shows; add --camera=auto"),
        (["--mqtt_user=me"], "go with --mqtt; add --mqtt=HOST"),
        (["--camera=images:missing.png"], "no such file: missing.png"),
        (["--camera=screen"], "--camera must be picamera2"),
        (["--open", "--token_file=x"], "give --open or --token_file, and not both"),
        (["--token_file=missing"], "--token_file=missing cannot be read"),
        (["--always_read", "--reading_threshold=0.5"], "--reading_threshold: not allowed with argument --always_read"),
        (["--always_read"], "--always_read, --framed and --stretch are for bundles with levels"),
        (["--num_patches=0"], "num_patches must be from 1"),
        (["--camera=auto", "--mqtt=localhost:x"], "--mqtt must be HOST or HOST:PORT"),
        (["--camera=auto", "--mqtt=localhost", "--name=a/b"], "--name must be 1 to 64 of letters"),
        (["--camera=auto", "--mqtt=pi", "--mqtt_password_file=x"], "--mqtt_password_file goes with --mqtt_user"),
        (["--unit=kWh"], "--unit is for Home Assistant, by --mqtt"),
        (["--listen=0.0.0.0:1", "--open", "--host_name=me"], "--host_name goes with a --listen of this machine alone"),
        (["--listen=a..b:1"], "--listen must be HOST:PORT"),
        (["--folder=/dev/null/x"], "--folder=/dev/null/x cannot be used"),
    ],
)
def test_wrong_input_is_one_line(arguments, message):
    with pytest.raises(UserError, match=message):
        main([BUNDLE, *arguments])


def test_a_proxys_name_is_one_of_ours():
    _, guard = _guard(parse_arguments([BUNDLE, "--host_name=Meter.example.org"]))
    assert guard.is_ours("meter.example.org")
    assert not guard.is_ours("other.example.org")


def test_defaults_stay_on_this_machine():
    parsed = parse_arguments([BUNDLE])
    assert (parsed.listen, parsed.open, parsed.stable) == ("127.0.0.1:8080", False, 3)


def test_a_reading_below_the_threshold_is_nothing_whatever_the_page_changes(make_service):
    photograph = (MODELS / "photographs" / "00000.png").read_bytes()
    service = make_service(f"--bundle={MODELS / 'street_numbers'}", "--reading_threshold=1", "--num_patches=2")
    for settings in (service.settings, Settings(num_patches=1)):
        service.change(settings).result(60)
        assert service.read_upload(photograph).result(60)["prediction"] == ""
    with pytest.raises(UserError, match="--always_read, --framed and --stretch are for bundles with levels"):
        make_service("--reading_threshold=0.5")


def test_a_number_is_always_read_where_one_is_known_to_be_there(make_service):
    bundle = f"--bundle={MODELS / 'street_numbers'}"
    plain, always = (
        make_service(bundle, "--num_patches=2", *more) for more in (["--reading_threshold=1"], ["--always_read"])
    )
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)).save(noise, "PNG")
    assert plain.read_upload(noise.getvalue()).result(60)["prediction"] == ""
    assert always.read_upload(noise.getvalue()).result(60)["prediction"].isdigit()
    always.change(Settings(num_patches=1)).result(60)
    assert always.read_upload(noise.getvalue()).result(60)["prediction"].isdigit()
