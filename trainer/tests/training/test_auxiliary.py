import torch

from sphynx_trainer.networks.sphynx.network import SphynxConfig, SphynxNetwork
from sphynx_trainer.training.auxiliary import AuxiliaryHead, position


def test_the_auxiliary_head_reads_the_block_two_thirds_in() -> None:
    assert [position(blocks) for blocks in (1, 2, 3, 5, 6, 10)] == [0, 1, 2, 3, 4, 6]
    network = SphynxNetwork(SphynxConfig(2, 6, (0,), classes=7))
    outputs = network.block_outputs(torch.randn(2, 3, 32, 32))
    assert AuxiliaryHead.of(network, 32)(outputs[4]).shape == (2, 7)
