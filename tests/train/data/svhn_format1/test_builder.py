import numpy as np
import pytest
import tensorflow_datasets as tfds
from tiny_svhn import photograph

from train.data.svhn_format1.builder import SvhnFullNumbers
from train.errors import DataUnavailableError, UserError


def by_name(builder, split):
    return {example["file_name"].decode(): example for example in tfds.as_numpy(builder.as_dataset(split=split))}


def test_whole_photographs_with_digits_and_boxes(site, labels, tmp_path):
    builder = tfds.builder("svhn_full_numbers", data_dir=tmp_path)
    builder.download_and_prepare()
    assert set(builder.info.splits) == {"train", "test"}
    assert builder.info.splits["train"].num_examples == len(labels["train"])
    examples = by_name(builder, "test")
    assert {name: example["digits"].tolist() for name, example in examples.items()} == {
        f"test/{i + 1}.png": digits for i, digits in enumerate(labels["test"])
    }
    for i in range(4):
        np.testing.assert_array_equal(examples[f"test/{i + 1}.png"]["image"], photograph(i))
    np.testing.assert_array_equal(examples["test/2.png"]["boxes"], [[5, 4, 11, 14], [12, 4, 18, 14]])
    assert [path for path, _ in site.requests] == ["/train.tar.gz", "/test.tar.gz"]  # and not extra


def test_extra_has_a_configuration_of_its_own(tiny_svhn, tmp_path):
    builder = tfds.builder("svhn_full_numbers/extra", data_dir=tmp_path, svhn_dir=str(tiny_svhn))
    builder.download_and_prepare()
    assert set(builder.info.splits) == {"extra"}
    assert len(by_name(builder, "extra")) == 6


def test_what_goes_wrong_is_told_as_it_is_and_leaves_nothing(tmp_path):
    builder = SvhnFullNumbers(data_dir=tmp_path)
    with pytest.raises(DataUnavailableError, match="can't be reached"):
        builder.download_and_prepare()
    with pytest.raises(UserError, match="must be a folder"):
        SvhnFullNumbers(data_dir=tmp_path, svhn_dir="nowhere").download_and_prepare()
    assert not builder.is_prepared()
    assert list(tmp_path.rglob("*.tfrecord*")) == []
