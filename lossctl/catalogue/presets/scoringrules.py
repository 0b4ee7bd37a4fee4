"""The names of scoringrules' scores."""

from __future__ import annotations

from lossctl.catalogue.naming import Framework, Line, form, name

SCORINGRULES = Framework(
    "scoringrules", "scoringrules 0.10", ("sr.",), {"mean": "mean", "sum": "sum", "none": "none"}, "mean", "nan"
)

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    SCORINGRULES: (
        name(
            "crps_ensemble",
            form("crps_ensemble"),
            options="estimator",
            notes=("qd and int are nrg by another way, pwm is fair; akr is not offered",),
        ),
        name("crps_normal", form("crps_normal")),
        name("crps_laplace", form("crps_laplace")),
        name("crps_logistic", form("crps_logistic")),
        name("crps_lognormal", form("crps_lognormal")),
        name("crps_exponential", form("crps_exponential")),
        name("crps_uniform", form("crps_uniform")),
        name("crps_t", form("crps_student_t"), options="df"),
        name("crps_quantile", form("crps_quantile"), options="alpha:levels"),
        name("quantile_score", form("pinball"), options="alpha"),
        name("interval_score", form("interval_score"), options="alpha"),
        name("weighted_interval_score", form("weighted_interval_score"), options="alpha:alphas"),
        name("energy_score", form("energy_score"), options="estimator"),
        name("variogram_score", form("variogram_score"), options="p:exponent"),
        name("brier_score", form("binary_brier_score")),
        name("rps_score", form("ranked_probability_score")),
        name("logs_normal", form("log_score_normal")),
        name("dssuv_ensemble", form("dawid_sebastiani_ensemble")),
    ),
}
