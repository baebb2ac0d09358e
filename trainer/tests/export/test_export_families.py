"""Every family's ONNX file, by ONNX's own reference implementation."""

import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from sphynx_trainer.networks.base.graph_to_onnx import build_onnx
from sphynx_trainer.networks.families import Config
from sphynx_trainer.networks.plain_graph import plain_graph

from ..networks.test_families import SMALL, ident, small_network

OPERATORS = {"Conv", "Add", "Relu", "AveragePool", "GlobalAveragePool", "Flatten", "Gemm"}


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_the_file_computes_what_the_trained_network_does(config: Config) -> None:
    network = small_network(config)
    model = build_onnx(plain_graph(network), "test")
    images = torch.randn(2, 3, config.image_size, config.image_size)
    (logits,) = ReferenceEvaluator(model).run(None, {"image": images.numpy()})
    with torch.no_grad():
        expected = network(images)
    assert (torch.from_numpy(logits) - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_the_file_has_only_operators_that_private_inference_composes(config: Config) -> None:
    model = build_onnx(plain_graph(small_network(config)), "test")
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    onnx.checker.check_model(model, full_check=True)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
