"""Writes the models of a network as float ONNX files, and runs them by onnxruntime."""

import importlib

import numpy as np
import tensorflow as tf

from edge.errors import UserError, one_line
from edge.network.pyramid_runner import make_runner
from edge.quiet import quiet
from tools.export.any_size import reads_any_size
from tools.export.clone import Clone
from tools.export.folding import folded_weights
from tools.export.graphs import graphs

OPSET = 17  # of ONNX: read by onnxruntime of 1.12 (2022) and newer
MODELS = ("coarse", "fine", "top")
NEEDED = ("onnx", "onnxruntime", "tf2onnx")
INPUT_AXES, OUTPUT_AXES = ("n", "height", "width", "channels"), ("n", "rows", "columns", "channels")


def check_installed():
    """Raises UserError where a package of the extra 'onnx' is missing."""
    for name in NEEDED:
        try:
            with quiet():
                importlib.import_module(name)
        except ImportError as error:
            raise UserError(
                f"--format=onnx needs {name}, which can't be imported ({one_line(error)}); "
                "install the extra: pip install 'dcn-tf[onnx]'"
            ) from None


def onnx_file_name(name: str) -> str:
    """Returns the file name of the named model in ONNX."""
    return f"{name}.onnx"


def onnx_models(network, num_patches: int) -> dict[str, bytes]:
    """Returns the ONNX files of the coarse, the fine and the top model, by name.

    Inputs, outputs and their names are those of `tools.export.graphs.graphs`, with pixels as they are, in [0, 1],
    channels last. The first axis is free; of networks for images of any size height and width are too.

    Raises:
        UserError: a part of the network has no form in ONNX.
    """
    clone = Clone(network, folded_weights(network), laid_out=False)
    any_size = reads_any_size(network.architecture)
    made = graphs(clone, num_patches)
    return {name: _converted(made[name], any_size and name == "coarse") for name in MODELS}


def _converted(graph, any_size: bool) -> bytes:
    import tf2onnx

    free = 3 if any_size else 1
    shape = [None] * free + list(graph.input_shape[free:])
    signature = [tf.TensorSpec(shape, tf.float32, name=graph.input_name)]
    function = tf.function(graph.function.python_function, input_signature=signature, autograph=False)
    try:
        with quiet():
            model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    except Exception as error:  # tf2onnx raises many kinds for an operator that it does not know
        raise UserError(
            f"the {graph.name} model cannot be converted to ONNX: {one_line(error)}; leave --format=onnx out"
        ) from error
    for tensors, axes in ((model.graph.input, INPUT_AXES), (model.graph.output, OUTPUT_AXES)):
        for tensor in tensors:
            for axis, size in zip(axes, tensor.type.tensor_type.shape.dim):
                if not size.dim_value:
                    size.dim_param = axis
    return model.SerializeToString()


class OnnxModel:
    """One ONNX model, run by onnxruntime on one core: real values in, real values out by name."""

    def __init__(self, content: bytes):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.input_name = self.session.get_inputs()[0].name
        self.output_names = [output.name for output in self.session.get_outputs()]

    def invoke(self, values) -> dict[str, np.ndarray]:
        """Returns the outputs by name."""
        found = self.session.run(self.output_names, {self.input_name: np.ascontiguousarray(values, np.float32)})
        return dict(zip(self.output_names, found))


def onnx_runner(bundle, models: dict[str, bytes]):
    """Returns the runner of a bundle whose models are onnxruntime's, with all that lies between them as on the device.

    Args:
        bundle: of the same network, in float32, whose pixels are not laid out.
    """
    runner = make_runner(bundle)
    for name, content in models.items():
        getattr(runner, name).invoke = OnnxModel(content).invoke
    return runner
