"""The words: values every floor may speak of. Standard library and pydantic only."""
