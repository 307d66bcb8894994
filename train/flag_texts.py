"""What --help says of each flag, by the type of its value."""

from dcn_tf.architecture import SELECTORS
from dcn_tf.presets import PRESETS
from train.config import COMPUTE_DTYPES, DISTRIBUTIONS, EVALS, MODELS, OPTIMIZERS, SCHEDULES, TRAININGS
from train.processor import AUTO

STRING_FLAGS = {
    "workdir": (
        "Folder for checkpoints, events, curves.csv, flags.txt, config.json, model.keras, samples/, attention.png, "
        "result.json. Resumed if begun."
    ),
    "dataset": (
        "cluttered_mnist | cluttered_mnist_windows | cluttered_digits | folder | street_numbers | svhn; or several, "
        "joined by commas, of which every batch holds its share (--dataset_weights). The first is the one that is "
        "validated and tested on; errors on the others' test images are reported as well."
    ),
    "data_dir": (
        "Where the data lies. cluttered_mnist: a folder with mnist.npz or the IDX files. folder: a folder or a zip "
        "with images and annotations.json. svhn: a folder with train.tar.gz and test.tar.gz (and extra.tar.gz), or "
        "unpacked, train/ and test/. Where it is left out: the environment variable DCN_DATA_DIR, then what was "
        "fetched before, then fetched now, then --fallback_dataset. For svhn that is also the order in which each of "
        "its parts is looked for."
    ),
    "eval_data_dir": (
        "A folder or zip with images and annotations.json, whose test images a model for numbers is tested on as well."
    ),
    "fallback_dataset": "Takes the place of a data set that is neither on disk nor reachable; a banner says so.",
    "preset": f"Architecture: {' | '.join(PRESETS)}.",
    "architecture": (
        "File of a network of one's own, YAML or JSON, in place of --preset; see docs/your_data.md. python -m "
        "tools.describe FILE prints and checks it."
    ),
    "model": f"What to train: {' | '.join(MODELS)}. 'coarse' and 'fine' are baselines: one stack on the whole image.",
    "training": (
        f"{' | '.join(TRAININGS)}. 'modular' trains the coarse and the fine model over whole training images, each "
        "with its own loss, and joins them at evaluation."
    ),
    "init_from": (
        "Weights to begin from: a workdir, or a .keras file of a network of the same architecture; of several, "
        "separated by commas, the mean. Optimizer and schedule begin anew. A workdir that was begun resumes from its "
        "own checkpoint."
    ),
    "teacher": (
        "Networks whose answers this one is trained to give too: workdirs or .keras files of classifiers, separated by "
        "commas. They see the object alone where the data says where it lies, and the mean of their answers counts."
    ),
    "negatives": "File of train.mine_negatives: what a network took for numbers, which street_numbers trains on too.",
    "optimizer": (
        f"{' | '.join(OPTIMIZERS)}. 'muon' makes the update of every kernel but those of outputs orthogonal; these, "
        "biases and normalisation have adamw's."
    ),
    "distribute": (
        f"{' | '.join(DISTRIBUTIONS)}. 'mirrored': every batch is divided among the GPUs of this machine. "
        "'multiworker': among machines that TF_CONFIG in the environment names, the same command on each; see "
        "docs/several_machines.md."
    ),
    "compute_dtype": (
        f"What maps are computed in while training: {' | '.join((AUTO, *COMPUTE_DTYPES))}. '{AUTO}' is bfloat16 where "
        "the processor multiplies it faster (AMX or AVX512-BF16), but for GPUs and several machines; a run that goes "
        "on keeps its own. Weights, losses and all evaluation are float32."
    ),
    "eval": (
        f"How much is evaluated: {' | '.join(EVALS)}. 'quick' reads the first 500 images of each split at the first of "
        "--eval_scales, without --selectors and semi-real photographs; the whole fine model reads as many of them as "
        "have a million pixels together. 'full' reads all; with a finished --workdir nothing is trained again."
    ),
    "schedule": f"Learning rate over the run: {' | '.join(SCHEDULES)}. 'exponential' falls by --decay_rate.",
    "top_statistics": "Batch statistics of a classifier top's passes: separate | shared; the preset's own by default.",
}
INTEGER_FLAGS = {
    "seed": "Seeds weights, the order of images and what is generated. Validation and test do not depend on it.",
    "train_steps": "Number of steps.",
    "batch_size": "Images per step.",
    "negatives_repeats": "How often each picture of --negatives is among the training images.",
    "replicas": (
        "Equal parts of every batch that are computed side by side, on an equal part of the cores each: for few cores "
        "faster than every operation on all of them. Each part has batch statistics of its own."
    ),
    "warmup_steps": "Steps over which the learning rate rises from 0 (cosine only).",
    "num_patches": "Patches per image in training, k; the preset's own by default.",
    "easy_steps": (
        "Steps over which training windows of numbers grow from easy ones, large numbers in the middle, to all kinds."
    ),
    "train_images": "Size of the training split, where it is rendered.",
    "validation_images": "Size of the validation split, where it is generated.",
    "test_images": "Size of the test split, where it is generated.",
    "log_every": "Steps between progress lines.",
    "checkpoint_every": "Steps between checkpoints.",
}
FLOAT_FLAGS = {
    "learning_rate": "Peak learning rate.",
    "decay_rate": "Factor by which the exponential schedule falls over the run.",
    "weight_decay": "Decoupled weight decay; not of biases and normalisation.",
    "momentum": "Momentum of sgd.",
    "clip_norm": "Gradients longer than this, all weights together, are shortened to it; 0 leaves them as they are.",
    "label_smoothing": (
        "Share of every label that is spread evenly over all categories in the losses. 0, as in the paper, leaves "
        "labels as they are."
    ),
    "ema": (
        "Decay of an exponential moving average of the weights, such as 0.999, which evaluation, model.keras and every "
        "export then use. 0 averages nothing."
    ),
    "hint_weight": "Weight of the hint, which pulls coarse vectors to fine ones of selected cells. 0 leaves it out.",
    "place_weight": (
        "Weight of a loss on every place along the fine stack's row: which digit of the number it shows. The shipped "
        "reader's last parts had 2; what it brings alone was not measured. 0 leaves it out."
    ),
    "teacher_weight": "Weight of what --teacher teaches, beside the labels.",
    "temperature": (
        "By how much the logits of --teacher, and those that are taught, are divided before their softmax. The higher, "
        "the more improbable classes count."
    ),
    "distortion": (
        "Digits of every second cluttered training image are turned by up to so many times 15 degrees, and stretched "
        "and sheared by up to so many times 15 %. 0 in the paper."
    ),
    "elasticity": (
        "Digits of every second cluttered training image are bent by a smooth field of shifts, of so many pixels in "
        "the standard deviation. 0 in the paper."
    ),
    "looseness": (
        "Training crops of house numbers show up to so many times as much in height and width as a tight one, "
        "log-uniformly from 1, since numbers in photographs are of many sizes. 1 gives tight crops alone."
    ),
    "background_share": (
        "Share of the training images that are windows without a whole number, of which nothing is to be read: the "
        "uniform distribution is asked for. Of rendered scenes: so many without a number for each one with it. 0 in "
        "the paper. svhn, street_numbers."
    ),
    "skip_bad": (
        "folder: the share of the images that may be left out because they can't be read, are listed with "
        "contradictory labels, or in several splits. They are named either way."
    ),
    "patches_apart": (
        "Patches of one level begin so much of a patch's height or width apart, where a network has several; 0 takes "
        "them wherever the saliency is highest. The preset's own by default."
    ),
    "coarse_weight": "Weight of the coarse output's own cross-entropy in end-to-end training; 0 in the paper.",
}
SET = (
    "A field of the preset or the file and its new value, such as coarse.0.filters=24, image_size=64,96 or channels=3. "
    "May be given several times. Channels and classes that nobody names follow the data."
)
LIST_FLAGS = {
    "dataset_weights": (float, "Shares of several data sets in every batch; equal by default."),
    "patch_size": (int, "Side of the patches, or height,width; the preset's own by default."),
    "train_num_patches": (
        int,
        "Numbers of patches to train end to end with, one of which is drawn for every step, so that the network "
        "answers from few as well as from many. --num_patches alone by default.",
    ),
    "eval_num_patches": (int, "Numbers of patches to evaluate with."),
    "eval_scales": (float, "Sizes to read test images at, in parts of their own; the answers are averaged one by one."),
    "scene_kinds": (
        str,
        "Kinds of numbers in the scenes that training windows are cut from: house, sign, speed_limit, display, drum; "
        "each alone, or KIND:WEIGHT, drawn so many times as often. All of them by default. street_numbers.",
    ),
    "selectors": (
        str,
        f"Other choices of patches to compare with: {', '.join(SELECTORS[1:])}. The last two are told the truth.",
    ),
}
BOOLEAN_FLAGS = {
    "relative_hint": "Whether the hint is divided by the mean squared length of the fine vectors. Not in the paper.",
    "fallback": "Whether --fallback_dataset may be used.",
    "svhn_extra": "Whether svhn trains on its `extra` photographs too, as the paper does: 202,353 more, another 2 GB.",
    "augment": "Whether training images of numbers are shifted, scaled, turned and re-lit at random.",
}
