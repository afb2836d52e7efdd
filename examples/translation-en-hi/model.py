"""Marian's encoder-decoder in JAX: sinusoidal positions, norm after each sublayer, one embedding for all three uses.

Parameters are named as Hugging Face's `MarianMTModel` names them; matrices are stored as [in, out].
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

Parameters = dict[str, jax.Array]
EMBEDDING, BIAS = "model.shared.weight", "final_logits_bias"
POSITIONS = "model.positions"
NOT_HERE = -1e9
NORM_EPSILON = 1e-5
ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


def config(
    vocabulary: int, pad: int, eos: int, width: int, layers: int, hidden: int, heads: int, positions: int
) -> dict:
    """`config.json` as Marian has it; the shape of everything else follows from it."""
    return {
        "model_type": "marian",
        "architectures": ["MarianMTModel"],
        "is_encoder_decoder": True,
        "vocab_size": vocabulary,
        "decoder_vocab_size": vocabulary,
        "d_model": width,
        "encoder_layers": layers,
        "decoder_layers": layers,
        "num_hidden_layers": layers,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": hidden,
        "decoder_ffn_dim": hidden,
        "activation_function": "swish",
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": True,
        "static_position_embeddings": True,
        "normalize_before": False,
        "normalize_embedding": False,
        "add_final_layer_norm": False,
        "max_position_embeddings": positions,
        "dropout": 0.1,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "use_cache": True,
        "pad_token_id": pad,
        "eos_token_id": eos,
        "bos_token_id": None,
        "decoder_start_token_id": pad,
        "forced_eos_token_id": None,
    }


def layer_names(side: str, layer: int) -> tuple[str, list[str]]:
    """The prefix of a layer's parameters and its attentions, in the order in which they run."""
    attentions = ["self_attn"] if side == "encoder" else ["self_attn", "encoder_attn"]
    return f"model.{side}.layers.{layer}", attentions


def initialise(shape: dict, seed: int) -> Parameters:
    width, hidden, vocabulary = shape["d_model"], shape["encoder_ffn_dim"], shape["vocab_size"]
    random = np.random.default_rng(seed)
    values: dict[str, np.ndarray] = {
        EMBEDDING: random.normal(0, width**-0.5, (vocabulary, width)),
        BIAS: np.zeros((1, vocabulary)),
    }

    def matrix(name: str, rows: int, columns: int) -> None:
        bound = (6 / (rows + columns)) ** 0.5
        values[f"{name}.weight"] = random.uniform(-bound, bound, (rows, columns))
        values[f"{name}.bias"] = np.zeros(columns)

    def norm(name: str) -> None:
        values[f"{name}.weight"], values[f"{name}.bias"] = np.ones(width), np.zeros(width)

    for side in ("encoder", "decoder"):
        for layer in range(shape[f"{side}_layers"]):
            prefix, attentions = layer_names(side, layer)
            for attention in attentions:
                for projection in ATTENTION:
                    matrix(f"{prefix}.{attention}.{projection}", width, width)
                norm(f"{prefix}.{attention}_layer_norm")
            matrix(f"{prefix}.fc1", width, hidden)
            matrix(f"{prefix}.fc2", hidden, width)
            norm(f"{prefix}.final_layer_norm")
    return {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}


def sinusoids(positions: int, width: int) -> np.ndarray:
    """Sines in the first half of the columns, cosines in the second."""
    angles = np.arange(positions)[:, None] / 10000 ** (2 * np.arange(width // 2) / width)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


class Marian:
    """The forward pass; `key` switches dropout on."""

    def __init__(self, shape: dict) -> None:
        self.shape = shape
        self.positions = sinusoids(shape["max_position_embeddings"], shape["d_model"])

    def logits(self, p: Parameters, source: jax.Array, target: jax.Array, key: jax.Array | None = None) -> jax.Array:
        keys = None if key is None else iter(jax.random.split(key, 64))
        visible = (source != self.shape["pad_token_id"])[:, None, None, :]
        memory = self.stack(p, "encoder", source, visible, None, None, keys)
        past = jnp.tril(jnp.ones((target.shape[1], target.shape[1]), bool))[None, None]
        state = self.stack(p, "decoder", target, past, memory, visible, keys)
        return state @ p[EMBEDDING].T + p[BIAS]

    def stack(self, p, side, tokens, mask, memory, memory_mask, keys) -> jax.Array:
        state = p[EMBEDDING][tokens] * self.shape["d_model"] ** 0.5 + self.positions[: tokens.shape[1]]
        state = self.drop(state, keys)
        for layer in range(self.shape[f"{side}_layers"]):
            prefix, attentions = layer_names(side, layer)
            for attention in attentions:
                name = f"{prefix}.{attention}"
                kept, seen = (memory, memory_mask) if attention == "encoder_attn" else (state, mask)
                state = norm(p, f"{name}_layer_norm", state + self.drop(self.attend(p, name, state, kept, seen), keys))
            inner = linear(p, f"{prefix}.fc2", jax.nn.silu(linear(p, f"{prefix}.fc1", state)))
            state = norm(p, f"{prefix}.final_layer_norm", state + self.drop(inner, keys))
        return state

    def attend(self, p, name, state, memory, mask) -> jax.Array:
        heads = self.shape["encoder_attention_heads"]

        def split(x: jax.Array) -> jax.Array:
            return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

        query = split(linear(p, f"{name}.q_proj", state))
        keys, values = (split(linear(p, f"{name}.{part}_proj", memory)) for part in "kv")
        scores = query @ keys.swapaxes(-1, -2) * query.shape[-1] ** -0.5
        weights = jax.nn.softmax(jnp.where(mask, scores, NOT_HERE), axis=-1)
        mixed = (weights @ values).transpose(0, 2, 1, 3).reshape(state.shape)
        return linear(p, f"{name}.out_proj", mixed)

    def drop(self, x: jax.Array, keys) -> jax.Array:
        if keys is None:
            return x
        rate = self.shape["dropout"]
        return jnp.where(jax.random.bernoulli(next(keys), 1 - rate, x.shape), x / (1 - rate), 0)


def linear(p: Parameters, name: str, x: jax.Array) -> jax.Array:
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def norm(p: Parameters, name: str, x: jax.Array) -> jax.Array:
    centred = x - x.mean(-1, keepdims=True)
    scale = jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + NORM_EPSILON)
    return centred * scale * p[f"{name}.weight"] + p[f"{name}.bias"]
