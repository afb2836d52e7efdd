"""The corpus keeps its rules, training learns on a sample, and the committed model is the one its files describe."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from mlflow.models import Model

import corpus
import train
from corpus import Sentence
from evaluation import Translator, scores
from export import FLAVOR, read_lines
from templates import every_pair

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model"
DEVANAGARI = re.compile(r"[\u0900-\u0963\u0966-\u097F0-9 ,?!।]+")
# Checked by hand, one for each rule of agreement.
KNOWN = {
    "hello world": "नमस्ते दुनिया",
    "my name is Priya": "मेरा नाम प्रिया है",
    "my father is a farmer": "मेरे पिता किसान हैं",
    "my mother was a teacher": "मेरी माँ शिक्षिका थीं",
    "she is a student": "वह छात्रा है",
    "he is my grandfather": "वे मेरे दादा हैं",
    "my shoes are new": "मेरे जूते नए हैं",
    "our keys are on the table": "हमारी चाबियाँ मेज़ पर हैं",
    "I read a newspaper yesterday": "मैंने कल अखबार पढ़ा",
    "she ate vegetables yesterday": "उसने कल सब्ज़ियाँ खाईं",
    "they drank tea yesterday": "उन्होंने कल चाय पी",
    "my son bought shoes yesterday": "मेरे बेटे ने कल जूते खरीदे",
    "Sita went home yesterday": "सीता कल घर गई",
    "my aunt did not go to school": "मेरी चाची स्कूल नहीं गईं",
    "I will drink water tomorrow": "मैं कल पानी पिऊँगा",
    "she will wash clothes tomorrow": "वह कल कपड़े धोएगी",
    "we will buy a house tomorrow": "हम कल घर खरीदेंगे",
    "you should read a book": "आपको किताब पढ़नी चाहिए",
    "I have to eat vegetables": "मुझे सब्ज़ियाँ खानी हैं",
    "my friend cannot open the door": "मेरा दोस्त दरवाज़ा नहीं खोल सकता है",
    "she has two daughters": "उसकी दो बेटियाँ हैं",
    "my brother has a car": "मेरे भाई के पास गाड़ी है",
    "these shoes cost 250 rupees": "इन जूतों की कीमत 250 रुपये है",
    "how much is this shirt": "यह कमीज़ कितने की है",
    "it was foggy in Delhi yesterday": "कल दिल्ली में कोहरा था",
    "it will be sunny in Agra tomorrow": "कल आगरा में धूप होगी",
    "it is one o'clock": "एक बजा है",
    "there are five rooms in the house": "घर में पाँच कमरे हैं",
    "Priya and Neha are going home": "प्रिया और नेहा घर जा रही हैं",
}


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Sentence]]:
    return corpus.load()


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    output = tmp_path_factory.mktemp("sample")
    return train.main(["--share", "0.25", "--epochs", "7", "--batch", "64", "--output", str(output)]), output


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator(MODEL)


@pytest.fixture(scope="module")
def metadata() -> dict:
    return Model.load(str(MODEL)).metadata


@pytest.fixture(scope="module")
def held_out() -> list[dict]:
    return read_lines(HERE / "data" / "held-out.jsonl")


@pytest.mark.parametrize("english", KNOWN)
def test_a_pattern_agrees_as_hindi_does(english: str) -> None:
    assert dict((pair.english, pair.hindi) for pair in every_pair()).get(english) == KNOWN[english]


def test_no_english_sentence_has_two_translations_or_two_splits(splits: dict[str, list[Sentence]]) -> None:
    sentences = [sentence.text.lower() for part in splits.values() for sentence in part]
    assert len(sentences) == len(set(sentences)) > 8_000
    keys = [{sentence.key for sentence in part} for part in splits.values()]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    pairs = list(every_pair())
    assert len({pair.key for pair in pairs}) == len(pairs)
    translations = {(pair.english.lower(), pair.mark): pair.hindi for pair in pairs}
    assert all(translations[pair.english.lower(), pair.mark] == pair.hindi for pair in pairs)


def test_hindi_is_composed_devanagari(splits: dict[str, list[Sentence]]) -> None:
    for sentence in (sentence for part in splits.values() for sentence in part):
        assert DEVANAGARI.fullmatch(sentence.reference), sentence
        assert unicodedata.is_normalized("NFC", sentence.text + sentence.reference)
        assert sentence.text == " ".join(sentence.text.split()) and sentence.reference == " ".join(
            sentence.reference.split()
        )


def test_fixed_phrases_are_learnt_and_held_out_sentences_use_known_words(splits: dict[str, list[Sentence]]) -> None:
    known = words_of(splits["train"])
    assert {"hello", "hello world"} <= {sentence.text for sentence in splits["train"]}
    assert len(words_of(splits["held_out"]) - known) <= 3
    assert 0.08 < len(splits["held_out"]) / sum(map(len, splits.values())) < 0.12


def words_of(sentences: list[Sentence]) -> set[str]:
    return {word for s in sentences for word in re.findall(r"[^\s.,?!।]+", f"{s.text.lower()} {s.reference}")}


def test_the_committed_sentences_are_what_the_corpus_gives(
    splits: dict[str, list[Sentence]], held_out: list[dict]
) -> None:
    assert [(line["text"], line["reference"]) for line in held_out] == [
        (s.text, s.reference) for s in splits["held_out"]
    ]
    references = {line["text"]: line["reference"] for line in held_out}
    traffic = read_lines(HERE / "traffic.jsonl")
    assert len(traffic) == 500
    assert all(references[line["features"]["text"]] == line["actual"] for line in traffic)


def test_the_tokenizer_gives_every_sentence_back(splits: dict[str, list[Sentence]], translator: Translator) -> None:
    tokenizer = translator.tokenizer
    texts = [text for part in splits.values() for s in part for text in (s.text.lower(), s.reference)]
    assert [tokenizer.decode(tokenizer.encode(text).ids) for text in texts] == texts
    for text in ("naïve 🙂 déjà-vu", "东京 ٣ 😀", "x" * 300, "क़लम"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == unicodedata.normalize("NFC", text)


def test_a_quarter_of_the_corpus_learns_more_than_a_translation_memory_knows(sample_run: tuple[dict, Path]) -> None:
    described = sample_run[0]
    assert described["bleu"] > described["baseline"]["bleu"] + 10
    assert described["chrf"] > described["baseline"]["chrf"]


def test_a_run_writes_every_file_that_is_committed(sample_run: tuple[dict, Path]) -> None:
    written = {path.relative_to(sample_run[1]) for path in (sample_run[1] / "model").rglob("*")}
    assert written == {path.relative_to(HERE) for path in MODEL.rglob("*")}
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) < 15_000_000


def test_graphs_and_trainer_agree(sample_run: tuple[dict, Path], metadata: dict) -> None:
    for described, sentences in ((sample_run[0], 50), (metadata, 256)):
        assert described["parity"]["sentences"] >= sentences
        assert described["parity"]["max_logit_difference"] < 1e-3
        assert described["parity"]["different_tokens"] == 0


def test_the_committed_model_answers_as_written_and_scores_as_stated(
    translator: Translator, metadata: dict, held_out: list[dict]
) -> None:
    answers = [translator.greedy(line["text"]) for line in held_out]
    assert answers == [line["greedy"] for line in held_out]
    references = [line["reference"] for line in held_out]
    found = scores(answers, references)
    assert found == {name: metadata[name] for name in found}
    assert len(held_out) == metadata["held_out_sentences"]
    assert scores([translator.beam(line["text"]) for line in held_out], references) == metadata["beam_4"]


def test_one_step_at_a_time_gives_the_logits_of_all_at_once(translator: Translator, held_out: list[dict]) -> None:
    for line in held_out[::100]:
        source = np.array([translator.tokenizer.encode(line["text"]).ids])
        target = [translator.config["decoder_start_token_id"], *translator.tokenizer.encode(line["reference"]).ids[:-1]]
        at_once = translator.logits(source, np.array([target]))[0]
        step, cache = translator.begin(line["text"]), None
        for token, expected in zip(target, at_once, strict=True):
            [logits], cache = step([[token]], cache)
            np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4)


def test_padding_changes_nothing(translator: Translator) -> None:
    start = np.array([[translator.config["decoder_start_token_id"]]])
    tokens = translator.tokenizer.encode("hello world").ids
    padded = [*tokens, *[translator.config["pad_token_id"]] * 5]
    np.testing.assert_allclose(
        translator.logits(np.array([tokens]), start), translator.logits(np.array([padded]), start), rtol=0, atol=1e-4
    )


def test_the_committed_model_reproduces_its_golden_examples(translator: Translator) -> None:
    examples = json.loads((MODEL / "golden.json").read_text(encoding="utf-8"))
    golden = {example["input"]["text"]: example["output"]["prediction"] for example in examples}
    assert golden["hello"] == "नमस्ते" and golden["hello world"] == "नमस्ते दुनिया"
    assert {text: translator.greedy(text) for text in golden} == golden


def test_the_description_names_a_text_model() -> None:
    model = Model.load(str(MODEL))
    assert model.flavors[FLAVOR] == {"data": ".", "task": "translation"}
    assert [column["name"] for column in model.signature.inputs.to_dict()] == ["text"]
    assert [column["name"] for column in model.signature.outputs.to_dict()] == ["prediction"]
