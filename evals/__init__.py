"""Evals: hand-written facts, honest matching, and figures with their counts."""
