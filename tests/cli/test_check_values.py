"""Small cases whose values the frameworks are known to give, asked of the program by the frameworks' names.

Each was obtained by running the framework: digits are as many as were noted, and float32 where it computes so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import called

inf = float("inf")
nan = float("nan")
ROWS3 = {"y": [1, 0, 0], "p": [[1.0, 2, 3], [1, 2, 3], [3, 1, 0]]}
THREE = {"y": [0, 1, 2], "p": [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]}
OVERLAP = {"y": [[1.0, 0], [1, 1]], "p": [[0.8, 0.1], [0.7, 0.9]]}
DEVIANCE = {"y": [2.0, 1.0], "p": [1.0, 3.0]}
E05 = 1.6487212707001282
LOG_HALF = [-0.6931471805599453] * 2


def pair(y: Any, p: Any, **more: Any) -> dict[str, Any]:
    return {"y": [y], "p": [p], **more}


# the name, the columns, the value; then flags
VALUES: list[tuple[Any, ...]] = [
    # the table of names that frameworks share
    ("keras.BinaryCrossentropy", pair(1, 0.0), 16.118096),
    ("tf1.log_loss", pair(1, 0.0), 16.118096),
    ("torch.BCELoss", pair(1, 0.0), 100.0),
    ("sklearn.log_loss", pair(1, 0.0), 36.043653),
    ("sklearn.log_loss", pair(1, np.float32(0.0)), 15.942385),
    ("sklearn.log_loss", pair(1, np.float16(0.0)), 6.9314718),
    ("xgboost.logloss", pair(1, 0.0), 36.841361),
    ("lightgbm.binary_logloss", pair(1, 0.0), 34.538776),
    ("lightgbm.cross_entropy", pair(1, 0.0), 27.631021),
    ("catboost.Logloss", pair(1, -1000.0), 1000.0),
    ("keras2.BinaryCrossentropy", pair(1, 0.0), 15.424948),
    ("keras.BinaryCrossentropy", pair(0, np.float32(1.0)), 15.942385),
    ("tf1.log_loss", pair(0, 1.0), 16.118096),
    ("torch.BCELoss", pair(0, 1.0), 100.0),
    ("sklearn.log_loss", pair(0, 1.0), 36.043653),
    ("keras.CategoricalCrossentropy", pair([0.0, 1.0], [0.2, 0.3]), 0.510826),
    ("keras2.CategoricalCrossentropy", pair([0.0, 1.0], [0.2, 0.3]), 0.510826),
    ("sklearn.log_loss", pair(1, [0.2, 0.3]), 1.203973),
    ("torch.NLLLoss", pair(1, [np.log(0.2), np.log(0.3)]), 1.203973),
    ("torch.CrossEntropyLoss", ROWS3, 1.348166, "--class-weights", "1,2,4"),
    ("torch.CrossEntropyLoss:weight=[1,2,4]", {**ROWS3, "y": np.eye(3)[[1, 0, 0]]}, 1.797554),
    ("torch.CrossEntropyLoss:weight=[1,2,4],label_smoothing=0.1", ROWS3, 1.470811),
    ("torch.CrossEntropyLoss:weight=[1,2,4],label_smoothing=0.1", {**ROWS3, "y": np.eye(3)[[1, 0, 0]]}, 1.961082),
    ("torch.CrossEntropyLoss", ROWS3, 1.3283526),
    ("torch.CrossEntropyLoss:ignore_index=2", {**ROWS3, "y": [2, 0, 0]}, 1.288726),
    ("torch.CrossEntropyLoss", {**ROWS3, "y": [-100] * 3}, nan),
    ("torch.CrossEntropyLoss", {**ROWS3, "y": [-100] * 3}, 0.0, "-r", "sum"),
    ("keras.SparseCategoricalCrossentropy:ignore_class=-1", {"y": [-1, -1], "p": [[0.5, 0.5]] * 2}, 0.0),
    ("keras2.SparseCategoricalCrossentropy:ignore_class=-1", {"y": [-1, -1], "p": [[0.5, 0.5]] * 2}, nan),
    ("keras.MSE", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 6.5),
    ("tf1.mean_squared_error", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 6.5),
    ("keras.MSE", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 3.25, "-r", "mean_with_sample_weight"),
    ("sklearn.mean_squared_error", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 3.25),
    ("torch.mse_loss", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 3.25),
    ("tf1.mean_squared_error", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 3.25, "-r", "MEAN"),
    ("keras.MSE", {"y": [0.0, 0], "p": [1.0, 2], "w": [0.0, 3]}, 6.0),
    ("tf1.mean_squared_error", {"y": [0.0, 0], "p": [1.0, 2], "w": [0.0, 3]}, 12.0),
    ("sklearn.mean_squared_error", {"y": [0.0, 0], "p": [1.0, 2], "w": [0.0, 3]}, 4.0),
    ("torch.l1_loss", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 1.75),
    ("torch.huber_loss", {"y": [0.0, 0], "p": [1.0, 2], "w": [1.0, 3]}, 2.5),
    ("keras.MSE", {"y": [[0.0, 1], [0, 0]], "p": [[1.0, 1], [1, 0]]}, 1.0, "-r", "sum"),
    ("torch.MSELoss", {"y": [[0.0, 1], [0, 0]], "p": [[1.0, 1], [1, 0]]}, 2.0, "-r", "sum"),
    ("tf1.mean_squared_error", {"y": [[0.0, 1], [0, 0]], "p": [[1.0, 1], [1, 0]]}, 2.0, "-r", "sum"),
    *((loss, {"y": [0, 1], "p": [0.6, 0.4]}, 1.1) for loss in ("keras.Hinge", "tf1.hinge_loss", "sklearn.hinge_loss")),
    ("optax.hinge_loss", {"y": [0.0, 1], "p": [0.6, 0.4]}, 0.8),
    ("torch.HingeEmbeddingLoss", {"y": [0, 1], "p": [0.6, 0.4]}, 0.7),
    ("keras.Hinge", {"y": [1, 1], "p": [0.6, 0.4]}, 0.5),
    ("optax.hinge_loss", {"y": [1, 1], "p": [0.6, 0.4]}, 0.5),
    ("sklearn.hinge_loss", {"y": [1, 1], "p": [0.6, 0.4]}, 1.5),
    ("keras.Hinge", pair(-1, 0.6), 1.6),
    ("tf1.hinge_loss", pair(-1, 0.6), 2.8),
    ("keras.CategoricalHinge", pair([0.0, 1, 0], [0.1, 0.5, 0.2]), 0.7),
    ("sklearn.hinge_loss", pair(1, [0.1, 0.5, 0.2]), 0.7),
    ("optax.multiclass_hinge_loss", pair(1, [0.1, 0.5, 0.2]), 0.7),
    ("torch.MultiMarginLoss", pair(1, [0.1, 0.5, 0.2]), 0.4333333),
    ("keras.CategoricalHinge", pair([0.0, 1, 0], [-3.0, -1, -2]), 2.0),
    ("sklearn.hinge_loss", pair(1, [-3.0, -1, -2]), 0.0),
    *(
        (loss, pair(0.0, 3.0), 4.0)
        for loss in ("keras.Huber:delta=2", "torch.HuberLoss:delta=2", "tf1.huber_loss:delta=2")
    ),
    *((loss, pair(0.0, 3.0), 4.0) for loss in ("optax.huber_loss:delta=2", "catboost.Huber:delta=2")),
    ("torch.SmoothL1Loss:beta=2", pair(0.0, 3.0), 2.0),
    ("xgboost.mphe:huber_slope=2", pair(0.0, 3.0), 3.211103),
    ("lightgbm.huber", pair(0.0, 3.0), 2.295),
    ("keras.MAPE", pair(0.5, 1.0), 100.0),
    ("sklearn.mean_absolute_percentage_error", pair(0.5, 1.0), 1.0),
    ("xgboost.mape", pair(0.5, 1.0), 1.0),
    ("lightgbm.mape", pair(0.5, 1.0), 0.5),
    ("catboost.MAPE", pair(0.5, 1.0), 0.5),
    ("keras.MAPE", pair(0.0, 1.0), 1e9),
    ("sklearn.mean_absolute_percentage_error", pair(0.0, 1.0), 4503599627370496.0),
    ("xgboost.mape", pair(0.0, 1.0), inf),
    ("lightgbm.mape", pair(0.0, 1.0), 1.0),
    ("keras.MSLE", pair(-5.0, 1.0), 0.480453, "--on-bad", "keep"),
    ("sklearn.root_mean_squared_error", {"y": [[0.0, 0], [0, 0]], "p": [[1.0, 2], [3, 4]]}, 2.699173),
    ("xgboost.rmse", {"y": [[0.0, 0], [0, 0]], "p": [[1.0, 2], [3, 4]]}, 2.738613),
    ("catboost.MultiRMSE", {"y": [[0.0, 0], [0, 0]], "p": [[1.0, 2], [3, 4]]}, 3.872983),
    ("keras.KLDivergence", pair([1.0, 0.0], [0.5, 0.5]), 0.6931456),
    ("torch.KLDivLoss", pair([1.0, 0.0], LOG_HALF), 0.3465736),
    ("torch.KLDivLoss", pair([1.0, 0.0], LOG_HALF), 0.6931472, "-r", "batchmean"),
    ("optax.kl_divergence", pair([1.0, 0.0], LOG_HALF), 0.6931472),
    ("keras.KLDivergence", pair([0.5, 0.5], [0.0, 1.0]), 7.365901),
    ("torch.KLDivLoss", pair([0.5, 0.5], [-inf, 0.0]), inf, "--on-bad", "keep"),
    ("keras.CosineSimilarity", pair([3.0, 4.0], [3.0, 4.0]), -1.0),
    ("torch.CosineEmbeddingLoss", {"y": [1], "x1": [[3.0, 4.0]], "x2": [[3.0, 4.0]]}, 0.0),
    ("optax.cosine_distance", pair([3.0, 4.0], [3.0, 4.0]), 0.0),
    ("tf1.cosine_distance", pair([3.0, 4.0], [3.0, 4.0]), -24.0),
    ("keras.CosineSimilarity", pair([0.0, 0.0], [3.0, 4.0]), 0.0),
    ("torch.CosineEmbeddingLoss", {"y": [1], "x1": [[0.0, 0.0]], "x2": [[3.0, 4.0]]}, 1.0),
    ("optax.cosine_distance", pair([0.0, 0.0], [3.0, 4.0]), nan),
    ("keras.Poisson", pair(3, E05), 0.1487213),
    ("torch.PoissonNLLLoss", pair(3, 0.5), 0.1487213),
    ("lightgbm.poisson", pair(3, E05), 0.1487213),
    ("catboost.Poisson", pair(3, 0.5), 0.1487213),
    ("torch.PoissonNLLLoss:full=true", pair(3, 0.5), 1.912803),
    ("tf.nn.log_poisson_loss:compute_full_loss=true", pair(3, 0.5), 1.912803),
    ("sklearn.mean_poisson_deviance", pair(3, E05), 0.8891163),
    ("xgboost.tweedie-nloglik", pair(2.0, E05), 5.683254),
    ("lightgbm.tweedie", pair(2.0, E05), 5.683254),
    ("catboost.Tweedie", pair(2.0, 0.5), 5.683254),
    ("sklearn.mean_tweedie_deviance:power=1.5", pair(2.0, E05), 0.0527994),
    ("sklearn.mean_gamma_deviance", DEVIANCE, 0.7387984),
    ("lightgbm.gamma_deviance", DEVIANCE, 1.4775969),
    ("sklearn.brier_score_loss", {"y": [1, 0], "p": [0.9, 0.2]}, 0.025),
    ("sklearn.brier_score_loss:scale_by_half=false", {"y": [1, 0], "p": [0.9, 0.2]}, 0.05),
    ("keras.BinaryFocalCrossentropy:from_logits=true", pair(1, 0.5), 0.0675735),
    ("optax.sigmoid_focal_loss", pair(1, 0.5), 0.0675735),
    ("keras.BinaryFocalCrossentropy:from_logits=true,apply_class_balancing=true", pair(1, 0.5), 0.0168934),
    ("catboost.Focal", pair(1, 0.5), 0.0168934),
    ("keras.CategoricalFocalCrossentropy:from_logits=true", pair([0.0, 1.0], [0.0, 0.5]), 0.0168934),
    ("sklearn.mean_pinball_loss", pair(0.0, 1.0), 0.5),
    ("sklearn.mean_absolute_error", pair(0.0, 1.0), 1.0),
    ("catboost.Quantile", pair(0.0, 1.0), 0.4999995),
    ("catboost.MAE", pair(0.0, 1.0), 0.999999),
    ("torch.BCEWithLogitsLoss", {"y": [[1.0, 0], [0, 1]], "p": [[0.5, -1.0], [2.0, 0.3]]}, 3.468622, "-r", "sum"),
    (
        "torch.MultiLabelSoftMarginLoss",
        {"y": [[1.0, 0], [0, 1]], "p": [[0.5, -1.0], [2.0, 0.3]]},
        1.734311,
        "-r",
        "sum",
    ),
    ("keras.Dice", {"y": [[0.0]], "p": [[0.0]]}, 1.0),
    ("keras.Dice", OVERLAP, 0.1272727),
    ("keras.Tversky:alpha=0.3,beta=0.7", OVERLAP, 0.1578948),
    ("torch.BCEWithLogitsLoss", pair(1, inf), 0.0, "--on-bad", "keep"),
    ("torch.BCEWithLogitsLoss", pair(1, -inf), inf, "--on-bad", "keep"),
    ("torch.BCEWithLogitsLoss", pair(0, -inf), 0.0, "--on-bad", "keep"),
    ("torch.BCEWithLogitsLoss", pair(0, inf), inf, "--on-bad", "keep"),
    ("sklearn.mean_squared_error", pair(1e8, 1e8 + 1), 1.0),
    ("tf1.mean_pairwise_squared_error", {"y": [[0.0, 0.5, 1]] * 2, "p": [[1.0, 1, 1]] * 2}, 1.0),
    # binary
    ("keras.BinaryCrossentropy", pair(1, 0.9), 0.1053605),
    ("keras.BinaryCrossentropy:label_smoothing=0.1", pair(1, 0.9), 0.2152218),
    ("sklearn.log_loss", {"y": [1, 0], "p": [0.9, 0.2]}, 0.164252),
    ("sklearn.log_loss", {"y": [1, 0], "p": [0.9, 0.2], "w": [1.0, 3]}, 0.1936978),
    ("sklearn.log_loss:normalize=false", {"y": [1, 0], "p": [0.9, 0.2], "w": [1.0, 3]}, 0.7747912),
    ("torch.BCELoss", {"y": [1.0, 0], "p": [0.5, 0.5], "w": [1.0, 3]}, 1.386294),
    ("torch.BCELoss", pair(0, 1e-17), 1e-17),
    ("torch.BCEWithLogitsLoss:pos_weight=3", pair(1, 0.5), 1.422231),
    ("torch.BCEWithLogitsLoss:pos_weight=3", pair(0, 0.5), 0.974077),
    ("tf.nn.weighted_cross_entropy_with_logits:pos_weight=3", pair(1, 0.5), 1.422231),
    ("tf1.sigmoid_cross_entropy:label_smoothing=0.1", pair(1, 2.0), 0.226928),
    ("keras.BinaryFocalCrossentropy", pair(1, 0.6), 0.0817321),
    ("sklearn.brier_score_loss", {"y": [0, 1, 2], "p": [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]]}, 0.1133333),
    (
        "sklearn.brier_score_loss:scale_by_half=true",
        {"y": [0, 1, 2], "p": [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]]},
        0.0566667,
    ),
    ("sklearn.brier_score_loss", {"y": [1, 1], "p": [0.9, 0.8]}, 0.025),
    ("sklearn.brier_score_loss", {"y": [0, 0], "p": [0.9, 0.8]}, 0.725),
    # multiclass
    ("tf.nn.softmax_cross_entropy_with_logits", pair([1.0, 1, 0], [1.0, 2, 3]), 3.815212, "--on-bad", "keep"),
    ("torch.CrossEntropyLoss", pair([1.0, 1, 0], [1.0, 2, 3]), 3.815212),
    ("keras.CategoricalCrossentropy:label_smoothing=0.1", pair([0.0, 1, 0], [0.05, 0.95, 0]), 0.685001),
    ("keras.SparseCategoricalCrossentropy:ignore_class=-1", {"y": [0, -1, 2], "p": [[0.2, 0.3, 0.5]] * 3}, 1.1512926),
    (
        "keras.SparseCategoricalCrossentropy:ignore_class=-1",
        {"y": [0, -1, 2], "p": [[0.2, 0.3, 0.5]] * 3, "w": [2.0, 5, 3]},
        2.649159,
    ),
    (
        "keras.SparseCategoricalCrossentropy:ignore_class=-1",
        {"y": [0, -1, 2], "p": [[0.2, 0.3, 0.5]] * 3, "w": [2.0, 5, 3]},
        1.0596635,
        "-r",
        "mean_with_sample_weight",
    ),
    ("keras2.SparseCategoricalCrossentropy", pair(0, [0.0, 0.0]), 0.693147),
    ("tf1.sparse_softmax_cross_entropy", pair(1, [1.0, 2, 3]), 1.4076059),
    ("torch.CrossEntropyLoss:label_smoothing=0.1", pair(0, [3.0, 1, 0]), 0.3365127),
    ("torch.NLLLoss", pair(1, np.log([0.2, 0.3, 0.5]).tolist()), 1.2039728),
    ("sklearn.log_loss", THREE, 0.3635480),
    ("keras.CategoricalFocalCrossentropy", pair([0.0, 1, 0], [0.05, 0.95, 0]), 3.20583e-05),
    ("keras.CategoricalGeneralizedCrossEntropy", {"y": [0, 0], "p": [[0.8, 0.2], [0.3, 0.7]]}, 0.5578502),
    ("catboost.MultiClassOneVsAll", ROWS3, 1.3369500),
    ("optax.poly_loss_cross_entropy", pair([0.0, 1, 0], [1.0, 2, 3]), 2.9181490),
    ("optax.sparsemax_loss", {"y": [1, 1, 0], "p": [0.5, -2.0, 0.5]}, 2.625, "-r", "sum"),
    ("optax.multiclass_sparsemax_loss", pair(1, [0.1, 0.5, 0.2]), 0.1433333),
    # likelihoods
    (
        "torch.KLDivLoss",
        {"y": [[1.0, 0], [0.5, 0.5]], "p": [LOG_HALF, [np.log(0.25), np.log(0.75)]]},
        0.2092471 + 0.0,
        "-r",
        "mean",
    ),
    *(
        (f"sklearn.mean_tweedie_deviance:power={power}", DEVIANCE, value)
        for power, value in {-1: 5.333333, 0: 2.5, 1: 1.2876821, 1.5: 0.9619479, 2: 0.7387984, 3: 0.4722222}.items()
    ),
    ("sklearn.mean_tweedie_deviance:power=1", pair(0.0, 1.0), 2.0),
    ("sklearn.mean_tweedie_deviance:power=1.5", pair(0.0, 2.0), 5.6568542),
    ("xgboost.gamma-nloglik", DEVIANCE, 1.7159728),
    ("lightgbm.gamma", DEVIANCE, 1.7159728),
    ("torch.GaussianNLLLoss", {"y": [0.0], "p": [1.0], "var": [4.0]}, 0.8181472),
    ("torch.GaussianNLLLoss:full=true", {"y": [0.0], "p": [1.0], "var": [4.0]}, 1.7370857),
    ("torch.GaussianNLLLoss", {"y": [0.0], "p": [1.0], "var": [0.0]}, 499993.09),
    (
        "lightgbm.kullback_leibler",
        {"y": [0.3, 0.8], "p": [1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(1.0))]},
        0.4130360,
    ),
    (
        "lightgbm.cross_entropy",
        {"y": [0.3, 0.8], "p": [1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(1.0))]},
        0.9686693,
    ),
    ("catboost.ZeroOneLoss", {"y": [1, 0, 1], "p": [0.5, 0.5, -1.0]}, 0.6666667),
    # regression
    ("xgboost.rmsle", {"y": [0.0, 3], "p": [1.0, 2]}, 0.5306666),
    ("sklearn.root_mean_squared_log_error", {"y": [0.0, 3], "p": [1.0, 2]}, 0.5306666),
    ("torch.SmoothL1Loss:beta=2", pair(0.0, 1.0), 0.25),
    ("lightgbm.fair", pair(0.0, 3.0), 1.6137056),
    ("catboost.Lq:q=3", pair(0.0, 2.0), 8.0),
    ("catboost.Quantile:alpha=0.9", pair(1.0, 0.0), 0.8999991),
    ("sklearn.mean_pinball_loss:alpha=0.9", pair(1.0, 0.0), 0.9),
    ("sklearn.mean_pinball_loss:alpha=0.9", pair(0.0, 1.0), 0.1),
    ("xgboost.expectile:quantile_alpha=0.9".replace("quantile_alpha", "expectile_alpha"), pair(2.0, 0.0), 3.6),
    ("catboost.Expectile:alpha=0.9", pair(0.0, 2.0), 0.4),
    ("sklearn.median_absolute_error", {"y": [1.0, 1, 1, 1], "p": [1.0, 2, 3, 4]}, 1.5),
    ("sklearn.median_absolute_error", {"y": [1.0, 1, 1, 1], "p": [1.0, 2, 3, 4], "w": [1.0, 1, 1, 5]}, 3.0),
    ("catboost.NumErrors:greater_than=1", {"y": [0.0, 0], "p": [1.0, 2]}, 0.5),
    ("catboost.SMAPE", pair(1.0, 3.0), 100.0),
    ("tf1.mean_pairwise_squared_error", {"y": [[0.0, 0.5, 1]] * 2, "p": [[1.0, 1, 1]] * 2, "w": [2.0, 1]}, 1.5),
    # margins and vectors
    ("keras.SquaredHinge", {"y": [[0.0, 1], [0, 0]], "p": [[0.6, 0.4], [0.4, 0.6]]}, 3.72, "-r", "sum"),
    ("sklearn.hinge_loss", {"y": [1, 2], "p": [[0.1, 0.5, 0.2], [0.3, 0.3, 0.9]]}, 0.55),
    ("torch.MultiMarginLoss", pair(3, [0.1, 0.2, 0.4, 0.8]), 0.325),
    ("torch.MultiLabelMarginLoss", pair([3, 0, -1, 1], [0.1, 0.2, 0.4, 0.8]), 0.85),
    ("torch.MarginRankingLoss:margin=0.1", {"y": [1], "x1": [0.3], "x2": [0.5]}, 0.3),
    ("torch.MarginRankingLoss:margin=0.1", {"y": [-1], "x1": [0.3], "x2": [0.5]}, 0.0),
    ("torch.MarginRankingLoss:margin=0.1", {"y": [0], "x1": [0.3], "x2": [0.5]}, 0.1),
    ("torch.HingeEmbeddingLoss", pair(0, 0.3), 1.0),
    ("torch.SoftMarginLoss", pair(-1, 89.0), 89.0),
    ("keras.CosineSimilarity", pair([1e-9, 0.0], [1e-9, 0.0]), -1e-4),
    ("keras2.CosineSimilarity", pair([1e-9, 0.0], [1e-9, 0.0]), -1e-6),
    ("tf1.cosine_distance", pair([1.0, 1.0], [1.0, 1.0]), -1.0),
    # label errors
    ("sklearn.zero_one_loss", {"y": [0, 1, 2], "p": [0, 2, 2]}, 0.3333333),
    ("sklearn.zero_one_loss:normalize=false", {"y": [0, 1, 2], "p": [0, 2, 2]}, 1.0),
    ("sklearn.hamming_loss", {"y": [[0, 1], [1, 1]], "p": [[0, 1], [0, 0]]}, 0.5),
    ("sklearn.zero_one_loss", {"y": [[0, 1], [1, 1]], "p": [[0, 1], [0, 0]]}, 0.5),
    ("xgboost.error", {"y": [1, 0], "p": [0.5, 0.5]}, 0.5),
    # forecasts
    ("scoringrules.crps_ensemble", pair(3.0, [1.0, 2, 4, 7]), 0.75),
    ("scoringrules.crps_ensemble:estimator=fair", pair(3.0, [1.0, 2, 4, 7]), 0.3333333),
    ("scoringrules.crps_normal", {"y": [3.0], "p": [2.0], "scale": [1.5]}, 0.6070746),
    ("scoringrules.crps_quantile:alpha=[0.25,0.5,0.75]", pair(3.0, [1.0, 2, 4]), 0.8333333),
    *(
        ("scoringrules.interval_score", {"y": [y], "lower": [0.0], "upper": [1.0]}, score)
        for y, score in {0.5: 1.0, -0.5: 11.0, 2.0: 21.0}.items()
    ),
    (
        "scoringrules.weighted_interval_score:alpha=[0.1,0.5]",
        {"y": [2.0], "median": [0.5], "lower": [[0.0, 0.2]], "upper": [[1.0, 0.8]]},
        1.26,
    ),
    ("scoringrules.energy_score", pair([0.0, 0], [1.0, 0, 0, 2, 1, 1]), 0.9547066),
    ("scoringrules.energy_score:estimator=fair", pair([0.0, 0], [1.0, 0, 0, 2, 1, 1]), 0.6963576),
    ("scoringrules.variogram_score", pair([0.0, 0], [1.0, 0, 0, 2, 1, 1]), 1.2952060),
    ("scoringrules.dssuv_ensemble", pair(3.0, [1.0, 2, 4, 7]), 1.9816244),
    ("scoringrules.rps_score", pair(2, [0.2, 0.3, 0.5]), 0.29),
    ("scoringrules.logs_normal", {"y": [3.0], "p": [2.0], "scale": [1.5]}, 1.5466259),
    ("xgboost.poisson-nloglik", pair(3, E05), 1.940481),
    # infinite values that are kept give the limit
    ("torch.PoissonNLLLoss", pair(1.0, inf), inf, "--on-bad", "keep"),
    ("torch.PoissonNLLLoss", pair(0.0, -inf), 0.0, "--on-bad", "keep"),
    ("keras.Poisson", pair(1.0, inf), inf, "--on-bad", "keep"),
    ("torch.SoftMarginLoss", pair(1, inf), 0.0, "--on-bad", "keep"),
    ("torch.CrossEntropyLoss", pair(0, [inf, 0.0]), 0.0, "--on-bad", "keep"),
    ("tf.nn.softmax_cross_entropy_with_logits", pair([1.0, 0.0], [0.0, -inf]), 0.0, "--on-bad", "keep"),
    ("keras.LogCosh", pair(0.0, inf), inf, "--on-bad", "keep"),
    ("torch.HuberLoss", pair(0.0, nan), nan, "--on-bad", "keep"),
    ("torch.MultiMarginLoss", pair(0, [0.0, nan]), nan, "--on-bad", "keep"),
    # scores
    ("sklearn.d2_log_loss_score", {"y": [0, 1, 1], "p": [0.2, 0.7, 0.9]}, 0.6411816),
    ("sklearn.d2_brier_score", {"y": [0, 1, 1], "p": [0.2, 0.7, 0.9]}, 0.79),
    ("sklearn.d2_tweedie_score:power=1", {"y": [1.0, 2, 3], "p": [1.1, 2.1, 2.7]}, 0.9556787),
    ("sklearn.r2_score", {"y": [2.0, 2], "p": [2.0, 2]}, 1.0),
    ("sklearn.r2_score", {"y": [2.0, 2], "p": [2.0, 3]}, 0.0),
]


@pytest.mark.parametrize("case", VALUES, ids=lambda case: f"{case[0]} {case[2]}")
def test_the_known_value(case: tuple[Any, ...], tmp_path: Path) -> None:
    spec, columns, expected, *flags = case
    words = []
    for role, values in columns.items():
        path = tmp_path / f"{role}.npy"
        np.save(path, np.array(values))
        words += [f"-{role}", str(path)] if role in ("y", "p", "w") else ["--role", f"{role}={path}"]
    text = called("eval", *words, "--loss", spec, "--json", "--quiet", *flags)
    value = float(json.loads(text)["results"][0]["value"])
    # as many digits as were noted, and a float32's worth of them
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7 if abs(expected) < 1 else 0)
