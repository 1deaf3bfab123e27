"""Estimators: the six families, how they are fitted, how a fitted one is packaged."""
