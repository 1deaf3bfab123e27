"""Columns: scikit-learn transformers that live inside the model's Pipeline."""
