"""Keras 3's names and, where they differ, those of tf.keras 2."""

from __future__ import annotations

from lossctl.catalogue.naming import ByPrecision, Framework, Line, form, name

REDUCTIONS = {
    "sum_over_batch_size": "sum_over_batch_size",
    "mean": "sum_over_batch_size",
    "sum": "sum",
    "mean_with_sample_weight": "mean",
    "none": "none",
}
KERAS = Framework(
    "keras",
    "Keras 3.15",
    ("keras.losses.", "tf.keras.losses.", "tf.keras.", "tensorflow.keras.losses."),
    REDUCTIONS,
    "sum_over_batch_size",
    "zero",
)
KERAS2 = Framework(
    "keras2",
    "tf.keras 2 (tf_keras 2.21)",
    ("keras2.losses.", "tf_keras.losses.", "tf_keras."),
    {**REDUCTIONS, "auto": "sum_over_batch_size"},
    "sum_over_batch_size",
    "nan",
)
# 1e-7, and what is left of 1 above 1 - 1e-7, as float32 rounds them
EPSILON = ByPrecision(1e-7, 1.0000000116860974e-07, 1.0000000116860974e-07)
BELOW_ONE = ByPrecision(0.0, 2.0**-23, 2.0**-23)
HELD = {"epsilon": EPSILON, "below_one": BELOW_ONE}
WEIGHTS_INSIDE = "weights count inside the sums; Keras multiplies its number by the mean weight"
FLOAT32 = "Keras casts to float32 unless told otherwise; lossctl computes in float64 from the stored values"

COMMON: tuple[Line, ...] = (
    name(
        "CategoricalCrossentropy categorical_crossentropy cce",
        form("categorical_crossentropy", **HELD),
        options="from_logits, label_smoothing, axis",
        notes=(FLOAT32,),
    ),
    name(
        "CategoricalFocalCrossentropy categorical_focal_crossentropy",
        form("categorical_focal_crossentropy", **HELD),
        options="alpha, gamma, from_logits, label_smoothing, axis",
    ),
    name("CategoricalHinge categorical_hinge", form("categorical_hinge")),
    name("Hinge hinge", form("hinge")),
    name("SquaredHinge squared_hinge", form("squared_hinge")),
    name("KLDivergence kl_divergence kullback_leibler_divergence kld KLD", form("kl_divergence")),
    name("Poisson poisson", form("poisson")),
    name("MeanSquaredError mean_squared_error mse MSE", form("mean_squared_error")),
    name("MeanAbsoluteError mean_absolute_error mae MAE", form("mean_absolute_error")),
    name(
        "MeanAbsolutePercentageError mean_absolute_percentage_error mape MAPE", form("mean_absolute_percentage_error")
    ),
    name(
        "MeanSquaredLogarithmicError mean_squared_logarithmic_error msle MSLE", form("mean_squared_logarithmic_error")
    ),
    name("Huber huber huber_loss", form("huber"), options="delta"),
    name("LogCosh log_cosh logcosh", form("log_cosh")),
)

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    KERAS: (
        name(
            "BinaryCrossentropy binary_crossentropy bce BCE",
            form("binary_crossentropy", **HELD),
            options="from_logits, label_smoothing, axis",
            notes=(FLOAT32,),
        ),
        name(
            "BinaryFocalCrossentropy binary_focal_crossentropy",
            form("binary_focal_crossentropy", epsilon=EPSILON),
            options="apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis",
            notes=("alpha has no effect until apply_class_balancing is set",),
        ),
        name(
            "SparseCategoricalCrossentropy sparse_categorical_crossentropy scce",
            form("sparse_categorical_crossentropy", **HELD),
            options="from_logits, ignore_class, axis",
            notes=("rows are divided by their sum, then held: as Keras on JAX, torch and NumPy, not on TensorFlow",),
        ),
        *COMMON,
        name(
            "CategoricalGeneralizedCrossEntropy categorical_generalized_cross_entropy",
            form("categorical_generalized_cross_entropy"),
            options="q",
        ),
        name("CosineSimilarity cosine_similarity", form("cosine_similarity"), options="axis"),
        name("CTC ctc", form("ctc"), options="vocabulary"),
        name("Circle circle", form("circle"), options="gamma, margin"),
        name("Dice dice", form("dice"), notes=(WEIGHTS_INSIDE,)),
        name(
            "Tversky tversky",
            form("tversky"),
            options="alpha, beta",
            notes=(
                "alpha weighs false positives and beta false negatives, as fixed after 3.15.1, which swaps them",
                WEIGHTS_INSIDE,
            ),
        ),
    ),
    KERAS2: (
        name(
            "BinaryCrossentropy binary_crossentropy bce BCE",
            form("binary_crossentropy", guard="clip_add", **HELD),
            options="from_logits, label_smoothing, axis",
            notes=("epsilon acts twice: p is held away from 0 and 1, then epsilon is added inside each logarithm",),
        ),
        name(
            "SparseCategoricalCrossentropy sparse_categorical_crossentropy scce",
            form("sparse_categorical_crossentropy", shares="held_first", **HELD),
            options="from_logits, ignore_class",
            notes=("probabilities are held first and divided by their sum then",),
        ),
        *COMMON,
        name(
            "CosineSimilarity cosine_similarity cosine_proximity",
            form("cosine_similarity", floor="square", epsilon=1e-12),
            options="axis",
        ),
    ),
}
