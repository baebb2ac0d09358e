"""Trains ReLU-efficient networks for private inference and exports them as collapsed ONNX."""

__version__ = "0.2.0"
