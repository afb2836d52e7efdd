"""Asks a server over gRPC with MLServer's own messages and converters: one ModelInfer for each body of a file.

Usage: python ask_grpc.py PORT MODEL BODIES MESSAGE
BODIES has a request of the Open Inference Protocol a line, as JSON. Prints the first tensor of each answer and the
bytes of that answer as they go over the wire, as a list in JSON. Writes to MESSAGE the first request as those bytes.
"""

import json
import struct
import sys
from pathlib import Path

import grpc
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest


def to_message(body: str, model: str) -> object:
    request = InferenceRequest.model_validate_json(body)
    for tensor in request.inputs:
        if tensor.datatype == "BYTES":
            tensor.data.root = [text.encode() for text in tensor.data.root]
    return ModelInferRequestConverter.from_types(request, model_name=model)


def framed(message: bytes) -> bytes:
    """Not compressed, and its length before it."""
    return struct.pack(">BI", 0, len(message)) + message


def main() -> None:
    port, model, bodies, file = sys.argv[1:]
    messages = [to_message(body, model) for body in Path(bodies).read_text().splitlines()]
    Path(file).write_bytes(framed(messages[0].SerializeToString()))
    answers = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        for message in messages:
            answer = stub.ModelInfer(message, timeout=30)
            (tensor,) = ModelInferResponseConverter.to_types(answer).outputs
            answers.append({"data": list(tensor.data), "bytes": len(framed(answer.SerializeToString()))})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
