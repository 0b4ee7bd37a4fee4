"""optax's names; its losses are never reduced, so the default here is the mean."""

from __future__ import annotations

from lossctl.catalogue.naming import Framework, Line, form, name

OPTAX = Framework(
    "optax",
    "optax 0.2.8",
    ("optax.losses.",),
    {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"},
    "mean",
    "nan",
)
LOGS = "the preds are log-probabilities"

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    OPTAX: (
        name("squared_error", form("mean_squared_error"), counts="elements"),
        name("l2_loss", form("half_squared_error"), counts="elements"),
        name("huber_loss", form("huber"), options="delta", counts="elements"),
        name("log_cosh", form("log_cosh"), counts="elements"),
        name(
            "sigmoid_binary_cross_entropy binary_logistic_loss",
            form("binary_crossentropy", from_logits=True),
            counts="elements",
        ),
        name(
            "sigmoid_focal_loss",
            form("binary_focal_crossentropy", from_logits=True, epsilon=0.0),
            options="gamma",
            counts="elements",
            notes=("alpha is off, as by default in optax",),
        ),
        name("softmax_cross_entropy safe_softmax_cross_entropy", form("categorical_crossentropy", from_logits=True)),
        name(
            "softmax_cross_entropy_with_integer_labels multiclass_logistic_loss",
            form("sparse_categorical_crossentropy", from_logits=True),
            notes=("a label of -1 is refused; optax takes the last class for it",),
        ),
        name("poly_loss_cross_entropy", form("polyloss"), options="epsilon"),
        name("kl_divergence", form("row_kl_from_logs"), notes=(LOGS,)),
        name("kl_divergence_with_log_targets", form("row_kl_from_logs", log_target=True), notes=(LOGS,)),
        name("generalized_kl_divergence convex_kl_divergence", form("generalized_kl", from_logs=True), notes=(LOGS,)),
        name("hinge_loss", form("hinge", label_encoding="pm1"), notes=("labels are -1/+1; nothing is converted",)),
        name("multiclass_hinge_loss", form("multiclass_hinge")),
        name("perceptron_loss", form("perceptron")),
        name("multiclass_perceptron_loss", form("multiclass_perceptron")),
        name("sparsemax_loss", form("sparsemax")),
        name("multiclass_sparsemax_loss", form("multiclass_sparsemax")),
        name("ctc_loss", form("ctc"), options="vocabulary"),
        name("ranking_softmax_loss", form("ranking_softmax")),
        name(
            "cosine_distance",
            form("cosine_gap", epsilon=0.0),
            notes=("a zero vector gives NaN, as epsilon is 0 by default in optax",),
        ),
    ),
}
