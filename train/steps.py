"""One training step: the loss terms of each way to train, and one backward pass over their weighted sum."""

import functools

import keras
import numpy as np
import tensorflow as tf

from dcn_tf.architecture import channels_of
from dcn_tf.losses import box_loss, distillation, hint, negative_log_likelihood
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.precision import computing_in
from dcn_tf.pyramid import positions_of
from train.aids import NO_AIDS, Aids
from train.config import Config
from train.distribution import ALONE, Distribution

BOX_WEIGHT = 5.0  # of a box's mean distance, which is some hundredths of a patch, beside nats


def end_to_end_losses(model: DynamicCapacityNetwork, images, labels, config: Config, num_patches=None, taught=None):
    """Returns the loss terms of the whole network, name -> (weight, value) (paper, section 2).

    The coarse weights see a sum of cross-entropy and hint. The paper's convex combination differs from it by a factor
    on the whole coarse gradient, to which Adam is indifferent. A hint without weight is still measured, and beside a
    relative one the distance itself. num_patches: k; the architecture's own where None. taught: logits of a teacher.
    """
    heads, smoothing = model.architecture.top.heads, config.label_smoothing
    outputs = model.all_stages(images, training=True, num_patches=num_patches)
    terms = {"refined": (1.0, negative_log_likelihood(outputs["logits"], labels, heads, smoothing))}
    if channels_of(model.architecture.coarse) == channels_of(model.architecture.fine):
        cells = outputs["cells"]
        if model.architecture.has_pyramid:  # whose coarse vectors stand in one list
            cells = positions_of(cells, outputs["map_sizes"])[..., None]
        vectors = outputs["coarse_features"], outputs["fine_features"], cells
        terms["hint"] = (config.hint_weight, hint(*vectors, relative=config.relative_hint))
        if config.relative_hint:
            terms["distance"] = (0.0, hint(*vectors))
    if config.coarse_weight:
        coarse = negative_log_likelihood(outputs["coarse_logits"], labels, heads, smoothing)
        terms["coarse"] = (config.coarse_weight, coarse)
    answers = {"refined": outputs["logits"], "coarse": outputs["coarse_logits"]}
    return terms | _taught_losses(terms, answers, taught, config)


def _taught_losses(terms, answers, taught, config: Config):
    """Returns the loss terms of a teacher's logits, if any, for each answer that labels teach, in the same shares."""
    return {
        f"{name}_taught": (config.teacher_weight * terms[name][0], distillation(logits, taught, config.temperature))
        for name, logits in answers.items()
        if taught is not None and name in terms
    }


def whole_losses(model, images, labels, boxes, names, config: Config, places=None, taught=None):
    """Returns the loss terms of the coarse and / or fine models, each over the whole image on its own.

    With a sequence top the two share no weight, so that training both at once is training each alone. A classifier's
    models share the top, which then learns to read both. places: a `PlaceReader` of the fine stack's row, or None.
    taught: logits of a teacher, or None.
    """
    terms, heads, smoothing = {}, model.architecture.top.heads, config.label_smoothing
    for name in names:
        whole = model.whole_model(name)
        if name == "fine" and places is not None:
            row = whole.stack.part(images, last=places.count, training=True)
            outputs = whole.answer(whole.stack.part(row, places.count, training=True), training=True)
            terms["place"] = (config.place_weight, places.loss(row, labels, boxes))
        else:
            outputs = whole(images, training=True)
        terms[name] = (1.0, negative_log_likelihood(outputs["logits"], labels, heads, smoothing))
        terms |= _taught_losses(terms, {name: outputs["logits"]}, taught, config)
        if getattr(whole.top, "box", None) is not None:
            found = whole.top.cell_boxes(tf.reduce_mean(outputs["features"], axis=(1, 2)))
            terms["box"] = (BOX_WEIGHT, box_loss(found, boxes[:, :4]))
    return terms


def trained_variables(model: DynamicCapacityNetwork, config: Config) -> list:
    """Returns the variables that the configuration trains, in a fixed order."""
    if config.model == "dcn":
        return model.trainable_variables
    return model.whole_model(config.model).trainable_variables


def losses(model: DynamicCapacityNetwork, config: Config, aids: Aids, num_patches, images, labels, boxes=None):
    """Returns the loss terms that the configuration asks for, name -> (weight, value)."""
    taught = aids.teacher and aids.teacher.logits(images, boxes)
    if config.model != "dcn" or config.training == "modular":
        names = ("coarse", "fine") if config.model == "dcn" else (config.model,)
        return whole_losses(model, images, labels, boxes, names, config, aids.places, taught)
    return end_to_end_losses(model, images, labels, config, num_patches, taught)


def mean_losses(model: DynamicCapacityNetwork, config: Config, aids: Aids, num_patches, batch):
    """Returns the mean of `losses` over the configuration's replicas, each of which has an equal part of the batch."""
    parts = zip(*(tf.split(tensor, config.replicas) for tensor in batch))
    found = [losses(model, config, aids, num_patches, *part) for part in parts]
    return {
        name: (weight, tf.add_n([terms[name][1] for terms in found]) / config.replicas)
        for name, (weight, _) in found[0].items()
    }


class TrainStep:
    """(images, labels, boxes) -> {"loss", "gradient_norm", each term}, compiled, which updates the model.

    Each of the configuration's replicas computes a part of the batch; their losses are averaged. They depend on nothing
    of each other, so that TensorFlow runs them side by side. Each is normalised by statistics of its own part, which
    the moving statistics follow one after the other. Devices and machines compute parts in the same way; of moving
    statistics on several machines the mean is taken.

    Args:
        model: built.
        optimizer: of `make_optimizer`.
        config: of the run.
        average: a `WeightAverage` that follows the model; None where there is none.
        aids: what is asked beside the network.
        shared: what a batch is shared out to.
    """

    def __init__(self, model, optimizer, config, average=None, aids: Aids = NO_AIDS, shared: Distribution = ALONE):
        self.model, self.optimizer, self.config = model, optimizer, config
        self.average, self.aids, self.shared = average, aids, shared
        self.variables = trained_variables(model, config) + (aids.places.variables if aids.places else [])
        optimizer.build(self.variables)
        self.moving = _moving_statistics(model) if shared.cluster.workers > 1 else []
        self.weights, self.reached = {}, []  # of the loss terms, and the variables with a gradient: found by tracing

    def __call__(self, *batch):
        return self._with_patches(drawn_num_patches(self.config, int(self.optimizer.iterations)), *batch)

    @tf.function(autograph=False)  # no branch depends on a value; converting Python for one takes seconds
    def _with_patches(self, num_patches, *batch):
        loss, *found = self.shared.mean(functools.partial(self._part, num_patches))(*batch)
        count, end = len(self.weights), len(self.weights) + len(self.reached)
        for variable, value in zip(self.moving, found[end:]):
            variable.assign(value)
        gradients, norm = clipped(found[count:end], self.config.clip_norm)
        _compiled_update(self.optimizer, self.reached, self.average)(gradients)
        metrics = {f"loss/{name}": value for name, value in zip(self.weights, found[:count])}
        return {"loss": loss, "gradient_norm": norm} | metrics

    def _part(self, num_patches, *batch):
        """Returns the loss, its terms, the gradients and the moving statistics of a part of a batch."""
        with tf.GradientTape() as tape, computing_in(self.model, self.config.compute_dtype):
            terms = mean_losses(self.model, self.config, self.aids, num_patches, batch)
            loss = tf.add_n([weight * value for weight, value in terms.values() if weight])
        gradients = tape.gradient(loss, self.variables)
        self.weights.update({name: weight for name, (weight, _) in terms.items()})
        # Without a coarse loss, nothing reaches the weights that only the coarse output uses.
        self.reached[:] = [variable for gradient, variable in zip(gradients, self.variables) if gradient is not None]
        values = [value for _, value in terms.values()]
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
        return [loss, *values, *gradients, *map(tf.identity, self.moving)]


def _compiled_update(optimizer, variables, average):
    """Returns gradients -> None, which updates the variables, and the average: hundreds of small operations as one.

    Muon spends its time in products of matrices. XLA makes them no faster, and takes seconds to compile them.
    """

    @tf.function(jit_compile=not isinstance(optimizer, keras.optimizers.Muon), autograph=False)
    def update(gradients):
        optimizer.apply_gradients(zip(gradients, variables))
        if average:
            average.follow(optimizer.iterations)

    return update


def drawn_num_patches(config: Config, step: int) -> int | None:
    """Returns with how many patches a step is made, the same in every process; None for the architecture's own."""
    counts = config.train_num_patches
    return counts[np.random.default_rng([config.seed, 3, step]).integers(len(counts))] if counts else None


def clipped(gradients, most: float):
    """Returns gradients, made smaller where their common norm is above `most` (0: never), and the norm they had."""
    norm = tf.linalg.global_norm(gradients)
    return (tf.clip_by_global_norm(gradients, most, use_norm=norm)[0] if most else gradients), norm


def _moving_statistics(model) -> list:
    """Returns the variables that follow the batches: float, and not trained."""
    variables = [variable.value for variable in model.non_trainable_variables]
    return [variable for variable in variables if variable.dtype.is_floating]
