"""Networks that ship with the environments, as ONNX bundles."""
