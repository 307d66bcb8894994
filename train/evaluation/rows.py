"""Names of the rows that a split is evaluated in: 'coarse', 'fine', 'dcn/8' and the like."""

from dcn_tf.architecture import SEQUENCE, Architecture
from dcn_tf.geometry import read_size
from dcn_tf.model import DynamicCapacityNetwork
from train.data.dataset import Split

SELECTOR = "entropy_gradient"  # the method's own; its rows are called 'dcn'


def whole_rows(architecture: Architecture, stack: str) -> tuple[str, ...]:
    """Returns the rows of one stack over the whole image.

    Returns:
        The stack's own name; for sequences also the row in which cells weigh by the inverse of their entropy, unless an
        image may hold nothing: its cells are then pooled as the network's own are.
    """
    if architecture.task != SEQUENCE or architecture.top.may_be_empty:
        return (stack,)
    return stack, "soft_attention" if stack == "coarse" else "fine_inverse_entropy"


def stacks(trained: str) -> tuple[str, ...]:
    """Returns the stacks that have rows where 'dcn' (both), 'coarse' or 'fine' was trained."""
    return ("coarse", "fine") if trained == "dcn" else (trained,)


def possible_counts(model: DynamicCapacityNetwork, num_patches, split: Split, scale: float) -> list[int]:
    """Returns the numbers of patches, in order, for which the largest image of a split has enough cells."""
    largest = read_size(model.architecture, split.sizes().max(axis=0), scale)
    return [k for k in sorted(num_patches) if k <= model.num_cells(largest)]


def figure(kind: str, scales: int, row: str) -> str:
    """Returns the name of a figure of a row, averaged over the first `scales` scales: 'error', 1, 'coarse' for one."""
    return f"{kind}/{row}" if scales == 1 else f"scales/{scales}/{kind}/{row}"
