"""The words of the corpus. Nukta is written under ज and फ only, as newspapers do; numbers up to twenty are words."""

from __future__ import annotations

from grammar import FEMININE, MASCULINE, Noun, Subject, Verb, inflect, oblique

NAMES = [
    ("Rahul", "राहुल", MASCULINE),
    ("Amit", "अमित", MASCULINE),
    ("Ravi", "रवि", MASCULINE),
    ("Arjun", "अर्जुन", MASCULINE),
    ("Vijay", "विजय", MASCULINE),
    ("Priya", "प्रिया", FEMININE),
    ("Sita", "सीता", FEMININE),
    ("Anita", "अनीता", FEMININE),
    ("Neha", "नेहा", FEMININE),
    ("Meera", "मीरा", FEMININE),
]
POSSESSORS = [
    ("my", "मेरा"),
    ("your", "आपका"),
    ("his", "उसका"),
    ("her", "उसका"),
    ("our", "हमारा"),
    ("their", "उनका"),
]
# A respected relative takes the plural of verbs and adjectives.
KIN = [
    Noun("father", "पिता", MASCULINE, plural=True),
    Noun("mother", "माँ", FEMININE, plural=True),
    Noun("grandfather", "दादा", MASCULINE, plural=True),
    Noun("grandmother", "दादी", FEMININE, plural=True),
    Noun("uncle", "चाचा", MASCULINE, plural=True),
    Noun("aunt", "चाची", FEMININE, plural=True),
    Noun("brother", "भाई", MASCULINE),
    Noun("sister", "बहन", FEMININE),
    Noun("son", "बेटा", MASCULINE, oblique="बेटे"),
    Noun("daughter", "बेटी", FEMININE),
    Noun("friend", "दोस्त", MASCULINE),
]
RELATIVES_COUNTED = [
    ("brother", "brothers", "भाई", "भाई", MASCULINE),
    ("sister", "sisters", "बहन", "बहनें", FEMININE),
    ("son", "sons", "बेटा", "बेटे", MASCULINE),
    ("daughter", "daughters", "बेटी", "बेटियाँ", FEMININE),
    ("friend", "friends", "दोस्त", "दोस्त", MASCULINE),
]
PRONOUNS = [
    Subject("I", "am", "मैं", "मैंने", "मुझे", "मेरा", MASCULINE, "1"),
    Subject("you", "are", "आप", "आपने", "आपको", "आपका", MASCULINE, "pl"),
    Subject("he", "is", "वह", "उसने", "उसे", "उसका", MASCULINE, "sg"),
    Subject("she", "is", "वह", "उसने", "उसे", "उसका", FEMININE, "sg"),
    Subject("we", "are", "हम", "हमने", "हमें", "हमारा", MASCULINE, "pl"),
    Subject("they", "are", "वे", "उन्होंने", "उन्हें", "उनका", MASCULINE, "pl"),
]
NAMED = [
    Subject(english, "is", hindi, f"{hindi} ने", f"{hindi} को", f"{hindi} का", gender, "sg")
    for english, hindi, gender in NAMES
]


def relative(possessor: tuple[str, str], kin: Noun) -> Subject:
    """`my sister` as a subject."""
    direct = f"{inflect(possessor[1], kin.gender, kin.plural)} {kin.hindi}"
    other = f"{oblique(possessor[1], kin.gender)} {kin.before_postposition}"
    return Subject(
        f"{possessor[0]} {kin.english}",
        "is",
        direct,
        f"{other} ने",
        f"{other} को",
        f"{other} का",
        kin.gender,
        "pl" if kin.plural else "sg",
    )


RELATIVES = [relative(POSSESSORS[0], kin) for kin in KIN] + [relative(POSSESSORS[1], kin) for kin in KIN[6:]]
SUBJECTS = PRONOUNS + NAMED + RELATIVES

BOOK = Noun("a book", "किताब", FEMININE)
LETTER = Noun("a letter", "पत्र", MASCULINE)
TEA = Noun("tea", "चाय", FEMININE)
RICE = Noun("rice", "चावल", MASCULINE)
VEGETABLES = Noun("vegetables", "सब्ज़ियाँ", FEMININE, plural=True)
CAR = Noun("a car", "गाड़ी", FEMININE)
HOUSE = Noun("a house", "घर", MASCULINE)
SHOES = Noun("shoes", "जूते", MASCULINE, plural=True)
SHIRT = Noun("a shirt", "कमीज़", FEMININE)
BANANAS = Noun("bananas", "केले", MASCULINE, plural=True)
CLOTHES = Noun("clothes", "कपड़े", MASCULINE, plural=True)

VERBS_WITH_OBJECTS = {
    Verb("read", "reads", "reading", "read", "पढ़", "पढ़ा", "पढ़िए"): [
        BOOK,
        LETTER,
        Noun("a newspaper", "अखबार", MASCULINE),
        Noun("a story", "कहानी", FEMININE),
    ],
    Verb("eat", "eats", "eating", "ate", "खा", "खाया", "खाइए"): [
        RICE,
        VEGETABLES,
        BANANAS,
        Noun("bread", "रोटी", FEMININE),
        Noun("an apple", "सेब", MASCULINE),
        Noun("a mango", "आम", MASCULINE),
        Noun("fish", "मछली", FEMININE),
    ],
    Verb("drink", "drinks", "drinking", "drank", "पी", "पिया", "पीजिए", "पि"): [
        TEA,
        Noun("water", "पानी", MASCULINE),
        Noun("milk", "दूध", MASCULINE),
        Noun("coffee", "कॉफ़ी", FEMININE),
        Noun("juice", "जूस", MASCULINE),
    ],
    Verb("buy", "buys", "buying", "bought", "खरीद", "खरीदा", "खरीदिए"): [
        BOOK,
        CAR,
        HOUSE,
        SHOES,
        SHIRT,
        VEGETABLES,
        BANANAS,
        CLOTHES,
    ],
    Verb("sell", "sells", "selling", "sold", "बेच", "बेचा", "बेचिए"): [VEGETABLES, CLOTHES, CAR, HOUSE],
    Verb("watch", "watches", "watching", "watched", "देख", "देखा", "देखिए"): [
        Noun("a film", "फ़िल्म", FEMININE),
        Noun("a match", "मैच", MASCULINE),
    ],
    Verb("write", "writes", "writing", "wrote", "लिख", "लिखा", "लिखिए"): [
        BOOK,
        LETTER,
        Noun("a poem", "कविता", FEMININE),
    ],
    Verb("make", "makes", "making", "made", "बना", "बनाया", "बनाइए"): [
        TEA,
        Noun("food", "खाना", MASCULINE),
        Noun("bread", "रोटी", FEMININE),
        Noun("sweets", "मिठाइयाँ", FEMININE, plural=True),
    ],
    Verb("learn", "learns", "learning", "learned", "सीख", "सीखा", "सीखिए"): [
        Noun("Hindi", "हिंदी", FEMININE),
        Noun("English", "अंग्रेज़ी", FEMININE),
        Noun("music", "संगीत", MASCULINE),
    ],
    Verb("open", "opens", "opening", "opened", "खोल", "खोला", "खोलिए"): [
        Noun("the door", "दरवाज़ा", MASCULINE),
        Noun("the window", "खिड़की", FEMININE),
        Noun("the shop", "दुकान", FEMININE),
    ],
    Verb("wash", "washes", "washing", "washed", "धो", "धोया", "धोइए"): [CLOTHES, CAR],
    Verb("play", "plays", "playing", "played", "खेल", "खेला", "खेलिए"): [
        Noun("cricket", "क्रिकेट", MASCULINE),
        Noun("football", "फ़ुटबॉल", MASCULINE),
    ],
}
GO = Verb("go", "goes", "going", "went", "जा", "गया", "जाइए")
COME = Verb("come", "comes", "coming", "came", "आ", "आया", "आइए")
SPEAK = Verb("speak", "speaks", "speaking", "spoke", "बोल", "बोला", "बोलिए")

CITIES = [
    ("Delhi", "दिल्ली"),
    ("Mumbai", "मुंबई"),
    ("Jaipur", "जयपुर"),
    ("Agra", "आगरा"),
    ("Chennai", "चेन्नई"),
    ("Kolkata", "कोलकाता"),
    ("India", "भारत"),
]
PLACES = [
    ("the market", "बाज़ार"),
    ("school", "स्कूल"),
    ("the office", "दफ़्तर"),
    ("the station", "स्टेशन"),
    ("the hospital", "अस्पताल"),
    ("the temple", "मंदिर"),
    ("the village", "गाँव"),
    ("the bank", "बैंक"),
]
DESTINATIONS = [("home", "घर")] + [(f"to {english}", hindi) for english, hindi in PLACES + CITIES]
WORKPLACES = [
    ("a school", "स्कूल"),
    ("a hospital", "अस्पताल"),
    ("a bank", "बैंक"),
    ("a shop", "दुकान"),
    ("an office", "दफ़्तर"),
]
VEHICLES = [("train", "रेलगाड़ी"), ("bus", "बस"), ("car", "गाड़ी")]

PROFESSIONS = [
    ("a doctor", "डॉक्टर", "डॉक्टर"),
    ("a teacher", "शिक्षक", "शिक्षिका"),
    ("a student", "छात्र", "छात्रा"),
    ("a farmer", "किसान", "किसान"),
    ("an engineer", "इंजीनियर", "इंजीनियर"),
    ("a writer", "लेखक", "लेखिका"),
    ("a lawyer", "वकील", "वकील"),
    ("a driver", "ड्राइवर", "ड्राइवर"),
]
STATES = [
    ("happy", "खुश"),
    ("sad", "दुखी"),
    ("ill", "बीमार"),
    ("busy", "व्यस्त"),
    ("ready", "तैयार"),
    ("angry", "नाराज़"),
    ("tall", "लंबा"),
    ("good", "अच्छा"),
    ("alone", "अकेला"),
]
FEELINGS = [("hungry", "भूख लगी है"), ("thirsty", "प्यास लगी है"), ("cold", "ठंड लग रही है"), ("sleepy", "नींद आ रही है")]
AILMENTS = [("a fever", "बुखार"), ("a cold", "ज़ुकाम"), ("a headache", "सिरदर्द")]
LIKED = [
    TEA,
    RICE,
    Noun("coffee", "कॉफ़ी", FEMININE),
    Noun("milk", "दूध", MASCULINE),
    Noun("fish", "मछली", FEMININE),
    Noun("mangoes", "आम", MASCULINE, plural=True),
    Noun("sweets", "मिठाइयाँ", FEMININE, plural=True),
    Noun("Hindi", "हिंदी", FEMININE),
    Noun("music", "संगीत", MASCULINE),
    Noun("cricket", "क्रिकेट", MASCULINE),
    *(Noun(english, hindi, MASCULINE) for english, hindi in CITIES),
]
NEEDED = [
    TEA,
    RICE,
    SHOES,
    CLOTHES,
    VEGETABLES,
    Noun("water", "पानी", MASCULINE),
    Noun("help", "मदद", FEMININE),
    Noun("medicine", "दवा", FEMININE),
    Noun("money", "पैसे", MASCULINE, plural=True),
    Noun("a ticket", "टिकट", MASCULINE),
    Noun("a room", "कमरा", MASCULINE),
]
OWNED = [
    CAR,
    BOOK,
    HOUSE,
    SHOES,
    Noun("a phone", "फ़ोन", MASCULINE),
    Noun("a ticket", "टिकट", MASCULINE),
    Noun("a bicycle", "साइकिल", FEMININE),
    Noun("money", "पैसे", MASCULINE, plural=True),
    Noun("time", "समय", MASCULINE),
]
THINGS = [
    Noun("book", "किताब", FEMININE),
    Noun("house", "घर", MASCULINE),
    Noun("car", "गाड़ी", FEMININE),
    Noun("shirt", "कमीज़", FEMININE),
    Noun("phone", "फ़ोन", MASCULINE),
    Noun("room", "कमरा", MASCULINE, oblique="कमरे"),
    Noun("bag", "थैला", MASCULINE, oblique="थैले"),
    Noun("chair", "कुर्सी", FEMININE),
    Noun("shop", "दुकान", FEMININE),
    Noun("shoes", "जूते", MASCULINE, plural=True, oblique="जूतों"),
    Noun("clothes", "कपड़े", MASCULINE, plural=True, oblique="कपड़ों"),
    Noun("keys", "चाबियाँ", FEMININE, plural=True, oblique="चाबियों"),
]
PORTABLE = {"book", "shirt", "phone", "bag", "shoes", "clothes", "keys"}
QUALITIES = [
    ("new", "नया"),
    ("old", "पुराना"),
    ("big", "बड़ा"),
    ("small", "छोटा"),
    ("good", "अच्छा"),
    ("expensive", "महंगा"),
    ("cheap", "सस्ता"),
    ("clean", "साफ़"),
    ("beautiful", "सुंदर"),
    ("red", "लाल"),
    ("black", "काला"),
]
SPOTS = [
    ("on the table", "मेज़ पर"),
    ("under the table", "मेज़ के नीचे"),
    ("on the chair", "कुर्सी पर"),
    ("in the bag", "थैले में"),
    ("in the room", "कमरे में"),
    ("in the house", "घर में"),
    ("near the door", "दरवाज़े के पास"),
    ("near the window", "खिड़की के पास"),
]
COUNTED = [
    ("books", "किताबें", FEMININE),
    ("letters", "पत्र", MASCULINE),
    ("mangoes", "आम", MASCULINE),
    ("bananas", "केले", MASCULINE),
    ("shirts", "कमीज़ें", FEMININE),
    ("chairs", "कुर्सियाँ", FEMININE),
    ("tickets", "टिकट", MASCULINE),
    ("rooms", "कमरे", MASCULINE),
]
COUNTED_AT = SPOTS[:1] + SPOTS[3:6]
FURNISHED = {"chairs": SPOTS[4:6], "rooms": SPOTS[5:6]}
NUMBERS = [
    ("one", "एक"),
    ("two", "दो"),
    ("three", "तीन"),
    ("four", "चार"),
    ("five", "पाँच"),
    ("six", "छह"),
    ("seven", "सात"),
    ("eight", "आठ"),
    ("nine", "नौ"),
    ("ten", "दस"),
    ("eleven", "ग्यारह"),
    ("twelve", "बारह"),
    ("thirteen", "तेरह"),
    ("fourteen", "चौदह"),
    ("fifteen", "पंद्रह"),
    ("sixteen", "सोलह"),
    ("seventeen", "सत्रह"),
    ("eighteen", "अठारह"),
    ("nineteen", "उन्नीस"),
    ("twenty", "बीस"),
]
HOURS, SEVERAL = NUMBERS[:12], NUMBERS[1:]
PRICES = [*range(5, 100, 5), 99, *range(100, 1000, 50), 110, 125, 175, 220, 275, 320, 375, 480, 640, 720, 999]
WEIGHED = [("rice", "चावल"), ("vegetables", "सब्ज़ियाँ"), ("mangoes", "आम"), ("bananas", "केले"), ("sweets", "मिठाइयाँ")]
DAYS = [
    ("Monday", "सोमवार"),
    ("Tuesday", "मंगलवार"),
    ("Wednesday", "बुधवार"),
    ("Thursday", "गुरुवार"),
    ("Friday", "शुक्रवार"),
    ("Saturday", "शनिवार"),
    ("Sunday", "रविवार"),
]
WEATHER = [
    ("hot", "गर्मी", FEMININE),
    ("cold", "ठंड", FEMININE),
    ("sunny", "धूप", FEMININE),
    ("humid", "उमस", FEMININE),
    ("foggy", "कोहरा", MASCULINE),
]
