"""Things: whose, where, of what kind, how many, at what price."""

from __future__ import annotations

from grammar import (
    MASCULINE,
    exists,
    inflect,
)
from lexicon import (
    COUNTED,
    COUNTED_AT,
    FURNISHED,
    OWNED,
    PORTABLE,
    POSSESSORS,
    PRICES,
    PRONOUNS,
    QUALITIES,
    SEVERAL,
    SPOTS,
    SUBJECTS,
    THINGS,
    WEIGHED,
)
from patterns import Sentences


def belongings() -> Sentences:
    for thing in THINGS:
        this, yah = ("these are", "ये") if thing.plural else ("this is", "यह")
        where, be = ("where are", "are") if thing.plural else ("where is", "is")
        hai = exists(thing.plural)
        for owner, whose in POSSESSORS:
            mine = f"{inflect(whose, thing.gender, thing.plural)} {thing.hindi}"
            words, owned = f"{owner} {thing.english}", f"{owner} {thing.english}"
            yield f"this {words}", f"{this} {owned}", f"{yah} {mine} {hai}", "."
            yield f"this not {words}", f"{this} not {owned}", f"{yah} {mine} नहीं {hai}", "."
            asked = " ".join(reversed(this.split()))
            yield f"this? {words}", f"{asked} {owned}", f"क्या {yah} {mine} {hai}", "?"
            yield f"where {words}", f"{where} {owned}", f"{mine} कहाँ {hai}", "?"
            for quality, guna in QUALITIES:
                agreed = inflect(guna, thing.gender, thing.plural)
                yield f"is {quality} {words}", f"{owned} {be} {quality}", f"{mine} {agreed} {hai}", "."
            for spot, sthaan in SPOTS if thing.english in PORTABLE else ():
                yield f"at {spot} {words}", f"{owned} {be} {spot}", f"{mine} {sthaan} {hai}", "."
        for quality, guna in QUALITIES:
            agreed = inflect(guna, thing.gender, thing.plural)
            the = f"the {thing.english} {be}"
            yield f"the {quality} {thing.english}", f"{the} {quality}", f"{thing.hindi} {agreed} {hai}", "."
            yield f"the not {quality} {thing.english}", f"{the} not {quality}", f"{thing.hindi} {agreed} नहीं {hai}", "."
        for spot, sthaan in SPOTS if thing.english in PORTABLE else ():
            yield (
                f"the at {spot} {thing.english}",
                f"the {thing.english} {be} {spot}",
                f"{thing.hindi} {sthaan} {hai}",
                ".",
            )


def owning() -> Sentences:
    for subject in SUBJECTS:
        who, have = subject.english, "has" if subject.third_singular else "have"
        do = "does" if subject.third_singular else "do"
        beside = f"{inflect(subject.genitive, MASCULINE, plural=True)} पास"
        for thing in OWNED:
            words, hai = f"{who} {thing.english}", exists(thing.plural)
            bare = thing.english.removeprefix("a ")
            yield f"has {words}", f"{who} {have} {thing.english}", f"{beside} {thing.hindi} {hai}", "."
            yield f"has not {words}", f"{who} {do} not have {thing.english}", f"{beside} {thing.hindi} नहीं {hai}", "."
            no = "कोई " if bare != thing.english else ""
            yield f"has no {words}", f"{who} {have} no {bare}", f"{beside} {no}{thing.hindi} नहीं {hai}", "."
            if subject.person != "1":
                yield f"has? {words}", f"{do} {who} have {thing.english}", f"क्या {beside} {thing.hindi} {hai}", "?"


def counting() -> Sentences:
    for things, cheezen, gender in COUNTED:
        for number, ginti in SEVERAL:
            words = f"{number} {things}"
            for spot, sthaan in FURNISHED.get(things, COUNTED_AT):
                english = f"there are {number} {things} {spot}"
                yield f"there {words} {spot}", english, f"{sthaan} {ginti} {cheezen} हैं", "."
            bought = "खरीदीं" if gender != MASCULINE else "खरीदे"
            for subject in PRONOUNS:
                english = f"{subject.english} bought {number} {things}"
                yield (
                    f"bought {subject.english} {words}",
                    english,
                    f"{subject.ergative} {ginti} {cheezen} {bought}",
                    ".",
                )
            yield f"need {words}", f"I need {number} {things}", f"मुझे {ginti} {cheezen} चाहिए", "."


def shopping() -> Sentences:
    for thing in THINGS:
        this, is_, yah = ("these", "are", "ये") if thing.plural else ("this", "is", "यह")
        worth = f"कितने {inflect('का', thing.gender, thing.plural)} {exists(thing.plural)}"
        yield f"price {thing.english}", f"how much {is_} {this} {thing.english}", f"{yah} {thing.hindi} {worth}", "?"
        these = "इन" if thing.plural else "इस"
        cost = "cost" if thing.plural else "costs"
        of = f"{these} {thing.before_postposition} की कीमत"
        for price in PRICES if thing.english in PORTABLE else ():
            english = f"{this} {thing.english} {cost} {price} rupees"
            yield f"costs {price} {thing.english}", english, f"{of} {price} रुपये है", "."
        for quality, guna in QUALITIES:
            agreed = inflect(guna, thing.gender, thing.plural)
            words, hai = f"{quality} {thing.english}", exists(thing.plural)
            yield f"this {words}", f"{this} {thing.english} {is_} {quality}", f"{yah} {thing.hindi} {agreed} {hai}", "."
            yield (
                f"very {words}",
                f"{this} {thing.english} {is_} very {quality}",
                f"{yah} {thing.hindi} बहुत {agreed} {hai}",
                ".",
            )
    for what, kya in WEIGHED:
        for number, ginti in [("one", "एक"), *SEVERAL[:9]]:
            kilo = "kilo" if number == "one" else "kilos"
            yield f"kilo {number} {what}", f"I want {number} {kilo} of {what}", f"मुझे {ginti} किलो {kya} चाहिए", "."
            yield (
                f"give kilo {number} {what}",
                f"please give me {number} {kilo} of {what}",
                f"कृपया मुझे {ginti} किलो {kya} दीजिए",
                ".",
            )
