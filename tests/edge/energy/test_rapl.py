import os

import pytest
from simulated_time import SimulatedTime

from edge.energy.rapl import RaplMeter, find_counters
from edge.errors import UserError

RANGE = 10_000_000_000  # microjoules: 10 s at 1000 W


class Tree:
    """The kernel's tree, whose counters a test sets."""

    def __init__(self, root):
        self.root = root

    def add(self, folder, name, microjoules=0, range_uj=RANGE):
        path = self.root / folder
        path.mkdir()
        (path / "name").write_text(f"{name}\n")
        (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
        self.set(folder, microjoules)
        return self

    def set(self, folder, microjoules):
        (self.root / folder / "energy_uj").write_text(f"{microjoules}\n")


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path).add("intel-rapl:0", "package-0")


@pytest.fixture
def time():
    return SimulatedTime()


def test_packages_and_memory_are_summed_and_their_parts_are_not(tree, time):
    tree.add("intel-rapl:0:0", "core").add("intel-rapl:0:1", "uncore").add("intel-rapl:0:2", "dram")
    tree.add("intel-rapl:1", "package-1-die-0").add("intel-rapl:1:0", "core").add("intel-rapl:2", "psys")
    tree.add("intel-rapl-mmio:0", "package-0")
    meter = RaplMeter(tree.root, time)
    assert meter.source == "rapl (package-0 + dram + package-1-die-0)"
    meter.start()
    time.sleep(4)
    for number, folder in enumerate(
        ["intel-rapl:0", "intel-rapl:0:0", "intel-rapl:0:1", "intel-rapl:0:2", "intel-rapl:1", "intel-rapl:1:0",
         "intel-rapl:2", "intel-rapl-mmio:0"]
    ):  # fmt: skip
        tree.set(folder, 10**number * 1_000_000)
    reading = meter.stop()
    assert reading.joules == 1 + 1_000 + 10_000
    assert (reading.seconds, reading.why_not) == (4, None)


def test_wraps_are_counted(tree, time):
    tree.set("intel-rapl:0", RANGE - 5_000_000)
    meter = RaplMeter(tree.root, time)
    meter.start()
    for _ in range(15):  # 900 J each: once around in 11 steps
        time.sleep(1)
        value = int((tree.root / "intel-rapl:0/energy_uj").read_text())
        tree.set("intel-rapl:0", (value + 900_000_000) % (RANGE + 1))
    reading = meter.stop()
    assert (reading.joules, reading.why_not) == (pytest.approx(13_500), None)


def test_a_counter_that_is_reset_or_stops_in_the_run(tree, time):
    tree.set("intel-rapl:0", 5_000_000)
    meter = RaplMeter(tree.root, time)
    meter.start()
    tree.set("intel-rapl:0", 1_000_000)  # as a counter that wrapped: nearly 10,000 J in a second
    time.sleep(2)
    assert meter.stop().why_not == "impossible power, more than 1,000 W: a counter was reset; run it again"
    meter.start()
    time.sleep(1)
    tree.set("intel-rapl:0", 9_000_000)
    time.sleep(9)
    assert meter.stop().why_not.startswith("RAPL's counters stand still, for 8.0 s")


def test_it_is_read_often_enough_for_the_fastest_counter(tree, time):
    tree.add("intel-rapl:1", "package-1", range_uj=RANGE // 100)  # wraps every 0.1 s at 1000 W
    meter = RaplMeter(tree.root, time)
    meter.start()
    tree.set("intel-rapl:0", 1_000_000)
    time.sleep(1)
    assert meter.stop().samples == 2 + 40


def test_a_pause_in_which_a_wrap_may_be_missed(tree, time):
    meter = RaplMeter(tree.root, time)
    meter.start()
    time.jump(10.5)
    tree.set("intel-rapl:0", 1_000_000)
    assert meter.stop().why_not == "RAPL was not read for 10.50 s, in which a counter may have wrapped twice"


def test_a_counter_that_stands_still(tree, time):
    meter = RaplMeter(tree.root, time)
    meter.start()
    time.sleep(3)
    assert meter.stop().why_not == "RAPL's counters stand still"


@pytest.mark.parametrize("garbage", ["", "x", "-1", f"{RANGE + 1}", "1.5"])
def test_garbage_between_is_counted_and_loses_nothing(tree, time, garbage):
    meter = RaplMeter(tree.root, time)
    meter.start()
    tree.set("intel-rapl:0", garbage)
    time.sleep(2)
    tree.set("intel-rapl:0", 7_000_000)
    time.sleep(1)
    reading = meter.stop()
    assert (reading.joules, reading.ignored, reading.why_not) == (7, 2, None)


def test_garbage_at_either_end_is_told(tree, time):
    meter = RaplMeter(tree.root, time)
    tree.set("intel-rapl:0", "")
    meter.start()
    tree.set("intel-rapl:0", 5_000_000)
    time.sleep(3)
    assert meter.stop().why_not == "RAPL could not be read at the beginning of the run"
    meter.start()
    time.sleep(1.5)
    tree.set("intel-rapl:0", "")
    assert meter.stop().why_not == "RAPL could not be read at the end of the run"


def test_there_is_none(tmp_path):
    with pytest.raises(UserError, match="^there is no RAPL here: no package in .*; use another meter$"):
        find_counters(tmp_path)
    Tree(tmp_path).add("intel-rapl:0", "psys")
    with pytest.raises(UserError, match="^there is no RAPL here"):
        find_counters(tmp_path)


def test_no_permission(tree, monkeypatch):
    """Root may read everything, so the refusal is simulated where the test runs as root."""
    path = tree.root / "intel-rapl:0/energy_uj"
    path.chmod(0)
    if os.geteuid() == 0:
        read_text = type(path).read_text

        def refuse(self, *args, **kwargs):
            if self.name == "energy_uj":
                raise PermissionError(13, "Permission denied")
            return read_text(self, *args, **kwargs)

        monkeypatch.setattr(type(path), "read_text", refuse)
    with pytest.raises(
        UserError, match=r"may not be read by this user; run as root, or: sudo chmod a\+r .*/intel-rapl:\*/"
    ):
        find_counters(tree.root)


@pytest.mark.parametrize(
    ("file", "text"), [("max_energy_range_uj", "0"), ("max_energy_range_uj", "many"), ("energy_uj", "")]
)
def test_a_broken_counter(tree, file, text):
    (tree.root / "intel-rapl:0" / file).write_text(text)
    with pytest.raises(UserError, match="; use another meter$"):
        find_counters(tree.root)
