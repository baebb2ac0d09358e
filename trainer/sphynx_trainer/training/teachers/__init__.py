"""Networks that others trained, as teachers: their architectures, files and cached logits."""
