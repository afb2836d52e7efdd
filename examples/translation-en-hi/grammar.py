"""Hindi inflection as far as the corpus needs it: agreement in gender and number, tenses, cases of pronouns."""

from __future__ import annotations

from dataclasses import dataclass

MASCULINE, FEMININE = "m", "f"
VOWEL_ENDINGS = "आाीोे"


@dataclass(frozen=True)
class Noun:
    """A noun phrase in the direct case; `oblique` is the form before a postposition."""

    english: str
    hindi: str
    gender: str
    plural: bool = False
    oblique: str = ""

    @property
    def before_postposition(self) -> str:
        return self.oblique or self.hindi


@dataclass(frozen=True)
class Subject:
    """Who does it; `person` is 1 (I), sg or pl, where a respected person counts as pl."""

    english: str
    be: str
    hindi: str
    ergative: str
    dative: str
    genitive: str
    gender: str
    person: str

    @property
    def plural(self) -> bool:
        return self.person == "pl"

    @property
    def third_singular(self) -> bool:
        return self.be == "is"


@dataclass(frozen=True)
class Verb:
    """English forms beside the Hindi stem; `perfective` is the masculine singular."""

    english: str
    third: str
    progressive: str
    past: str
    stem: str
    perfective: str
    imperative: str
    future_stem: str = ""


def inflect(word: str, gender: str, plural: bool = False) -> str:
    """An adjective, participle or genitive in -ā; anything else does not change."""
    if not word.endswith("ा"):
        return word
    if word.endswith("या"):
        return word[:-2] + ("ई" if gender == FEMININE else "ए" if plural else "या")
    return word[:-1] + ("ी" if gender == FEMININE else "े" if plural else "ा")


def oblique(genitive: str, gender: str) -> str:
    """A genitive before a noun that has a postposition: masculine -e, feminine -ī."""
    return inflect(genitive, gender, plural=True)


def perfective(verb: Verb, gender: str, plural: bool) -> str:
    form = "पी" if verb.stem == "पी" and gender == FEMININE else inflect(verb.perfective, gender, plural)
    return form + "ं" if gender == FEMININE and plural else form


def infinitive(verb: Verb, gender: str = MASCULINE, plural: bool = False) -> str:
    return verb.stem + inflect("ना", gender, plural)


def copula(subject: Subject) -> str:
    return {"1": "हूँ", "sg": "है", "pl": "हैं"}[subject.person]


def was(gender: str, plural: bool) -> str:
    return inflect("था", gender, plural) + ("ं" if gender == FEMININE and plural else "")


def exists(plural: bool) -> str:
    return "हैं" if plural else "है"


def agreeing(form: str, subject: Subject) -> str:
    """A participle or adjective in -ā that agrees with the subject."""
    return inflect(form, subject.gender, subject.plural)


def future(verb: Verb, subject: Subject) -> str:
    stem = verb.future_stem or verb.stem
    if stem[-1] in VOWEL_ENDINGS + "ि":
        ending = {"1": "ऊँ", "sg": "ए", "pl": "एँ"}[subject.person]
    else:
        ending = {"1": "ूँ", "sg": "े", "pl": "ें"}[subject.person]
    return stem + ending + agreeing("गा", subject)
