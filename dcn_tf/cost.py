"""Multiplications and bytes of stacks, tops and whole models, by arithmetic on their description.

One multiplication is counted per weight and output position, as the paper counts: out_h * out_w * k_h * k_w * in * out
for a convolution. Pooling, normalisation (folded into the convolution), activations, softmax and entropies count
nothing.
"""

from dataclasses import dataclass, replace

from dcn_tf.architecture import Architecture, channels_of
from dcn_tf.geometry import level_sizes, output_size


@dataclass(frozen=True)
class Cost:
    """Multiplications of the parts of one Dynamic Capacity Network for one image.

    Attributes:
        coarse_stack: the coarse stack on the whole image.
        fine_stack: the fine stack on the selected patches together.
        coarse_pass: the top over the coarse map.
        saliency: the gradient of the entropy through the top, counted as the paper does: one more pass of the top.
        refined_pass: the top over the refined map.
    """

    coarse_stack: int
    fine_stack: int
    coarse_pass: int
    saliency: int
    refined_pass: int

    @property
    def total(self) -> int:
        """All parts together."""
        return self.coarse_stack + self.fine_stack + self.coarse_pass + self.saliency + self.refined_pass


def stack_multiplications(stack, input_size, channels: int) -> int:
    """Returns the multiplications of a stack over an input of `input_size` (height, width) with `channels`."""
    total, size = 0, tuple(input_size)
    for layer in stack:
        size = output_size((layer,), size)
        total += size[0] * size[1] * layer.multiplications(channels)
        channels = layer.channels_out(channels)
    return total


def stack_weights(stack, channels: int) -> int:
    """Returns the number of weights that inference needs: kernels and one bias per filter, normalisation folded in."""
    total = 0
    for layer in stack:
        total += layer.weights(channels)
        channels = layer.channels_out(channels)
    return total


def whole_multiplications(architecture: Architecture, stack_name: str, image_size=None, top_output_size=None) -> int:
    """Returns the multiplications of the 'coarse' or 'fine' model, for another (height, width) where given.

    top_output_size: see `ClassifierTopSpec.multiplications`.
    """
    stack = getattr(architecture, stack_name)
    return sum(
        stack_multiplications(stack, size, architecture.channels)
        + architecture.top.multiplications(output_size(stack, size), channels_of(stack), top_output_size)
        for size in level_sizes(architecture, image_size or architecture.image_size)
    )


def dcn_cost(architecture: Architecture, num_patches=None, image_size=None, top_output_size=None) -> Cost:
    """Returns what an image (height, width) costs with k patches; both are the architecture's own where None."""
    num_patches = architecture.num_patches if num_patches is None else num_patches
    sizes = level_sizes(architecture, image_size or architecture.image_size)
    coarse_stack = sum(stack_multiplications(architecture.coarse, size, architecture.channels) for size in sizes)
    channels = channels_of(architecture.coarse)
    coarse_pass = sum(
        architecture.top.multiplications(output_size(architecture.coarse, size), channels, top_output_size)
        for size in sizes
    )
    refined_pass = coarse_pass
    if not architecture.top.swaps:
        refined_pass = _pooled_pass(architecture, num_patches)
    patch_cost = stack_multiplications(architecture.fine, architecture.patch_size, architecture.channels)
    return Cost(
        coarse_stack=coarse_stack,
        fine_stack=num_patches * patch_cost,
        coarse_pass=coarse_pass,
        saliency=coarse_pass,
        refined_pass=refined_pass,
    )


def device_cost(architecture: Architecture, num_patches: int, top_inputs: int) -> Cost:
    """Returns what one image costs the device, which runs the top again on what changes alone.

    Args:
        num_patches: k; 0 where the coarse answer stands although the saliency was computed.
        top_inputs: windows of the map, for sequences vectors, that the top is run on for the refined output.
    """
    at = dcn_cost(architecture, num_patches)
    if not top_inputs:
        refined_pass = 0
    elif architecture.top.swaps:
        map_size = output_size(architecture.coarse, architecture.image_size)
        refined_pass = architecture.top.multiplications(map_size, channels_of(architecture.coarse), (top_inputs, 1))
    else:
        refined_pass = _pooled_pass(architecture, top_inputs)
    return replace(at, refined_pass=refined_pass)


def _pooled_pass(architecture: Architecture, num_patches: int) -> int:
    """Returns what the top spends on fine vectors that are pooled: a prediction of each, and where it sees a box."""
    channels = channels_of(architecture.fine)
    return num_patches * (architecture.top.multiplications((1, 1), channels) + 4 * channels * architecture.top.box)


def model_weights(architecture: Architecture) -> dict[str, int]:
    """Returns the number of weights that inference needs in 'coarse', 'fine' and 'top'."""
    return {
        "coarse": stack_weights(architecture.coarse, architecture.channels),
        "fine": stack_weights(architecture.fine, architecture.channels),
        "top": architecture.top.weights(channels_of(architecture.coarse), channels_of(architecture.fine)),
    }


def model_bytes(architecture: Architecture, bytes_per_weight: int = 4) -> int:
    """Returns the bytes of all weights that inference needs, at `bytes_per_weight` (4 for float32, 1 for int8)."""
    return bytes_per_weight * sum(model_weights(architecture).values())
