"""Invoke a model with boto3, as on SageMaker, but at an address of one's own."""

from __future__ import annotations

import argparse
import json
import sys

import boto3

ROWS = {
    "sepal_length": [5.1, 6.3],
    "sepal_width": [3.5, 3.3],
    "petal_length": [1.4, 6.0],
    "petal_width": [0.2, 2.5],
}


def main() -> int:
    """Send two irises as columns and print the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--endpoint", default="iris", help="the model's name")
    given = parser.parse_args()
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=given.url,
        region_name="us-east-1",
        # boto3 signs every request; nobody here looks at the signature.
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106
    )
    answer = client.invoke_endpoint(
        EndpointName=given.endpoint,
        ContentType="application/json",
        Body=json.dumps(ROWS),
        CustomAttributes="trace=1",
    )
    print(answer["CustomAttributes"], answer["Body"].read().decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
