"""A tiny student, its recipe and its data, for tests of teachers."""

from dataclasses import replace

from sphynx_trainer.data import Dataset, synthetic
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.training.recipes import BACKGROUND

TINY = SphynxConfig(1, 2, (0,), image_size=16, classes=4)
RECIPE = replace(BACKGROUND, epochs=4, batch=32, crop_padding=1, precision="fp32", views=2)


def tiny_data() -> Dataset:
    return synthetic(classes=4, image_size=16, records=128)
