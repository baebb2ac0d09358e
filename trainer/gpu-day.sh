#!/usr/bin/env bash
# Trains the papers' networks on a GPU, in the order of their worth, and leaves them in OUT/zoo as folders of the
# model zoo. Whatever interrupts it, the same command goes on.
#
#   trainer/gpu-day.sh DATA OUT [options of `python -m sphynx_trainer gpu-day`]
#
# DATA holds CIFAR-100's train.bin and test.bin, perhaps compressed (.xz). PYTHON names another Python than python3.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,7p' "$0" >&2; exit 2; }
data=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
shift 2
cd "$(dirname "$0")"
python=${PYTHON:-python3}
"$python" -c 'import torch, numpy, onnx, yaml, PIL' || {
  echo "$python lacks a package that the trainer needs (pyproject.toml)" >&2
  exit 1
}
if [ -f "$data/train.bin.xz" ] && [ ! -f "$data/train.bin" ]; then
  mkdir -p "$out/data"
  cp "$data"/*.txt "$out/data/"
  for split in train test; do
    [ -f "$out/data/$split.bin" ] || "$python" -c '
import lzma, os, shutil, sys
with lzma.open(sys.argv[1]) as packed, open(sys.argv[2] + ".partial", "wb") as plain:
    shutil.copyfileobj(packed, plain)
os.replace(sys.argv[2] + ".partial", sys.argv[2])' "$data/$split.bin.xz" "$out/data/$split.bin"
  done
  data=$out/data
fi
exec "$python" -m sphynx_trainer gpu-day "$out" --data "$data" "$@"
