"""What every family of networks shares: a classifier, its plain graph, its ONNX file, its costs."""
