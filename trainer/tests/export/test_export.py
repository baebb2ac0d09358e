import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor

from sphynx_trainer.data import synthetic
from sphynx_trainer.export.export_model import export_model
from sphynx_trainer.networks.base.graph_to_onnx import build_onnx
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig, SphynxNetwork
from sphynx_trainer.training.checkpoint import Checkpoint
from sphynx_trainer.training.recipes import CPU

Make = Callable[[SphynxConfig], SphynxNetwork]


def run_onnx(model: onnx.ModelProto, images: Tensor) -> Tensor:
    """The logits by ONNX's own reference implementation."""
    (logits,) = ReferenceEvaluator(model).run(None, {"image": images.numpy()})
    return torch.from_numpy(logits)


@pytest.mark.parametrize("images", [1, 3])
def test_the_onnx_graph_computes_the_trained_networks_logits(
    images: int, make_network: Make
) -> None:
    network = make_network(SphynxConfig(3, 4, (0, 1)))
    model = build_onnx(plain_graph(network), "test")
    batch = torch.randn(images, 3, 32, 32)
    with torch.no_grad():
        expected = network.eval()(batch)
        error = (run_onnx(model, batch) - expected).abs().max() / expected.abs().max()
    assert error < 1e-4


def test_nodes_are_named_after_their_cell(make_network: Make) -> None:
    model = build_onnx(plain_graph(make_network(SphynxConfig(2, 2, (0,)))), "test")
    assert [(node.op_type, node.name) for node in model.graph.node] == [
        ("Conv", "cell0/conv_image"),
        ("Relu", "cell0/relu"),
        ("Conv", "cell1/conv_image"),
        ("Conv", "cell1/conv_cell0"),
        ("Add", "cell1/add_cell0"),
        ("Relu", "cell1/relu"),
        ("GlobalAveragePool", "head/pool"),
        ("Flatten", "head/features"),
        ("Gemm", "logits"),
    ]


def test_the_manifest_describes_the_file_beside_it(tmp_path: Path) -> None:
    dataset = synthetic()
    config = SphynxConfig(2, 2, (0,), classes=10)
    network = SphynxNetwork(config)
    checkpoint = Checkpoint(config, CPU, dataset.name, 3, network.state_dict(), {})
    target = tmp_path / "tiny"
    export_model(checkpoint, dataset, target, "a test machine")
    manifest = json.loads((target / "manifest.json").read_text())
    model = (target / "model.onnx").read_bytes()
    assert manifest["name"] == "tiny"
    assert manifest["sha256"] == hashlib.sha256(model).hexdigest()
    assert manifest["relus"] == config.relus
    assert manifest["dataset"]["classes"] == list(dataset.classes)
    assert manifest["config"]["genotype"]["reduce"][0] == [["conv3x3", 0], ["conv3x3", 1]]
    assert manifest["recipe"]["epochsTrained"] == 3
    assert "distillation" not in manifest["recipe"]
    assert manifest["accuracy"]["images"] == 128
    assert "paper" not in manifest


def test_an_export_is_reproducible_to_the_byte(make_network: Make) -> None:
    network = make_network(SphynxConfig(2, 2, (0,)))
    first, second = (
        build_onnx(plain_graph(network), "test").SerializeToString(deterministic=True)
        for _ in range(2)
    )
    assert first == second
