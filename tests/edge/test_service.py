import shlex
from pathlib import Path

import pytest

from edge import run, serve
from edge.errors import EXIT_FAILED, EXIT_WRONG_INPUT

FOLDER = Path(__file__).parents[2] / "edge" / "systemd"
NAMES = ("dcn-camera", "dcn-serve")


def settings(name):
    lines = [line for line in (FOLDER / f"{name}.service").read_text().splitlines() if line and line[0] not in "#["]
    return dict(line.split("=", 1) for line in lines)


def arguments(name, module):
    words = shlex.split(settings(name)["ExecStart"])
    assert words[:3] == ["/opt/dcn/bin/python", "-m", module]
    return words[3:]


def test_the_command_is_one_of_edge_run():
    parsed = run.parse_arguments(arguments("dcn-camera", "edge.run"))
    assert (parsed.bundle, parsed.camera, parsed.interval, parsed.json) == ("/opt/dcn/bundle", "auto", 1.0, True)


def test_the_command_is_one_of_edge_serve():
    parsed = serve.parse_arguments(arguments("dcn-serve", "edge.serve"))
    assert (parsed.bundle, parsed.camera, parsed.listen) == ("/opt/dcn/bundle", "auto", "127.0.0.1:8080")
    assert parsed.folder == f"/var/lib/{settings('dcn-serve')['StateDirectory']}"


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_again_after_failures_alone(name):
    found = settings(name)
    assert (found["Restart"], found["SuccessExitStatus"]) == ("on-failure", "143")
    assert str(EXIT_FAILED) not in found["SuccessExitStatus"].split()
    assert str(EXIT_WRONG_INPUT) not in found["SuccessExitStatus"].split()
    assert {"PrivateDevices", "ProtectClock", "DevicePolicy"}.isdisjoint(found)  # these hide the camera


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_user_of_its_own_without_rights(name):
    found = settings(name)
    assert (found["DynamicUser"], found["CapabilityBoundingSet"], found["UMask"]) == ("yes", "", "0077")
    assert ("AF_INET" in found["RestrictAddressFamilies"]) == (name == "dcn-serve")


def test_the_one_differs_from_the_other_in_what_it_needs():
    camera, served = (settings(name) for name in NAMES)
    assert {key for key in camera if key not in served} == {"IPAddressDeny"}
    assert {key for key in served if key not in camera} == {
        *("Wants", "After", "TimeoutStopSec", "StateDirectory", "StateDirectoryMode", "MemoryMax"),
    }
