"""The recipes that have names: the papers' and one for a CPU."""

from dataclasses import replace

from .recipe import Recipe

CPU = Recipe(
    name="cpu",
    epochs=24,
    batch=128,
    learning_rate=0.15,
    warmup=0.15,
    momentum=0.9,
    weight_decay=5e-4,
    clip=5.0,
    label_smoothing=0.0,
    crop_padding=4,
    precision="auto",
    seed=1,
)
"""One cycle of a high learning rate: about an hour on two CPU cores with bfloat16."""

BACKGROUND = replace(
    CPU,
    name="background",
    epochs=100,
    learning_rate=0.1,
    warmup=0.01,
    decay="late",
    average=0.999,
    distillation=0.9,
    label_weight=0.1,
    temperature=4.0,
    views=8,
)
"""A run of any length: constant until the decay is asked for, distilled if it has teachers."""

CONTINUE = replace(
    BACKGROUND,
    name="continue",
    epochs=20,
    learning_rate=0.03,
    views=4,
)
"""Goes on with an exported model: as a background run, at a lower rate."""

PAPER = Recipe(
    name="paper",
    epochs=600,
    batch=96,
    learning_rate=0.025,
    warmup=0.0,
    momentum=0.9,
    weight_decay=3e-4,
    clip=5.0,
    label_smoothing=0.0,
    crop_padding=4,
    precision="fp32",
    seed=1,
    drop_path=0.2,
    auxiliary_weight=0.4,
)
"""Table 7 of the Sphynx paper, for CIFAR-100."""

PAPER_TINY = replace(PAPER, name="paper-tiny", epochs=250)
"""The same for Tiny-ImageNet."""

PAPER_IMAGENET = replace(
    PAPER,
    name="paper-imagenet",
    epochs=120,
    batch=768,
    learning_rate=0.1,
    crop_padding=0,
    drop_path=0.0,
    decay="steps",
    milestones=(30, 60, 90),
)
"""The same for ImageNet, whose random crops come from the data set."""

RESNET = replace(
    PAPER,
    name="resnet",
    epochs=200,
    batch=128,
    learning_rate=0.1,
    weight_decay=5e-4,
    drop_path=0.0,
    auxiliary_weight=0.0,
)
"""Customary for ResNets, VGG and HybReNets on small images."""

LINEARIZE = replace(
    RESNET,
    name="linearize",
    epochs=2000,
    optimizer="adam",
    learning_rate=1e-3,
    weight_decay=0.0,
    decay="none",
    temperature=4.0,
    penalty=1e-5,
)
"""Selective Network Linearization's first phase; it ends once the ReLU budget is reached."""

FINE_TUNE = replace(RESNET, name="fine-tune", epochs=100, learning_rate=0.01)
"""After a trained network changed: DeepReDuce's fine-tuning, and that in fixed point."""

SNL_TUNE = replace(FINE_TUNE, name="snl-tune", learning_rate=1e-3, temperature=4.0)
"""Selective Network Linearization's second phase, as its authors' code has it."""

RECIPES = {
    recipe.name: recipe
    for recipe in (
        CPU,
        BACKGROUND,
        CONTINUE,
        PAPER,
        PAPER_TINY,
        PAPER_IMAGENET,
        RESNET,
        LINEARIZE,
        FINE_TUNE,
        SNL_TUNE,
    )
}
"""Every recipe that the command line may name."""
