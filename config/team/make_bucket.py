"""Make the bucket of an S3-compatible store, if it is not there: ``python config/team/make_bucket.py NAME``."""

from __future__ import annotations

import os
import sys

import boto3
from botocore.exceptions import ClientError


def make_bucket(name: str) -> None:
    """Make it, or find it made by whoever has these keys. Raises ClientError where the store refuses."""
    client = boto3.client("s3", endpoint_url=os.environ.get("MLFLOW_S3_ENDPOINT_URL"), region_name="us-east-1")
    try:
        client.create_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


if __name__ == "__main__":
    make_bucket(sys.argv[1])
