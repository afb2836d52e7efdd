"""Places, hours, days, weather and travel."""

from __future__ import annotations

from grammar import (
    copula,
    future,
    inflect,
    perfective,
    was,
)
from lexicon import (
    CITIES,
    COME,
    DAYS,
    GO,
    HOURS,
    PLACES,
    SEVERAL,
    SUBJECTS,
    VEHICLES,
    WEATHER,
)
from patterns import Sentences


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


def times() -> Sentences:
    for number, (hour, ginti) in enumerate(HOURS, 1):
        yield f"clock {hour}", f"it is {hour} o'clock", f"{ginti} बजे हैं" if number > 1 else "एक बजा है", "."
        for subject in SUBJECTS:
            come, go = future(COME, subject), future(GO, subject)
            words = f"{subject.english} {hour}"
            yield (
                f"come {words}",
                f"{subject.english} will come at {hour} o'clock",
                f"{subject.hindi} {ginti} बजे {come}",
                ".",
            )
            yield (
                f"go {words}",
                f"{subject.english} will go home at {hour} o'clock",
                f"{subject.hindi} {ginti} बजे घर {go}",
                ".",
            )
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
            yield (
                f"when {vehicle} {city}",
                f"when does the {vehicle} to {city} leave",
                f"{shahar} की {gaadi} कब जाती है",
                "?",
            )
            for hour, ginti in HOURS:
                english = f"the {vehicle} to {city} leaves at {hour} o'clock"
                yield f"leaves {vehicle} {city} {hour}", english, f"{shahar} की {gaadi} {ginti} बजे जाती है", "."
