from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.data.patches import Patch
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.student import Outputs, loss_of

from .tiny_student import RECIPE, TINY, tiny_data


def test_mixed_images_are_taught_as_both_by_their_shares() -> None:
    torch.manual_seed(0)
    logits, taught = torch.randn(3, 4), torch.randn(2, 3, 4)
    labels, partners = torch.tensor([3, 0, 1]), torch.tensor([1, 2, 0])
    patch = Patch(partners, slice(0, 1), slice(0, 1), 0.25)
    loss = loss_of(RECIPE, Outputs(logits, None), labels, taught, patch)
    temperature = RECIPE.temperature
    wanted = (taught / temperature).softmax(2).mean(0)
    hard = nn.functional.one_hot(labels, 4).float()
    wanted, hard = (0.75 * each + 0.25 * each[partners] for each in (wanted, hard))
    # The divergence from a mixture differs by its entropy, which no logits change.
    expected = RECIPE.label_weight * nn.functional.cross_entropy(logits, hard)
    own = (logits / temperature).log_softmax(1)
    expected -= RECIPE.distillation * temperature**2 * (wanted * own).sum(1).mean()
    entropy = (taught / temperature).softmax(2).mean(0)
    entropy = (entropy * entropy.log()).sum(1).mean()
    expected += RECIPE.distillation * temperature**2 * entropy
    assert loss == pytest.approx(float(expected), rel=1e-5)


def test_the_student_sees_mixed_images_and_the_teachers_whole_ones(tmp_path: Path) -> None:
    data = tiny_data()
    train(Run.start(TINY, replace(RECIPE, views=0), data, tmp_path / "teacher"))
    recipe = replace(RECIPE, batch=29, crop_padding=0, mixing=1.0)
    run = Run.start(TINY, recipe, data, tmp_path / "student")
    run.learn_from([str(tmp_path / "teacher")])
    known = data.normalise(data.train.images)
    known = torch.cat((known, known.flip(-1))).flatten(1)
    whole: list[bool] = []
    asked: list[bool] = []

    def all_known(images: Tensor) -> bool:
        rows = images.flatten(1)
        return all(any(torch.equal(row, other) for other in known) for row in rows)

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if module.training:
            whole.append(all_known(inputs[0]))

    def answer(images: Tensor) -> Tensor:
        asked.append(all_known(images))
        return torch.zeros(len(images), 4)

    run.student.register_forward_pre_hook(note)
    run.teachers[0].logits = answer  # type: ignore[method-assign]
    train(run, until=1)
    assert asked
    assert all(asked)
    assert whole
    assert not any(whole)
    assert "CutMix in 100% of the steps" in recipe.description()["augmentation"]


def test_the_last_epochs_do_not_mix_if_asked_so() -> None:
    recipe = replace(RECIPE, epochs=5, mixing=0.5, unmixed_epochs=2)
    assert [recipe.mixing_at(epoch) for epoch in range(5)] == [0.5, 0.5, 0.5, 0, 0]
    words = recipe.description()["augmentation"]
    assert words.endswith("CutMix in 50% of the steps, not in the last 2 epochs")
