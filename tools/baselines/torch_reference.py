"""A Dynamic Capacity Network in plain PyTorch, for `tools.baselines.framework_benchmark` to compare with.

Written as one writes it in PyTorch: `torch.nn` layers, the saliency by `torch.autograd.grad`, patches as a strided
view that is indexed, one backward pass, `torch.optim.AdamW`. The same layers, batch statistics and losses as
`dcn_tf.model` has for classifiers, and `load_keras_weights` to compare the two. Nothing else imports torch.
"""

import torch
from torch import nn
from torch.nn import functional

from dcn_tf import architecture as spec
from dcn_tf.geometry import patch_grid, stack_geometry

KERAS_MOMENTUM = 0.9
EPSILON = 1e-3


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, channels: int, layer: spec.Conv):
        super().__init__()
        top, bottom, left, right = *layer.padding[0], *layer.padding[1]
        if (top, left) != (bottom, right) or not layer.batch_normalization or layer.dropout:
            raise ValueError(f"the reference has symmetric padding, batch normalisation, no dropout. Received: {layer}")
        self.convolution = nn.Conv2d(channels, layer.filters, layer.kernel, layer.strides, (top, left), bias=False)
        self.normalization = nn.BatchNorm2d(layer.filters, eps=EPSILON, momentum=1 - KERAS_MOMENTUM)

    def forward(self, inputs):
        return functional.relu(self.normalization(self.convolution(inputs)))


def make_stack(channels: int, layers) -> nn.Sequential:
    """Returns the modules of a stack's description."""
    modules = []
    for layer in layers:
        if isinstance(layer, spec.Conv):
            modules.append(ConvBlock(channels, layer))
            channels = layer.filters
        else:
            modules.append(nn.MaxPool2d(layer.kernel, layer.strides))
    return nn.Sequential(*modules)


class Top(nn.Module):
    """The top of a classifier, with batch statistics of its own for each of its two passes."""

    def __init__(self, channels: int, top: spec.ClassifierTopSpec):
        super().__init__()
        self.block = ConvBlock(channels, top.conv)
        self.coarse_normalization = nn.BatchNorm2d(
            top.conv.filters, eps=EPSILON, momentum=1 - KERAS_MOMENTUM, affine=False
        )
        self.dense = nn.Linear(top.conv.filters, top.classes)

    def forward(self, features, coarse_pass=False):
        if coarse_pass:
            common = self.block.normalization
            maps = self.coarse_normalization(self.block.convolution(features))
            maps = functional.relu(maps * common.weight[:, None, None] + common.bias[:, None, None])
        else:
            maps = self.block(features)
        return self.dense(maps.amax(dim=(2, 3)))


class TorchDynamicCapacityNetwork(nn.Module):
    """The network of `dcn_tf.model.DynamicCapacityNetwork`, for classifiers: images [batch, C, H, W] -> outputs.

    Output:
        A dictionary: `coarse_features` [batch, D, h, w], `coarse_logits` [batch, classes], `saliency` [batch, h, w],
        `cells` [batch, k] (row * w + column), `fine_features` [batch, k, D], `logits` [batch, classes].
    """

    def __init__(self, architecture: spec.Architecture):
        super().__init__()
        self.num_patches = architecture.num_patches
        self.grid = patch_grid(stack_geometry(architecture.coarse), architecture.patch_size)
        self.coarse = make_stack(architecture.channels, architecture.coarse)
        self.fine = make_stack(architecture.channels, architecture.fine)
        self.top = Top(spec.channels_of(architecture.coarse), architecture.top)

    def forward(self, images):
        coarse_features = self.coarse(images)
        coarse_logits, saliency = self.saliency(coarse_features)
        cells = saliency.flatten(1).topk(self.num_patches).indices  # [batch, k]
        patches = self.cut_patches(images, cells, saliency.shape[1:])
        fine_features = self.fine(patches).mean(dim=(2, 3)).unflatten(0, cells.shape)  # [batch, k, D]
        index = cells[:, None].expand(-1, coarse_features.shape[1], -1)  # [batch, D, k]
        refined = coarse_features.flatten(2).scatter(2, index, fine_features.transpose(1, 2)).view_as(coarse_features)
        return {
            "coarse_features": coarse_features,
            "coarse_logits": coarse_logits,
            "saliency": saliency,
            "cells": cells,
            "fine_features": fine_features,
            "logits": self.top(refined),
        }

    def saliency(self, coarse_features):
        """Returns the coarse logits, and the norm of the gradient of their entropy at every cell."""
        logits = self.top(coarse_features, coarse_pass=True)
        log_probabilities = functional.log_softmax(logits, dim=-1)
        entropy = -(log_probabilities.exp() * log_probabilities).sum()
        (gradient,) = torch.autograd.grad(entropy, coarse_features, retain_graph=True)
        return logits, gradient.norm(dim=1)

    def cut_patches(self, images, cells, map_size):
        """Returns [batch * k, C, p, p]; what lies outside the image is zero."""
        sides = []
        for side, cell_count, origin, stride, size in zip(
            images.shape[2:], map_size, self.grid.origin, self.grid.stride, self.grid.size
        ):
            sides.append((-origin, max(0, origin + (cell_count - 1) * stride + size - side)))
        padded = functional.pad(images, (*sides[1], *sides[0]))
        (height, width), (row_stride, column_stride) = self.grid.size, self.grid.stride
        views = padded.unfold(2, height, row_stride).unfold(3, width, column_stride)  # [batch, C, h, w, p, p]
        batch = torch.arange(len(images))[:, None]
        return views[batch, :, cells // map_size[1], cells % map_size[1]].flatten(0, 1)


def losses(outputs, labels) -> dict:
    """Returns the cross-entropy of the refined answer and the hint (`dcn_tf.losses.hint`)."""
    coarse_features = outputs["coarse_features"].flatten(2)
    index = outputs["cells"][:, None].expand(-1, coarse_features.shape[1], -1)
    difference = coarse_features.gather(2, index).transpose(1, 2) - outputs["fine_features"].detach()
    return {
        "refined": functional.cross_entropy(outputs["logits"], labels),
        "hint": difference.square().sum(dim=-1).mean(),
    }


def make_optimizer(model: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """Returns AdamW that decays kernels alone."""
    kernels = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, eps=1e-7)


def train_step(model, optimizer, images, labels, hint_weight: float):
    """Runs one step on images [batch, C, H, W] and labels [batch]; returns the loss."""
    optimizer.zero_grad()
    terms = losses(model(images), labels)
    loss = terms["refined"] + hint_weight * terms["hint"]
    loss.backward()
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def load_keras_weights(model: TorchDynamicCapacityNetwork, keras_model):
    """Copies the weights of a `DynamicCapacityNetwork` of the same architecture."""
    for ours, theirs in ((model.coarse, keras_model.coarse), (model.fine, keras_model.fine)):
        for module, block in zip(ours, theirs.blocks):
            if isinstance(module, ConvBlock):
                _load_block(module, block)
    _load_block(model.top.block, keras_model.coarse_top.block)
    _load_statistics(model.top.coarse_normalization, keras_model.coarse_top.coarse_normalization)
    model.top.dense.weight.copy_(_tensor(keras_model.coarse_top.dense.kernel).T)
    model.top.dense.bias.copy_(_tensor(keras_model.coarse_top.dense.bias))


def _load_block(module: ConvBlock, block):
    module.convolution.weight.copy_(_tensor(block.convolution.kernel).permute(3, 2, 0, 1))
    module.normalization.weight.copy_(_tensor(block.normalization.gamma))
    module.normalization.bias.copy_(_tensor(block.normalization.beta))
    _load_statistics(module.normalization, block.normalization)


def _load_statistics(module, normalization):
    module.running_mean.copy_(_tensor(normalization.moving_mean))
    module.running_var.copy_(_tensor(normalization.moving_variance))


def _tensor(variable) -> torch.Tensor:
    return torch.tensor(variable.numpy())
