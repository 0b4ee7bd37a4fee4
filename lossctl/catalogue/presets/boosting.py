"""Metric names of XGBoost, LightGBM and CatBoost that are losses."""

from __future__ import annotations

from lossctl.catalogue.naming import Framework, Line, form, name

MEANS = {"mean": "mean", "sum": "sum", "none": "none"}
XGBOOST = Framework("xgboost", "XGBoost 3.2", ("xgb.",), MEANS, "mean", "zero")
LIGHTGBM = Framework("lightgbm", "LightGBM 4.7", ("lgb.",), MEANS, "mean", "nan")
CATBOOST = Framework("catboost", "CatBoost 1.2", (), MEANS, "mean", "nan")
FLOAT32 = "XGBoost computes its terms in float32; lossctl computes them in float64"
LINK = "the preds are on the scale of the response, after LightGBM's link function"
RAW = "the preds are raw scores, as CatBoost's own evaluation takes them"

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    XGBOOST: (
        name("rmse", form("root_mean_squared_error")),
        name("rmsle", form("root_mean_squared_logarithmic_error")),
        name("mae", form("mean_absolute_error"), counts="elements"),
        name(
            "mape",
            form("mean_absolute_percentage_error", percent=1.0, epsilon=0.0),
            counts="elements",
            notes=("nothing guards against a label of 0, which gives inf",),
        ),
        name("mphe", form("pseudo_huber"), options="huber_slope:delta", counts="elements"),
        name("logloss", form("binary_crossentropy", guard="floor", epsilon=1e-16), counts="elements", notes=(FLOAT32,)),
        name("error", form("binary_error"), options="threshold", notes=("XGBoost writes the threshold as error@t",)),
        name("mlogloss", form("sparse_categorical_crossentropy", shares="floored", epsilon=1e-16), notes=(FLOAT32,)),
        name("merror", form("multi_error", ties="first")),
        name("poisson-nloglik", form("poisson_nll_exact"), counts="elements"),
        name("gamma-nloglik", form("gamma_nll", epsilon=1e-6), counts="elements"),
        name("gamma-deviance", form("gamma_deviance", epsilon=1e-6), counts="elements"),
        name(
            "tweedie-nloglik",
            form("tweedie_nll"),
            options="power",
            counts="elements",
            notes=("XGBoost writes the power as tweedie-nloglik@power",),
        ),
        name("cox-nloglik", form("cox_nll")),
        name(
            "aft-nloglik",
            form("aft_nll"),
            options="aft_loss_distribution:distribution, aft_loss_distribution_scale:scale",
        ),
        name("quantile", form("pinball"), options="quantile_alpha:alpha", counts="elements"),
        name("expectile", form("expectile"), options="expectile_alpha:alpha", counts="elements"),
        name(
            "hinge",
            form("hinge", label_encoding="01"),
            notes=("labels are 0/1",),
        ),
    ),
    LIGHTGBM: (
        name("l1 mean_absolute_error mae", form("mean_absolute_error")),
        name("l2 mean_squared_error mse", form("mean_squared_error")),
        name("rmse root_mean_squared_error", form("root_mean_squared_error")),
        name("quantile", form("pinball", alpha=0.9), options="alpha"),
        name("mape mean_absolute_percentage_error", form("mean_absolute_percentage_error", percent=1.0, epsilon=1.0)),
        name(
            "huber", form("huber", delta=0.9), options="alpha:delta", notes=("alpha is the threshold, 0.9 by default",)
        ),
        name("fair", form("fair"), options="fair_c:c"),
        name("poisson", form("poisson", guard="floor", epsilon=1e-10), notes=(LINK,)),
        name("gamma", form("gamma_nll"), notes=(LINK,)),
        name(
            "gamma_deviance",
            form("gamma_deviance", epsilon=1e-9, added="pred"),
            reduction="sum",
            notes=(LINK, "LightGBM adds the rows up and never divides"),
        ),
        name(
            "tweedie",
            form("tweedie_nll", epsilon=1e-10),
            options="tweedie_variance_power:power",
            notes=(LINK,),
        ),
        name(
            "binary_logloss binary",
            form("binary_crossentropy", guard="floor", epsilon=1e-15, by_sign=True),
            notes=("every label above 0 is class 1",),
        ),
        name("binary_error", form("binary_error", threshold=0.5)),
        name("cross_entropy xentropy", form("binary_crossentropy", guard="floor", epsilon=1e-12)),
        name("kullback_leibler kldiv", form("binary_kl_divergence")),
        name(
            "multi_logloss multiclass softmax", form("sparse_categorical_crossentropy", shares="floored", epsilon=1e-15)
        ),
        name("multi_error", form("multi_error"), options="multi_error_top_k:top_k"),
    ),
    CATBOOST: (
        name("Logloss", form("binary_crossentropy", from_logits=True, by_sign=True), notes=(RAW,)),
        name("CrossEntropy", form("binary_crossentropy", from_logits=True), notes=(RAW,)),
        name(
            "Focal",
            form("binary_focal_crossentropy", from_logits=True, apply_class_balancing=True, epsilon=0.0),
            options="focal_alpha:alpha, focal_gamma:gamma",
            notes=(RAW,),
        ),
        name("MultiClass", form("sparse_categorical_crossentropy", from_logits=True), notes=(RAW,)),
        name("MultiClassOneVsAll", form("one_vs_all"), notes=(RAW,)),
        name("MultiLogloss MultiCrossEntropy", form("multilabel_soft_margin"), notes=(RAW,)),
        name("HingeLoss", form("hinge", label_encoding="01"), notes=(RAW,)),
        name("RMSE", form("root_mean_squared_error")),
        name("MultiRMSE", form("root_mean_squared_distance")),
        name(
            "MAE",
            form("pinball", dead_zone=1e-6, factor=2.0),
            notes=("twice the quantile loss at 0.5, with a dead zone of 1e-6 that takes as much from every error",),
        ),
        name("Quantile", form("pinball", dead_zone=1e-6), options="alpha", notes=("a dead zone of 1e-6 is taken off",)),
        name(
            "MultiQuantile",
            form("multi_quantile"),
            options="alpha:levels",
            notes=("CatBoost takes a dead zone of 1e-6 off each error; lossctl does not",),
        ),
        name("ZeroOneLoss", form("binary_error", threshold=0.0), notes=(RAW,)),
        name("Expectile", form("expectile"), options="alpha"),
        name("MAPE", form("mean_absolute_percentage_error", percent=1.0, epsilon=1.0)),
        name("SMAPE", form("symmetric_mean_absolute_percentage_error")),
        name("MSLE", form("mean_squared_logarithmic_error", clamped=False)),
        name("MedianAbsoluteError", form("median_absolute_error")),
        name("Huber", form("huber"), options="delta"),
        name("LogCosh", form("log_cosh")),
        name("FairLoss", form("fair"), options="smoothness:c"),
        name("Lq", form("lq"), options="q"),
        name("NumErrors", form("num_errors"), options="greater_than"),
        name("R2", form("r2_score")),
        name("SurvivalAft", form("aft_nll", distribution="normal"), options="dist:distribution, scale"),
        name("Poisson", form("poisson_nll", log_input=True), notes=(RAW,)),
        name("Tweedie", form("tweedie_nll_log"), options="variance_power:power", notes=(RAW,)),
        name("Cox", form("cox_log_likelihood"), notes=("a likelihood: larger is better", RAW)),
        name("RMSEWithUncertainty", form("gaussian_nll_log_scale")),
    ),
}
