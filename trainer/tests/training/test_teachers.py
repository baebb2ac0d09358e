from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.data import Dataset, Split, synthetic
from sphynx_trainer.data.patches import Patch
from sphynx_trainer.networks.base.graph_to_onnx import export_onnx
from sphynx_trainer.networks.families import build
from sphynx_trainer.networks.plain.network import PlainNetwork
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet32Config
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.execution import Execution
from sphynx_trainer.training.recipes import BACKGROUND
from sphynx_trainer.training.student import Outputs, loss_of, teachers_term
from sphynx_trainer.training.teachers.teacher import CHUNK, PUBLIC, Teacher, load_teacher
from sphynx_trainer.training.teachers.views import LogitsOnDisk, shifts_of_view

from ..conftest import randomise
from ..importer_fixtures import DenseLayer, conv_norm, export_torch

TINY = SphynxConfig(1, 2, (0,), image_size=16, classes=4)
RECIPE = replace(BACKGROUND, epochs=4, batch=32, crop_padding=1, precision="fp32", views=2)


def tiny_data() -> Dataset:
    return synthetic(classes=4, image_size=16, records=128)


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


def test_logits_on_disk_are_computed_once(tmp_path: Path) -> None:
    teacher = Teacher("t", torch.nn.Linear(3, 4))
    disk = LogitsOnDisk(tmp_path, "synthetic", 10, 4, 1)
    asked: list[list[int]] = []

    def compute(teacher: Teacher, positions: Tensor) -> Tensor:
        asked.append(positions.tolist())
        return positions[:, None].float() * torch.ones(4)

    first = disk.logits([teacher], 0, torch.tensor([7, 2]), compute)
    again = disk.logits([teacher], 0, torch.tensor([2, 5, 7]), compute)
    other = disk.logits([teacher], 1, torch.tensor([2]), compute)
    assert asked == [[0, 1], [1], [0]]
    assert first[0, :, 0].tolist() == [0, 1]
    assert again[0, :, 0].tolist() == [1, 1, 0]
    assert other[0, :, 0].tolist() == [0]


def test_data_sets_of_one_name_do_not_share_logits() -> None:
    data = tiny_data()
    assert isinstance(data.train, Split)
    other = replace(data, train=data.train._replace(labels=data.train.labels.flip(0)))
    assert other.fingerprint != data.fingerprint == tiny_data().fingerprint
    assert data.fingerprint.startswith("synthetic-")


def test_a_view_has_the_same_random_crops_in_every_round(tmp_path: Path) -> None:
    seeds: list[int] = []

    class Noted(Split):
        def batches(
            self, indices: Tensor, size: int, seed: int = 0
        ) -> Iterator[tuple[Tensor, Tensor]]:
            if size == RECIPE.batch:
                seeds.append(seed)
            return super().batches(indices, size, seed)

    data = tiny_data()
    assert isinstance(data.train, Split)
    noted = replace(data, train=Noted(*data.train))
    train(Run.start(TINY, RECIPE, data, tmp_path / "teacher"), until=1)
    run = Run.start(TINY, RECIPE, noted, tmp_path / "student")
    run.learn_from([str(tmp_path / "teacher")])
    train(run)
    assert seeds == [0, 1, 0, 1]
    seeds.clear()
    train(Run.start(TINY, replace(RECIPE, views=0), noted, tmp_path / "alone"))
    assert len(set(seeds)) == RECIPE.epochs


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


def test_a_view_shows_an_image_the_same_way_in_every_run() -> None:
    one, same, other = (shifts_of_view(view, 50, 4) for view in (0, 0, 1))
    assert torch.equal(one.top, same.top)
    assert torch.equal(one.mirrored, same.mirrored)
    assert not torch.equal(one.left, other.left)


def test_runs_share_their_teachers_logits(tmp_path: Path) -> None:
    data = tiny_data()
    train(Run.start(TINY, replace(RECIPE, views=0), data, tmp_path / "teacher"))
    for name in ("first", "second"):
        recipe = replace(RECIPE, seed=len(name), batch=29)  # divides the images that are kept
        run = Run.start(TINY, recipe, data, tmp_path / name)
        run.learn_from([str(tmp_path / "teacher")])
        run.logits_folder = tmp_path / "logits"
        if name == "second":
            run.teachers[0].logits = None  # type: ignore[method-assign, assignment]
        train(run, until=2 if name == "first" else 1)
    assert len(list((tmp_path / "logits").iterdir())) == 2
    assert run.checkpoint.history[-1]["teachers"] == ["teacher"]


def test_later_rounds_change_the_views_anew_but_not_what_is_taught(tmp_path: Path) -> None:
    data = tiny_data()
    train(Run.start(TINY, replace(RECIPE, views=0), data, tmp_path / "teacher"))
    run = Run.start(TINY, replace(RECIPE, batch=29, epochs=6), data, tmp_path / "student")
    run.learn_from([str(tmp_path / "teacher")])
    shown: list[Tensor] = []
    asked: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if module.training:
            shown.append(inputs[0])

    def answer(images: Tensor) -> Tensor:
        asked.append(images)
        return torch.zeros(len(images), 4)

    def rows(parts: list[Tensor]) -> Tensor:
        """The images in an order of their own, and nothing in `parts`."""
        images = torch.cat(parts)
        parts.clear()
        return torch.unique(images.flatten(1), dim=0)

    def epoch(number: int) -> tuple[Tensor, Tensor | None]:
        train(run, until=number)
        return rows(shown), rows(asked) if asked else None

    run.student.register_forward_pre_hook(note)
    run.teachers[0].logits = answer  # type: ignore[method-assign]
    first, taught = epoch(1)
    assert taught is not None
    assert torch.equal(first, taught)
    second, _ = epoch(2)
    assert not torch.equal(first, second)
    third, taught = epoch(3)
    assert taught is None, "its logits are those of the first epoch"
    epoch(4)
    fifth, _ = epoch(5)
    assert not torch.equal(first, third)
    assert not torch.equal(third, fifth)
    for file in run.logits_folder.iterdir():
        file.unlink()
    sixth, taught = epoch(6)
    assert taught is not None
    assert torch.equal(second, taught), "they are asked about what the first round showed"
    assert not torch.equal(second, sixth)


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
