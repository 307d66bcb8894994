"""The computations between the models, each in NumPy and in C; a runner is given one set of them.

NumPy's calls cost a processor as small as a Raspberry Pi's more than what they compute on so few numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edge.network import assembly, compiled, patches, pixels, presence, saliency, scaling, stages, stages_in_place


@dataclass(frozen=True)
class Kernels:
    """A form of each computation. All forms of one give the same values, but for the order of sums.

    Attributes:
        scale: see `scaling.scale`.
        pixel_input: see `pixels.PixelInput`.
        cutter: see `patches.Cutter`.
        classifier: see `saliency.Classifier`.
        classifier_saliency: see `saliency.ClassifierSaliency`.
        seen_cells: see `presence.SeenCells`.
        presence_saliency: see `presence.PresenceSaliency`, which takes the cells of the same set of kernels.
        select_cells: see `saliency.select_cells`.
        assembler: see `assembly.Assembler`.
        make_stages: see `stages.Stages`.
    """

    scale: Callable
    pixel_input: type
    cutter: type
    classifier: type
    classifier_saliency: type
    seen_cells: type
    presence_saliency: type
    select_cells: Callable
    assembler: type
    make_stages: Callable


NUMPY = Kernels(
    scale=scaling.scale,
    pixel_input=pixels.PixelInput,
    cutter=patches.Cutter,
    classifier=saliency.Classifier,
    classifier_saliency=saliency.ClassifierSaliency,
    seen_cells=presence.SeenCells,
    presence_saliency=presence.PresenceSaliency,
    select_cells=saliency.select_cells,
    assembler=assembly.Assembler,
    make_stages=stages.Stages,
)
COMPILED = Kernels(
    scale=compiled.scale,
    pixel_input=compiled.PixelInput,
    cutter=compiled.Cutter,
    classifier=compiled.Classifier,
    classifier_saliency=compiled.ClassifierSaliency,
    seen_cells=compiled.SeenCells,
    presence_saliency=compiled.PresenceSaliency,
    select_cells=compiled.select_cells,
    assembler=compiled.Assembler,
    make_stages=stages_in_place.make_stages,
)
FASTEST = COMPILED if compiled.IS_COMPILED else NUMPY
