"""Rows: ingestion, validation, demo data and the split."""
