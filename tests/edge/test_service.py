import shlex
from pathlib import Path

from edge.errors import EXIT_FAILED, EXIT_WRONG_INPUT
from edge.run import parse_arguments

SERVICE = Path(__file__).parents[2] / "edge" / "systemd" / "dcn-camera.service"


def settings():
    lines = [line for line in SERVICE.read_text().splitlines() if line and line[0] not in "#["]
    return dict(line.split("=", 1) for line in lines)


def test_the_command_is_one_of_edge_run():
    python, *module, bundle, camera, interval, as_json = shlex.split(settings()["ExecStart"])
    assert (python, module) == ("/opt/dcn/bin/python", ["-m", "edge.run"])
    parsed = parse_arguments([bundle, camera, interval, as_json])
    assert (parsed.bundle, parsed.camera, parsed.interval, parsed.json) == ("/opt/dcn/bundle", "auto", 1.0, True)


def test_it_starts_again_after_failures_alone():
    found = settings()
    assert (found["Restart"], found["SuccessExitStatus"]) == ("on-failure", "143")
    assert str(EXIT_FAILED) not in found["SuccessExitStatus"].split()
    assert str(EXIT_WRONG_INPUT) not in found["SuccessExitStatus"].split()
    assert {"PrivateDevices", "ProtectClock", "DevicePolicy"}.isdisjoint(found)  # these hide the camera
