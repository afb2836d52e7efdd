"""A model with what a notebook leaves beside it."""

import json
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import xgboost
from conftest import assert_labels, assert_numbers, columns_of, labels_for
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from slipway_worker.models import ModelUnreadable, load

TEXTS = ["city", "plan"]
FIELDS = ["age", "income", *TEXTS]


def numbers_of(table: pd.DataFrame) -> pd.DataFrame:
    return table[FIELDS].fillna({"income": 0.0})


class Notebook:
    """What the cells of a notebook make: encoded and scaled features, a model of them, labels as numbers."""

    def __init__(self, table: pd.DataFrame, named: bool = False) -> None:
        self.raw = numbers_of(table)
        self.features = self.raw.copy()
        self.encoders = {field: LabelEncoder().fit(self.raw[field]) for field in TEXTS}
        for field, encoder in self.encoders.items():
            self.features[field] = encoder.transform(self.raw[field])
        self.target = LabelEncoder().fit(labels_for(table))
        self.scaler = StandardScaler().fit(self.features)
        scaled = self.scaler.transform(self.features)
        self.inputs = pd.DataFrame(scaled, columns=FIELDS) if named else scaled
        self.model = RandomForestClassifier(10, random_state=0).fit(
            self.inputs, self.target.transform(labels_for(table))
        )

    def check(self, loaded) -> None:
        labels = self.target.inverse_transform(self.model.predict(self.inputs))
        assert_labels(loaded.predict(columns_of(self.raw)), labels, self.model.predict_proba(self.inputs))
        assert loaded.facts["labels"] == ["high", "low", "middle"]
        assert [(field["name"], field.get("categories")) for field in loaded.facts["inputs"]] == [
            ("age", None),
            ("income", None),
            ("city", ["Oslo", "Paris", "Rome"]),
            ("plan", ["basic", "pro"]),
        ]


@pytest.mark.parametrize("named", [False, True], ids=["array", "frame"])
def test_files_beside_the_model(tmp_path, table, named):
    made = Notebook(table, named)
    joblib.dump(made.model, tmp_path / "random_forest_model.pkl")
    with (tmp_path / "scaler.pkl").open("wb") as file:
        pickle.dump(made.scaler, file)
    joblib.dump(made.encoders, tmp_path / "label_encoders.pkl")
    joblib.dump(made.target, tmp_path / "label_encoder.joblib")
    (tmp_path / "feature_names.json").write_text(json.dumps(FIELDS))
    joblib.dump({"accuracy": 0.9}, tmp_path / "model_metrics.pkl")
    joblib.dump(table, tmp_path / "training_data.pkl")
    (tmp_path / "README.md").write_text("words")
    made.check(load(tmp_path, "random_forest_model.pkl"))


@pytest.mark.parametrize(
    "names",
    [
        {"feature_names.txt": lambda names: "\n".join(names).encode()},
        {"model_columns.pkl": lambda names: pickle.dumps(pd.Index(names))},
        {"features.json": lambda names: json.dumps({"feature_names": names}).encode()},
        {"columns.pkl": lambda names: pickle.dumps(np.array(names))},
    ],
    ids=lambda names: next(iter(names)),
)
def test_names_of_features_in_the_forms_that_notebooks_keep(tmp_path, table, names):
    made = Notebook(table)
    joblib.dump(made.model, tmp_path / "model.joblib")
    joblib.dump(StandardScaler().fit(made.features.to_numpy()), tmp_path / "standard_scaler.pkl")
    joblib.dump(made.encoders, tmp_path / "encoders.joblib")
    joblib.dump(made.target, tmp_path / "target_encoder.pkl")
    for name, write in names.items():
        (tmp_path / name).write_bytes(write(FIELDS))
    made.check(load(tmp_path, "model.joblib"))


def test_a_dict_with_everything(tmp_path, table):
    made = Notebook(table)
    bundle = {"model": made.model, "scaler": made.scaler, "encoders": made.encoders, "feature_names": FIELDS}
    joblib.dump(
        {**bundle, "target_encoder": made.target, "trained_at": "2026-03-01", "f1": 0.9}, tmp_path / "bundle.joblib"
    )
    made.check(load(tmp_path, "bundle.joblib"))


def test_a_dict_of_preprocessing_beside_the_model(tmp_path, table):
    made = Notebook(table)
    joblib.dump(made.model, tmp_path / "model.pkl")
    steps = {"scaler": made.scaler, "label_encoders": made.encoders, "target_encoder": made.target}
    joblib.dump(steps, tmp_path / "preprocessing.pkl")
    made.check(load(tmp_path, "model.pkl"))


def test_an_encoder_file_for_each_field(tmp_path, table):
    made = Notebook(table)
    joblib.dump(made.model, tmp_path / "model.pkl")
    joblib.dump(made.scaler, tmp_path / "sc.pkl")
    (tmp_path / "encoders").mkdir()
    joblib.dump(made.encoders["city"], tmp_path / "encoders" / "city_encoder.joblib")
    joblib.dump(made.encoders["plan"], tmp_path / "encoders" / "le_plan.pkl")
    joblib.dump(made.target, tmp_path / "label_encoder.pkl")
    made.check(load(tmp_path, "model.pkl"))


def test_mappings_in_json(tmp_path, table):
    made = Notebook(table)
    joblib.dump(made.model, tmp_path / "model.pkl")
    joblib.dump(made.scaler, tmp_path / "scaler.pkl")
    mappings = {
        field: {value: i for i, value in enumerate(encoder.classes_)} for field, encoder in made.encoders.items()
    }
    (tmp_path / "encoding_mappings.json").write_text(json.dumps(mappings))
    (tmp_path / "target_mapping.json").write_text(json.dumps({"0": "high", "1": "low", "2": "middle"}))
    made.check(load(tmp_path, "model.pkl"))


@pytest.mark.parametrize("one_by_one", [True, False], ids=["a dict", "one for all"])
def test_one_hot_and_ordinal_encoders(tmp_path, table, one_by_one):
    raw = numbers_of(table)
    city, plan = OneHotEncoder().fit(raw[["city"]]), OrdinalEncoder().fit(raw[["plan"]])
    features = raw[["age", "income"]].copy()
    features["plan"] = plan.transform(raw[["plan"]])[:, 0]
    features[city.get_feature_names_out()] = city.transform(raw[["city"]]).toarray()
    model = LogisticRegression(max_iter=500).fit(features, labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    if one_by_one:
        joblib.dump({"city": city, "plan": plan}, tmp_path / "encoders.pkl")
    else:
        joblib.dump(city, tmp_path / "one_hot_encoder.pkl")
        joblib.dump(plan, tmp_path / "plan_encoder.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [field["name"] for field in loaded.facts["inputs"]] == ["age", "income", "plan", "city"]
    assert_labels(loaded.predict(columns_of(raw)), model.predict(features), model.predict_proba(features))


def test_encoded_columns_of_another_name(tmp_path, table):
    made = Notebook(table)
    features = made.features.rename(columns={"city": "city_encoded", "plan": "plan_enc"})
    model = LogisticRegression(max_iter=500).fit(features, labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    joblib.dump(made.encoders, tmp_path / "encoders.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [field["name"] for field in loaded.facts["inputs"]] == FIELDS
    assert_labels(loaded.predict(columns_of(made.raw)), model.predict(features), model.predict_proba(features))


def test_a_scaler_of_some_columns(tmp_path, table):
    made = Notebook(table)
    scaler = MinMaxScaler().fit(made.features[["income", "age"]])
    features = made.features.astype(float)
    features[["income", "age"]] = scaler.transform(features[["income", "age"]])
    model = LogisticRegression(max_iter=500).fit(features, labels_for(table))
    for name, part in {"model": model, "numerical_scaler": scaler, "encoders": made.encoders}.items():
        joblib.dump(part, tmp_path / f"{name}.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert_labels(loaded.predict(columns_of(made.raw)), model.predict(features), model.predict_proba(features))


def test_a_scaled_target(tmp_path, matrix):
    price = matrix[:, :1] * 5000 + 20000
    scaler_x, scaler_y = StandardScaler().fit(matrix), StandardScaler().fit(price)
    model = LinearRegression().fit(scaler_x.transform(matrix), scaler_y.transform(price).ravel())
    for name, part in {"model": model, "scaler_X": scaler_x, "scaler_y": scaler_y}.items():
        joblib.dump(part, tmp_path / f"{name}.pkl")
    assert_numbers(load(tmp_path, "model.pkl").predict(columns_of(matrix)), price)


def test_a_scaler_beside_an_xgboost_file(tmp_path, matrix):
    scaler = StandardScaler().fit(matrix)
    model = xgboost.XGBClassifier(n_estimators=5).fit(scaler.transform(matrix), (matrix[:, 0] > 0).astype(int))
    model.save_model(tmp_path / "xgb_model.json")
    joblib.dump(scaler, tmp_path / "scaler.pkl")
    joblib.dump(LabelEncoder().fit(["no", "yes"]), tmp_path / "target_encoder.pkl")
    loaded = load(tmp_path, "xgb_model.json")
    expected = np.array(["no", "yes"])[model.predict(scaler.transform(matrix))]
    assert_labels(loaded.predict(columns_of(matrix)), expected, model.predict_proba(scaler.transform(matrix)))
    assert loaded.facts["executes_code"] is True


@pytest.mark.parametrize("frame", [False, True], ids=["array", "frame"])
def test_a_preprocessor(tmp_path, table, frame):
    raw = numbers_of(table)
    steps = ColumnTransformer(
        [("n", StandardScaler(), ["age", "income"]), ("t", OneHotEncoder(), TEXTS)], sparse_threshold=0
    )
    features = steps.fit_transform(raw)
    features = pd.DataFrame(features, columns=steps.get_feature_names_out()) if frame else features
    model = LogisticRegression().fit(features, labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    joblib.dump(steps, tmp_path / "preprocessor.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [field["name"] for field in loaded.facts["inputs"]] == FIELDS
    assert_labels(loaded.predict(columns_of(raw)), model.predict(features), model.predict_proba(features))


def test_a_vectorizer(tmp_path):
    texts = ["a good ship", "a bad storm", "good wind", "bad sea"] * 5
    vectorizer = TfidfVectorizer().fit(texts)
    model = LogisticRegression().fit(vectorizer.transform(texts), ["+", "-", "+", "-"] * 5)
    joblib.dump(model, tmp_path / "model.pkl")
    joblib.dump(vectorizer, tmp_path / "tfidf_vectorizer.pkl")
    loaded = load(tmp_path, "model.pkl")
    assert [field["name"] for field in loaded.facts["inputs"]] == ["text"]
    features = vectorizer.transform(texts)
    assert_labels(
        loaded.predict(columns_of(pd.DataFrame({"text": texts}))),
        model.predict(features),
        model.predict_proba(features),
    )


def test_what_an_encoder_does_not_know_is_named(tmp_path, table):
    made = Notebook(table)
    joblib.dump(made.model, tmp_path / "model.pkl")
    joblib.dump(made.encoders, tmp_path / "encoders.pkl")
    (tmp_path / "feature_names.json").write_text(json.dumps(FIELDS))
    loaded = load(tmp_path, "model.pkl")
    with pytest.raises(ValueError, match="\"city\": encoders.pkl.* does not know 'Bern'"):
        loaded.predict(columns_of(made.raw[:1].assign(city="Bern")))
    with pytest.raises(ValueError, match="does not know a missing value"):
        loaded.predict(columns_of(made.raw[:1].assign(city=None)))


class Transformer:
    """A folder with a model of two features and a feature_transformer.py."""

    EXAMPLE = {"quantity": 3, "price": 2.5, "city": "Oslo", "member": True, "note": None}

    def __init__(self, folder, table) -> None:
        self.folder = folder
        self.raw = pd.DataFrame(
            {
                "quantity": table["age"],
                "price": table["income"].fillna(1),
                "city": table["city"],
                "member": table["member"],
                "note": None,
            }
        )
        self.features = pd.DataFrame(
            {
                "amount": self.raw["quantity"] * self.raw["price"],
                "is_rome": ((self.raw["city"] == "Rome") & self.raw["member"]).astype(int),
            }
        )
        self.labels = labels_for(table)

    def write(self, answer: str, named: bool, before: str = "") -> None:
        data = self.features if named else self.features.to_numpy()
        self.model = LogisticRegression(max_iter=300).fit(data, self.labels)
        joblib.dump(self.model, self.folder / "model.pkl")
        (self.folder / "feature_transformer.py").write_text(
            f"{before}\nimport numpy as np\nimport pandas as pd\ndef transform_raw_input(raw_data):\n"
            "    assert raw_data['note'] is None and type(raw_data['quantity']) in (int, float)\n"
            "    amount = raw_data['quantity'] * raw_data['price']\n"
            "    is_rome = int(raw_data['city'] == 'Rome' and raw_data['member'])\n"
            f"    return {answer}\n"
        )
        self.data = data

    def check(self, loaded) -> None:
        assert_labels(
            loaded.predict(columns_of(self.raw)), self.model.predict(self.data), self.model.predict_proba(self.data)
        )
        assert loaded.predict(columns_of(self.raw[:1])).predictions == self.model.predict(self.data[:1]).tolist()


ANSWERS = [
    "[amount, is_rome]",
    "np.array([[amount, is_rome]])",
    "{'amount': amount, 'is_rome': is_rome}",
    "{'amount': [amount], 'is_rome': [is_rome]}",
    "pd.DataFrame([{'amount': amount, 'is_rome': is_rome}])",
    "pd.Series({'amount': amount, 'is_rome': is_rome})",
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("named", [False, True], ids=["array", "frame"])
def test_feature_transformer(tmp_path, table, answer, named):
    made = Transformer(tmp_path, table)
    made.write(answer, named)
    (tmp_path / "raw_input_example.json").write_text(json.dumps(Transformer.EXAMPLE))
    loaded = load(tmp_path, "model.pkl")
    made.check(loaded)
    assert [(field["name"], field["type"]) for field in loaded.facts["inputs"]] == [
        ("quantity", "float64"),
        ("price", "float64"),
        ("city", "string"),
        ("member", "bool"),
        ("note", "string"),
    ]


def test_named_features_are_taken_by_name(tmp_path, table):
    made = Transformer(tmp_path, table)
    made.write("{'more': 'x', 'is_rome': is_rome, 'amount': amount}", named=True)
    (tmp_path / "input_example.json").write_text(json.dumps([Transformer.EXAMPLE]))
    made.check(load(tmp_path, "model.pkl"))


def test_the_fields_by_the_annotation_of_the_parameter(tmp_path, table):
    made = Transformer(tmp_path, table)
    made.write(
        "[amount, is_rome]",
        named=False,
        before="from typing import Optional, TypedDict\nclass Raw(TypedDict):\n    quantity: int\n    price: float\n    city: str\n    member: bool\n    note: Optional[str]\n",
    )
    code = (tmp_path / "feature_transformer.py").read_text()
    code = code.replace("transform_raw_input(raw_data)", "transform_raw_input(raw_data: Raw)").replace(
        "raw_data['note']", "raw_data.get('note')"
    )
    (tmp_path / "feature_transformer.py").write_text(code)
    loaded = load(tmp_path, "model.pkl")
    assert [(field["type"], field["required"]) for field in loaded.facts["inputs"]] == [
        ("int64", True),
        ("float64", True),
        ("string", True),
        ("bool", True),
        ("string", False),
    ]
    made.check(loaded)


def test_a_transformer_in_the_folder_app_with_modules_and_files_of_its_own(tmp_path, table):
    made = Transformer(tmp_path, table)
    made.write("steps(amount, is_rome)", named=False, before="from own_steps import steps")
    (tmp_path / "app").mkdir()
    (tmp_path / "feature_transformer.py").rename(tmp_path / "app" / "feature_transformer.py")
    (tmp_path / "app" / "own_steps.py").write_text("def steps(*values):\n    return list(values)\n")
    (tmp_path / "app" / "raw_input_example.json").write_text(json.dumps(Transformer.EXAMPLE))
    joblib.dump(SimpleImputer(), tmp_path / "imputer.pkl")
    made.check(load(tmp_path, "model.pkl"))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("[amount]", "gave 1 values and the model takes 2"),
        ("'text'", "gave a str"),
        ("{'amount': amount}", "did not give is_rome"),
        ("pd.DataFrame({'amount': [1, 2], 'is_rome': [1, 2]})", "a DataFrame of 2 rows for one row"),
        (
            "{'amount': 1, 'is_rome': 1} if is_rome else {'is_rome': 1, 'amount': 1, 'x': 1}",
            "rows of different columns",
        ),
    ],
)
def test_a_transformer_that_gives_something_else(tmp_path, table, answer, message):
    made = Transformer(tmp_path, table)
    made.write(answer, named=True)
    (tmp_path / "raw_input_example.json").write_text(json.dumps(Transformer.EXAMPLE))
    loaded = load(tmp_path, "model.pkl")
    with pytest.raises(ValueError, match=message):
        loaded.predict(columns_of(made.raw))


def refused(folder, entry: str = "model.pkl") -> str:
    with pytest.raises(ModelUnreadable) as error:
        load(folder, entry)
    return str(error.value)


def test_a_transformer_that_does_not_say_what_it_takes(tmp_path, table):
    made = Transformer(tmp_path, table)
    made.write("[amount, is_rome]", named=False)
    assert "put one raw row as raw_input_example.json" in refused(tmp_path)
    (tmp_path / "raw_input_example.json").write_text("[1]")
    assert "raw_input_example.json is no row" in refused(tmp_path)
    (tmp_path / "feature_transformer.py").write_text("x = 1")
    assert "has no function transform_raw_input(raw_data)" in refused(tmp_path)
    (tmp_path / "feature_transformer.py").write_text("import (")
    assert "feature_transformer.py cannot be loaded: SyntaxError" in refused(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "feature_transformer.py").write_text("")
    assert "several transformers (app/feature_transformer.py, feature_transformer.py)" in refused(tmp_path)


PARTS = {
    "two scalers": (["scaler", "standard_scaler"], "scaler.pkl and standard_scaler.pkl are both the scaler"),
    "an imputer": (["imputer"], "imputer.pkl is a SimpleImputer, and its name does not say when it is applied"),
    "a preprocessor and a scaler": (["preprocessor", "scaler"], "could be applied in several orders"),
    "a scaler of fewer columns": (["narrow_scaler"], "scales 2 columns without naming them, and the model takes 4"),
    "a scaler of other columns": (["other_scaler"], "scales elsewhere, which the model has not"),
    "a dict of scalers": (["scalers"], "only encoders are kept field by field"),
    "an encoder of nobody knows what": (["encoder"], "does not say which fields it encodes"),
    "encoders without an order": (["encoders"], "save their names as feature_names.json"),
    "a label encoder of two labels": (["label_encoder"], "call it target_encoder if that is the answer (no, yes)"),
    "a target of other labels": (["target_encoder"], "target_encoder.pkl knows 3 labels, and the model answers 0, 1"),
    "a target that is scaled": (["target_scaler"], "scales the answer, and the model gives a classification"),
    "names that are none": (["feature_names"], "feature_names.pkl is no list of names"),
    "names of too few": (["features"], "features.pkl names 2 features and the model takes 4"),
    "two orders": (["scaler_named", "columns"], "name the features differently, or in another order"),
}


@pytest.mark.parametrize("case", PARTS)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path, table, case):
    raw = Notebook(table)
    array = raw.features.to_numpy()
    parts = {
        "scaler": StandardScaler().fit(array),
        "standard_scaler": StandardScaler().fit(array),
        "scaler_named": raw.scaler,
        "narrow_scaler": StandardScaler().fit(array[:, :2]),
        "other_scaler": StandardScaler().fit(raw.features[["age"]].rename(columns={"age": "elsewhere"})),
        "scalers": {"age": StandardScaler().fit(array[:, :1])},
        "imputer": SimpleImputer().fit(array),
        "preprocessor": ColumnTransformer([("all", StandardScaler(), [0, 1, 2, 3])]).fit(array),
        "encoder": OrdinalEncoder().fit(raw.raw[TEXTS].to_numpy()),
        "encoders": raw.encoders,
        "label_encoder": LabelEncoder().fit(["no", "yes"]),
        "target_encoder": LabelEncoder().fit(["a", "b", "c"]),
        "target_scaler": StandardScaler().fit(array[:, :1]),
        "feature_names": {"a": 1},
        "features": ["age", "income"],
        "columns": ["income", "age", *TEXTS],
    }
    names, message = PARTS[case]
    joblib.dump(LogisticRegression().fit(array, table["member"].astype(int)), tmp_path / "model.pkl")
    for name in names:
        joblib.dump(parts[name], tmp_path / f"{name}.pkl")
    assert message in refused(tmp_path)


@pytest.mark.parametrize("mapping", [{"high": 0, "low": 1, "middle": 2}, {0: "high", 1: "low", 2: "middle"}])
@pytest.mark.parametrize("ending", ["json", "pkl"])
def test_a_flat_mapping_is_of_the_answer_where_it_fits(tmp_path, table, mapping, ending):
    made = Notebook(table)
    joblib.dump({"model": made.model, "scaler": made.scaler, "encoders": made.encoders}, tmp_path / "model.pkl")
    if ending == "json":
        (tmp_path / "label_mapping.json").write_text(json.dumps(mapping))
    else:
        joblib.dump(mapping, tmp_path / "label_mapping.pkl")
    made.check(load(tmp_path, "model.pkl"))


def test_an_encoder_of_labels_that_the_model_answers_itself_changes_nothing(tmp_path, table):
    features = numbers_of(table)[["age", "income"]]
    model = LogisticRegression().fit(features, labels_for(table))
    joblib.dump(model, tmp_path / "model.pkl")
    joblib.dump(LabelEncoder().fit(labels_for(table)), tmp_path / "label_encoder.pkl")
    output = load(tmp_path, "model.pkl").predict(columns_of(features))
    assert_labels(output, model.predict(features), model.predict_proba(features))


def test_an_encoder_that_may_be_of_the_answer(tmp_path, table):
    made = Notebook(table)
    joblib.dump(made.model, tmp_path / "model.pkl")
    joblib.dump(made.scaler, tmp_path / "scaler.pkl")
    joblib.dump({**made.encoders, "quality": made.target}, tmp_path / "encoders.pkl")
    assert 'an encoder of "quality", which is no feature of the model' in refused(tmp_path)
    joblib.dump({**made.encoders, "target": made.target}, tmp_path / "encoders.pkl")
    made.check(load(tmp_path, "model.pkl"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": 1, "b": 2}, "holds a dict of a, b, of which none is a model"),
        (
            {"model": LinearRegression(), "classifier": LogisticRegression()},
            "model, classifier could each be the model",
        ),
        ({"model": LinearRegression(), "best_threshold": 0.3}, 'has a "best_threshold" of 0.3'),
        (StandardScaler(), "holds a StandardScaler, which has no predict"),
        (LinearRegression, "holds the class LinearRegression"),
        ((LinearRegression(), StandardScaler()), "holds a tuple, which has no predict"),
        ("text", "holds a str, which has no predict"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_pickles_without_one_model(tmp_path, content, message):
    joblib.dump(content, tmp_path / "model.pkl")
    assert message in refused(tmp_path)


def test_pickles_that_cannot_be_read(tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"nonsense")
    assert refused(tmp_path).startswith("model.pkl cannot be loaded: ")
    (tmp_path / "model.pkl").write_bytes(b"c__main__\nMyStep\n.")
    assert "was defined in a notebook or script" in refused(tmp_path)
    (tmp_path / "model.pkl").write_bytes(b"csklearn.linear_model\nNoSuchModel\n.")
    assert "NoSuchModel" in refused(tmp_path)
    assert "gone.pkl is not among the files" in refused(tmp_path, "gone.pkl")


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("no_such_package.steps", "no_such_package"),
        ("category_encoders.basen", "category-encoders"),
        ("sklearn.gone", None),
    ],
)
def test_modules_that_are_missing(tmp_path, module, package):
    from slipway_worker.models import MissingPackages

    (tmp_path / "model.pkl").write_bytes(f"c{module}\nStep\n.".encode())
    if package is None:
        assert "install the version that the model was saved with" in refused(tmp_path)
        return
    with pytest.raises(MissingPackages) as error:
        load(tmp_path, "model.pkl")
    assert error.value.packages == [{"package": package, "wanted": None, "found": None}]


def test_a_bare_file_of_skops(tmp_path, matrix):
    import skops.io

    model = LinearRegression().fit(matrix, matrix[:, 0])
    skops.io.dump(model, tmp_path / "model.skops")
    loaded = load(tmp_path, "model.skops")
    assert loaded.facts["executes_code"] is False
    assert_numbers(loaded.predict(columns_of(matrix)), model.predict(matrix))
    trees = RandomForestClassifier(2).fit(matrix, matrix[:, 0] > 0)
    skops.io.dump(trees, tmp_path / "model.skops")
    assert "does not trust by itself" in refused(tmp_path, "model.skops")


def test_what_another_version_saved_is_said(tmp_path, matrix):
    model = LinearRegression().fit(matrix, matrix[:, 0])
    state = model.__getstate__()
    model.__class__ = type("LinearRegression", (LinearRegression,), {})
    with (tmp_path / "model.pkl").open("wb") as file:
        pickle.dump(LinearRegression().fit(matrix, matrix[:, 0]), file)
    content = (tmp_path / "model.pkl").read_bytes().replace(state["_sklearn_version"].encode(), b"1.6.0")
    (tmp_path / "model.pkl").write_bytes(content)
    [warning] = load(tmp_path, "model.pkl").facts["warnings"]
    assert "LinearRegression from version 1.6.0" in warning
