"""Ask the flat dialect how likely a loan is to default: python clients/loans_client.py --url ..."""

from __future__ import annotations

import argparse
import sys

import requests

APPLICATION = {
    "Term": 84,
    "NoEmp": 4,
    "CreateJob": 2,
    "RetainedJob": 4,
    "longitude": -86.25,
    "latitude": 41.68,
    "GrAppv": 60000.0,
    "SBA_Appv": 48000.0,
    "is_new": "True",
    "same_state": "False",
    "FranchiseCode": "1",
    "City": "SOUTH BEND",
    "State": "IN",
    "Bank": "A BANK",
    "BankState": "OH",
    "RevLineCr": "N",
    "UrbanRural": 1,
    "naics_first_two": "45",
}


def main() -> int:
    """Send one application and print the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    url = parser.parse_args().url
    answer = requests.post(f"{url}/predict", json=APPLICATION, timeout=30)
    print(answer.status_code, answer.text)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    sys.exit(main())
