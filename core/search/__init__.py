"""Searching for hyperparameters: which spec to try next, which to give up, which knob matters."""
