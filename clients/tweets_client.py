"""Ask the keyed dialect what tweets say, over TLS.

make cert
make api-start CERT=server.crt KEY=server.key
python clients/tweets_client.py --token TOKEN --cert server.crt
"""

from __future__ import annotations

import argparse
import os
import sys

import requests

TWEETS = {"1": "what a lovely day :)", "2": "my phone broke and I am so sad"}


def main() -> int:
    """Send two tweets and print the answer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="https://localhost:5000")
    parser.add_argument("--token", default=os.environ.get("MIRANTE_TOKEN"), required=False)
    parser.add_argument("--cert", default="server.crt", help="the certificate to believe")
    given = parser.parse_args()
    if not given.token:
        parser.error("--token, or MIRANTE_TOKEN in the environment")
    path = f"{given.url}/api/v1/{given.token}/predict"
    answer = requests.post(path, json=TWEETS, verify=given.cert, timeout=30)
    print(answer.status_code, answer.text)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    sys.exit(main())
