"""What people do, want, must and can, in every tense, and what they are asked to do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from grammar import (
    FEMININE,
    MASCULINE,
    Noun,
    Subject,
    Verb,
    agreeing,
    copula,
    exists,
    future,
    infinitive,
    inflect,
    perfective,
)
from lexicon import (
    COME,
    DESTINATIONS,
    GO,
    LIKED,
    NAMES,
    NEEDED,
    SPEAK,
    SUBJECTS,
    VERBS_WITH_OBJECTS,
    WORKPLACES,
)
from patterns import Sentences


def wanting() -> Sentences:
    for subject in SUBJECTS:
        who = subject.english
        need, want = ("needs", "wants") if subject.third_singular else ("need", "want")
        have = "has" if subject.third_singular else "have"
        do = "does" if subject.third_singular else "do"
        wish = f"{agreeing('चाहता', subject)} {copula(subject)}"
        for thing in NEEDED:
            yield (
                f"needs {who} {thing.english}",
                f"{who} {need} {thing.english}",
                f"{subject.dative} {thing.hindi} चाहिए",
                ".",
            )
            yield (
                f"needs not {who} {thing.english}",
                f"{who} {do} not need {thing.english}",
                f"{subject.dative} {thing.hindi} नहीं चाहिए",
                ".",
            )
        for verb, thing in actions():
            words = f"{who} {verb.english} {thing.english}"
            act = f"{verb.english} {thing.english}"
            agreed = f"{thing.hindi} {infinitive(verb, thing.gender, thing.plural)}"
            yield (
                f"wants {words}",
                f"{who} {want} to {act}",
                f"{subject.hindi} {thing.hindi} {infinitive(verb)} {wish}",
                ".",
            )
            yield f"should {words}", f"{who} should {act}", f"{subject.dative} {agreed} चाहिए", "."
            yield f"must {words}", f"{who} {have} to {act}", f"{subject.dative} {agreed} {exists(thing.plural)}", "."
            able = f"{verb.stem} {agreeing('सकता', subject)} {copula(subject)}"
            yield f"can {words}", f"{who} can {act}", f"{subject.hindi} {thing.hindi} {able}", "."
            yield f"cannot {words}", f"{who} cannot {act}", f"{subject.hindi} {thing.hindi} नहीं {able}", "."
            if subject.person != "1":
                yield f"can? {words}", f"can {who} {act}", f"क्या {subject.hindi} {thing.hindi} {able}", "?"
        for english, hindi in DESTINATIONS:
            words = f"{who} {english}"
            yield f"wants go {words}", f"{who} {want} to go {english}", f"{subject.hindi} {hindi} जाना {wish}", "."
            yield f"must go {words}", f"{who} {have} to go {english}", f"{subject.dative} {hindi} जाना है", "."


def doing() -> Sentences:
    for subject in SUBJECTS:
        for verb, thing in actions():
            did = f"{subject.ergative} {{when}}{thing.hindi} {{no}}{perfective(verb, thing.gender, thing.plural)}"
            yield from tenses(subject, verb, thing.english, f"{thing.hindi} ", did)
        for language, bhasha in (("Hindi", "हिंदी"), ("English", "अंग्रेज़ी")):
            speak = "speaks" if subject.third_singular else "speak"
            habit = f"{agreeing('बोलता', subject)} {copula(subject)}"
            yield (
                f"{speak} {subject.english} {language}",
                f"{subject.english} {speak} {language}",
                f"{subject.hindi} {bhasha} {habit}",
                ".",
            )
    for verb in VERBS_WITH_OBJECTS:
        for subject in SUBJECTS[1:]:
            busy = f"{verb.stem} {agreeing('रहा', subject)} {copula(subject)}"
            words = f"what {subject.english} {verb.english}"
            yield words, f"what {subject.be} {subject.english} {verb.progressive}", f"{subject.hindi} क्या {busy}", "?"


def moving() -> Sentences:
    for subject in SUBJECTS:
        for verb in (GO, COME):
            for english, hindi in DESTINATIONS:
                agreed = perfective(verb, subject.gender, subject.plural)
                did = f"{subject.hindi} {{when}}{hindi} {{no}}{agreed}"
                yield from tenses(subject, verb, english, f"{hindi} ", did)
        for place, jagah in WORKPLACES:
            work = "works" if subject.third_singular else "work"
            habit = f"{agreeing('करता', subject)} {copula(subject)}"
            yield (
                f"works {subject.english} {place}",
                f"{subject.english} {work} in {place}",
                f"{subject.hindi} {jagah} में काम {habit}",
                ".",
            )
        if subject.person != "1":
            busy = f"जा {agreeing('रहा', subject)} {copula(subject)}"
            english = f"where {subject.be} {subject.english} going"
            yield f"where going {subject.english}", english, f"{subject.hindi} कहाँ {busy}", "?"
            for english, hindi in DESTINATIONS:
                words, comes = f"{subject.english} {english}", future(COME, subject)
                yield (
                    f"why {words}",
                    f"why {subject.be} {subject.english} going {english}",
                    f"{subject.hindi} {hindi} क्यों {busy}",
                    "?",
                )
                yield (
                    f"when {words}",
                    f"when will {subject.english} come {english}",
                    f"{subject.hindi} {hindi} कब {comes}",
                    "?",
                )


def tenses(subject: Subject, verb: Verb, english: str, hindi: str, did: str) -> Sentences:
    """Habit, moment, past and future, each as statement, negation and question; `did` is the past in Hindi."""
    who, be, words = subject.english, subject.be, f"{subject.english} {verb.english} {english}"
    third = verb.third if subject.third_singular else verb.english
    do = "does" if subject.third_singular else "do"
    habit = f"{verb.stem}{agreeing('ता', subject)} {copula(subject)}"
    moment = f"{verb.stem} {agreeing('रहा', subject)} {copula(subject)}"
    will, doer = future(verb, subject), subject.hindi
    past = did.format(when="", no="")
    yield f"habit {words}", f"{who} {third} {english}", f"{doer} {hindi}{habit}", "."
    yield f"daily {words}", f"{who} {third} {english} every day", f"{doer} रोज़ {hindi}{habit}", "."
    yield f"habit not {words}", f"{who} {do} not {verb.english} {english}", f"{doer} {hindi}नहीं {habit}", "."
    yield f"now {words}", f"{who} {be} {verb.progressive} {english}", f"{doer} {hindi}{moment}", "."
    yield f"now not {words}", f"{who} {be} not {verb.progressive} {english}", f"{doer} {hindi}नहीं {moment}", "."
    yield f"past {words}", f"{who} {verb.past} {english} yesterday", did.format(when="कल ", no=""), "."
    yield f"past not {words}", f"{who} did not {verb.english} {english}", did.format(when="", no="नहीं "), "."
    yield f"will {words}", f"{who} will {verb.english} {english} tomorrow", f"{doer} कल {hindi}{will}", "."
    yield f"will not {words}", f"{who} will not {verb.english} {english}", f"{doer} {hindi}नहीं {will}", "."
    if subject.person != "1":
        yield f"habit? {words}", f"{do} {who} {verb.english} {english}", f"क्या {doer} {hindi}{habit}", "?"
        yield f"now? {words}", f"{be} {who} {verb.progressive} {english}", f"क्या {doer} {hindi}{moment}", "?"
        yield f"past? {words}", f"did {who} {verb.english} {english}", f"क्या {past}", "?"
        yield f"will? {words}", f"will {who} {verb.english} {english}", f"क्या {doer} {hindi}{will}", "?"


def actions() -> Iterator[tuple[Verb, Noun]]:
    for verb, things in VERBS_WITH_OBJECTS.items():
        for thing in things:
            yield verb, thing


def requests() -> Sentences:
    for verb, thing in actions():
        act = f"{verb.english} {thing.english}"
        yield f"do {act}", f"please {act}", f"कृपया {thing.hindi} {verb.imperative}", "."
        yield f"do not {act}", f"please do not {act}", f"कृपया {thing.hindi} मत {verb.imperative}", "."
    for verb in (GO, COME):
        for english, hindi in DESTINATIONS:
            act = f"{verb.english} {english}"
            yield f"do {act}", f"please {act}", f"कृपया {hindi} {verb.imperative}", "."
            yield f"do not {act}", f"please do not {act}", f"कृपया {hindi} मत {verb.imperative}", "."
    for thing in NEEDED:
        yield f"give {thing.english}", f"please give me {thing.english}", f"कृपया मुझे {thing.hindi} दीजिए", "."
    for language, bhasha in (("Hindi", "हिंदी"), ("English", "अंग्रेज़ी")):
        yield f"speak {language}", f"please speak {language}", f"कृपया {bhasha} {SPEAK.imperative}", "."


def joining() -> Sentences:
    for one, other in combinations(LIKED[:10], 2):
        both, dono = f"{one.english} and {other.english}", f"{one.hindi} और {other.hindi}"
        for subject in SUBJECTS:
            like = "likes" if subject.third_singular else "like"
            yield (
                f"likes {subject.english} {both}",
                f"{subject.english} {like} {both}",
                f"{subject.dative} {dono} पसंद हैं",
                ".",
            )
    for (one, ek, gender), (other, doosra, other_gender) in combinations(NAMES, 2):
        both = FEMININE if gender == other_gender == FEMININE else MASCULINE
        for english, hindi in DESTINATIONS:
            busy = f"जा {inflect('रहा', both, plural=True)} हैं"
            words = f"{one} and {other} are going {english}"
            yield words, words, f"{ek} और {doosra} {hindi} {busy}", "."
