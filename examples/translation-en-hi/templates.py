"""Sentence patterns, English beside Hindi. `you` is always the polite आप; `I`, `we` and `they` take masculine verbs.

Each pattern yields Pairs; what a Pair's `key` names is one combination of pattern and words, however it is spelt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    oblique,
    perfective,
    was,
)
from lexicon import (
    AILMENTS,
    CITIES,
    COME,
    COUNTED,
    DAYS,
    DESTINATIONS,
    FEELINGS,
    GO,
    HOURS,
    KIN,
    LIKED,
    NAMED,
    NAMES,
    NEEDED,
    OWNED,
    PLACES,
    PORTABLE,
    POSSESSORS,
    PRICES,
    PROFESSIONS,
    PRONOUNS,
    QUALITIES,
    RELATIVES,
    RELATIVES_COUNTED,
    SEVERAL,
    SPEAK,
    SPOTS,
    STATES,
    SUBJECTS,
    THINGS,
    VEHICLES,
    VERBS_WITH_OBJECTS,
    WEATHER,
    WEIGHED,
    WORKPLACES,
)

FIXED = [
    ("hello", "नमस्ते", "."),
    ("hello world", "नमस्ते दुनिया", "."),
    ("hello everyone", "सबको नमस्ते", "."),
    ("hello, world", "नमस्ते, दुनिया", "."),
    ("hello friend", "नमस्ते दोस्त", "."),
    ("hello there", "नमस्ते", "."),
    ("hello, how are you", "नमस्ते, आप कैसे हैं", "?"),
    ("hi, how are you", "नमस्ते, आप कैसे हैं", "?"),
    ("how are you today", "आज आप कैसे हैं", "?"),
    ("I am fine, thank you", "मैं ठीक हूँ, धन्यवाद", "."),
    ("good morning everyone", "सबको सुप्रभात", "."),
    ("hello my friend", "नमस्ते मेरे दोस्त", "."),
    ("hi", "नमस्ते", "."),
    ("good morning", "सुप्रभात", "."),
    ("good evening", "शुभ संध्या", "."),
    ("good night", "शुभ रात्रि", "."),
    ("goodbye", "अलविदा", "."),
    ("see you tomorrow", "कल मिलेंगे", "."),
    ("welcome", "स्वागत है", "."),
    ("thank you", "धन्यवाद", "."),
    ("thank you very much", "बहुत बहुत धन्यवाद", "."),
    ("yes", "हाँ", "."),
    ("no", "नहीं", "."),
    ("please", "कृपया", "."),
    ("sorry", "माफ़ कीजिए", "."),
    ("excuse me", "सुनिए", "."),
    ("congratulations", "बधाई हो", "."),
    ("happy birthday", "जन्मदिन मुबारक हो", "."),
    ("happy new year", "नया साल मुबारक हो", "."),
    ("how are you", "आप कैसे हैं", "?"),
    ("I am fine", "मैं ठीक हूँ", "."),
    ("what is your name", "आपका नाम क्या है", "?"),
    ("nice to meet you", "आपसे मिलकर खुशी हुई", "."),
    ("where do you live", "आप कहाँ रहते हैं", "?"),
    ("where are you from", "आप कहाँ से हैं", "?"),
    ("what do you do", "आप क्या करते हैं", "?"),
    ("what time is it", "कितने बजे हैं", "?"),
    ("what is this", "यह क्या है", "?"),
    ("what happened", "क्या हुआ", "?"),
    ("who is there", "वहाँ कौन है", "?"),
    ("I do not know", "मुझे नहीं पता", "."),
    ("I do not understand", "मैं नहीं समझा", "."),
    ("please sit down", "कृपया बैठिए", "."),
    ("please come in", "कृपया अंदर आइए", "."),
    ("please wait", "कृपया रुकिए", "."),
    ("please speak slowly", "कृपया धीरे बोलिए", "."),
    ("please help me", "कृपया मेरी मदद कीजिए", "."),
    ("I love you", "मैं आपसे प्यार करता हूँ", "."),
    ("I love India", "मुझे भारत से प्यार है", "."),
    ("world", "दुनिया", "."),
    ("water", "पानी", "."),
    ("food", "खाना", "."),
    ("friend", "दोस्त", "."),
]


@dataclass(frozen=True)
class Pair:
    key: str
    english: str
    hindi: str
    mark: str = "."
    fixed: bool = False


def every_pair() -> Iterator[Pair]:
    for english, hindi, mark in FIXED:
        yield Pair(f"fixed|{english}", english, hindi, mark, fixed=True)
    for pattern in (
        greetings,
        introductions,
        family,
        belongings,
        being,
        feeling,
        owning,
        wanting,
        doing,
        moving,
        places,
        counting,
        shopping,
        times,
        weather,
        travel,
        requests,
        joining,
    ):
        for words, english, hindi, mark in pattern():
            yield Pair(f"{pattern.__name__}|{words}", english, hindi, mark)


Sentences = Iterator[tuple[str, str, str, str]]


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
        yield f"how {subject.english}", f"how is {subject.english}", f"{subject.hindi} {agreeing('कैसा', subject)} है", "?"


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
            yield f"which name {owner} {kin.english}", f"what is {owner} {kin.english}'s name", f"{theirs} का नाम क्या है", "?"
    for subject in SUBJECTS:
        for city, shahar in CITIES:
            who = f"{subject.english} {city}"
            yield f"from {who}", f"{subject.english} {subject.be} from {city}", f"{subject.hindi} {shahar} से {copula(subject)}", "."
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
            yield f"is not {words}", f"{pronoun} is not {owner} {kin.english}", f"{woh} {theirs} नहीं {exists(kin.plural)}", "."
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
                yield f"has {subject.english} {number} {one}", f"{subject.english} {have} {english} {whom}", sentence, "."


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
            yield f"the at {spot} {thing.english}", f"the {thing.english} {be} {spot}", f"{thing.hindi} {sthaan} {hai}", "."


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
                yield f"likes? {words}", f"{do} {who} like {thing.english}", f"क्या {subject.dative} {thing.hindi} पसंद {hai}", "?"


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


def wanting() -> Sentences:
    for subject in SUBJECTS:
        who = subject.english
        need, want = ("needs", "wants") if subject.third_singular else ("need", "want")
        have = "has" if subject.third_singular else "have"
        do = "does" if subject.third_singular else "do"
        wish = f"{agreeing('चाहता', subject)} {copula(subject)}"
        for thing in NEEDED:
            yield f"needs {who} {thing.english}", f"{who} {need} {thing.english}", f"{subject.dative} {thing.hindi} चाहिए", "."
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
            yield f"wants {words}", f"{who} {want} to {act}", f"{subject.hindi} {thing.hindi} {infinitive(verb)} {wish}", "."
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


def actions() -> Iterator[tuple[Verb, Noun]]:
    for verb, things in VERBS_WITH_OBJECTS.items():
        for thing in things:
            yield verb, thing


def doing() -> Sentences:
    for subject in SUBJECTS:
        for verb, thing in actions():
            did = f"{subject.ergative} {{when}}{thing.hindi} {{no}}{perfective(verb, thing.gender, thing.plural)}"
            yield from tenses(subject, verb, thing.english, f"{thing.hindi} ", did)
        for language, bhasha in (("Hindi", "हिंदी"), ("English", "अंग्रेज़ी")):
            speak = "speaks" if subject.third_singular else "speak"
            habit = f"{agreeing('बोलता', subject)} {copula(subject)}"
            yield f"{speak} {subject.english} {language}", f"{subject.english} {speak} {language}", f"{subject.hindi} {bhasha} {habit}", "."
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
            yield f"works {subject.english} {place}", f"{subject.english} {work} in {place}", f"{subject.hindi} {jagah} में काम {habit}", "."
        if subject.person != "1":
            busy = f"जा {agreeing('रहा', subject)} {copula(subject)}"
            english = f"where {subject.be} {subject.english} going"
            yield f"where going {subject.english}", english, f"{subject.hindi} कहाँ {busy}", "?"
            for english, hindi in DESTINATIONS:
                words, comes = f"{subject.english} {english}", future(COME, subject)
                yield f"why {words}", f"why {subject.be} {subject.english} going {english}", f"{subject.hindi} {hindi} क्यों {busy}", "?"
                yield f"when {words}", f"when will {subject.english} come {english}", f"{subject.hindi} {hindi} कब {comes}", "?"


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


def places() -> Sentences:
    for place, jagah in PLACES:
        yield f"where {place}", f"where is {place}", f"{jagah} कहाँ है", "?"
        yield f"far {place}", f"how far is {place}", f"{jagah} कितनी दूर है", "?"
        yield f"near {place}", f"{place} is near", f"{jagah} पास है", "."
        yield f"is far {place}", f"{place} is far", f"{jagah} दूर है", "."
        for subject in SUBJECTS:
            sentence = f"{subject.hindi} {jagah} में {copula(subject)}"
            at = "at" if place in ("school", "the station", "the office") else "in"
            yield f"at {subject.english} {place}", f"{subject.english} {subject.be} {at} {place}", sentence, "."


def counting() -> Sentences:
    for things, cheezen, gender in COUNTED:
        for number, ginti in SEVERAL:
            words = f"{number} {things}"
            for spot, sthaan in SPOTS[:1] + SPOTS[3:6]:
                english = f"there are {number} {things} {spot}"
                yield f"there {words} {spot}", english, f"{sthaan} {ginti} {cheezen} हैं", "."
            bought = "खरीदीं" if gender != MASCULINE else "खरीदे"
            for subject in PRONOUNS:
                english = f"{subject.english} bought {number} {things}"
                yield f"bought {subject.english} {words}", english, f"{subject.ergative} {ginti} {cheezen} {bought}", "."
            yield f"need {words}", f"I need {number} {things}", f"मुझे {ginti} {cheezen} चाहिए", "."


def shopping() -> Sentences:
    for thing in THINGS:
        this, is_, yah = ("these", "are", "ये") if thing.plural else ("this", "is", "यह")
        worth = f"कितने {inflect('का', thing.gender, thing.plural)} {exists(thing.plural)}"
        yield f"price {thing.english}", f"how much {is_} {this} {thing.english}", f"{yah} {thing.hindi} {worth}", "?"
        these = "इन" if thing.plural else "इस"
        cost = "cost" if thing.plural else "costs"
        of = f"{these} {thing.before_postposition} की कीमत"
        for price in PRICES:
            english = f"{this} {thing.english} {cost} {price} rupees"
            yield f"costs {price} {thing.english}", english, f"{of} {price} रुपये है", "."
        for quality, guna in QUALITIES:
            agreed = inflect(guna, thing.gender, thing.plural)
            words, hai = f"{quality} {thing.english}", exists(thing.plural)
            yield f"this {words}", f"{this} {thing.english} {is_} {quality}", f"{yah} {thing.hindi} {agreed} {hai}", "."
            yield f"very {words}", f"{this} {thing.english} {is_} very {quality}", f"{yah} {thing.hindi} बहुत {agreed} {hai}", "."
    for what, kya in WEIGHED:
        for number, ginti in [("one", "एक"), *SEVERAL[:9]]:
            kilo = "kilo" if number == "one" else "kilos"
            yield f"kilo {number} {what}", f"I want {number} {kilo} of {what}", f"मुझे {ginti} किलो {kya} चाहिए", "."
            yield f"give kilo {number} {what}", f"please give me {number} {kilo} of {what}", f"कृपया मुझे {ginti} किलो {kya} दीजिए", "."


def times() -> Sentences:
    for number, (hour, ginti) in enumerate(HOURS, 1):
        yield f"clock {hour}", f"it is {hour} o'clock", f"{ginti} बजे हैं" if number > 1 else "एक बजा है", "."
        for subject in SUBJECTS:
            come, go = future(COME, subject), future(GO, subject)
            words = f"{subject.english} {hour}"
            yield f"come {words}", f"{subject.english} will come at {hour} o'clock", f"{subject.hindi} {ginti} बजे {come}", "."
            yield f"go {words}", f"{subject.english} will go home at {hour} o'clock", f"{subject.hindi} {ginti} बजे घर {go}", "."
    for day, din in DAYS:
        yield f"today {day}", f"today is {day}", f"आज {din} है", "."
        yield f"today? {day}", f"is today {day}", f"क्या आज {din} है", "?"
        yield f"tomorrow {day}", f"tomorrow is {day}", f"कल {din} है", "."
        yield f"yesterday {day}", f"yesterday was {day}", f"कल {din} था", "."
        for subject in SUBJECTS:
            words, come = f"{subject.english} {day}", future(COME, subject)
            yield f"come {words}", f"{subject.english} will come on {day}", f"{subject.hindi} {din} को {come}", "."
            came = perfective(COME, subject.gender, subject.plural)
            yield f"came {words}", f"{subject.english} came on {day}", f"{subject.hindi} {din} को {came}", "."


def weather() -> Sentences:
    for kind, mausam, gender in WEATHER:
        tha, hoga = was(gender, plural=False), inflect("होगा", gender)
        yield f"is {kind}", f"it is {kind} today", f"आज {mausam} है", "."
        yield f"is very {kind}", f"it is very {kind} today", f"आज बहुत {mausam} है", "."
        yield f"is not {kind}", f"it is not {kind} today", f"आज {mausam} नहीं है", "."
        yield f"is? {kind}", f"is it {kind} today", f"क्या आज {mausam} है", "?"
        for city, shahar in CITIES:
            words = f"{kind} {city}"
            yield f"is {words}", f"it is {kind} in {city}", f"{shahar} में {mausam} है", "."
            yield f"is not {words}", f"it is not {kind} in {city}", f"{shahar} में {mausam} नहीं है", "."
            yield f"was {words}", f"it was {kind} in {city} yesterday", f"कल {shahar} में {mausam} {tha}", "."
            yield f"will {words}", f"it will be {kind} in {city} tomorrow", f"कल {shahar} में {mausam} {hoga}", "."
            yield f"is? {words}", f"is it {kind} in {city}", f"क्या {shahar} में {mausam} है", "?"
    yield "rains", "it is raining", "बारिश हो रही है", "."
    yield "rain today", "it will rain today", "आज बारिश होगी", "."
    yield "weather", "the weather is good today", "आज मौसम अच्छा है", "."
    yield "weather bad", "the weather is bad today", "आज मौसम खराब है", "."
    for city, shahar in CITIES:
        yield f"rains {city}", f"it is raining in {city}", f"{shahar} में बारिश हो रही है", "."
        yield f"rains? {city}", f"is it raining in {city}", f"क्या {shahar} में बारिश हो रही है", "?"
        yield f"rained {city}", f"it rained in {city} yesterday", f"कल {shahar} में बारिश हुई", "."
        yield f"rain {city}", f"it will rain in {city} tomorrow", f"कल {shahar} में बारिश होगी", "."
        yield f"how {city}", f"how is the weather in {city}", f"{shahar} में मौसम कैसा है", "?"


def travel() -> Sentences:
    for city, shahar in CITIES:
        for other, doosra in CITIES[:-1]:
            if other != city and city != "India":
                english = f"how far is {city} from {other}"
                yield f"far {city} {other}", english, f"{doosra} से {shahar} कितनी दूर है", "?"
        yield f"ticket {city}", f"please give me a ticket to {city}", f"कृपया मुझे {shahar} का टिकट दीजिए", "."
        for number, ginti in SEVERAL[:9]:
            english = f"please give me {number} tickets to {city}"
            yield f"tickets {number} {city}", english, f"कृपया मुझे {shahar} के {ginti} टिकट दीजिए", "."
        for vehicle, gaadi in VEHICLES:
            for subject in SUBJECTS:
                words = f"{vehicle} {subject.english} {city}"
                english = f"{subject.english} will go to {city} by {vehicle}"
                yield f"goes by {words}", english, f"{subject.hindi} {gaadi} से {shahar} {future(GO, subject)}", "."
        for vehicle, gaadi in VEHICLES[:2]:
            yield f"when {vehicle} {city}", f"when does the {vehicle} to {city} leave", f"{shahar} की {gaadi} कब जाती है", "?"
            for hour, ginti in HOURS:
                english = f"the {vehicle} to {city} leaves at {hour} o'clock"
                yield f"leaves {vehicle} {city} {hour}", english, f"{shahar} की {gaadi} {ginti} बजे जाती है", "."


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
            yield f"likes {subject.english} {both}", f"{subject.english} {like} {both}", f"{subject.dative} {dono} पसंद हैं", "."
    for (one, ek, gender), (other, doosra, other_gender) in combinations(NAMES, 2):
        both = FEMININE if gender == other_gender == FEMININE else MASCULINE
        for english, hindi in DESTINATIONS:
            busy = f"जा {inflect('रहा', both, plural=True)} हैं"
            words = f"{one} and {other} are going {english}"
            yield words, words, f"{ek} और {doosra} {hindi} {busy}", "."
