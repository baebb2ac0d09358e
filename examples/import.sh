#!/bin/sh
# From an ONNX file to a private answer, without Python: examples/import.sh MODEL.onnx PHOTOS PHOTO
set -eu
model=$1 photos=$2 photo=$3
folder=$(mktemp -d)
npx sphynx import "$model" --images "$photos" --out "$folder/model"
npx sphynx predict "$photo" --model "$folder/model"
npx sphynx serve --model "$folder/model" --state "$folder/server" --listen 127.0.0.1:50099 &
server=$!
trap 'kill $server' EXIT
until npx sphynx models --server 127.0.0.1:50099 2>/dev/null; do kill -0 $server; sleep 1; done
npx sphynx classify "$photo" --server 127.0.0.1:50099 --state "$folder/client"
