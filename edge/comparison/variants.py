"""The ways to read an image that are compared: the fine model whole, the coarse one alone, and the two-stage network.

python -m edge.comparison.variants --variant=NAME --bundle=BUNDLE IMAGE [--num_patches=K] [--threads=N]

As a program it answers for one image in a fresh process, one JSON object: what `edge.benchmark` starts to find how long
the first answer takes and how much memory it needs.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: a thread per core makes tiny products slower

import json
import math
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from edge.arguments import OneLineParser, number_of_threads
from edge.bundle import SALIENCY_FILE, Bundle, load_bundle, model_file_name
from edge.bundle.manifest import Input, Manifest
from edge.errors import UserError, run_main
from edge.network.kernels import FASTEST, Kernels
from edge.network.pyramid_runner import ALL, make_runner
from edge.network.result import Clock
from edge.network.runner import NEVER
from edge.network.whole_runner import make_whole_runner
from edge.sight.images import load_image, model_pixels, open_image

PRECISIONS = {"float32": "float32", "ptq": "int8", "qat": "int8"}  # by the manifest's method
WHOLE, COARSE, DCN = ("whole_fine",), ("coarse",), ("coarse", "fine", "top")
ADAPTIVE = "adaptive"  # patches, by the manifest's threshold for them
NOT_ASKED_FOR = "not asked for"
SAME_NETWORK = ("name", "task", "labels", "input", "cells", "patch")


@dataclass(frozen=True)
class Variant:
    """One way to read an image.

    Attributes:
        precision: of the bundle that it takes, 'float32' or 'int8'.
        models: those of the bundle that it runs.
        setting: the manifest's value that it needs and that `TwoStageRunner.run` takes by the same name, or `ADAPTIVE`
            for the one of adaptive patches, or None. Where there is one, images differ in what is computed for them.
    """

    precision: str
    models: tuple
    setting: str | None = None

    def settings(self, manifest: Manifest, num_patches: int) -> dict:
        """Returns the arguments of `TwoStageRunner.run` beside the image."""
        if self.models == COARSE:  # whose probabilities no reading threshold was chosen for
            return {"exit_entropy": math.inf} | ({"reading_threshold": 0.0} if manifest.levels else {})
        at_once = {"vote_lead": ALL} if manifest.levels else {}
        name = self.setting_of(manifest)
        return {"num_patches": num_patches, "exit_entropy": NEVER, **at_once} | (
            {name: getattr(manifest, name)} if name else {}
        )

    def setting_of(self, manifest: Manifest) -> str | None:
        """Returns the name of its setting in a manifest."""
        return manifest.adaptive if self.setting == ADAPTIVE else self.setting

    def file_names(self) -> tuple:
        """Returns the files of the bundle that it cannot do without; the coarse model alone needs no saliency."""
        return (*map(model_file_name, self.models), *([SALIENCY_FILE] if self.models == DCN else []))


VARIANTS = {
    "fine_float32": Variant("float32", WHOLE),
    "fine_int8": Variant("int8", WHOLE),
    "coarse_int8": Variant("int8", COARSE),
    "dcn_float32": Variant("float32", DCN),
    "dcn_int8": Variant("int8", DCN),
    "dcn_int8_exit": Variant("int8", DCN, "exit_entropy"),
    "dcn_int8_adaptive": Variant("int8", DCN, ADAPTIVE),
}


def by_precision(bundle: Bundle, float_bundle: Bundle | None = None) -> dict[str, Bundle]:
    """Returns the bundles that are given by precision, 'int8' and 'float32'; UserError where they are no such pair."""
    found = {}
    for name, given in (("--bundle", bundle), ("--float_bundle", float_bundle)):
        if given is None:
            continue
        method = given.manifest.method
        if method not in PRECISIONS or (name == "--float_bundle" and PRECISIONS[method] != "float32"):
            wanted = "a float32 bundle" if name == "--float_bundle" else f"a bundle of {', '.join(PRECISIONS)}"
            raise UserError(f"{name} must be {wanted}, received {given.path}, which is {method}; name another")
        if PRECISIONS[method] in found:
            raise UserError(f"--bundle and --float_bundle are both {method}; name the int8 bundle as --bundle")
        found[PRECISIONS[method]] = given
    if float_bundle is not None:
        _check_same_network(bundle.manifest.content, float_bundle.manifest.content)
    return found


def _check_same_network(one: dict, other: dict):
    for name in SAME_NETWORK:
        if one[name] != other[name]:
            raise UserError(
                f"--bundle and --float_bundle are not of one network: {name} is {str(one[name])[:80]} and "
                f"{str(other[name])[:80]}; name two bundles of one training"
            )


def choose(bundles: dict, names=None, real_images: bool = True) -> tuple[dict, dict]:
    """Returns the variants that can be run, name -> `Variant`, and why the others cannot, name -> reason.

    Args:
        bundles: see `by_precision`.
        names: which are wanted; all where None.
        real_images: whether images are given. What depends on them is left out otherwise.

    Raises:
        UserError: a name is unknown, or none of those wanted can be run.
    """
    wanted = list(VARIANTS) if names is None else names
    unknown = [name for name in wanted if name not in VARIANTS]
    if unknown or not wanted:
        raise UserError(f"--variants must be of {', '.join(VARIANTS)}, received {', '.join(unknown) or 'none'}")
    chosen, left_out = {}, {}
    for name, variant in VARIANTS.items():
        reason = NOT_ASKED_FOR if name not in wanted else _why_not(variant, bundles, real_images)
        if reason:
            left_out[name] = reason
        else:
            chosen[name] = variant
    if not chosen:
        reasons = "; ".join(f"{name}: {left_out[name]}" for name in wanted)
        raise UserError(f"no variant can be run ({reasons}); name others, or another bundle")
    return chosen, left_out


def _why_not(variant: Variant, bundles: dict, real_images: bool) -> str | None:
    """Returns why a variant cannot be run, or None."""
    if variant.precision not in bundles:
        return "needs --float_bundle" if variant.precision == "float32" else "needs an int8 --bundle"
    manifest = bundles[variant.precision].manifest
    missing = [name for name in variant.models if name not in manifest.models]
    if missing:
        return f"the bundle has no model {missing[0]}"
    setting = variant.setting_of(manifest)
    if setting and getattr(manifest, setting) is None:
        return f"the bundle's manifest has no {setting}"
    if setting and not real_images:
        return "what it does depends on the images; needs --images"
    return None


def find(name: str, bundle: Bundle) -> Variant:
    """Returns the named variant; UserError where the bundle cannot be read with in this way."""
    reason = _why_not(VARIANTS[name], {PRECISIONS.get(bundle.manifest.method): bundle}, real_images=True)
    if reason:
        raise UserError(f"{name} cannot be run with {bundle.path}: {reason}; name another bundle")
    return VARIANTS[name]


def make_run(
    variant: Variant,
    bundle: Bundle,
    num_patches: int | None,
    num_threads: int = 1,
    kernels: Kernels = FASTEST,
):
    """Returns a function, image -> `edge.network.result.Result`, with interpreters of its own.

    It takes further arguments of `run` by name, which go before what the variant sets.

    Args:
        num_patches: at most so many; the bundle's own where None.
        kernels: what is computed with between the models.

    Raises:
        UserError: see `edge.network.runner.TwoStageRunner` and `edge.network.whole_runner.WholeFineRunner`.
    """
    if variant.models == WHOLE:
        return make_whole_runner(bundle, num_threads, kernels).run
    runner = make_runner(bundle, num_threads, kernels)
    settings = variant.settings(bundle.manifest, runner.check_num_patches(num_patches))
    return lambda image, **more: runner.run(image, **(settings | more))


def from_file(run, rule: Input):
    """Returns `run` for an image's path in place of its pixels; the stages begin with `read` and `resize`.

    `read` is decoding, upright and grey or in colour, and `resize` is what brings it to the size at which it is read.
    """

    def run_file(path):
        clock = Clock()
        image = open_image(path, rule)
        clock.lap("read")
        pixels = model_pixels(image, rule, path)
        clock.lap("resize")
        result = run(pixels)
        return replace(result, stages_us=clock.laps | result.stages_us)

    return run_file


def peak_memory(status="/proc/self/status") -> float | None:
    """Returns the most memory that this process has had so far, MB; None where the system does not tell.

    Unlike what `wait4` tells of a child, it does not count the memory of the process that started this one.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(status).read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 / 1e6 if found else None


def main(arguments) -> None:
    """The command `python -m edge.comparison.variants`."""
    parser = OneLineParser(
        prog="python -m edge.comparison.variants", description="Reads one image in one of the compared ways."
    )
    parser.add_argument("--variant", required=True, choices=list(VARIANTS), help="which way")
    parser.add_argument("--bundle", required=True, metavar="BUNDLE", help="a folder or zip file made by tools.quantize")
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    parser.add_argument("--num_patches", type=int, metavar="K", help="patches; the bundle's own by default")
    parser.add_argument(
        "--threads", type=number_of_threads, default=1, metavar="N", help="threads of one inference (default 1)"
    )
    parser.add_argument("--stretch", type=float, metavar="X", help="the image is seen a second time, X times as high")
    parsed = parser.parse_args(arguments)
    bundle = load_bundle(parsed.bundle)
    run = make_run(find(parsed.variant, bundle), bundle, parsed.num_patches, parsed.threads)
    seen = {} if parsed.stretch is None else {"stretch": parsed.stretch}
    result = run(load_image(parsed.image, bundle.manifest.input), **seen)
    print(json.dumps({"prediction": result.prediction, "memory_mb": peak_memory()}), flush=True)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
