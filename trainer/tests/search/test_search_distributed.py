from pathlib import Path

import pytest
import torch

from sphynx_trainer.data import synthetic
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.search.bilevel import BilevelSearch
from sphynx_trainer.search.locations import LocationNetwork, placements
from sphynx_trainer.search.recipe import SearchRecipe
from sphynx_trainer.training.execution import Execution

from ..processes import run_two

WORKER = """
import sys
from pathlib import Path

import torch

from sphynx_trainer.data import synthetic
from sphynx_trainer.training.execution import Execution
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.search.bilevel import BilevelSearch
from sphynx_trainer.search.locations import LocationNetwork, placements
from sphynx_trainer.search.recipe import SearchRecipe

torch.set_num_threads(1)
folder = Path(sys.argv[1])
place = Execution.detect("cpu")
data = synthetic(classes=4, image_size=16, records=128)
recipe = SearchRecipe("quick", epochs=2, batch=16, crop_padding=1, architecture_learning_rate=0.1)
torch.manual_seed(recipe.seed)
config = SphynxConfig(1, 3, (), image_size=16, classes=4)
network = LocationNetwork.of(config, placements(3))
search = BilevelSearch(network, recipe, data, folder / "search", place)
search.run(lambda search, loss: print("epoch", search.epoch))
torch.save(network.state_dict(), folder / f"rank{place.rank}.pt")
place.close()
"""


def test_two_processes_search_one_architecture(tmp_path: Path) -> None:
    outputs = [worker.stdout for worker in run_two(WORKER, tmp_path)]
    assert outputs == ["epoch 1\nepoch 2\n", ""]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert first["beta"].any()
    for name, value in first.items():
        if "running" not in name:
            assert torch.equal(value, second[name]), name


def test_a_batch_that_the_processes_cannot_share_is_refused(tmp_path: Path) -> None:
    network = LocationNetwork.of(SphynxConfig(1, 3, (), image_size=16), placements(3))
    with pytest.raises(ValueError, match="3 processes"):
        BilevelSearch(
            network,
            SearchRecipe("odd", epochs=1, batch=16),
            synthetic(image_size=16),
            tmp_path,
            Execution(processes=3),
        )


def test_a_batch_larger_than_half_of_the_data_is_refused(tmp_path: Path) -> None:
    network = LocationNetwork.of(SphynxConfig(1, 3, (), image_size=16), placements(3))
    recipe = SearchRecipe("large", epochs=1, batch=64)
    with pytest.raises(ValueError, match="half of the 100 images"):
        BilevelSearch(network, recipe, synthetic(image_size=16, records=100), tmp_path)
