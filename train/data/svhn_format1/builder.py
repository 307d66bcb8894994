"""SVHN format 1 for tensorflow-datasets, which has only format 2, the cropped digits, itself.

```
import tensorflow_datasets as tfds
import train.data.svhn_format1.builder  # registers it

tfds.load("svhn_full_numbers")        # train and test, fetched: 680 MB
tfds.load("svhn_full_numbers/extra")  # extra: 2 GB
tfds.load("svhn_full_numbers", builder_kwargs={"svhn_dir": "archives or unpacked folders"})
```
"""

import numpy as np
import tensorflow_datasets as tfds

from train.data.svhn_format1.sources import URL, Source, find_source

CITATION = """@inproceedings{Netzer2011,
  author = {Netzer, Yuval and Wang, Tao and Coates, Adam and Bissacco, Alessandro and Wu, Bo and Ng, Andrew Y.},
  title = {Reading Digits in Natural Images with Unsupervised Feature Learning},
  booktitle = {NIPS Workshop on Deep Learning and Unsupervised Feature Learning},
  year = {2011}
}"""
SPLITS = {"numbers": ("train", "test"), "extra": ("extra",)}


class SvhnFullNumbers(tfds.core.GeneratorBasedBuilder):
    """Whole photographs of house numbers with their digits.

    Features: `image`, the photograph, PNG as published; `file_name`, as in "train/1.png"; `digits` [k], 0 to 9 in
    reading order; `boxes` float32 [k, 4], (left, top, right, bottom) of each digit in pixels. Boxes may reach beyond
    the photograph, which tensorflow-datasets' own bounding boxes may not.

    Args:
        svhn_dir: folder with `train.tar.gz` and so on, or `train/` and so on; what it lacks is fetched.
        sources: the only splits to hold, found already; otherwise the config says which.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(name="numbers", description="train (33,402 photographs) and test (13,068)"),
        tfds.core.BuilderConfig(name="extra", description="extra (202,353 somewhat easier photographs)"),
    ]

    def __init__(self, *, svhn_dir: str | None = None, sources: list[Source] | None = None, **kwargs):
        self.svhn_dir, self.sources = svhn_dir, sources
        super().__init__(**kwargs)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="Street View House Numbers, format 1: whole photographs, full numbers. Not for commercial use.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                    "file_name": tfds.features.Text(),
                    "digits": tfds.features.Sequence(tfds.features.ClassLabel(num_classes=10)),
                    "boxes": tfds.features.Tensor(shape=(None, 4), dtype=np.float32),
                }
            ),
            homepage=URL,
            citation=CITATION,
        )

    def _split_generators(self, dl_manager):
        sources = self.sources or [find_source(split, self.svhn_dir) for split in SPLITS[self.builder_config.name]]
        return {source.split: self._generate_examples(source) for source in sources}

    def _generate_examples(self, source: Source):
        annotations = {name: (digits, boxes) for name, digits, boxes in source.annotation()}
        for name, image in source.photographs(list(annotations)):
            digits, boxes = annotations[name]
            file_name = f"{source.split}/{name}"
            yield file_name, {"image": image, "file_name": file_name, "digits": digits.tolist(), "boxes": boxes}
