from pathlib import Path

import torch

from sphynx_trainer.training.checkpoint import Checkpoint
from sphynx_trainer.training.execution import Execution

from ..processes import run_two

WORKER = """
import sys
from dataclasses import replace
from pathlib import Path

import torch

from sphynx_trainer.data import synthetic
from sphynx_trainer.training.execution import Execution
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.training.recipes import CPU
from sphynx_trainer.training import Run, train

torch.set_num_threads(1)
folder = Path(sys.argv[1])
place = Execution.detect("cpu")
data = synthetic(classes=4, image_size=16, records=64)
recipe = replace(CPU, epochs=2, batch=16, precision="fp32", crop_padding=1)
config = SphynxConfig(2, 2, (0,), image_size=16, classes=4)
run = Run.start(config, recipe, data, folder / "run", place)
train(run)
torch.save(run.network.state_dict(), folder / f"rank{place.rank}.pt")
place.close()
"""


def test_two_processes_train_one_network_and_one_of_them_writes(tmp_path: Path) -> None:
    first, second = run_two(WORKER, tmp_path)
    assert "epoch 2" in first.stderr
    assert "epoch" not in second.stderr

    leading, other = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    for name, value in leading.items():
        if "running" not in name:
            assert torch.equal(value, other[name]), name
    saved = Checkpoint.load(tmp_path / "run" / "checkpoint.pt")
    assert saved.epoch == 2
    assert torch.equal(saved.network["stem.conv.weight"], leading["stem.conv.weight"])
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert len(rows) == 3


def test_every_image_belongs_to_exactly_one_process() -> None:
    indices = torch.randperm(10)
    shares = [Execution(rank=rank, processes=3).share(indices) for rank in range(3)]
    assert sorted(torch.cat(shares).tolist()) == list(range(10))
