"""TensorFlow 1's names: tf.losses, and the losses of tf.nn."""

from __future__ import annotations

from lossctl.catalogue.naming import Framework, Line, form, name

TF1 = Framework(
    "tf1",
    "TensorFlow 1 (tf.compat.v1.losses of TensorFlow 2.21)",
    ("tf.compat.v1.losses.", "tf.losses.", "tf1.losses."),
    {
        "sum_by_nonzero_weights": "sum_by_nonzero_weights",
        "sum_over_nonzero_weights": "sum_by_nonzero_weights",
        "mean": "mean",
        "sum_over_batch_size": "sum_over_batch_size",
        "sum": "sum",
        "none": "none",
    },
    "sum_by_nonzero_weights",
    "zero",
)
NN = Framework("tf.nn", "TensorFlow 2.21 tf.nn", ("tf.compat.v1.nn.", "tensorflow.nn."), {}, "mean", "error")
UNREDUCED = ("TensorFlow leaves it unreduced, which is --reduction none; the default here is the mean",)

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    TF1: (
        name("absolute_difference", form("mean_absolute_error"), counts="elements"),
        name("mean_squared_error", form("mean_squared_error"), counts="elements"),
        name("huber_loss", form("huber"), options="delta", counts="elements"),
        name(
            "hinge_loss",
            form("hinge", label_encoding="01"),
            counts="elements",
            notes=("every label y is read as 2y - 1, so labels of -1 become -3",),
        ),
        name(
            "log_loss",
            form("binary_crossentropy", guard="add"),
            options="epsilon",
            counts="elements",
            notes=("epsilon is added inside both logarithms, so a perfect prediction is slightly below 0",),
        ),
        name(
            "sigmoid_cross_entropy",
            form("binary_crossentropy", from_logits=True),
            options="label_smoothing",
            counts="elements",
        ),
        name(
            "softmax_cross_entropy",
            form("categorical_crossentropy", from_logits=True),
            options="label_smoothing",
        ),
        name("sparse_softmax_cross_entropy", form("sparse_categorical_crossentropy", from_logits=True)),
        name(
            "cosine_distance",
            form("cosine_distance"),
            options="axis",
            notes=("rows are taken as they are: TensorFlow assumes unit vectors",),
        ),
        name(
            "mean_pairwise_squared_error",
            form("mean_pairwise_squared_error"),
            reductions={"sum": "sum", "none": "none"},
            reduction="sum",
            notes=("it adds up the rows, whose value is a mean over pairs of outputs",),
        ),
    ),
    NN: (
        name(
            "sigmoid_cross_entropy_with_logits",
            form("binary_crossentropy", from_logits=True),
            counts="elements",
            notes=UNREDUCED,
        ),
        name(
            "weighted_cross_entropy_with_logits",
            form("binary_crossentropy", from_logits=True),
            options="pos_weight",
            counts="elements",
            notes=UNREDUCED,
        ),
        name(
            "softmax_cross_entropy_with_logits softmax_cross_entropy_with_logits_v2",
            form("categorical_crossentropy", from_logits=True),
            options="axis",
            notes=UNREDUCED,
        ),
        name(
            "sparse_softmax_cross_entropy_with_logits",
            form("sparse_categorical_crossentropy", from_logits=True),
            notes=UNREDUCED,
        ),
        name(
            "log_poisson_loss",
            form("poisson_nll", log_input=True),
            options="compute_full_loss:full",
            counts="elements",
            notes=UNREDUCED,
        ),
        name("l2_loss", form("half_square"), counts="elements", reduction="sum"),
    ),
}
