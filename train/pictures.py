"""Pictures of what the network looks at."""

import math

import numpy as np

from dcn_tf.geometry import PatchGrid

GAP = 4
GROUND = 96


def attention(images: np.ndarray, outputs: dict[str, np.ndarray], grid: PatchGrid) -> np.ndarray:
    """Returns, below each other, each image, the same with its selected patches framed, its saliency, and the patches.

    Args:
        images: uint8 [n, H, W, C].

    Returns:
        uint8 [height, width, 3].
    """
    rows = []
    for i, image in enumerate(images):
        colour = np.broadcast_to(image, (*image.shape[:2], 3)).copy()
        framed = frame_patches(colour, patch_frames(outputs, i, grid))
        saliency = _enlarge(saliency_maps(outputs, i), image.shape[:2])
        rows.append(_join([colour, framed, saliency, _table(outputs["patches"][i], image.shape[0])], axis=1))
    return _join(rows, axis=0)


def patch_frames(outputs: dict, i: int, grid: PatchGrid) -> np.ndarray:
    """Returns where the patches of image i lie: float [k, 4], (top, left, bottom, right) in pixels of the image."""
    cells = outputs["cells"][i]
    starts = np.array([grid.start(cell) for cell in cells[:, -2:]], float)
    corners = np.stack([starts, starts + grid.size], axis=1)  # [k, 2, 2], (row, column)
    if "levels" in outputs:
        levels = [outputs["levels"][number] for number in cells[:, 0]]
        corners -= np.array([level.start for level in levels])[:, None]
        corners /= np.array([level.zoom for level in levels])[:, None]
    return corners.reshape(-1, 4)


def frame_patches(image: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Returns the uint8 [H, W, 3] image with frames [k, 4] as `patch_frames` gives them, the most salient brightest."""
    framed = image.copy()
    height, width = image.shape[:2]
    for rank, frame in reversed(list(enumerate(np.round(frames).astype(int)))):
        top, left, bottom, right = np.clip(frame, 0, (height, width) * 2)
        if top == bottom or left == right:
            continue
        colour = np.array([255, 60 + 120 * rank // len(frames), 0]) * (1 - 0.5 * rank / len(frames))
        framed[top:bottom, [left, right - 1]] = colour
        framed[[top, bottom - 1], left:right] = colour
    return framed


def saliency_maps(outputs: dict, i: int) -> list[np.ndarray]:
    """Returns the saliency of image i as maps [h, w], one of each level."""
    if "levels" not in outputs:
        return [outputs["saliency"][i]]
    sizes = outputs["map_sizes"]
    parts = np.split(outputs["saliency"][i], np.cumsum(sizes.prod(axis=1))[:-1])
    return [part.reshape(size) for part, size in zip(parts, sizes)]


def _enlarge(maps: list[np.ndarray], size) -> np.ndarray:
    """Returns maps [h, w] over each other as a grey picture of `size`, their maximum white; nearest neighbour."""
    over = np.zeros(size)
    for saliency in maps:
        rows = np.arange(size[0]) * saliency.shape[0] // size[0]
        columns = np.arange(size[1]) * saliency.shape[1] // size[1]
        over = np.maximum(over, saliency[rows][:, columns])
    grey = (255 * over / max(over.max(), 1e-12)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _table(patches: np.ndarray, height: int) -> np.ndarray:
    """Returns patches [k, h, w, C] from 0 to 1 in rows on a grey ground, enlarged as far as `height` has room for."""
    patches = np.broadcast_to((patches * 255).round().astype(np.uint8), (*patches.shape[:3], 3))
    most = max(1, (height + GAP) // (patches.shape[1] + GAP))
    rows = min(most, math.ceil(math.sqrt(len(patches) / 2)))
    columns = math.ceil(len(patches) / rows)
    scale = max(1, (height - (rows - 1) * GAP) // (rows * patches.shape[1]))
    patches = [*patches.repeat(scale, axis=1).repeat(scale, axis=2)]
    patches += [np.full_like(patches[0], GROUND)] * (rows * columns - len(patches))
    lines = [_join(patches[start : start + columns], axis=1) for start in range(0, len(patches), columns)]
    table = _join(lines, axis=0)[:height]
    ground = np.full((height, table.shape[1], 3), GROUND, np.uint8)
    ground[: len(table)] = table
    return ground


def _join(pictures, axis: int) -> np.ndarray:
    """Returns pictures side by side (axis 1) or below each other (axis 0), with a gap."""
    gap_shape = list(pictures[0].shape)
    gap_shape[axis] = GAP
    parts = [part for picture in pictures for part in (picture, np.full(gap_shape, GROUND, np.uint8))]
    return np.concatenate(parts[:-1], axis=axis)
