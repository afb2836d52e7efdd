"""Converts a model of Python's libraries to ONNX. Whether the result answers as the original does is proved elsewhere."""
