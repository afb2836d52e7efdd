"""Translating with the exported graphs through onnxruntime, the scores, and the check against the trainer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from sacrebleu.metrics import BLEU, CHRF
from tokenizers import Tokenizer

MAX_LOGIT_DIFFERENCE = 1e-3
LONGEST_ANSWER = 64


@dataclass(frozen=True)
class Parity:
    """How far the graphs are from the trainer on the same sentences, token by token of the reference."""

    sentences: int
    max_logit_difference: float
    different_tokens: int

    @property
    def holds(self) -> bool:
        return self.max_logit_difference < MAX_LOGIT_DIFFERENCE and self.different_tokens == 0


class Translator:
    """The Python reference: tokenizer and graphs of a model directory, one sentence at a time, as a server has it."""

    def __init__(self, directory: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        self.encoder, self.decoder = (
            open_session(directory / "onnx" / name) for name in ("encoder_model.onnx", "decoder_model_merged.onnx")
        )

    def greedy(self, text: str) -> str:
        step = self.begin(text)
        start = self.config["decoder_start_token_id"]
        logits, cache = step([[start]], None)
        tokens = [int(logits[0].argmax())]
        while tokens[-1] != self.config["eos_token_id"] and len(tokens) < LONGEST_ANSWER:
            logits, cache = step([[tokens[-1]]], cache)
            tokens.append(int(logits[0].argmax()))
        return self.tokenizer.decode(tokens)

    def beam(self, text: str, width: int = 4) -> str:
        """The best of `width` beams by mean log probability of a token, by the rules of transformers' `generate`."""
        step, eos = self.begin(text), self.config["eos_token_id"]
        logits, cache = step([[self.config["decoder_start_token_id"]]], None)
        beams: list[list[int]] = [[]]
        alive = np.zeros(1)
        finished: list[tuple[float, list[int]]] = []
        for length in range(1, LONGEST_ANSWER + 1):
            total = (alive[:, None] + log_softmax(logits)).ravel()
            best = total.argsort()[::-1][: 2 * width]
            parents, words = (found.tolist() for found in np.unravel_index(best, logits.shape))
            ended = [i for i in range(width) if words[i] == eos]
            finished += [(total[best[i]] / length, beams[parents[i]]) for i in ended]
            finished = sorted(finished, reverse=True)[:width]
            if len(finished) == width and finished[-1][0] >= total[best[0]] / length:
                break
            kept = [i for i in range(2 * width) if words[i] != eos][:width]
            beams = [[*beams[parents[i]], words[i]] for i in kept]
            alive, rows = total[best[kept]], [parents[i] for i in kept]
            logits, cache = step([[words[i]] for i in kept], {name: past[rows] for name, past in cache.items()})
        return self.tokenizer.decode(finished[0][1] if finished else beams[0])

    def begin(self, text: str):
        """Encodes the text; gives a function from last tokens and cache to the logits of the next and a new cache."""
        source = np.array([self.tokenizer.encode(text).ids], np.int64)
        mask = np.ones_like(source)
        [memory] = self.encoder.run(None, {"input_ids": source, "attention_mask": mask})

        def step(tokens: list[list[int]], cache: dict | None) -> tuple[np.ndarray, dict]:
            rows = len(tokens)
            return self.decode(np.array(tokens), np.repeat(mask, rows, 0), np.repeat(memory, rows, 0), cache)

        return step

    def decode(
        self, tokens: np.ndarray, mask: np.ndarray, memory: np.ndarray, cache: dict | None
    ) -> tuple[np.ndarray, dict]:
        """The logits behind the last token of each row, and what the next step takes for `cache`."""
        logits, *present = self.run(tokens, mask, memory, cache)
        names = [output.name.replace("present", "past_key_values") for output in self.decoder.get_outputs()[1:]]
        return logits[:, -1], dict(zip(names, present, strict=True))

    def run(self, tokens: np.ndarray, mask: np.ndarray, memory: np.ndarray, cache: dict | None) -> list[np.ndarray]:
        feeds = {
            "input_ids": tokens.astype(np.int64),
            "encoder_attention_mask": mask,
            "encoder_hidden_states": memory,
            "use_cache_branch": np.array([cache is not None]),
        }
        return self.decoder.run(None, feeds | (cache or self.empty_cache(len(tokens))))

    def empty_cache(self, rows: int) -> dict[str, np.ndarray]:
        pasts = [i for i in self.decoder.get_inputs() if i.name.startswith("past_key_values")]
        return {past.name: np.zeros((rows, past.shape[1], 0, past.shape[3]), np.float32) for past in pasts}

    def logits(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """All logits at once, as in training."""
        mask = (source != self.config["pad_token_id"]).astype(np.int64)
        [memory] = self.encoder.run(None, {"input_ids": source.astype(np.int64), "attention_mask": mask})
        return self.run(target, mask, memory, None)[0]


def open_session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def scores(answers: list[str], references: list[str]) -> dict[str, float]:
    """BLEU and chrF of sacrebleu with its defaults, and the share of answers that are the reference to the letter."""
    same = sum(answer == reference for answer, reference in zip(answers, references, strict=True))
    return {
        "bleu": round(BLEU().corpus_score(answers, [references]).score, 2),
        "chrf": round(CHRF().corpus_score(answers, [references]).score, 2),
        "exact": round(same / len(answers), 4),
    }


def compare(ours: np.ndarray, trainers: np.ndarray, target: np.ndarray, pad: int) -> Parity:
    real = target != pad
    return Parity(
        sentences=len(target),
        max_logit_difference=float(np.abs(ours - trainers)[real].max()),
        different_tokens=int((ours.argmax(-1) != trainers.argmax(-1))[real].sum()),
    )
