"""train.main with one more preset, a network that trains in milliseconds a step: python -m tiny_training --workdir=DIR.

All flags of train.main may follow.
"""

import sys

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv, MaxPool
from dcn_tf.presets import PRESETS
from train import command, main

FLAGS = (
    *("--preset=tiny_classifier", "--dataset=cluttered_digits", "--batch_size=4", "--fallback=false"),
    *("--log_every=1000", "--checkpoint_every=1000", "--validation_images=20", "--test_images=20"),
    "--eval_num_patches=1",
)


def tiny_classifier() -> Architecture:
    """Returns a network for 100 x 100 images: 24 x 24 cells."""
    return Architecture(
        name="tiny_classifier",
        image_size=(100, 100),
        channels=1,
        coarse=(Conv(4, 7, strides=4),),
        fine=(Conv(4, 3), MaxPool(2), Conv(4, 3)),
        top=ClassifierTopSpec(Conv(8, 4, strides=4), classes=10),
        patch_size=(10, 10),
        num_patches=3,
    )


if __name__ == "__main__":
    PRESETS["tiny_classifier"] = tiny_classifier
    main.define_flags()
    for name, text in (("restart", command.RESTART), ("print_config", "Print and stop.")):
        main.flags.DEFINE_boolean(name, False, text)
    sys.argv[1:1] = FLAGS
    command.run("tiny_training", main.main)
