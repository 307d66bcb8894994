"""The board that a measurement is taken on, and whether it was itself meanwhile.

Times mean something on a board that keeps its clock and does nothing else. `Machine` reads what Linux tells of that,
`Watch` reads it again and again during a run, and says in words what was wrong.
"""

import contextlib
import importlib.metadata
import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from edge.network.compiled import IS_COMPILED

TEMPERATURE_LIMIT = 80.0  # degrees Celsius; where a Raspberry Pi begins to slow down
FREQUENCY_CHANGE = 0.05  # of the highest
OTHERS_LIMIT = 0.1  # of all processors' time
SECONDS_BETWEEN_LOOKS = 1.0
PERFORMANCE = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
# Of a Raspberry Pi's `vcgencmd get_throttled`; 16 bits higher stands whether it has happened since the board started.
THROTTLED = {0: "under-voltage", 1: "capped frequency", 2: "throttling", 3: "soft temperature limit"}
# In the order in which edge.network.interpreter looks for them.
RUNTIMES = ("ai-edge-litert", "tflite-runtime", "tensorflow")


@dataclass(frozen=True)
class State:
    """A board at one moment. What it does not tell is None, or empty.

    Attributes:
        seconds: of a clock that never goes back.
        frequencies: of every core, MHz.
        temperature: the highest of all sensors, degrees Celsius.
        throttled: bits, see `THROTTLED`.
        load: number of processes that ran or waited, mean of a minute.
        busy: seconds that all processors together have worked, or were taken by a hypervisor.
        own: those of them that were this process's.
    """

    seconds: float
    frequencies: tuple = ()
    governors: tuple = ()
    temperature: float | None = None
    throttled: int | None = None
    load: float | None = None
    busy: float | None = None
    own: float = 0.0


class Machine:
    """Reads what Linux tells of its board, below a root; `command` runs a program and returns what it printed."""

    def __init__(self, root="/", command=None, cores: int | None = None):
        self.root = Path(root)
        self.cores = cores or os.cpu_count()
        self._command = command or _run

    def name(self) -> str:
        """Returns what the board is called: the device tree's model, else the processor."""
        model = self._text("proc/device-tree/model").replace("\0", "").strip()
        return model or self._cpuinfo("Model") or self._cpuinfo("model name") or platform.machine()

    def describe(self) -> dict:
        """Returns what stays the same during a run: system, processor, memory in MB, versions."""
        memory = re.search(r"MemTotal:\s+(\d+) kB", self._text("proc/meminfo"))
        return {
            "processor": self._cpuinfo("model name") or platform.machine(),
            "architecture": platform.machine(),
            "cores": self.cores,
            "memory_mb": int(memory[1]) * 1024 // 10**6 if memory else None,
            "system": self._system(),
            "kernel": platform.release(),
            "virtual": self.virtual(),
        }

    def virtual(self) -> bool:
        """Whether this is a virtual machine, as far as the processor's flags or the device tree tell."""
        return "hypervisor" in self._cpuinfo("flags").split() or "dummy-virt" in self._text("proc/device-tree/model")

    def look(self) -> State:
        """Returns how the board is now."""
        cores = sorted(self.root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq"))
        frequencies = [self._number(core / "scaling_cur_freq") for core in cores]
        governors = [self._text(core / "scaling_governor").strip() for core in cores]
        sensors = [self._number(file) for file in self.root.glob("sys/class/thermal/thermal_zone*/temp")]
        temperatures = [value / 1e3 for value in sensors if value is not None]
        load = self._text("proc/loadavg").split()
        own = os.times()
        return State(
            seconds=time.monotonic(),
            frequencies=tuple(value / 1e3 for value in frequencies if value is not None),
            governors=tuple(filter(None, governors)),
            temperature=max(temperatures, default=None),
            throttled=self._throttled(),
            load=float(load[0]) if load else None,
            busy=self._busy(),
            own=own.user + own.system + own.children_user + own.children_system,
        )

    def _throttled(self) -> int | None:
        text = self._text("sys/devices/platform/soc/soc:firmware/get_throttled").strip()
        if not text:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                text = self._command(["vcgencmd", "get_throttled"]).strip().removeprefix("throttled=")
        try:
            return int(text, 16)
        except ValueError:
            return None

    def _busy(self) -> float | None:
        """User, nice, system, interrupts and what the hypervisor stole; not idle and waiting for disks."""
        first = self._text("proc/stat").split("\n")[0].split()
        if len(first) < 9 or first[0] != "cpu":
            return None
        user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, first[1:9])
        ticks = user + nice + system + interrupts + soft_interrupts + stolen
        return ticks / os.sysconf("SC_CLK_TCK")

    def _system(self) -> str:
        pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', self._text("etc/os-release"), re.MULTILINE)
        return pretty[1] if pretty else platform.system()

    def _cpuinfo(self, field_name: str) -> str:
        found = re.search(rf"^{field_name}\s*:\s*(.*)$", self._text("proc/cpuinfo"), re.MULTILINE)
        return found[1].strip() if found else ""

    def _text(self, path) -> str:
        try:
            return (self.root / path).read_text(errors="replace")
        except OSError:
            return ""

    def _number(self, path) -> int | None:
        text = self._text(path).strip()
        return int(text) if text.lstrip("-").isdecimal() else None


def _run(arguments) -> str:
    return subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=5).stdout


def versions() -> dict:
    """Returns the versions of what a measurement depends on, by name; of the TFLite runtimes the one that is used."""
    packages = {package: _version(package) for package in ("dcn-tf", "numpy", *RUNTIMES)}
    runtimes = [package for package in RUNTIMES if packages[package]]
    known = {package: version for package, version in packages.items() if version and package not in runtimes[1:]}
    return {"python": platform.python_version()} | known | {"edge": "compiled" if IS_COMPILED else "in NumPy"}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def short_name(board: str) -> str:
    """Returns a board's name as a file's: 'Raspberry Pi 5 Model B Rev 1.0' -> 'raspberry_pi_5_model_b'."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r" Rev .*", "", board).lower()).strip("_")


@dataclass
class Watch:
    """Looks at a board before, during and after a run; the first of `states` was seen before it began."""

    machine: Machine
    states: list = field(default_factory=list)

    def look(self) -> None:
        """Looks now."""
        self.states.append(self.machine.look())

    def look_at_times(self) -> None:
        """Looks, unless that was done less than `SECONDS_BETWEEN_LOOKS` ago."""
        if time.monotonic() - self.states[-1].seconds >= SECONDS_BETWEEN_LOOKS:
            self.look()

    def seen(self) -> dict:
        """Returns what was seen: ranges over the run, None for what the board does not tell."""
        first, last = self.states[0], self.states[-1]
        return {
            "seconds": round(last.seconds - first.seconds, 1),
            "governors": sorted(set(first.governors)),
            "frequency_mhz": _range(self._frequencies()),
            "temperature_c": _range(self._seen("temperature")),
            "throttled": None if last.throttled is None else hex(last.throttled),
            "load": _range(self._seen("load")),
            "others": self.others(),
        }

    def others(self) -> float | None:
        """Returns the share of all processors' time that others took, from 0 to 1; None where it is not told."""
        first, last = self.states[0], self.states[-1]
        if first.busy is None or last.busy is None or last.seconds <= first.seconds:
            return None
        taken = (last.busy - first.busy) - (last.own - first.own)
        return round(max(0.0, taken / (last.seconds - first.seconds) / self.machine.cores), 3)

    def problems(self) -> list[str]:
        """Returns why the run is not valid, a sentence each; none where it is."""
        found = [f"{name} during the run; see to power supply and cooling" for name in self._throttling()]
        highest = max(self._seen("temperature"), default=0)
        if highest >= TEMPERATURE_LIMIT:
            found.append(f"{highest:.0f} degrees Celsius, at or above {TEMPERATURE_LIMIT:.0f}; cool the board")
        frequencies = self._frequencies()
        if frequencies and min(frequencies) < (1 - FREQUENCY_CHANGE) * max(frequencies):
            found.append(f"the frequency changed between {min(frequencies):.0f} and {max(frequencies):.0f} MHz")
        others = self.others()
        if others is not None and others > OTHERS_LIMIT:
            found.append(f"others took {others:.0%} of the processors' time; stop what else runs")
        return found

    def warnings(self) -> list[str]:
        """Returns what makes a run less sure and does not spoil it, with what to do."""
        slow = sorted(set(self.states[0].governors) - {"performance"})
        return [f"the CPU governor is {', '.join(slow)}; set it by: {PERFORMANCE}"] if slow else []

    def notes(self) -> list[str]:
        """Returns what a reader of the numbers should know."""
        first = self.states[0]
        found = []
        if self.machine.virtual():
            found.append("a virtual machine: its times depend on what else its host does; trust the ratios alone")
        if not first.governors:
            found.append("the CPU governor is not known here")
        before = [name for bit, name in THROTTLED.items() if (first.throttled or 0) >> (bit + 16) & 1]
        if before:
            found.append(f"before the run, since the board started: {', '.join(before)}")
        return found

    def _frequencies(self) -> list:
        """The fastest core's while the run went on: before it, an idle processor's clock may be lower."""
        return [max(state.frequencies) for state in self.states[1:-1] or self.states if state.frequencies]

    def _seen(self, name) -> list:
        return [getattr(state, name) for state in self.states if getattr(state, name) is not None]

    def _throttling(self) -> list[str]:
        """What is so in any look, and what is newly remembered at the end."""
        bits = 0
        for state in self.states:
            bits |= (state.throttled or 0) & 0xF
        bits |= ((self.states[-1].throttled or 0) & ~(self.states[0].throttled or 0)) >> 16
        return [name for bit, name in THROTTLED.items() if bits >> bit & 1]


def _range(values) -> list | None:
    return [min(values), max(values)] if values else None
