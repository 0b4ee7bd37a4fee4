"""The commented TOML that `lossctl total --init` writes: a whole objective, which runs on the samples as it stands."""

TEXT = """\
# An objective: what was trained, term by term.
#
#   lossctl total {name}                 every term, its share, the total
#   lossctl total {name} preds.parquet   over other files
#   lossctl run {name}                   the [[eval]] tables below, and the objective
#
# Paths are relative to this file. A key that lossctl does not know is an error.

files = ["preds.parquet"]      # all terms are of the same rows, read once
# functions = ["my_losses.py"] # losses of your own

# Columns, by the words of `lossctl eval`; those not named are found by name. A term may have its own.
# labels = "label"
# preds = "p_*"
# weights = "weight"
# roles = {{ lower = "p05", upper = "p95" }}
# classes = ["cat", "dog"]
# on_bad = "error"             # error, drop or keep; also: on_empty, max_dropped, ignore_index, class_weights, mask

[[terms]]
name = "data"
loss = "sparse_categorical_crossentropy"   # any name of `lossctl losses`, a framework's too
weight = 1.0                               # what the reduced loss is multiplied by
# reduction = "mean"                       # else the loss's own
# options = {{ from_logits = true }}

# [[terms]]
# name = "auxiliary"
# loss = "huber:delta=2"
# weight = 0.3
# labels = "target"
# preds = "estimate"

# Penalties on weight arrays in NPY, NPZ or safetensors files, picked by name:
#   l1           coefficient * sum |w|
#   l2           coefficient * sum w^2       (Keras)
#   l2_half      coefficient * sum w^2 / 2   (tf.nn.l2_loss, torch's weight_decay)
#   elastic_net  l1 * sum |w| + l2 * sum w^2
# [[regularizers]]
# name = "kernels"
# kind = "l2"
# coefficient = 1e-4
# files = ["model.safetensors"]
# arrays = ["*kernel*"]        # patterns; each must match an array
# exclude = ["*embedding*"]

# Whole evaluations, for `lossctl run`: the words of `lossctl eval`, with what they leave open from above.
# [[eval]]
# name = "validation"
# files = ["validation.parquet"]
# loss = ["sparse_categorical_crossentropy", "brier_score"]
"""


def starter(name: str) -> str:
    """The text of a file of that name."""
    return TEXT.format(name=name)
