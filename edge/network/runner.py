"""Runs a bundle on one image at a time: coarse everywhere, fine where it matters."""

import functools
import threading
import zipfile
import zlib
from typing import Any

import numpy as np

from edge.bundle import SALIENCY_FILE, Bundle, model_file_name
from edge.bundle.content import MOST_PATCHES
from edge.bundle.weights import read_weights
from edge.errors import UserError, one_line
from edge.network.interpreter import Model
from edge.network.kernels import FASTEST, Kernels
from edge.network.patches import Canvas, reach, whole_image
from edge.network.result import Answer, Clock, Glance, Look, Result, without_nan
from edge.network.stages import Parts
from edge.network.tops import top_of

ONE = ((1, 1), (0, 0), (1, 1))  # one window, which is the image; see `edge.network.patches.Cutter`
MOST_SHAPES = 16  # of numbers of patches, and of windows, that interpreters are kept for
IN_USE = "a runner reads one image at a time, and another thread is using this one; make one runner for each thread"
NEVER = -1.0  # an exit_entropy at which the coarse answer never stands


def one_thread(method):
    """A method of a runner, which raises RuntimeError where another thread is in one of the same runner."""

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        if not self._in_use.acquire(blocking=False):  # the thread that has it may have it again
            raise RuntimeError(IN_USE)
        try:
            return method(self, *args, **kwargs)
        finally:
            self._in_use.release()

    return guarded


class TwoStageRunner:
    """The Dynamic Capacity Network of a bundle. It works on one image at a time: make one runner for each thread.

    A runner that two threads are in at once raises RuntimeError in the second one, and the first goes on.

    `glance`, `look_closely` and `answer` are its stages, one after the other; `run` is all of them.

    Args:
        bundle: see `edge.bundle.load_bundle`.
        num_threads: threads of the interpreter.
        kernels: what is computed with between the models.

    Attributes:
        manifest: of the bundle.
        coarse, fine, top: the models.

    Raises:
        UserError: a model cannot be run here, or the parts of the bundle do not fit each other.
    """

    _most_shapes = MOST_SHAPES

    def __init__(self, bundle: Bundle, num_threads: int = 1, kernels: Kernels = FASTEST):
        manifest = bundle.manifest
        self.manifest, self._in_use = manifest, threading.RLock()
        self.coarse = load_model(bundle, "coarse", num_threads, self._most_shapes)
        self.fine, self.top = (load_model(bundle, name, num_threads) for name in ("fine", "top"))
        self._check_models()
        self._pixels = kernels.pixel_input(manifest.input, self.coarse.input)
        self._select_cells = kernels.select_cells
        self._reader = _make_top(bundle, self.coarse, self.top, kernels)
        self._place(manifest, kernels)

    def _place(self, manifest, kernels: Kernels):
        """Lays out where images and patches are."""
        size, places = manifest.input.size, (manifest.cells.map, manifest.patch.origin, manifest.cells.stride)
        counts, _, stride = ONE
        origin, framed, layout = whole_image(self.coarse.layout, size)
        seen = reach(size, *places, manifest.patch.size), reach(size, counts, origin, stride, framed)
        margins = tuple(tuple(map(max, *sides)) for sides in zip(*seen))
        canvas = Canvas(manifest.input.shape, margins, self.coarse.input.dtype, self.coarse.input.zero_point)
        image = kernels.cutter(canvas, counts, origin, stride, framed, layout)
        patches = kernels.cutter(canvas, *places, manifest.patch.size, self.fine.layout)
        models, between = (self.coarse, self.fine, self.top), (self._reader, self._select_cells)
        self._stages = kernels.make_stages(Parts(*models, self._pixels, canvas, image, patches, *between))

    def _check_models(self):
        manifest, coarse, fine, top = self.manifest, self.coarse, self.fine, self.top
        patch_shape, vectors = (*manifest.patch.size, manifest.input.channels), fine.output("fine_features")
        check_facts(
            {
                "input.size": (coarse.input.shape[1:], coarse.laid_out(manifest.input.shape)),
                "patch.size": (fine.input.shape[1:], fine.laid_out(patch_shape)),
                "patch's scale": (fine.input.encoding, coarse.input.encoding),
                "vectors' scale": (top.input.encoding, vectors.encoding),
            }
            | top_of(manifest).model_facts(manifest, coarse, fine, top)
        )

    @one_thread
    def run(
        self,
        image,
        num_patches: int | None = None,
        exit_entropy: float | None = None,
        saliency_level: float | None = None,
    ) -> Result:
        """Returns what is read in an image.

        Args:
            image: [H, W] or [H, W, C] uint8, of the manifest's input size.
            num_patches: k, from 1 to the number of cells; the manifest's where None.
            exit_entropy: the coarse answer stands where its entropy is at most this, in nats; never where negative; the
                manifest's where None.
            saliency_level: of the k cells those alone are looked at whose saliency is at least this, and where there is
                none the coarse answer stands; all of them where None.

        Raises:
            UserError: the image is of another size or type, or k is out of range.
            WorkError: a model answers with what is no number.
        RuntimeError: another thread is using this runner.
        """
        stages = self._stages  # which are in this thread already

        def look_closely(glance, num_patches, clock):
            return stages.look_closely(glance, num_patches, saliency_level, clock)

        return self._run(image, num_patches, exit_entropy, stages.glance, look_closely, stages.answer)

    def _run(self, image, num_patches, exit_entropy, see, look_closely, answer) -> Result:
        """Returns what is read in an image.

        Args:
            image, num_patches, exit_entropy: as of `run`.
            see: the first stage, (image, clock) -> `Glance`.
            look_closely: the second stage, (glance, num_patches, clock=clock) -> `Look`.
            answer: the third stage, (glance, look, clock) -> `Answer`.
        """
        num_patches = self.check_num_patches(num_patches)
        exit_entropy = self.manifest.exit_entropy if exit_entropy is None else exit_entropy
        clock = Clock()
        glance = see(image, clock)
        if exit_entropy is not None and glance.entropy <= exit_entropy:
            clock.lap("saliency")
            return self._result(Answer(glance.log_probabilities), clock, glance)
        look = look_closely(glance, num_patches, clock=clock)
        if not len(look.cells):
            return self._result(Answer(glance.log_probabilities), clock, glance, look)
        return self._result(answer(glance, look, clock), clock, glance, look)

    @one_thread
    def glance(self, image, clock: Clock | None = None) -> Glance:
        """Returns the first stage, of an image as `run` takes it: the coarse output, and what the saliency needs.

        A clock that is given times the parts of the stage. What is seen is valid until the next glance.
        """
        return self._stages.glance(image, clock or Clock())

    @one_thread
    def look_closely(
        self, glance: Glance, num_patches: int, saliency_level: float | None = None, clock: Clock | None = None
    ) -> Look:
        """Returns the second stage, of the image that was glanced at last: the fine vectors of its most salient cells.

        Arguments are those of `run`. No cell is looked at where none is as salient as `saliency_level`. The vectors are
        valid until the next look.
        """
        return self._stages.look_closely(glance, num_patches, saliency_level, clock or Clock())

    @one_thread
    def answer(self, glance: Glance, look: Look, clock: Clock | None = None) -> Answer:
        """Returns the third stage, from both before it, which are of the image that was glanced at last.

        The first k cells of a look alone, `look.first(k)`, give the answer that k patches would have given.
        """
        return self._stages.answer(glance, look, clock or Clock())

    def check_num_patches(self, num_patches: int | None) -> int:
        """Returns k, the manifest's where None; UserError where it is below 1 or too large.

        It is at most the number of cells, and with levels, where that differs from image to image, `MOST_PATCHES`.
        """
        manifest = self.manifest
        num_patches = manifest.num_patches if num_patches is None else num_patches
        most, of_what = (MOST_PATCHES, "") if manifest.levels else (manifest.cells.count, "the number of cells, ")
        if not 1 <= num_patches <= most:
            raise UserError(
                f"num_patches must be from 1 to {of_what}{most}, received {num_patches}; choose one in that range"
            )
        return num_patches

    def _result(self, answer: Answer, clock: Clock, glance: Glance, look: Look | None = None) -> Result:
        prediction, probability, categories = self.manifest.task.read(without_nan(answer.log_probabilities))
        clock.lap("decode")
        return Result(
            prediction,
            probability,
            len(look.cells) if look else 0,
            answer.log_probabilities,
            categories,
            glance.entropy,
            saliency=look.saliency if look else None,
            cells=look.cells if look else None,
            top_inputs=answer.top_inputs,
            stages_us=clock.laps,
            box=answer.box if prediction else None,
            patch_boxes=look.patch_boxes if look else None,
            levels=look.levels if look else None,
        )


def check_facts(facts: dict):
    """Raises UserError where what the models say differs from what the manifest says: name -> (found, wanted)."""
    for name, (found, wanted) in facts.items():
        if found != wanted:
            problem = f"the manifest's {name} does not fit its models: {wanted} and {found}"
            raise UserError(f"{problem}; export the bundle again")


def load_model(bundle: Bundle, name: str, num_threads: int, most_shapes: int = MOST_SHAPES) -> Model:
    """Returns the named model of a bundle; UserError where it cannot be run here."""
    return Model(bundle.model(name), bundle.manifest.models[name], num_threads, model_file_name(name), most_shapes)


def _make_top(bundle: Bundle, coarse: Model, top: Model, kernels: Kernels) -> Any:
    """Returns the top of the bundle's task: a `SwapTop`, `PoolTop` or `VoteTop`."""
    manifest, kind = bundle.manifest, top_of(bundle.manifest)
    weights = saliency_weights(bundle)
    for name, shape in kind.weight_shapes(manifest, coarse, top).items():
        found = weights[name].shape if name in weights else None
        fits = found is not None and len(found) == len(shape) and all(n in (m, None) for m, n in zip(found, shape))
        check_facts({"saliency" if name == "dense" else f"saliency's {name}": (found, found if fits else shape)})
    return kind(manifest, weights, coarse, top, kernels)


def saliency_weights(bundle: Bundle) -> dict[str, np.ndarray]:
    """Returns the arrays of a bundle's saliency by name; UserError where they cannot be used."""
    try:
        return read_weights(bundle.files[SALIENCY_FILE])
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{SALIENCY_FILE} is not usable: {one_line(error)}; export the bundle again") from error
