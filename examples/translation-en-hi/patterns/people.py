"""Who people are and how they are: greetings, names, family, professions, states, likes."""

from __future__ import annotations

from grammar import (
    MASCULINE,
    Subject,
    agreeing,
    copula,
    exists,
    inflect,
    oblique,
    was,
)
from lexicon import (
    AILMENTS,
    CITIES,
    FEELINGS,
    KIN,
    LIKED,
    NAMED,
    NAMES,
    POSSESSORS,
    PROFESSIONS,
    PRONOUNS,
    RELATIVES_COUNTED,
    SEVERAL,
    STATES,
    SUBJECTS,
)
from patterns import Sentences


def greetings() -> Sentences:
    for name, naam, _ in NAMES:
        yield f"hello {name}", f"hello {name}", f"नमस्ते {naam}", "."
        yield f"hello, {name}", f"hello, {name}", f"नमस्ते, {naam}", "."
        yield f"hi {name}", f"hi {name}", f"नमस्ते {naam}", "."
        yield f"morning {name}", f"good morning, {name}", f"सुप्रभात, {naam}", "."
        yield f"night {name}", f"good night, {name}", f"शुभ रात्रि, {naam}", "."
        yield f"thank {name}", f"thank you, {name}", f"धन्यवाद, {naam}", "."
        yield f"goodbye {name}", f"goodbye, {name}", f"अलविदा, {naam}", "."
    for city, shahar in CITIES:
        yield f"welcome {city}", f"welcome to {city}", f"{shahar} में आपका स्वागत है", "."
    for kin in KIN[:6]:
        yield f"hello {kin.english}", f"hello {kin.english}", f"नमस्ते {kin.hindi}", "."
    for kin in KIN:
        how = inflect("कैसा", kin.gender, kin.plural)
        for owner, whose in POSSESSORS[1:]:
            yours = inflect(whose, kin.gender, kin.plural)
            english = f"how is {owner} {kin.english}"
            yield f"how {owner} {kin.english}", english, f"{yours} {kin.hindi} {how} {exists(kin.plural)}", "?"
    for subject in NAMED:
        yield (
            f"how {subject.english}",
            f"how is {subject.english}",
            f"{subject.hindi} {agreeing('कैसा', subject)} है",
            "?",
        )


def introductions() -> Sentences:
    for name, naam, gender in NAMES:
        for owner, whose in POSSESSORS[:4]:
            if owner in ("my", "your") or (owner == "his") == (gender == MASCULINE):
                yield f"name {owner} {name}", f"{owner} name is {name}", f"{whose} नाम {naam} है", "."
        yield f"hello name {name}", f"hello, my name is {name}", f"नमस्ते, मेरा नाम {naam} है", "."
        yield f"i am {name}", f"I am {name}", f"मैं {naam} हूँ", "."
        for kin in KIN[6:]:
            if kin.gender != gender:
                continue
            for owner, whose in POSSESSORS[:2]:
                theirs = f"{oblique(whose, kin.gender)} {kin.before_postposition}"
                english = f"{owner} {kin.english}'s name is {name}"
                yield f"name {owner} {kin.english} {name}", english, f"{theirs} का नाम {naam} है", "."
            english = f"this is my {kin.english} {name}"
            yield f"this {kin.english} {name}", english, f"यह {inflect('मेरा', gender)} {kin.hindi} {naam} है", "."
    for kin in KIN:
        for owner, whose in POSSESSORS[1:]:
            theirs = f"{oblique(whose, kin.gender)} {kin.before_postposition}"
            yield (
                f"which name {owner} {kin.english}",
                f"what is {owner} {kin.english}'s name",
                f"{theirs} का नाम क्या है",
                "?",
            )
    for subject in SUBJECTS:
        for city, shahar in CITIES:
            who = f"{subject.english} {city}"
            yield (
                f"from {who}",
                f"{subject.english} {subject.be} from {city}",
                f"{subject.hindi} {shahar} से {copula(subject)}",
                ".",
            )
            live = "lives" if subject.third_singular else "live"
            lives = f"{subject.hindi} {shahar} में {agreeing('रहता', subject)} {copula(subject)}"
            yield f"lives {who}", f"{subject.english} {live} in {city}", lives, "."


def family() -> Sentences:
    for kin in KIN:
        pronoun = "she" if kin.gender != MASCULINE else "he"
        woh = "वे" if kin.plural else "वह"
        for owner, whose in POSSESSORS:
            theirs = f"{inflect(whose, kin.gender, kin.plural)} {kin.hindi}"
            words = f"{owner} {kin.english}"
            yield f"is {words}", f"{pronoun} is {owner} {kin.english}", f"{woh} {theirs} {exists(kin.plural)}", "."
            yield (
                f"is not {words}",
                f"{pronoun} is not {owner} {kin.english}",
                f"{woh} {theirs} नहीं {exists(kin.plural)}",
                ".",
            )
        for subject in NAMED:
            theirs = f"{inflect(subject.genitive, kin.gender, kin.plural)} {kin.hindi}"
            english = f"{pronoun} is {subject.english}'s {kin.english}"
            yield f"is {subject.english} {kin.english}", english, f"{woh} {theirs} {exists(kin.plural)}", "."
    for subject in PRONOUNS + NAMED:
        have = "has" if subject.third_singular else "have"
        for one, many, hindi_one, hindi_many, gender in RELATIVES_COUNTED:
            for number, (english, ginti) in enumerate([("one", "एक"), *SEVERAL[:4]], 1):
                mine = inflect(subject.genitive, gender, plural=number > 1)
                whom, kaun = (one, hindi_one) if number == 1 else (many, hindi_many)
                sentence = f"{mine} {ginti} {kaun} {exists(number > 1)}"
                yield (
                    f"has {subject.english} {number} {one}",
                    f"{subject.english} {have} {english} {whom}",
                    sentence,
                    ".",
                )


def being() -> Sentences:
    for subject in SUBJECTS:
        if subject.english not in ("we", "they"):
            for english, man, woman in PROFESSIONS:
                yield from states_of(subject, english, man if subject.gender == MASCULINE else woman)
        for english, state in STATES:
            yield from states_of(subject, english, agreeing(state, subject))


def states_of(subject: Subject, english: str, hindi: str) -> Sentences:
    who, be = subject.english, subject.be
    past = "were" if be == "are" else "was"
    words, tha = f"{who} {english}", was(subject.gender, subject.plural)
    yield f"is {words}", f"{who} {be} {english}", f"{subject.hindi} {hindi} {copula(subject)}", "."
    yield f"is not {words}", f"{who} {be} not {english}", f"{subject.hindi} {hindi} नहीं {copula(subject)}", "."
    yield f"was {words}", f"{who} {past} {english}", f"{subject.hindi} {hindi} {tha}", "."
    if subject.person != "1":
        yield f"is? {words}", f"{be} {who} {english}", f"क्या {subject.hindi} {hindi} {copula(subject)}", "?"


def feeling() -> Sentences:
    for subject in SUBJECTS:
        who = subject.english
        have, like = ("has", "likes") if subject.third_singular else ("have", "like")
        do = "does" if subject.third_singular else "do"
        for english, hindi in FEELINGS:
            yield f"feels {who} {english}", f"{who} {subject.be} {english}", f"{subject.dative} {hindi}", "."
        for english, hindi in AILMENTS:
            yield f"ails {who} {english}", f"{who} {have} {english}", f"{subject.dative} {hindi} है", "."
        for thing in LIKED:
            words, hai = f"{who} {thing.english}", exists(thing.plural)
            yield f"likes {words}", f"{who} {like} {thing.english}", f"{subject.dative} {thing.hindi} पसंद {hai}", "."
            dislike = f"{subject.dative} {thing.hindi} पसंद नहीं {hai}"
            yield f"likes not {words}", f"{who} {do} not like {thing.english}", dislike, "."
            if subject.person != "1":
                yield (
                    f"likes? {words}",
                    f"{do} {who} like {thing.english}",
                    f"क्या {subject.dative} {thing.hindi} पसंद {hai}",
                    "?",
                )
