"""Train, in the order of their worth, the networks of the papers that need a GPU."""

import argparse
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from ...training.checkpoint import CHECKPOINT, Checkpoint
from ...training.execution import Execution
from ..expected import EXPECTED_ERRORS

TEACHER = "resnet18-c100"
HYBRENET = "hrn-c100-5x5x3x"


@dataclass(frozen=True)
class Stage:
    """A model of the zoo.

    preset: of the network, or `network`: options of `train` in its place; taught: by the teacher,
    as the Sphynx paper's appendix G has it; tiny: it needs Tiny-ImageNet. With a `reduction`, the
    command that takes ReLUs away, the model `source` of an earlier stage is reduced to `budget`
    ReLUs instead.
    """

    name: str
    preset: str | None = None
    network: tuple[str, ...] = ()
    reduction: str | None = None
    source: str = TEACHER
    budget: int = 0
    taught: bool = False
    tiny: bool = False

    @property
    def needed(self) -> str | None:
        """The stage whose run it reads: what it reduces, or its teacher."""
        if self.reduction is not None:
            return self.source
        return TEACHER if self.taught else None


def _ablation(name: str, *options: str) -> Stage:
    """A network of 25.6K ReLUs that differs in one respect from the paper's."""
    return Stage(f"sphynx-c100-25k-{name}", network=("--recipe", "paper", *options))


STAGES = (
    Stage(TEACHER, "resnet18-snl-c100"),
    Stage("resnet18-c100-50k-snl", reduction="snl", budget=49_900),
    Stage("sphynx-c100-51k", "sphynx-c100-51k", taught=True),
    Stage("sphynx-c100-102k", "sphynx-c100-102k", taught=True),
    Stage("sphynx-c100-230k", "sphynx-c100-230k", taught=True),
    Stage(HYBRENET, "hrn-5x5x3x-c100", taught=True),
    Stage("sphynx-tiny-102k", "sphynx-tiny-102k", tiny=True),
    Stage("sphynx-tiny-205k", "sphynx-tiny-205k", tiny=True),
    # DeepReShape: one baseline or another, reduced finely and coarsely.
    Stage("resnet18-c100-100k-snl", reduction="snl", budget=100_000),
    Stage("hrn-c100-100k-snl", reduction="snl", source=HYBRENET, budget=100_000),
    Stage("resnet18-c100-100k-deepreduce", reduction="reduce-relus", budget=100_000),
    Stage("hrn-c100-100k-deepreduce", reduction="reduce-relus", source=HYBRENET, budget=100_000),
    # DeepReShape: networks made for few multiplications, at the ReLUs of the HybReNet.
    Stage("regnet-c100", "regnet-c100", taught=True),
    Stage("convnext-c100", "convnext-c100", taught=True),
    # Sphynx: figure 4, and tables 12, 10 and 14.
    Stage("sphynx-c100-25k", "sphynx-c100-25k"),
    _ablation("thirds", "--reduce", "1", "3"),
    _ablation("separable", "--separable"),
    _ablation("flops", "--balance", "flops", "--channels", "17"),
    _ablation("darts", "--genotype", "darts"),
    _ablation("pc-darts", "--genotype", "pc-darts"),
)

TRIAL = """dataset: synthetic
network: {family: sphynx, channels: 1, depth: 2, reduce: [0]}
recipe: {base: cpu, epochs: 1, batch: 64, precision: fp32}
"""
"""What every stage trains in a trial."""
TRIAL_BUDGETS = {"snl": 700, "reduce-relus": 1100}
"""ReLUs that a trial leaves, by reduction."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, help="holds runs/ and zoo/; run again, it goes on")
    parser.add_argument("--data", type=Path, metavar="DIR", help="CIFAR-100")
    parser.add_argument("--tiny", type=Path, metavar="DIR", help="Tiny-ImageNet; skipped without")
    parser.add_argument("--hours", type=float, help="after which no further model is begun")
    parser.add_argument("--epochs", type=int, help="of every training, in place of the papers'")
    parser.add_argument("--hardware", default="one GPU", help="for the manifests")
    parser.add_argument(
        "--trial", action="store_true", help="tiny networks on synthetic data, to see it all work"
    )


def run(options: argparse.Namespace) -> None:
    """Trains and exports every stage that is not exported yet.

    A stage that fails does not end the day. A stage that needs an untrained one is left out.
    Raises ValueError at the end if any stage failed.
    """
    began = time.monotonic()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.trial:
        (options.folder / "trial.yaml").write_text(TRIAL)
    failed: dict[str, str] = {}
    untrained: set[str] = set()
    for stage in STAGES:
        model = options.folder / "zoo" / stage.name
        if (model / "manifest.json").exists():
            print(f"{stage.name} is there")
        elif stage.tiny and options.tiny is None and not options.trial:
            print(f"{stage.name} is left out, for it needs --tiny")
        elif stage.needed in untrained:
            untrained.add(stage.name)
            print(f"{stage.name} is left out, for it needs {stage.needed}, which is not trained")
        elif options.hours is not None and time.monotonic() - began > 3600 * options.hours:
            print(f"{stage.name} is not begun, for the time is over")
        else:
            print(f"{stage.name} begins", flush=True)
            untrained.add(stage.name)
            try:
                for command in commands_of(stage, options):
                    chosen = options.parse(command)
                    chosen.run(chosen)
                    # The first command trains. If only the export fails, others can use the run.
                    untrained.discard(stage.name)
            except Exception as error:
                failed[stage.name] = _one_line(error)
                print(f"{stage.name} failed: {failed[stage.name]}", flush=True)
    if failed:
        _report(failed, untrained)


def _one_line(error: Exception) -> str:
    """Describes an error in one line. An unexpected error's stack goes to standard error."""
    if not isinstance(error, EXPECTED_ERRORS):
        traceback.print_exception(error)
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _report(failed: dict[str, str], untrained: set[str]) -> None:
    """Lists the stages that failed and raises ValueError."""
    for name, line in failed.items():
        print(f"{name} failed: {line}")
    left_out = [stage.name for stage in STAGES if stage.name in untrained - failed.keys()]
    others = f", and these were left out: {', '.join(left_out)}" if left_out else ""
    raise ValueError(
        f"these stages failed: {', '.join(failed)}{others}. The same command tries them again, "
        "from their last checkpoints; delete a run's folder in runs/ to begin it anew"
    )


def commands_of(stage: Stage, options: argparse.Namespace) -> list[list[str]]:
    """The arguments of the two commands that make a stage's model: it is trained, and exported."""
    runs = options.folder / "runs"
    folder, model = runs / stage.name, options.folder / "zoo" / stage.name
    if options.trial:
        data = ["--dataset", "synthetic"]
        network = ["--preset", str(options.folder / "trial.yaml")]
    else:
        data = ["--dataset", "tiny-imagenet" if stage.tiny else "cifar100"]
        data += ["--data", str(options.tiny if stage.tiny else options.data)]
        network = list(stage.network) if stage.preset is None else ["--preset", stage.preset]
    going_on = (folder / CHECKPOINT).exists() or (folder / "linearize" / CHECKPOINT).exists()
    common = [*data, *(["--resume"] if going_on else [])]
    if options.epochs is not None and not _begun(folder):
        common += ["--epochs", str(options.epochs)]
    if Execution.detect().device.type == "cuda":
        common += ["--speed", "compiled", "--set", "precision=auto"]
    if stage.reduction is not None:
        budget = str(TRIAL_BUDGETS[stage.reduction] if options.trial else stage.budget)
        training = [stage.reduction, str(runs / stage.source), str(folder), "--budget", budget]
        training += common
        if options.trial:
            training += ["--batch", "64", "--epochs", "1"]
    else:
        training = ["train", str(folder), *network, *common]
        if stage.taught and not going_on:
            training += ["--teacher", str(runs / TEACHER)]
    export = ["export", str(folder), str(model), *data, "--hardware", options.hardware]
    return [training, export]


def _begun(folder: Path) -> bool:
    """Whether the recipe's epochs are decided, by a checkpoint."""
    try:
        return Checkpoint.load(folder / CHECKPOINT).epoch >= 0
    except OSError:
        return False
