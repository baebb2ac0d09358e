from dataclasses import replace

from sphynx_trainer.training.recipes import LINEARIZE

QUICK_CHOICE = replace(
    LINEARIZE,
    epochs=50,
    batch=8,
    learning_rate=0.009,
    precision="fp32",
    crop_padding=1,
    penalty=0.1,
)
"""Chooses ReLUs of a tiny network within a few epochs."""
