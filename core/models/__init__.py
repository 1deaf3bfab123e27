"""Estimators: the model families, how they are fitted, how a fitted one is packaged."""
