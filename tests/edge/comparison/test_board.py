import os
import subprocess

import pytest

from edge.comparison.board import Machine, State, Watch, short_name, versions

PI = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
    "proc/meminfo": "MemTotal:        8255520 kB\nMemFree:  1 kB\n",
    "proc/loadavg": "0.25 0.10 0.05 1/150 1234\n",
    "proc/stat": "cpu  100 20 30 5000 400 5 6 7 0 0\ncpu0 1 2 3 4\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/class/thermal/thermal_zone0/temp": "48750\n",
    "sys/class/thermal/thermal_zone1/temp": "51200\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand\n",
}
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


def no_program(arguments):
    raise FileNotFoundError(arguments[0])


def machine(root, files, command=no_program):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Machine(root, command, cores=4)


def watch(machine, *states):
    return Watch(machine, [State(seconds=10.0 * i, **state) for i, state in enumerate(states)])


def test_a_raspberry_pi_is_described(tmp_path):
    board = machine(tmp_path, PI)
    described = board.describe()
    assert board.name() == "Raspberry Pi 5 Model B Rev 1.0"
    assert (described["cores"], described["memory_mb"]) == (4, 8453)
    assert described["system"] == "Debian GNU/Linux 12 (bookworm)"
    assert described["virtual"] is False


def test_a_look_reads_the_highest_temperature_and_every_core(tmp_path):
    state = machine(tmp_path, PI).look()
    assert state.temperature == 51.2
    assert state.frequencies == (2400.0, 1500.0)
    assert state.governors == ("performance", "ondemand")
    assert state.load == 0.25
    assert state.busy == (100 + 20 + 30 + 5 + 6 + 7) / os.sysconf("SC_CLK_TCK")
    assert state.throttled is None


def test_throttling_is_read_from_the_kernel_else_from_the_firmware(tmp_path):
    asked = []

    def vcgencmd(arguments):
        asked.append(arguments)
        return "throttled=0x50005\n"

    assert machine(tmp_path, {}, vcgencmd).look().throttled == 0x50005
    assert machine(tmp_path, {FIRMWARE: "20000\n"}, vcgencmd).look().throttled == 0x20000
    assert asked == [["vcgencmd", "get_throttled"]]


@pytest.mark.parametrize("error", [OSError("no"), subprocess.CalledProcessError(1, "vcgencmd")])
def test_a_board_that_tells_nothing_is_unknown_and_not_zero(tmp_path, error):
    def broken(arguments):
        raise error

    board = machine(tmp_path, {"proc/loadavg": "", "proc/stat": "cpu 1 2\n"}, broken)
    state = board.look()
    assert (state.temperature, state.throttled, state.load, state.busy) == (None, None, None, None)
    assert (state.frequencies, state.governors) == ((), ())
    assert board.name() != ""
    assert board.describe()["memory_mb"] is None
    seen = watch(board, {}, {}, {})
    assert seen.problems() == []
    assert seen.notes() == ["the CPU governor is not known here"]
    found = seen.seen()
    assert found["seconds"] == 20.0
    assert [found[name] for name in ("frequency_mhz", "temperature_c", "throttled", "load", "others")] == [None] * 5


@pytest.mark.parametrize(
    "files", [{"proc/cpuinfo": "flags : fpu hypervisor sse\n"}, {"proc/device-tree/model": "linux,dummy-virt\0"}]
)
def test_a_virtual_machine_is_told(tmp_path, files):
    seen = watch(machine(tmp_path, files), {"governors": ("performance",)}, {})
    assert seen.notes() == ["a virtual machine: its times depend on what else its host does; trust the ratios alone"]


def test_the_processor_names_a_board_without_a_device_tree(tmp_path):
    board = machine(tmp_path, {"proc/cpuinfo": "processor : 0\nmodel name : Some CPU @ 2 GHz\n"})
    assert board.name() == "Some CPU @ 2 GHz"
    assert short_name(board.name()) == "some_cpu_2_ghz"
    assert short_name("Raspberry Pi 4 Model B Rev 1.4") == "raspberry_pi_4_model_b"


def test_a_quiet_run_is_valid(tmp_path):
    idle, busy = {"frequencies": (1500.0,)}, {"frequencies": (2400.0, 1500.0), "temperature": 60.0}
    first = {"governors": ("performance",), "busy": 5.0, "own": 1.0, "throttled": 0}
    last = {"busy": 16.0, "own": 11.0, "throttled": 0}
    seen = watch(machine(tmp_path, {}), idle | first, busy, busy, idle | last)
    assert (seen.problems(), seen.warnings(), seen.notes()) == ([], [], [])
    assert seen.others() == round(1 / 30 / 4, 3)
    assert seen.seen()["frequency_mhz"] == [2400.0, 2400.0]
    assert seen.seen()["throttled"] == "0x0"


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        ([{}, {"temperature": 81.0}, {}], "81 degrees Celsius, at or above 80; cool the board"),
        (
            [{}, {"frequencies": (1800.0,)}, {"frequencies": (1500.0,)}, {}],
            "the frequency changed between 1500 and 1800 MHz",
        ),
        ([{"busy": 0.0}, {"busy": 10.0, "own": 5.0}], "others took 12% of the processors' time; stop what else runs"),
        (
            [{"throttled": 0}, {"throttled": 1}, {"throttled": 0}],
            "under-voltage during the run; see to power supply and cooling",
        ),
        (
            [{"throttled": 0x10000}, {"throttled": 0x50000}],
            "throttling during the run; see to power supply and cooling",
        ),
    ],
)
def test_what_spoils_a_run_is_told(tmp_path, states, problem):
    assert watch(machine(tmp_path, {}), *states).problems() == [problem]


def test_what_happened_before_is_a_note_and_a_governor_a_warning(tmp_path):
    state = {"throttled": 0x50000, "governors": ("ondemand", "ondemand")}
    seen = watch(machine(tmp_path, {}), state, state)
    assert seen.problems() == []
    assert seen.notes() == ["before the run, since the board started: under-voltage, throttling"]
    assert len(seen.warnings()) == 1
    assert seen.warnings()[0].startswith("the CPU governor is ondemand; set it by: echo performance | sudo tee /sys/")


def test_a_watch_looks_again_after_a_while(tmp_path, monkeypatch):
    seen = Watch(machine(tmp_path, PI))
    seen.look()
    seen.look_at_times()
    assert len(seen.states) == 1
    monkeypatch.setattr("edge.comparison.board.SECONDS_BETWEEN_LOOKS", 0.0)
    seen.look_at_times()
    assert len(seen.states) == 2


def test_versions_name_one_runtime():
    found = versions()
    assert {"python", "numpy"} <= set(found)
    assert found["edge"] in ("compiled", "in NumPy")
    assert len({"ai-edge-litert", "tflite-runtime", "tensorflow"} & set(found)) == 1
