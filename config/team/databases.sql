-- Beside lab_jobs: MLflow's records, and the users of its server. Each server makes its own tables.
CREATE DATABASE mlflow;
CREATE DATABASE mlflow_users;
