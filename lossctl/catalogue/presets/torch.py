"""PyTorch's names: classes of torch.nn, and functions of torch.nn.functional as aliases."""

from __future__ import annotations

from lossctl.catalogue.naming import Framework, Line, chosen, form, name

TORCH = Framework(
    "torch",
    "PyTorch 2.13",
    ("torch.nn.functional.", "torch.nn."),
    {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"},
    "mean",
    "nan",
)
# a weighted mean of these is divided by the sum of the weights
BY_WEIGHT = {"mean": "mean", "sum": "sum", "none": "none"}
NAN_KEPT = "a NaN score gives NaN; PyTorch's comparison takes it for no distance and leaves the term out"
KLDIV = {"mean": "sum_over_batch_size", "batchmean": "batchmean", "sum": "sum", "none": "none"}

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    TORCH: (
        name(
            "BCELoss binary_cross_entropy",
            form("binary_crossentropy", guard="log"),
            counts="elements",
            notes=("each logarithm is held above -100", "weight is -w, also with a column an output"),
        ),
        name(
            "BCEWithLogitsLoss binary_cross_entropy_with_logits",
            form("binary_crossentropy", from_logits=True),
            options="pos_weight",
            counts="elements",
            notes=(
                "weight is -w, also with a column an output",
                "an infinite logit gives the limit; PyTorch gives NaN where it subtracts infinities",
            ),
        ),
        name(
            "CrossEntropyLoss cross_entropy",
            form("cross_entropy", "class index"),
            form("soft_cross_entropy", "class vector"),
            options="weight:class_weights, ignore_index, label_smoothing",
            reductions=BY_WEIGHT,
            notes=("with class indices the mean divides by the sum of the labels' class weights, else by rows",),
        ),
        name("NLLLoss nll_loss", form("nll"), options="weight:class_weights, ignore_index", reductions=BY_WEIGHT),
        name(
            "KLDivLoss kl_div",
            form("kl_from_logs"),
            options="log_target",
            counts="elements",
            reductions=KLDIV,
            notes=("the mean divides by elements and so is no divergence; batchmean divides by rows",),
        ),
        name("L1Loss l1_loss", form("mean_absolute_error"), counts="elements", reductions=BY_WEIGHT),
        name("MSELoss mse_loss", form("mean_squared_error"), counts="elements", reductions=BY_WEIGHT),
        name("SmoothL1Loss smooth_l1_loss", form("smooth_l1"), options="beta", counts="elements"),
        name(
            "HuberLoss huber_loss",
            form("huber"),
            options="delta",
            counts="elements",
            notes=("a weighted mean divides by elements, unlike mse_loss and l1_loss",),
        ),
        name("HingeEmbeddingLoss hinge_embedding_loss", form("hinge_embedding"), options="margin", counts="elements"),
        name("SoftMarginLoss soft_margin_loss", form("soft_margin"), counts="elements"),
        name(
            "PoissonNLLLoss poisson_nll_loss",
            form("poisson_nll"),
            options="log_input, full, eps:epsilon",
            counts="elements",
        ),
        name("GaussianNLLLoss gaussian_nll_loss", form("gaussian_nll"), options="full, eps:epsilon", counts="elements"),
        name("MarginRankingLoss margin_ranking_loss", form("margin_ranking"), options="margin", counts="elements"),
        name("CosineEmbeddingLoss cosine_embedding_loss", form("cosine_embedding"), options="margin"),
        name(
            "MultiMarginLoss multi_margin_loss",
            form("multi_margin"),
            options="p:power, margin, weight:class_weights",
            notes=("the mean divides by rows, whatever the class weights", NAN_KEPT),
        ),
        name("MultiLabelMarginLoss multilabel_margin_loss", form("multilabel_margin"), notes=(NAN_KEPT,)),
        name(
            "MultiLabelSoftMarginLoss multilabel_soft_margin_loss",
            form("multilabel_soft_margin"),
            options="weight:class_weights",
        ),
        name(
            "CTCLoss ctc_loss",
            form("ctc", from_logits=False, per_token=chosen("reduction", {"mean": True, "other": False})),
            options="vocabulary, zero_infinity",
            notes=("the mean is of each row's loss divided by its number of tokens", "the blank is token 0"),
        ),
        name(
            "TripletMarginLoss triplet_margin_loss",
            form("triplet_margin"),
            options="margin, p, swap, eps:epsilon",
        ),
    ),
}
