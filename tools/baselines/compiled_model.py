"""Compares the two ways in which LiteRT runs the models of a bundle: Interpreter and CompiledModel.

python -m tools.baselines.compiled_model --bundle=BUNDLE [--rounds=N]

A start is a model's making and its first run, in processor time; with `cache`, XNNPACK finds its packed weights in a
file. A run in place leaves the tensors where they lie; with copies they are written and read through Python. Each
figure is the least of all rounds, in which the ways take turns. One thread works.
"""

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.arguments import number
from edge.bundle import load_bundle
from edge.errors import UserError
from edge.quiet import quiet
from tools import command
from tools.table import table

ROUNDS = 200
STARTS_IN = 10  # rounds for one start


class Taken(NamedTuple):
    """What one way takes: milliseconds for its start, microseconds for a run; and its raw outputs, in a row each."""

    start: float
    in_place: float
    copied: float
    outputs: list[np.ndarray]


class Interpreted:
    """A model in an `Interpreter`, which has run once."""

    def __init__(self, content: bytes, raw: np.ndarray):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [tensor["index"] for tensor in self._interpreter.get_output_details()]
        self(raw)

    def __call__(self, raw: np.ndarray) -> list[np.ndarray]:
        """Returns the raw outputs of a raw input."""
        self._interpreter.set_tensor(self._input, raw)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]

    def run(self) -> None:
        """Runs the model on the input that it has, as `edge.network.interpreter.InPlace` does."""
        self._interpreter._interpreter.Invoke()


class Compiled:
    """A model in a `CompiledModel`, which has run once; `cache` is the file of its packed weights, '' for none."""

    def __init__(self, environment, cache: str, content: bytes, raw: np.ndarray):
        from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, HardwareAccelerator, Options

        options = CpuOptions(num_threads=1, xnnpack_weight_cache_path=cache)
        options = Options(hardware_accelerators=HardwareAccelerator.CPU, cpu_options=options)
        self._model = CompiledModel.from_buffer(content, options=options, environment=environment)
        self._inputs, self._outputs = self._model.create_input_buffers(0), self._model.create_output_buffers(0)
        tensors = [buffer.get_tensor_details() for buffer in self._outputs]
        self._kinds = [(int(np.prod(tensor["shape"])), np.dtype(tensor["dtype"])) for tensor in tensors]
        self._capsules = [[buffer.capsule for buffer in buffers] for buffers in (self._inputs, self._outputs)]
        self(raw)

    def __call__(self, raw: np.ndarray) -> list[np.ndarray]:
        """Returns the raw outputs of a raw input."""
        self._inputs[0].write(raw)
        self.run()
        return [buffer.read(*kind) for buffer, kind in zip(self._outputs, self._kinds)]

    def run(self) -> None:
        """Runs the model on the input that it has."""
        self._model._model.RunByIndex(0, *self._capsules)


def measure(content: bytes, raw: np.ndarray, rounds: int = ROUNDS) -> dict[str, Taken]:
    """Returns what each way takes for one model and a raw input."""
    from ai_edge_litert.environment import Environment

    compiled = partial(Compiled, Environment.create())
    with tempfile.TemporaryDirectory() as folder:
        cached = partial(compiled, str(Path(folder, "weights")))
        ways = {"Interpreter": Interpreted, "CompiledModel": partial(compiled, ""), "CompiledModel, cache": cached}
        makes = [partial(way, content, raw) for way in ways.values()]
        starts = _least(makes, rounds // STARTS_IN + 1, time.process_time)
        models = [make() for make in makes]
    in_place = _least([model.run for model in models], rounds)
    copied = _least([partial(model, raw) for model in models], rounds)
    outputs = [[output.ravel() for output in model(raw)] for model in models]
    found = zip(starts, in_place, copied, outputs)
    return {name: Taken(1e3 * start, 1e6 * run, 1e6 * copy, out) for name, (start, run, copy, out) in zip(ways, found)}


def _least(ways, rounds: int, clock=time.perf_counter) -> list[float]:
    """Returns the least seconds of each way. They take turns; the first turn, which fills caches, does not count."""
    times = []
    for _ in range(rounds + 1):
        times.append([])
        for way in ways:
            begun = clock()
            way()
            times[-1].append(clock() - begun)
    return [min(of_way) for of_way in zip(*times[1:])]


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.baselines.compiled_model", __doc__)
    add = parser.add_argument
    add("--bundle", default="models/cluttered_mnist", metavar="BUNDLE", help="the shipped one by default")
    add("--rounds", type=number(1), default=ROUNDS, metavar="N", help=f"runs of each way, {ROUNDS} by default")
    parsed = parser.parse_args(arguments)
    bundle, rows = load_bundle(parsed.bundle), []
    for name in ("coarse", "fine", "top"):
        tensor = bundle.manifest.models[name].input
        raw = np.random.default_rng(0).integers(0, 100, tensor.shape).astype(tensor.dtype)
        try:
            with quiet():  # LiteRT tells of every accelerator that is not there
                found = measure(bundle.model(name), raw, parsed.rounds)
        except ImportError:
            raise UserError("there is no LiteRT with a CompiledModel; pip install 'ai-edge-litert>=2'") from None
        first = found["Interpreter"].outputs
        for way, taken in found.items():
            equal = all(map(np.array_equal, taken.outputs, first))
            figures = (f"{taken.start:.2f}", f"{taken.in_place:.1f}", f"{taken.copied:.1f}")
            rows.append((f"{name}: {way}", *figures, "yes" if equal else "no"))
    print(table(("model", "start, ms", "run in place, us", "run with copies, us", "same outputs"), rows))


if __name__ == "__main__":
    command.run(main)
