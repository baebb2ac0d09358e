from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.networks.base.graph_to_onnx import export_onnx
from sphynx_trainer.networks.families import build
from sphynx_trainer.networks.plain.network import PlainNetwork
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.staged.resnet_configs import ResNet32Config
from sphynx_trainer.training.execution import Execution
from sphynx_trainer.training.student import teachers_term
from sphynx_trainer.training.teachers.teacher import CHUNK, PUBLIC, Teacher, load_teacher

from ..conftest import randomise
from ..importer_fixtures import DenseLayer, conv_norm, export_torch
from .tiny_student import tiny_data


def test_the_squared_error_is_summed_over_the_classes() -> None:
    logits, taught = torch.zeros(2, 3), torch.tensor([[[1.0, 2, 0], [0, 0, 0]]])
    both = torch.cat((taught, -taught))
    assert teachers_term(logits, taught, 0).item() == pytest.approx((1 + 4) / 2)
    assert teachers_term(logits, both, 0).item() == 0


def test_the_divergence_is_from_the_mean_of_the_teachers_distributions() -> None:
    logits, taught = torch.randn(5, 3), torch.randn(2, 5, 3)
    wanted = (taught / 4).softmax(dim=2).mean(dim=0)
    expected = (wanted * (wanted.log() - (logits / 4).log_softmax(dim=1))).sum(dim=1).mean()
    assert teachers_term(logits, taught, 4).item() == pytest.approx(16 * expected.item(), rel=1e-4)
    assert teachers_term(logits, logits[None], 4).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("kind", PUBLIC)
def test_public_weights_are_read_with_their_own_normalisation(kind: str, tmp_path: Path) -> None:
    data, public = tiny_data(), PUBLIC[kind]
    network = public.build(4).eval()
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "weights.pt")
    teacher = load_teacher(f"{kind}:{tmp_path / 'weights.pt'}", data)
    pixels = data.train.batches(torch.arange(5), 5)
    images, _ = next(iter(pixels))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (public.mean, public.std))
    with torch.no_grad():
        expected = network((images.float() / 255 - mean) / std)
    assert torch.allclose(teacher.logits(data.normalise(images)), expected, atol=1e-3)


FIXTURES = {
    "strided": lambda: [conv_norm(3, 4, 3, 2), nn.ReLU(), nn.MaxPool2d(2), conv_norm(4, 4, 1)],
    "grouped": lambda: [conv_norm(3, 6, 3, groups=3), nn.AvgPool2d(2), nn.ReLU()],
    "dense": lambda: [nn.Conv2d(3, 4, 1), DenseLayer(4, 4, bottleneck=2), nn.BatchNorm2d(8)],
}
"""Layers whose graphs have what other people's networks have."""


@pytest.mark.parametrize("name", FIXTURES)
def test_an_onnx_file_teaches_what_its_network_says(name: str, tmp_path: Path) -> None:
    network = nn.Sequential(*FIXTURES[name](), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    randomise(network).eval()
    images = torch.randn(5, 3, 16, 16)
    path = tmp_path / "teacher.onnx"
    export_torch(network, images[:1], path)
    with torch.no_grad():
        expected = network(images)
    assert torch.allclose(load_teacher(str(path), tiny_data()).logits(images), expected, atol=1e-4)


def test_an_exported_model_of_ours_teaches(tmp_path: Path) -> None:
    network = build(ResNet32Config(2, classes=4)).eval()
    path = tmp_path / "model.onnx"
    export_onnx(plain_graph(network), "teacher", path)
    images = torch.randn(5, 3, 32, 32)
    with torch.no_grad():
        expected = network(images)
    for name in (str(path), str(tmp_path)):
        teacher = load_teacher(name, tiny_data())
        assert isinstance(teacher.network, PlainNetwork)
        assert torch.allclose(teacher.logits(images), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torn.onnx", "torn.onnx is not an ONNX file"),
        ("sigmoid.onnx", "the operator Sigmoid is none of Conv,"),
        ("resnet56:weights.pt", "does not hold the weights of a resnet56"),
        ("vgg:weights.pt", "no teacher is called"),
        ("nothing", "no teacher is called"),
    ],
)
def test_an_unknown_teacher_is_refused(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("torn.onnx").write_bytes(b"\xff\xff")
    sigmoid = onnx.helper.make_node("Sigmoid", ["x"], ["y"])
    onnx.save(
        onnx.helper.make_model(onnx.helper.make_graph([sigmoid], "s", [], [])), "sigmoid.onnx"
    )
    torch.save({"state_dict": {"conv.weight": torch.zeros(1)}}, "weights.pt")
    with pytest.raises(ValueError, match=message):
        load_teacher(name, tiny_data())


def test_a_compiled_teacher_computes_whole_chunks_of_any_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[nn.Module] = []
    chunks: list[int] = []

    def compile_module(module: nn.Module, **options: bool) -> Callable[[Tensor], Tensor]:
        def run(images: Tensor) -> Tensor:
            chunks.append(len(images))
            result: Tensor = module(images)
            return result

        compiled.append(module)
        return run

    monkeypatch.setattr(torch, "compile", compile_module)
    network = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.Flatten(), nn.Linear(80, 4))
    teacher, images = Teacher("t", network), torch.randn(CHUNK + 3, 3, 4, 4)
    wanted = teacher.logits(images)
    assert (compiled, chunks) == ([], [])
    teacher.place(Execution(compile=True))
    assert torch.allclose(teacher.logits(images), wanted, atol=1e-6)
    assert compiled == [network]
    assert chunks == [CHUNK, CHUNK]
