"""Compiling, fitting and exporting a network of many named outputs, as of any Keras model."""

import keras

ANSWER = "logits"  # the output that labels are compared with where nothing else is said


class KerasWay:
    """`compile`, `fit`, `evaluate` and `export` for a model that returns its intermediates by name.

    Labels `y` alone are compared with `logits`. A dictionary of labels is compared with the outputs of the same names,
    such as `{"logits": y, "coarse_logits": y}`. Losses and metrics are given alike: one, or a dictionary.

    Example:
        ```python
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        model.fit(images, labels, validation_split=0.1)
        model.export("exported")
        ```
    """

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None, **kwargs):
        """Configures training; arguments as of `keras.Model.compile`."""
        named = [part for part in (loss, metrics, kwargs.get("weighted_metrics")) if isinstance(part, dict)]
        self.compared = sorted(set().union(*named)) or None
        kwargs.setdefault("jit_compile", False)  # normalisation is compiled by itself; all together takes a minute
        super().compile(optimizer, loss, loss_weights, metrics, **kwargs)

    def compile_from_config(self, config):
        """Compiles a loaded model as it was when saved; Keras leaves that out where `compile` is overridden."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y, y_pred = self._to_compare(y, y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, *self._to_compare(y, y_pred), sample_weight)

    def _to_compare(self, y, y_pred):
        """Returns labels and the outputs that they are compared with, of one structure."""
        if y is None:
            return y, y_pred
        if not isinstance(y, dict):
            if self.compared is None:
                return y, y_pred[ANSWER]
            if len(self.compared) > 1:
                raise ValueError(f"labels must be a dictionary of {', '.join(self.compared)}. Received: one array")
            y = {self.compared[0]: y}
        foreign = sorted(set(y) - set(y_pred))
        if foreign:
            raise ValueError(f"there is no output {foreign[0]!r}. The outputs are {', '.join(sorted(y_pred))}")
        return y, {name: y_pred[name] for name in y}

    def export(self, filepath, format="tf_saved_model", input_signature=None, **kwargs):
        """Exports the model as Keras does, for images of the architecture's size where no signature is given."""
        if input_signature is None:
            shape = (None, *self.architecture.image_size, self.architecture.channels)
            input_signature = [keras.InputSpec(shape=shape, dtype="float32")]
        return super().export(filepath, format=format, input_signature=input_signature, **kwargs)
