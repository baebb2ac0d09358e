"""ResNet18 and ResNet32, scaled by the channels of their stem (Sphynx, table 16)."""

from dataclasses import dataclass

from .resnet import ResNetPlan

LARGE_IMAGE = 128
"""Images from this size on take the stem for ImageNet."""


@dataclass(frozen=True)
class ResNet18Config:
    """Four stages of two blocks; channels: of the stem and the first stage, 64 unscaled.

    stem_relu: as of a plan. SNL's authors have none, hence 491,520 ReLUs on 32x32 images.
    """

    channels: int = 64
    image_size: int = 32
    classes: int = 100
    stem_relu: bool = True

    @property
    def plan(self) -> ResNetPlan:
        """The stages."""
        return ResNetPlan(
            widths=tuple(self.channels * factor for factor in (1, 2, 4, 8)),
            blocks=(2, 2, 2, 2),
            image_size=self.image_size,
            classes=self.classes,
            large_stem=self.image_size >= LARGE_IMAGE,
            stem_relu=self.stem_relu,
        )


@dataclass(frozen=True)
class ResNet32Config:
    """Three stages of five blocks for 32x32 images; channels: of the first, 16 unscaled."""

    channels: int = 16
    image_size: int = 32
    classes: int = 100

    @property
    def plan(self) -> ResNetPlan:
        """The stages."""
        return ResNetPlan(
            widths=tuple(self.channels * factor for factor in (1, 2, 4)),
            blocks=(5, 5, 5),
            image_size=self.image_size,
            classes=self.classes,
        )
