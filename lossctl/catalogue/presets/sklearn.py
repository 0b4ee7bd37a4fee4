"""scikit-learn's names, of sklearn.metrics."""

from __future__ import annotations

from lossctl.catalogue.naming import ByPrecision, Framework, Line, chosen, form, name

SKLEARN = Framework(
    "sklearn",
    "scikit-learn 1.9",
    ("sklearn.metrics.",),
    {"mean": "mean", "sum": "sum", "none": "none"},
    "mean",
    "error",
)
MACHINE_EPSILON = ByPrecision(2.0**-52, 2.0**-23, 2.0**-10)
HALVED = {"auto": 1.0, "true": 1.0, "false": 2.0}
HALVED_OF_MANY = {"auto": 1.0, "true": 0.5, "false": 1.0}

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    SKLEARN: (
        name(
            "log_loss",
            form("binary_crossentropy", "one pred", epsilon=MACHINE_EPSILON, by_sign=True),
            form("sparse_categorical_crossentropy", "class index", epsilon=MACHINE_EPSILON, shares="as_given"),
            form("categorical_crossentropy", "class vector", epsilon=MACHINE_EPSILON, shares="as_given"),
            options="normalize",
            notes=(
                "rows are not divided by their sum, as from scikit-learn 1.5 on",
                "one column of preds is the probability of the larger of the labels 0/1 or -1/+1",
            ),
        ),
        name(
            "brier_score_loss",
            form("binary_brier_score", "one pred", factor=chosen("scale_by_half", HALVED)),
            form("multiclass_brier_score", factor=chosen("scale_by_half", HALVED_OF_MANY)),
            options="scale_by_half",
        ),
        name(
            "hinge_loss",
            form("hinge", "one pred", label_encoding="sorted"),
            form("multiclass_hinge", "class index"),
            notes=("the larger of two labels is +1; a label that is alone is -1",),
        ),
        name("zero_one_loss", form("zero_one", "one pred"), form("subset_error"), options="normalize"),
        name("hamming_loss", form("zero_one"), counts="elements"),
        name("mean_squared_error", form("mean_squared_error")),
        name("mean_absolute_error", form("mean_absolute_error")),
        name("mean_absolute_percentage_error", form("mean_absolute_percentage_error", percent=1.0, epsilon=2.0**-52)),
        name("mean_squared_log_error", form("mean_squared_logarithmic_error", clamped=False)),
        name("mean_pinball_loss", form("pinball"), options="alpha"),
        name("mean_tweedie_deviance", form("tweedie_deviance"), options="power=0.0"),
        name("mean_poisson_deviance", form("poisson_deviance")),
        name("mean_gamma_deviance", form("gamma_deviance")),
        name("root_mean_squared_error", form("root_mean_squared_error"), counts="columns"),
        name("root_mean_squared_log_error", form("root_mean_squared_logarithmic_error"), counts="columns"),
        name("median_absolute_error", form("median_absolute_error")),
        name("max_error", form("max_error")),
        name("r2_score", form("r2_score"), options="force_finite"),
        name("explained_variance_score", form("explained_variance"), options="force_finite"),
        name("d2_tweedie_score", form("d2_tweedie"), options="power=0.0"),
        name("d2_pinball_score", form("d2_pinball"), options="alpha"),
        name("d2_absolute_error_score", form("d2_pinball", alpha=0.5)),
        name("d2_log_loss_score", form("d2_log_loss", "one pred"), form("d2_multiclass_log_loss", "class index")),
        name("d2_brier_score", form("d2_brier", "one pred"), form("d2_multiclass_brier", "class index")),
    ),
}
