"""Make the sample files: held-out predictions on data sets that scikit-learn ships.

Run as `python samples/make.py`, after `pip install 'lossctl[samples]'`; the files land beside this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
SEED = 20240229
FOLDS = 5

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Columns: TypeAlias = dict[str, Array]


def main() -> None:
    """Make every file and say how large each came out."""
    made = [*digits(), *breast_cancer(), *diabetes()]
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
    ]


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


def classifier(c: float) -> Pipeline:
    """A logistic regression on standardised features; a smaller `c` regularises more."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000))


def held_out_logits(model: Pipeline, features: Array, label: Array) -> Array:
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


def numbered(prefix: str, matrix: Array) -> Columns:
    """The columns of a matrix as prefix_0, prefix_1, ..."""
    return {f"{prefix}_{k}": matrix[:, k] for k in range(matrix.shape[1])}


def write_tables(stem: str, columns: Columns) -> list[Path]:
    """The same columns as Parquet and as CSV."""
    parquet, csv = HERE / f"{stem}.parquet", HERE / f"{stem}.csv"
    texts = [name for name, values in columns.items() if values.dtype.kind == "U"]
    pq.write_table(pa.table(columns), parquet, compression="zstd", use_dictionary=texts)
    # tolist() widens float32 to float64 without error; str() is the shortest text that reads back the same
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    csv.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    return [parquet, csv]


def write_arrays(stem: str, arrays: Columns) -> list[Path]:
    """One NPY file for each array."""
    paths = [HERE / f"{stem}_{name}.npy" for name in arrays]
    for path, values in zip(paths, arrays.values(), strict=True):
        np.save(path, np.ascontiguousarray(values))
    return paths


if __name__ == "__main__":
    main()
