"""Batches of similar length, Adam with warm-up and linear decay, and the loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from tokenizers import Tokenizer

from corpus import Sentence
from model import Marian, Parameters

SMOOTHING = 0.1
LENGTHS_PADDED_TO = 4  # few shapes, so that few programs are compiled
WARM_UP_SHARE = 0.08


@dataclass(frozen=True)
class Schedule:
    epochs: int
    batch: int
    peak: float
    seed: int


class Batches:
    """Sentences as token arrays; every epoch mixes them anew."""

    def __init__(self, sentences: list[Sentence], tokenizer: Tokenizer, pad: int, batch: int) -> None:
        self.sources = [tokenizer.encode(sentence.text).ids for sentence in sentences]
        self.targets = [tokenizer.encode(sentence.reference).ids for sentence in sentences]
        self.pad, self.batch = pad, batch

    def epoch(self, random: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = random.permutation(len(self.sources))
        order = sorted(order, key=lambda i: (rounded(len(self.targets[i])), rounded(len(self.sources[i]))))
        groups = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        for group in random.permutation(len(groups)):
            rows = groups[group]
            yield self.padded(self.sources, rows), self.padded(self.targets, rows)

    def padded(self, tokens: list[list[int]], rows: list[int]) -> np.ndarray:
        """Rows filled up to the length of the longest; a batch that is too small gets rows of padding."""
        length = rounded(max(len(tokens[row]) for row in rows))
        matrix = np.full((self.batch, length), self.pad, np.int32)
        for i, row in enumerate(rows):
            matrix[i, : len(tokens[row])] = tokens[row]
        return matrix


def rounded(length: int) -> int:
    return -(-length // LENGTHS_PADDED_TO) * LENGTHS_PADDED_TO


def train(model: Marian, parameters: Parameters, batches: Batches, schedule: Schedule) -> Parameters:
    steps = schedule.epochs * -(-len(batches.sources) // schedule.batch)
    random, key = np.random.default_rng(schedule.seed), jax.random.key(schedule.seed, impl="rbg")
    state = {"p": parameters, "m": zeros(parameters), "v": zeros(parameters)}
    step = jax.jit(lambda state, *rest: update(model, state, *rest))
    began, done = time.monotonic(), 0
    for epoch in range(1, schedule.epochs + 1):
        losses = []
        for source, target in batches.epoch(random):
            done += 1
            rate = schedule.peak * min(done / (WARM_UP_SHARE * steps), (steps - done) / ((1 - WARM_UP_SHARE) * steps))
            state, loss = step(state, source, target, jax.random.fold_in(key, done), done, rate)
            losses.append(loss)
        if epoch % 5 == 0 or epoch == schedule.epochs:
            print(f"  epoch {epoch}: loss {float(np.mean(losses)):.4f}, {time.monotonic() - began:.0f} s", flush=True)
    return state["p"]


def zeros(parameters: Parameters) -> Parameters:
    return {name: jnp.zeros_like(value) for name, value in parameters.items()}


def update(model: Marian, state: dict, source, target, key, step, rate) -> tuple[dict, jax.Array]:
    """One step of Adam with gradients clipped to norm 1."""
    loss, gradient = jax.value_and_grad(lambda p: mean_loss(model, p, source, target, key))(state["p"])
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in gradient.values()))
    gradient = {name: g / jnp.maximum(norm, 1.0) for name, g in gradient.items()}
    m = {name: 0.9 * state["m"][name] + 0.1 * g for name, g in gradient.items()}
    v = {name: 0.98 * state["v"][name] + 0.02 * g**2 for name, g in gradient.items()}
    p = {
        name: value - rate * (m[name] / (1 - 0.9**step)) / (jnp.sqrt(v[name] / (1 - 0.98**step)) + 1e-9)
        for name, value in state["p"].items()
    }
    return {"p": p, "m": m, "v": v}, loss


def mean_loss(model: Marian, parameters: Parameters, source, target, key) -> jax.Array:
    """Cross entropy with smoothed labels over the tokens that are no padding."""
    pad = model.shape["pad_token_id"]
    before = jnp.concatenate([jnp.full_like(target[:, :1], pad), target[:, :-1]], axis=1)
    logs = jax.nn.log_softmax(model.logits(parameters, source, before, key))
    right = jnp.take_along_axis(logs, target[..., None], axis=-1)[..., 0]
    loss = -(1 - SMOOTHING) * right - SMOOTHING * logs.mean(-1)
    real = target != pad
    return jnp.where(real, loss, 0).sum() / real.sum()
