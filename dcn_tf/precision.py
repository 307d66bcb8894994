"""In which precision a network computes. Its weights are float32 whatever it computes in."""

import contextlib

import keras

from dcn_tf.normalization import BatchNormalization

FLOAT32_LAYERS = (BatchNormalization, keras.layers.Dense)


def use_float32():
    """Lets new layers be float32 with channels last, whatever the user's keras.json says. For programs, not libraries.

    The layers of this package name their data format themselves; a user's code may have any floatx and policy.
    """
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


@contextlib.contextmanager
def computing_in(model: keras.Model, dtype: str):
    """Lets the maps of a network be of `dtype` within the context: what is called, or traced, there.

    In bfloat16 convolutions read and write half the bytes, and processors with a matrix unit for it (AMX of x86, for
    instance) compute them faster. Batch normalisation, the output and all losses are computed in float32.

    Args:
        dtype: 'float32' or 'bfloat16'.
    """
    with layers_computing_in(
        [layer for layer in model._flatten_layers() if not isinstance(layer, FLOAT32_LAYERS)], dtype
    ):
        yield


@contextlib.contextmanager
def layers_computing_in(layers: list[keras.layers.Layer], dtype: str):
    """Lets these layers compute in `dtype`, 'float32' or 'bfloat16', within the context, as `computing_in` does."""
    before = [layer.dtype_policy for layer in layers]
    policy = keras.DTypePolicy("mixed_bfloat16" if dtype == "bfloat16" else dtype)
    try:
        for layer in layers:
            layer.dtype_policy = policy
        yield
    finally:
        for layer, policy_before in zip(layers, before):
            layer.dtype_policy = policy_before
