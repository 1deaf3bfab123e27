"""The REST door: MLflow's scoring protocol and valuations, following the champion. FastAPI lives only here."""
