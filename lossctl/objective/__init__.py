"""Whole objectives: the terms and regularisers of a trained loss, and audits of several evaluations, from one TOML."""
