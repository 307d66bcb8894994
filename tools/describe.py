"""Prints and checks a network: its layers, fields, cells, patches, multiplications and weights.

python -m tools.describe PRESET|FILE [--set=coarse.0.filters=24] [--image=PHOTO.jpg] [--draw=cells.png]
"""

import math
from pathlib import Path

from PIL import Image, ImageDraw

from dcn_tf.architecture import Architecture, KerasLayer, Residual, channels_of
from dcn_tf.blueprint import Blueprint, changed, of_preset, of_text
from dcn_tf.cost import dcn_cost, model_weights, whole_multiplications
from dcn_tf.geometry import num_cells, output_size, patch_grid, smallest_image, stack_geometry
from dcn_tf.presets import PRESETS
from dcn_tf.stack_lists import kind_of
from edge.errors import UserError
from edge.output import check_apart, check_writable
from edge.sight.images import open_image
from tools import command
from tools.files import check_size, write_picture
from tools.table import table

CELL, FIELD, PATCH = (90, 160, 255), (255, 200, 0), (60, 255, 120)
MOST_DRAWN = 2**26  # pixels
MOST_TEXT = 2**20  # bytes of a file that describes a network
SMALLEST = 400  # pixels of a drawing's longer side


def make_parser():
    """Returns the parser of the command line."""
    parser = command.make_parser("tools.describe", __doc__)
    parser.add_argument("network", metavar="PRESET|FILE", help=f"{', '.join(PRESETS)}; or a YAML or JSON file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="a field and its new value; as of train.main"
    )
    parser.add_argument("--image", metavar="FILE", help="what the cells are drawn over; grey where left out")
    parser.add_argument("--draw", metavar="FILE.png", help="where the drawing of the cells goes; none where left out")
    return parser


def read_blueprint(name: str, changes=()) -> Blueprint:
    """Returns what a preset or a file describes; UserError where it is neither, or no network."""
    try:
        if name in PRESETS:
            return of_preset(name, changes)
        check_size(name, MOST_TEXT)
        text = Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is no preset ({', '.join(PRESETS)}), and can't be read as a file: {error}") from error
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error
    try:
        return changed(of_text(text, Path(name).stem), changes)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error


def report(blueprint: Blueprint) -> str:
    """Returns the description of a network in words and tables; UserError where it cannot work."""
    try:
        architecture = blueprint.architecture()
    except ValueError as error:
        raise UserError(f"the network cannot work: {error}") from error
    parts = [_heading(architecture, blueprint.open)]
    sizes = {"coarse": architecture.image_size, "fine": architecture.patch_size}
    for name, size in sizes.items():
        of_what = "the image" if name == "coarse" else "a patch"
        parts.append(f"{name} stack, over {of_what}\n{stack_table(getattr(architecture, name), size, architecture)}")
    parts += [_cells(architecture), _costs(architecture), _cannot(architecture)]
    return "\n\n".join(filter(None, parts))


def stack_table(stack, size, architecture: Architecture) -> str:
    """Returns a table of a stack's layers over an input of `size` (height, width)."""
    rows, channels = [], architecture.channels
    for i, layer in enumerate(stack):
        size = output_size((layer,), size)
        field = stack_geometry(stack[: i + 1])
        weights, count = layer.weights(channels), size[0] * size[1] * layer.multiplications(channels)
        channels = layer.channels_out(channels)
        rows.append(
            [
                _layer_text(layer),
                f"{_by(size)} x {channels}",
                _by(field.field),
                _by(field.stride),
                f"{count:,}",
                f"{weights:,}",
            ]
        )
    return table(["layer", "output", "field", "stride", "multiplications", "weights"], rows)


def _layer_text(layer) -> str:
    if isinstance(layer, Residual):
        return f"residual of {len(layer.layers)}: {', '.join(map(_layer_text, layer.layers))}"
    filters = f" {layer.filters}" if getattr(layer, "filters", None) else ""
    stride = f" / {_by(layer.strides)}" if layer.strides != (1, 1) else ""
    kind = layer.layer if isinstance(layer, KerasLayer) else kind_of(layer)
    return f"{kind}{filters}, {_by(layer.kernel)}{stride}"


def _heading(architecture: Architecture, open_) -> str:
    size = f"{_by(architecture.image_size)} x {architecture.channels}"
    text = f"{architecture.name}: images {size}, {architecture.top.words}"
    return text + (f" ({' and '.join(open_)} follow the data; assumed here)" if open_ else "")


def _cells(architecture: Architecture) -> str:
    geometry = stack_geometry(architecture.coarse)
    grid = patch_grid(geometry, architecture.patch_size)
    cells = num_cells(architecture, architecture.image_size)
    apart = f", {architecture.patches_apart} of one apart" if architecture.patches_apart else ""
    return "\n".join(
        [
            f"cells: {cells}, {_by(output_size(architecture.coarse, architecture.image_size))} on the image itself; "
            f"each sees {_by(geometry.field)} pixels, every {_by(geometry.stride)}, from {geometry.offset}",
            f"patches: {architecture.num_patches} of {_by(grid.size)} pixels{apart}, the first from {grid.origin}; "
            f"a patch gives {_by(output_size(architecture.fine, architecture.patch_size))} vectors of "
            f"{channels_of(architecture.fine)}",
            f"smallest image: {_by(smallest_image(architecture))}",
        ]
    )


def _costs(architecture: Architecture) -> str:
    cost, whole = dcn_cost(architecture), whole_multiplications(architecture, "fine")
    weights = model_weights(architecture)
    rows = [
        ["coarse stack, on the image", f"{cost.coarse_stack:,}"],
        ["top, on the coarse map", f"{cost.coarse_pass:,}"],
        ["saliency", f"{cost.saliency:,}"],
        [f"fine stack, on {architecture.num_patches} patches", f"{cost.fine_stack:,}"],
        ["top, on the refined map", f"{cost.refined_pass:,}"],
        ["all of it", f"{cost.total:,}"],
        ["the fine model on the whole image", f"{whole:,} ({whole / cost.total:.1f} times)"],
    ]
    parameters = ", ".join(f"{name} {count:,}" for name, count in weights.items())
    costs = table(["per image", "multiplications"], rows)
    return f"{costs}\n\nparameters: {parameters}; {sum(weights.values()):,} together"


def _cannot(architecture: Architecture) -> str:
    """Returns one line on what a network of this description can't have; empty where it can have everything."""
    activations = {
        layer.activation for layer in (*architecture.coarse, *architecture.fine) if hasattr(layer, "activation")
    }
    foreign = sorted(str(name) for name in activations - {"relu", "linear", None})
    return f"no bundle: activation {', '.join(foreign)}, and a bundle has relu and linear" if foreign else ""


def drawing(architecture: Architecture, image: Image.Image | None) -> Image.Image:
    """Returns the cells over an image: a dot in the middle of each field, and one cell's field and patch as boxes."""
    height, width = architecture.image_size
    factor = max(1, -(-SMALLEST // max(height, width)))
    picture = Image.new("RGB", (width, height), (96, 96, 96)) if image is None else image.convert("RGB")
    picture = picture.resize((width * factor, height * factor), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(picture)
    geometry = stack_geometry(architecture.coarse)
    grid = patch_grid(geometry, architecture.patch_size)
    rows, columns = output_size(architecture.coarse, architecture.image_size)
    for row in range(rows):
        for column in range(columns):
            top, left, bottom, right = geometry.cell_pixels((row, column))
            y, x = (top + bottom) / 2 * factor, (left + right) / 2 * factor
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=CELL)
    middle = rows // 2, columns // 2
    top, left, bottom, right = geometry.cell_pixels(middle)
    pen.rectangle((left * factor, top * factor, right * factor - 1, bottom * factor - 1), outline=FIELD, width=2)
    top, left = grid.start(middle)
    bottom, right = top + grid.size[0], left + grid.size[1]
    pen.rectangle((left * factor, top * factor, right * factor - 1, bottom * factor - 1), outline=PATCH, width=2)
    return picture


def _by(size) -> str:
    return " x ".join(map(str, size))


def main(arguments) -> None:
    """Runs the command."""
    values = make_parser().parse_args(arguments)
    if values.image and not values.draw:
        raise UserError("--image is what --draw draws over; give --draw=cells.png too")
    check_writable(values.draw, "--draw")
    check_apart({"--draw": values.draw}, {"--image": values.image})
    blueprint = read_blueprint(values.network, values.set)
    if values.draw and math.prod(blueprint.architecture().image_size) > MOST_DRAWN:
        raise UserError(f"--draw is for images of at most {MOST_DRAWN:,} pixels; leave it out")
    print(report(blueprint))
    if values.draw:
        picture = drawing(blueprint.architecture(), open_image(values.image) if values.image else None)
        write_picture(picture, values.draw, "--draw")
        print(f"\nwritten: {values.draw}, cells blue, the middle one's field yellow and its patch green")


if __name__ == "__main__":
    command.run(main)
