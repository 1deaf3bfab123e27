"""Ratios of two things measured in one run, against the figures the project promises. Run by hand: -m long."""
