"""Runs a bundle on one image at a time: coarse everywhere, fine where it matters."""

import io
import zipfile

import numpy as np

from edge.bundle import SALIENCY_FILE, Bundle, model_file_name
from edge.errors import UserError, one_line
from edge.interpreter import Model
from edge.manifest import CLASSIFICATION, SEQUENCE
from edge.numbers import Decoder, PixelInput, Requantizer, pixel_table
from edge.patches import PatchCutter, assemble
from edge.result import Clock, Result
from edge.saliency import ClassifierSaliency, SequenceSaliency, entropies, log_softmax, pool, select_cells


class TwoStageRunner:
    """The Dynamic Capacity Network of a bundle.

    Args:
        bundle: see `edge.bundle.load_bundle`.
        num_threads: threads of the interpreter.

    Raises:
        UserError: a model cannot be run here, or the saliency's weights do not fit.
    """

    def __init__(self, bundle: Bundle, num_threads: int = 1):
        manifest = bundle.manifest
        self.manifest = manifest
        self.map_size = tuple(manifest["cells"]["map"])
        self.num_cells = self.map_size[0] * self.map_size[1]
        self.coarse, self.fine, self.top = (_load(bundle, name, num_threads) for name in ("coarse", "fine", "top"))
        self._check_models()
        self._saliency = _make_saliency(bundle)
        self._check_saliency()
        self._pixels = PixelInput(manifest, self.coarse.input)
        self._patch_pixels = pixel_table(self.fine.input, manifest["input"]["scale"])
        self._cutter = PatchCutter(
            self._pixels.shape,
            self.map_size,
            manifest["patch"]["origin"],
            manifest["cells"]["stride"],
            manifest["patch"]["size"],
        )
        self._decode = Decoder(manifest)
        self._to_top = [Requantizer(*pair) for pair in self._crossings()]

    def _check_models(self):
        manifest = self.manifest
        channels, logits = manifest["input"]["channels"], sum(manifest["heads"])
        depth = self.fine.output("fine_features").shape[-1]
        facts = {
            "input.size": (self.coarse.input.shape[1:], (*manifest["input"]["size"], channels)),
            "patch.size": (self.fine.input.shape[1:], (*manifest["patch"]["size"], channels)),
        }
        if manifest["task"] == CLASSIFICATION:
            facts |= {
                "cells.map": (self.coarse.output("coarse_features").shape[1:], (*self.map_size, depth)),
                "heads": (self.coarse.output("logits").shape + self.top.output("logits").shape, (1, logits) * 2),
                "refined": (self.top.input.shape[1:], (*self.map_size, depth)),
            }
        else:
            facts |= {
                "cells.map": (self.coarse.output("cell_logits").shape[1:], (*self.map_size, logits)),
                "heads": (self.top.output("cell_logits").shape[-1], logits),
                "refined": (self.top.input.shape[1:], (depth,)),
            }
        _check_facts(facts)

    def _check_saliency(self):
        saliency, logits = self._saliency, sum(self.manifest["heads"])
        if self.manifest["task"] == CLASSIFICATION:
            _, rows, columns, filters = self.coarse.output("activation_map").shape
            _check_facts(
                {
                    "convolution": (rows * columns, len(saliency.cells_of_window)),
                    "saliency": (saliency.dense.shape, (filters, logits)),
                    "saliency's depth": (self.top.input.shape[-1], saliency.gradient.shape[1]),
                }
            )
        else:
            _check_facts({"saliency": (saliency.dense.shape[1:], (logits,))})

    def _crossings(self):
        fine = (self.fine.output("fine_features"), self.top.input)
        if self.manifest["task"] == CLASSIFICATION:
            return [fine, (self.coarse.output("coarse_features"), self.top.input)]
        return [fine]

    def run(self, image, num_patches: int | None = None, exit_entropy: float | None = None) -> Result:
        """Returns what is read in an image.

        Args:
            image: [H, W] or [H, W, C] uint8, of the manifest's input size.
            num_patches: k, from 1 to the number of cells; the manifest's where None.
            exit_entropy: the coarse answer stands where its entropy is at most this, in nats; never where negative; the
                manifest's where None.

        Raises:
            UserError: the image is of another size or type, or k is out of range.
        """
        num_patches = self.check_num_patches(num_patches)
        exit_entropy = self.manifest["exit_entropy"] if exit_entropy is None else exit_entropy
        clock = Clock()
        pixels = self._pixels.checked(image)
        model_input = self._pixels.convert(pixels)
        clock.lap("input")
        coarse = self.coarse.invoke(model_input)
        clock.lap("coarse")
        signal, coarse_output, entropy = self._coarse_output(coarse)
        if exit_entropy is not None and entropy <= exit_entropy:
            clock.lap("saliency")
            return self._result(coarse_output, clock, entropy=entropy)
        saliency = self._saliency(signal, coarse_output)
        cells = select_cells(saliency, num_patches)
        clock.lap("saliency")
        patches = self._patch_pixels[self._cutter.cut(pixels, cells)]
        clock.lap("patches")
        fine_features = self.fine.invoke(patches)["fine_features"]
        clock.lap("fine")
        refined = self._refine(coarse, fine_features, cells)
        clock.lap("assemble")
        top = self.top.invoke(refined)
        clock.lap("top")
        answer = log_probabilities_of(self.top, top, self.manifest, "refined")
        return self._result(answer, clock, entropy=entropy, saliency=saliency, cells=cells)

    def check_num_patches(self, num_patches: int | None) -> int:
        """Returns k, the manifest's where None; UserError where it is not 1 to the number of cells."""
        num_patches = self.manifest["num_patches"] if num_patches is None else num_patches
        if not 1 <= num_patches <= self.num_cells:
            raise UserError(
                f"num_patches must be from 1 to the number of cells, {self.num_cells}, received {num_patches}; "
                "choose one in that range"
            )
        return num_patches

    def _coarse_output(self, coarse):
        """Returns what the saliency is computed from, the coarse output's log-probabilities and their entropy."""
        manifest = self.manifest
        name = "activation_map" if manifest["task"] == CLASSIFICATION else "cell_logits"
        signal = self.coarse.output(name).dequantize(coarse[name][0])
        output = log_probabilities_of(self.coarse, coarse, manifest, "coarse")
        return signal, output, float(entropies(output, manifest["heads"])[manifest["saliency_heads"]].sum())

    def _refine(self, coarse, fine_features, cells):
        """Returns the top's raw input: the refined map, or the fine vectors alone."""
        fine_to_top, *coarse_to_top = self._to_top
        if not coarse_to_top:
            return fine_to_top(fine_features)
        return assemble(coarse_to_top[0](coarse["coarse_features"][0]), fine_to_top(fine_features), cells)[None]

    def _result(self, log_probabilities, clock, cells=None, **intermediates):
        prediction, probability, categories = self._decode(log_probabilities)
        clock.lap("decode")
        num_patches = 0 if cells is None else len(cells)
        return Result(
            prediction,
            probability,
            num_patches,
            log_probabilities,
            categories,
            cells=cells,
            stages_us=clock.laps,
            **intermediates,
        )


class WholeFineRunner:
    """The fine model of a bundle over the whole input, for comparison.

    Raises:
        UserError: the bundle has no whole fine model, or it cannot be run here.
    """

    def __init__(self, bundle: Bundle, num_threads: int = 1):
        if "whole_fine" not in bundle.manifest["models"]:
            raise UserError(f"the bundle {bundle.path} has no whole fine model; export it again with tools.quantize")
        self.manifest = bundle.manifest
        self.model = _load(bundle, "whole_fine", num_threads)
        self._pixels = PixelInput(self.manifest, self.model.input)
        self._decode = Decoder(self.manifest)

    def run(self, image) -> Result:
        """Returns what is read in an image: [H, W] or [H, W, C] uint8, of the manifest's input size."""
        clock = Clock()
        model_input = self._pixels.convert(self._pixels.checked(image))
        clock.lap("input")
        output = self.model.invoke(model_input)
        clock.lap("whole_fine")
        log_probabilities = log_probabilities_of(self.model, output, self.manifest, "whole_fine")
        prediction, probability, categories = self._decode(log_probabilities)
        clock.lap("decode")
        return Result(prediction, probability, 0, log_probabilities, categories, stages_us=clock.laps)


def log_probabilities_of(model: Model, raw: dict, manifest: dict, which: str) -> np.ndarray:
    """Returns the log-probabilities that a model's raw outputs stand for, [sum(heads)].

    Args:
        model: gives `logits`, or for sequences `cell_logits`, which are pooled.
        raw: what the model returned.
        manifest: of the bundle.
        which: 'coarse' or 'refined', pooled as the manifest says; or 'whole_fine', averaged.
    """
    heads, pooling = manifest["heads"], manifest["pooling"]
    if manifest["task"] == CLASSIFICATION:
        return log_softmax(model.output("logits").dequantize(raw["logits"][0]), heads)
    cell_logits = model.output("cell_logits").dequantize(raw["cell_logits"])
    return pool(cell_logits.reshape(-1, sum(heads)), heads, pooling.get(which, "average"), pooling["floor"])


def _check_facts(facts: dict):
    """Raises UserError where what the models say differs from what the manifest says: name -> (found, wanted)."""
    for name, (found, wanted) in facts.items():
        if found != wanted:
            problem = f"the manifest's {name} does not fit its models: {wanted} and {found}"
            raise UserError(f"{problem}; export the bundle again")


def _load(bundle: Bundle, name: str, num_threads: int) -> Model:
    return Model(bundle.model(name), bundle.manifest["models"][name], num_threads, model_file_name(name))


def _make_saliency(bundle: Bundle):
    manifest = bundle.manifest
    try:
        with np.load(io.BytesIO(bundle.files[SALIENCY_FILE]), allow_pickle=False) as weights:
            if manifest["task"] == SEQUENCE:
                pooling = manifest["pooling"]
                return SequenceSaliency(
                    weights["dense"],
                    manifest["heads"],
                    manifest["saliency_heads"],
                    pooling["coarse"],
                    pooling["floor"],
                )
            convolution = manifest["convolution"]
            return ClassifierSaliency(
                weights["kernel"],
                weights["dense"],
                convolution["strides"],
                convolution["padding"],
                manifest["cells"]["map"],
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{SALIENCY_FILE} is not usable: {one_line(error)}; export the bundle again") from error
