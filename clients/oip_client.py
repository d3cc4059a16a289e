"""Ask a model by the Open Inference Protocol over REST, with Triton's own client."""

from __future__ import annotations

import argparse
import sys

import numpy as np
import tritonclient.http as triton

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], dtype=np.float32)


def main() -> int:
    """Send two irises as one tensor, in JSON and in binary, and print the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:8000", help="host:port")
    parser.add_argument("--model", default="iris")
    given = parser.parse_args()
    client = triton.InferenceServerClient(given.address)
    print(client.is_server_live(), client.is_server_ready(), client.is_model_ready(given.model))
    print(client.get_model_metadata(given.model)["inputs"])
    for binary in (False, True):
        rows = triton.InferInput("rows", list(ROWS.shape), "FP32")
        rows.set_data_from_numpy(ROWS, binary_data=binary)
        outputs = [
            triton.InferRequestedOutput(name, binary_data=binary)
            for name in ("label", "probabilities")
        ]
        answer = client.infer(given.model, [rows], outputs=outputs, request_id="1")
        print(answer.get_response()["id"], answer.as_numpy("label").tolist())
        print(answer.as_numpy("probabilities").tolist())
    client.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
