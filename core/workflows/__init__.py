"""Whole deeds, each callable from any door."""
