"""The records: MLflow's store and registry, and the local registry beside them."""
