"""One pipeline for every data set: batches made ahead of the training step, in order."""

import numpy as np
import tensorflow as tf

from train.data.dataset import Dataset

WORKERS = 2  # batches that are made at a time


def train_batches(dataset: Dataset, first_step: int, last_step: int) -> tf.data.Dataset:
    """Returns the batches of steps first_step .. last_step - 1: float images in [0, 1], int32 labels, float32 boxes."""
    made_before = {first_step: dataset.train_batch(first_step)}  # which tells the shapes, and is shown as well
    shapes = [array.shape for array in made_before[first_step]]

    def arrays(step):
        return made_before.pop(int(step), None) or dataset.train_batch(step)

    def batch(step):
        made = tf.numpy_function(arrays, [step], [tf.uint8, tf.int32, tf.float32], stateful=False)
        return tuple(map(tf.ensure_shape, made, shapes))

    options = tf.data.Options()
    options.threading.private_threadpool_size = WORKERS  # TensorFlow's own may be busy with the step all the time
    return (
        tf.data.Dataset.range(first_step, last_step)
        .map(batch, num_parallel_calls=WORKERS, deterministic=True)
        .map(lambda images, labels, boxes: (to_float(images), labels, boxes))
        .prefetch(4)
        .with_options(options)
    )


def to_float(images):
    """Returns the model's input: uint8 0..255 as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / np.float32(255)
