"""The trained model as two ONNX graphs with the names that Hugging Face's exporter gives them.

`decoder_model_merged.onnx` does both kinds of step: `use_cache_branch` false computes keys and values of the
sentence, true takes them from the cache. What was decoded so far comes through the cache either way, empty at first.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model import (
    BIAS,
    EMBEDDING,
    NORM_EPSILON,
    NOT_HERE,
    POSITIONS,
    layer_names,
    sinusoids,
)

OPSET, IR_VERSION = 17, 8
Shape = list[int | str]


class Graph:
    """Nodes in order and the weights they use; every method gives back the name of what it adds."""

    def __init__(self, shape: dict, weights: dict[str, np.ndarray]) -> None:
        self.shape = shape
        self.weights = weights | {POSITIONS: sinusoids(shape["max_position_embeddings"], shape["d_model"])}
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, outputs: list[str] | None = None, **attributes: object) -> str:
        outputs = outputs or [f"{kind}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs[0]

    def weight(self, name: str) -> str:
        return self.store(name, np.asarray(self.weights[name], np.float32))

    def number(self, value: float | list[float]) -> str:
        return self.store(f"float_{value}", np.array(value, np.float32))

    def integers(self, value: int | list[int]) -> str:
        return self.store(f"int_{value}", np.array(value, np.int64))

    def store(self, name: str, value: np.ndarray) -> str:
        self.initializers[name] = numpy_helper.from_array(value, name)
        return name

    def linear(self, name: str, x: str) -> str:
        return self.op("Add", self.op("MatMul", x, self.weight(f"{name}.weight")), self.weight(f"{name}.bias"))

    def norm(self, name: str, x: str) -> str:
        weights = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.op("LayerNormalization", x, *weights, axis=-1, epsilon=NORM_EPSILON)

    def length(self, x: str, axis: int) -> str:
        return self.op("Gather", self.op("Shape", x), self.integers(axis))

    def embed(self, tokens: str, places: str) -> str:
        scaled = self.op(
            "Mul", self.op("Gather", self.weight(EMBEDDING), tokens), self.number(self.shape["d_model"] ** 0.5)
        )
        return self.op("Add", scaled, self.op("Gather", self.weight(POSITIONS), places))

    def heads(self, x: str) -> str:
        """[batch, length, width] to [batch, heads, length, width of a head]."""
        parted = self.op("Reshape", x, self.integers([0, 0, self.shape["encoder_attention_heads"], -1]))
        return self.op("Transpose", parted, perm=[0, 2, 1, 3])

    def attend(self, name: str, state: str, keys: str, values: str, mask: str) -> str:
        """`mask` is added to the scores; keys and values are per head."""
        width = self.shape["d_model"] // self.shape["encoder_attention_heads"]
        query = self.op("Mul", self.heads(self.linear(f"{name}.q_proj", state)), self.number(width**-0.5))
        scores = self.op("MatMul", query, self.op("Transpose", keys, perm=[0, 1, 3, 2]))
        weights = self.op("Softmax", self.op("Add", scores, mask), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", weights, values), perm=[0, 2, 1, 3])
        flat = self.op("Reshape", mixed, self.integers([0, 0, self.shape["d_model"]]))
        return self.linear(f"{name}.out_proj", flat)

    def keys_and_values(self, name: str, memory: str) -> tuple[str, str]:
        key, value = (self.heads(self.linear(f"{name}.{part}_proj", memory)) for part in "kv")
        return key, value

    def feed_forward(self, prefix: str, state: str) -> str:
        inner = self.linear(f"{prefix}.fc1", state)
        swish = self.op("Mul", inner, self.op("Sigmoid", inner))
        return self.norm(f"{prefix}.final_layer_norm", self.op("Add", state, self.linear(f"{prefix}.fc2", swish)))

    def hidden(self, mask: str) -> str:
        """Of an attention mask [batch, length], what is to be added to the scores: [batch, 1, 1, length]."""
        kept = self.op("Cast", self.op("Unsqueeze", mask, self.integers([1, 2])), to=TensorProto.FLOAT)
        return self.op("Mul", self.op("Sub", self.number(1.0), kept), self.number(NOT_HERE))

    def model(self, inputs: dict[str, tuple[int, Shape]], outputs: dict[str, Shape]) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "marian",
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            list(self.initializers.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="slipway-example",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def encoder(shape: dict, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    g = Graph(shape, weights)
    places = g.op("Range", g.integers(0), g.length("input_ids", 1), g.integers(1))
    state, mask = g.embed("input_ids", places), g.hidden("attention_mask")
    for layer in range(shape["encoder_layers"]):
        prefix, _ = layer_names("encoder", layer)
        name = f"{prefix}.self_attn"
        mixed = g.attend(name, state, *g.keys_and_values(name, state), mask)
        state = g.feed_forward(prefix, g.norm(f"{name}_layer_norm", g.op("Add", state, mixed)))
    g.op("Identity", state, outputs=["last_hidden_state"])
    tokens = (TensorProto.INT64, ["batch_size", "encoder_sequence_length"])
    return g.model(
        {"input_ids": tokens, "attention_mask": tokens},
        {"last_hidden_state": ["batch_size", "encoder_sequence_length", shape["d_model"]]},
    )


def decoder(shape: dict, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    g = Graph(shape, weights)
    past, now = g.length("past_key_values.0.decoder.key", 2), g.length("input_ids", 1)
    total = g.op("Add", past, now)
    places = g.op("Range", past, total, g.integers(1))
    state, mask = g.embed("input_ids", places), g.hidden("encoder_attention_mask")
    later = later_ones(g, places, total)
    sentence = keys_of_sentence(g)
    for layer in range(shape["decoder_layers"]):
        prefix, _ = layer_names("decoder", layer)
        own, cross = f"{prefix}.self_attn", f"{prefix}.encoder_attn"
        known = [
            g.op(
                "Concat", past_name(layer, "decoder", part), new, axis=2, outputs=[present_name(layer, "decoder", part)]
            )
            for part, new in zip(("key", "value"), g.keys_and_values(own, state), strict=True)
        ]
        state = g.norm(f"{own}_layer_norm", g.op("Add", state, g.attend(own, state, *known, later)))
        mixed = g.attend(cross, state, *sentence[layer], mask)
        state = g.feed_forward(prefix, g.norm(f"{cross}_layer_norm", g.op("Add", state, mixed)))
    output = g.op("MatMul", state, g.op("Transpose", g.weight(EMBEDDING), perm=[1, 0]))
    g.op("Add", output, g.weight(BIAS), outputs=["logits"])
    return g.model(*decoder_signature(shape))


def later_ones(g: Graph, places: str, total: str) -> str:
    """What is added to the scores so that no token sees those behind it: [length, past and length]."""
    every = g.op("Unsqueeze", g.op("Range", g.integers(0), total, g.integers(1)), g.integers([0]))
    behind = g.op("Greater", every, g.op("Unsqueeze", places, g.integers([1])))
    return g.op("Where", behind, g.number(NOT_HERE), g.number(0.0))


def keys_of_sentence(g: Graph) -> list[tuple[str, str]]:
    """Per layer keys and values of the sentence that is translated, computed or out of the cache."""
    cached, computed = Graph(g.shape, g.weights), Graph(g.shape, g.weights)
    outputs: list[str] = []
    for layer in range(g.shape["decoder_layers"]):
        name = f"{layer_names('decoder', layer)[0]}.encoder_attn"
        both = computed.keys_and_values(name, "encoder_hidden_states")
        for part, value in zip(("key", "value"), both, strict=True):
            present = present_name(layer, "encoder", part)
            cached.op("Identity", past_name(layer, "encoder", part), outputs=[f"cached.{present}"])
            computed.op("Identity", value, outputs=[f"computed.{present}"])
            outputs.append(present)
    g.initializers |= computed.initializers
    branches = {
        branch: helper.make_graph(
            part.nodes,
            word,
            [],
            [helper.make_tensor_value_info(f"{word}.{name}", TensorProto.FLOAT, None) for name in outputs],
        )
        for branch, word, part in (("then_branch", "cached", cached), ("else_branch", "computed", computed))
    }
    g.op("If", "use_cache_branch", outputs=outputs, **branches)
    return list(zip(outputs[::2], outputs[1::2], strict=True))


def past_name(layer: int, side: str, part: str) -> str:
    return f"past_key_values.{layer}.{side}.{part}"


def present_name(layer: int, side: str, part: str) -> str:
    return f"present.{layer}.{side}.{part}"


def decoder_signature(shape: dict) -> tuple[dict[str, tuple[int, Shape]], dict[str, Shape]]:
    heads = shape["decoder_attention_heads"]
    lengths = {"decoder": "past_decoder_sequence_length", "encoder": "encoder_sequence_length_out"}
    inputs: dict[str, tuple[int, Shape]] = {
        "encoder_attention_mask": (TensorProto.INT64, ["batch_size", "encoder_sequence_length"]),
        "input_ids": (TensorProto.INT64, ["batch_size", "decoder_sequence_length"]),
        "encoder_hidden_states": (TensorProto.FLOAT, ["batch_size", "encoder_sequence_length", shape["d_model"]]),
    }
    outputs: dict[str, Shape] = {"logits": ["batch_size", "decoder_sequence_length", shape["vocab_size"]]}
    for layer in range(shape["decoder_layers"]):
        for side, length in lengths.items():
            for part in ("key", "value"):
                per_head: Shape = ["batch_size", heads, length, shape["d_model"] // heads]
                inputs[past_name(layer, side, part)] = (TensorProto.FLOAT, per_head)
                grown = [*per_head[:2], f"{length}_present", per_head[3]]
                outputs[present_name(layer, side, part)] = grown
    inputs["use_cache_branch"] = (TensorProto.BOOL, [1])
    return inputs, outputs
