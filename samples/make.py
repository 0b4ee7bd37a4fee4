"""Make the sample files: held-out predictions on data sets that scikit-learn ships.

Run as `python samples/make.py`, after `pip install 'lossctl[samples]'`; the files land beside this one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor, QuantileRegressor, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
SEED = 20240229
FOLDS = 5
LEVELS = {"lower": 0.05, "q_10": 0.1, "q_25": 0.25, "q_50": 0.5, "q_75": 0.75, "q_90": 0.9, "upper": 0.95}

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Columns: TypeAlias = dict[str, Array]


def main() -> None:
    """Make every file and say how large each came out."""
    made = [
        *(*digits(), *breast_cancer(), *diabetes()),
        *(*iris(), *multilabel(), *counts(), *forecasts(), *linnerud(), *survival(), *pairs(), *lines()),
    ]
    for path in made:
        print(f"{path.stat().st_size:>9,}  {path.name}")
    print(f"{sum(path.stat().st_size for path in made):>9,}  in all")


def digits() -> list[Path]:
    """Ten classes: probabilities in one table, logits in another."""
    pixels, label = load_digits(return_X_y=True)
    logits = short_logits(held_out_logits(classifier(0.1), pixels, label))
    probs = short_probs(softmax(logits))
    ink = pixels.mean(axis=1)
    third, two_thirds = np.quantile(ink, [1 / 3, 2 / 3])
    shade = np.where(ink <= third, "light", np.where(ink <= two_thirds, "medium", "heavy"))
    common = {"row_id": np.arange(len(label)), "label": label.astype(np.int64), "ink": shade}
    return [
        *write_tables("digits", common | numbered("p", probs)),
        *write_tables("digits_logits", common | numbered("logit", logits)),
        *write_arrays("digits", {"label": common["label"], "probs": probs, "logits": logits}),
        write_model("digits_model", classifier(0.1).fit(pixels, label)),
        write_parquet("digits_lda", common | numbered("p", lda_probs(pixels, label))),
    ]


def lda_probs(pixels: Array, label: Array) -> Array:
    """Another model of the same rows: linear discriminant analysis with shrinkage, held out by the same folds."""
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return short_probs(softmax(short_logits(held_out_logits(model, pixels, label))))


def breast_cancer() -> list[Path]:
    """Two classes: the probability and the logit of class 1, benign."""
    features, label = load_breast_cancer(return_X_y=True)
    logit = short_logits(held_out_logits(classifier(0.01), features, label))
    prob = short_probs(softmax(np.column_stack([np.zeros(len(logit)), logit]))[:, 1])
    radius = features[:, 0]  # "mean radius"
    size = np.where(radius <= np.median(radius), "small", "large")
    arrays = {"label": label.astype(np.int64), "prob": prob, "logit": logit}
    columns = {"row_id": np.arange(len(label)), "label": arrays["label"], "size": size}
    return [
        *write_tables("breast_cancer", columns | {"prob": prob, "logit": logit}),
        *write_arrays("breast_cancer", arrays),
    ]


def diabetes() -> list[Path]:
    """A regression: the disease's progression after a year."""
    features, target = load_diabetes(return_X_y=True, scaled=False)
    folds = KFold(FOLDS, shuffle=True, random_state=SEED)
    model = make_pipeline(StandardScaler(), Ridge(alpha=10.0))
    pred = np.round(cross_val_predict(model, features, target, cv=folds), 3)
    sex = np.where(features[:, 1] == 1.0, "a", "b")
    columns = {"row_id": np.arange(len(target)), "target": target, "sex": sex, "pred": pred}
    return [*write_tables("diabetes", columns), *write_arrays("diabetes", {"target": target, "pred": pred})]


def iris() -> list[Path]:
    """Three classes: probabilities and their logarithms, a second model's as soft labels, points on a sphere."""
    features, label = load_iris(return_X_y=True)
    columns = {"row_id": np.arange(len(label)), "label": label.astype(np.int64)}
    for name, model in (("teacher", LinearDiscriminantAnalysis()), ("p", classifier(1.0))):
        logits = held_out_logits(model, features, label)
        probs = softmax(logits)
        columns |= numbered(name, short_probs(probs)) | numbered(f"log_{name}", np.round(np.log(probs), 6))
    unit = logits / np.linalg.norm(logits, axis=1, keepdims=True)
    return [write_csv("iris", columns | numbered("unit", np.round(unit, 6)))]


def multilabel() -> list[Path]:
    """Three labels a digit: is it even, is it 5 or more, has it a closed loop."""
    pixels, digit = load_digits(return_X_y=True)
    truths = {"even": digit % 2 == 0, "ge5": digit >= 5, "loop": np.isin(digit, [0, 6, 8, 9])}
    labels = {name: truth.astype(np.int64) for name, truth in truths.items()}
    logits = {name: short_logits(held_out_logits(classifier(0.1), pixels, label)) for name, label in labels.items()}
    probs = {name: short_probs(sigmoid(logit)) for name, logit in logits.items()}
    columns: Columns = {"row_id": np.arange(len(digit)), "digit": digit.astype(np.int64)}
    for prefix, family in (("y", labels), ("p", probs), ("logit", logits)):
        columns |= {f"{prefix}_{name}": values for name, values in family.items()}
    slots = numbered("slot", slotted(np.column_stack(list(labels.values()))))
    return [write_parquet("multilabel", columns | slots)]


def slotted(held: Array) -> Array:
    """The indices of each row's 1s, then -1s."""
    places = np.where(held == 1, np.arange(held.shape[1]), held.shape[1])
    places.sort(axis=1)
    return np.where(places == held.shape[1], -1, places).astype(np.int64)


def counts() -> list[Path]:
    """A Poisson regression: how many pixels of a digit's lower half are fully inked, told from its upper half."""
    pixels = load_digits().data
    count = (pixels[:, 32:] == 16.0).sum(axis=1)
    folds = KFold(FOLDS, shuffle=True, random_state=SEED)
    model = make_pipeline(StandardScaler(), PoissonRegressor(alpha=0.1, max_iter=1000))
    mean = np.round(cross_val_predict(model, pixels[:, :32], count, cv=folds), 4)
    columns = {"row_id": np.arange(len(count)), "count": count.astype(np.int64)}
    return [write_csv("counts", columns | {"mean": mean, "log_mean": np.round(np.log(mean), 6)})]


def forecasts() -> list[Path]:
    """Whole distributions of diabetes' target, in hundreds: mean and scale, rate, quantiles, an ensemble."""
    features, target = load_diabetes(return_X_y=True, scaled=False)
    label = target / 100.0
    made = by_fold(KFold(FOLDS, shuffle=True, random_state=SEED), features, label, forecast)
    scale = np.round(made["scale"], 4)
    columns = {"row_id": np.arange(len(label)), "label": label, "mean": np.round(made["mean"], 4)}
    columns |= {"scale": scale, "var": np.round(scale**2, 8), "log_scale": np.round(np.log(scale), 6)}
    columns |= {name: np.round(made[name], 4) for name in ("mean_of_log", "scale_of_log")}
    columns |= {"rate": np.round(made["rate"], 6)}
    quantiles = np.round(np.sort(np.column_stack([made[name] for name in LEVELS]), axis=1), 3)
    columns |= {name: quantiles[:, k] for k, name in enumerate(LEVELS)}
    columns |= {name: np.round(made[name], 3) for name in made if name.startswith("member")}
    return [write_csv("forecasts", columns)]


def forecast(features: Array, label: Array, new: Array) -> Columns:
    """What models of some rows say of new ones."""
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=10.0)).fit(features, label)
    squares = (ridge.predict(features) - label) ** 2
    spread = make_pipeline(StandardScaler(), GammaRegressor(alpha=1.0)).fit(features, squares)
    logs = make_pipeline(StandardScaler(), Ridge(alpha=10.0)).fit(features, np.log(label))
    log_squares = (logs.predict(features) - np.log(label)) ** 2
    log_spread = make_pipeline(StandardScaler(), GammaRegressor(alpha=1.0)).fit(features, log_squares)
    waiting = make_pipeline(StandardScaler(), GammaRegressor(alpha=0.1)).fit(features, label)
    made = {"mean": ridge.predict(new), "scale": np.sqrt(spread.predict(new)), "rate": 1.0 / waiting.predict(new)}
    made |= {"mean_of_log": logs.predict(new), "scale_of_log": np.sqrt(log_spread.predict(new))}
    for name, level in LEVELS.items():
        model = make_pipeline(StandardScaler(), QuantileRegressor(quantile=level, alpha=0.001))
        made[name] = model.fit(features, label).predict(new)
    drawn = members(features, label, new, 10)
    return made | {f"member_{k}": drawn[k] for k in range(10)}


def members(features: Array, label: Array, new: Array, count: int) -> Array:
    """An ensemble: each member is a ridge regression of resampled rows, plus residuals that are drawn."""
    random = np.random.default_rng(SEED)
    drawn = []
    for _ in range(count):
        rows = random.integers(len(features), size=len(features))
        model = make_pipeline(StandardScaler(), Ridge(alpha=10.0)).fit(features[rows], label[rows])
        residuals = label - model.predict(features)
        drawn.append(model.predict(new) + residuals[random.integers(len(label), size=len(new))])
    return np.stack(drawn)


def linnerud() -> list[Path]:
    """Three outputs a row, and six members of three: bodies told from exercises."""
    exercises, bodies = load_linnerud(return_X_y=True)
    names = ["weight", "waist", "pulse"]
    made = by_fold(KFold(FOLDS, shuffle=True, random_state=SEED), exercises, bodies, outputs)
    columns: Columns = {"row_id": np.arange(len(bodies))}
    columns |= {f"y_{name}": bodies[:, k] for k, name in enumerate(names)}
    for group, matrix in made.items():
        columns |= {f"{group}_{name}": np.round(matrix[:, k], 2) for k, name in enumerate(names)}
    return [write_csv("linnerud", columns)]


def outputs(features: Array, label: Array, new: Array) -> Columns:
    """A ridge regression's outputs for new rows, and an ensemble's."""
    model = make_pipeline(StandardScaler(), Ridge(alpha=10.0)).fit(features, label)
    return {"pred": model.predict(new), **{f"member_{j}": m for j, m in enumerate(members(features, label, new, 6))}}


def survival() -> list[Path]:
    """Diabetes' target read as a time: known to lie between two visits, or only to be beyond the last."""
    features, time = load_diabetes(return_X_y=True, scaled=False)
    folds = KFold(FOLDS, shuffle=True, random_state=SEED)
    model = make_pipeline(StandardScaler(), Ridge(alpha=10.0))
    log_time = np.round(cross_val_predict(model, features, np.log(time), cv=folds), 6)
    seen = time < 250.0
    label = np.where(seen, np.floor(time / 25.0) * 25.0, 250.0)
    columns = {"row_id": np.arange(len(time)), "label": label, "upper": np.where(seen, label + 25.0, 350.0)}
    columns |= {"event": seen.astype(np.int64), "signed_time": np.where(seen, time, -250.0)}
    columns |= {"time": np.round(np.exp(log_time), 3), "log_time": log_time}
    log_hazard = np.round(np.log(150.0) - log_time, 6)
    columns |= {"hazard": np.round(np.exp(log_hazard), 6), "log_hazard": log_hazard}
    return [write_csv("survival", columns)]


def pairs() -> list[Path]:
    """Pairs and triplets of digits in four dimensions, that were fitted on the other half of the digits."""
    pixels, digit = load_digits(return_X_y=True)
    random = np.random.default_rng(SEED)
    shuffled = random.permutation(len(digit))
    train, rest = shuffled[:900], shuffled[900:]
    embedding = LinearDiscriminantAnalysis(n_components=4).fit(pixels[train], digit[train])
    points = np.round(embedding.transform(pixels) * 64.0) / 64.0
    value = make_pipeline(StandardScaler(), Ridge(alpha=10.0)).fit(pixels[train], digit[train]).predict(pixels)
    anchor = rest[:200]
    positive = np.array([random.choice(rest[(digit[rest] == digit[a]) & (rest != a)]) for a in anchor])
    negative = np.array([random.choice(rest[digit[rest] != digit[a]]) for a in anchor])
    label = np.where(random.random(len(anchor)) < 0.5, 1, -1)
    x1, x2 = points[anchor], points[np.where(label == 1, positive, negative)]
    columns = {"row_id": np.arange(len(anchor)), "label": label.astype(np.int64)}
    columns |= {"same": (label == 1).astype(np.int64)}
    columns |= {"distance": np.round(np.sqrt(((x1 - x2) ** 2).sum(axis=1)), 6)}
    columns |= {"logit": short_logits(held_out_logits(classifier(1.0), abs(x1 - x2), label))}
    columns |= {"order": np.where(digit[anchor] > digit[negative], 1, -1).astype(np.int64)}
    columns |= {"score_1": np.round(value[anchor], 3), "score_2": np.round(value[negative], 3)}
    columns |= numbered("x1", x1) | numbered("x2", x2) | numbered("anchor", points[anchor])
    return [
        write_csv("pairs", columns | numbered("positive", points[positive]) | numbered("negative", points[negative]))
    ]


def lines() -> list[Path]:
    """Lines of one or two handwritten digits 1 to 3, read in strips two pixels wide: 8 frames of 4 tokens."""
    pixels, digit = load_digits(return_X_y=True)
    random = np.random.default_rng(SEED)
    known = random.permutation(np.flatnonzero((digit >= 1) & (digit <= 3)))
    strips = strips_of(pixels)
    # the outer strips of a digit are taught as token 0, the blank, and the inner ones as the digit
    taught = np.where([False, True, True, False], digit[:, None], 0)
    train, rest = known[:400], known[400:]
    model = classifier(1.0).fit(strips[train].reshape(-1, 16), taught[train].ravel())
    first, second = rest[:60], rest[60:120]
    long = random.random(60) < 0.7
    frames = np.concatenate([strips[first], np.where(long[:, None, None], strips[second], 0.0)], axis=1)
    log_probs = np.round(model.predict_log_proba(frames.reshape(-1, 16)), 4).reshape(60, 32)
    tokens = np.column_stack([digit[first], np.where(long, digit[second], 0)]).astype(np.int64)
    return [write_csv("lines", {"row_id": np.arange(60)} | numbered("token", tokens) | numbered("frame", log_probs))]


def strips_of(pixels: Array) -> Array:
    """The four strips of each 8 x 8 image, two pixels wide and 16 numbers each."""
    return pixels.reshape(-1, 8, 4, 2).transpose(0, 2, 1, 3).reshape(-1, 4, 16)


def by_fold(folds: KFold, features: Array, label: Array, predict: Callable[[Array, Array, Array], Columns]) -> Columns:
    """Each fold's rows as `predict` sees them who knows only the other folds."""
    made: Columns = {}
    for known, new in folds.split(features):
        for name, values in predict(features[known], label[known], features[new]).items():
            made.setdefault(name, np.empty((len(label), *values.shape[1:])))[new] = values
    return made


def classifier(c: float) -> Pipeline:
    """A logistic regression on standardised features; a smaller `c` regularises more."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000))


def held_out_logits(model: Pipeline | LinearDiscriminantAnalysis, features: Array, label: Array) -> Array:
    """Each row's decision scores from the model that was fitted without the row's fold."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    scores: Array = cross_val_predict(model, features, label, cv=folds, method="decision_function")
    return scores


def short_logits(scores: Array) -> Array:
    """Rounded to multiples of 1/64, which float32 and six decimals both hold without error."""
    return (np.round(scores * 64.0) / 64.0).astype(np.float32)


def short_probs(probs: Array) -> Array:
    """Rounded to six decimals."""
    return np.round(probs, 6)


def softmax(logits: Array) -> Array:
    """Probabilities of each row's logits, in float64."""
    wide = logits.astype(np.float64)
    weights = np.exp(wide - wide.max(axis=1, keepdims=True))
    probs: Array = weights / weights.sum(axis=1, keepdims=True)
    return probs


def sigmoid(logit: Array) -> Array:
    """Probability of each logit, in float64."""
    probs: Array = 1.0 / (1.0 + np.exp(-logit.astype(np.float64)))
    return probs


def numbered(prefix: str, matrix: Array) -> Columns:
    """The columns of a matrix as prefix_0, prefix_1, ..."""
    return {f"{prefix}_{k}": matrix[:, k] for k in range(matrix.shape[1])}


def write_tables(stem: str, columns: Columns) -> list[Path]:
    """The same columns as Parquet and as CSV."""
    return [write_parquet(stem, columns), write_csv(stem, columns)]


def write_parquet(stem: str, columns: Columns) -> Path:
    """The columns as Parquet."""
    path = HERE / f"{stem}.parquet"
    texts = [name for name, values in columns.items() if values.dtype.kind == "U"]
    pq.write_table(pa.table(columns), path, compression="zstd", use_dictionary=texts)
    return path


def write_csv(stem: str, columns: Columns) -> Path:
    """The columns as CSV."""
    path = HERE / f"{stem}.csv"
    # tolist() widens float32 to float64 without error; str() is the shortest text that reads back the same
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    return path


def write_arrays(stem: str, arrays: Columns) -> list[Path]:
    """One NPY file for each array."""
    paths = [HERE / f"{stem}_{name}.npy" for name in arrays]
    for path, values in zip(paths, arrays.values(), strict=True):
        np.save(path, np.ascontiguousarray(values))
    return paths


def write_model(stem: str, model: Pipeline) -> Path:
    """The weights of a linear model as a network's dense layer would hold them."""
    path = HERE / f"{stem}.safetensors"
    fitted = model[-1]
    arrays = {"dense/kernel": fitted.coef_.T, "dense/bias": fitted.intercept_}
    save_file({name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}, path)
    return path


if __name__ == "__main__":
    main()
