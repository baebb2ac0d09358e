from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sphynx_trainer.training import Run, train

from .tiny_student import RECIPE, TINY, tiny_data


@pytest.mark.parametrize(
    ("stop", "reached"), [(6, (0, 6)), (7, (1, 0)), (11, (1, 4))], ids=["late", "end", "within"]
)
def test_a_run_resumes_within_an_epoch_exactly(
    stop: int, reached: tuple[int, int], tmp_path: Path
) -> None:
    data = tiny_data()
    train(Run.start(TINY, RECIPE, data, tmp_path / "teacher"))
    recipe = replace(RECIPE, drop_path=0.3, batch=16, mixing=0.5)

    def start(name: str) -> Run:
        run = Run.start(TINY, recipe, data, tmp_path / name)
        run.learn_from([str(tmp_path / "teacher")])
        return run

    straight, broken = start("straight"), start("broken")
    train(straight)

    class InterruptedTrainingError(Exception):
        pass

    save, saves = broken.save, 0

    def save_and_stop() -> None:
        nonlocal saves
        save()
        saves += 1
        if saves == stop:
            raise InterruptedTrainingError

    broken.save = save_and_stop  # type: ignore[method-assign]
    with pytest.raises(InterruptedTrainingError):
        train(broken, checkpoint_seconds=0)
    resumed = Run.resume(data, tmp_path / "broken")
    assert (resumed.epoch, resumed.batch) == reached
    assert resumed.totals.images == reached[1] * 16
    train(resumed)
    for name, value in straight.best_network.state_dict().items():
        assert torch.equal(value, resumed.best_network.state_dict()[name]), name
