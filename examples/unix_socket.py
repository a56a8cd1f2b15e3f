"""Talk to a model server behind a Unix socket: no port, no TLS, and the file's permissions say who may.

python examples/unix_socket.py                      # starts the embedded server on a socket of its own
python examples/unix_socket.py /run/model.sock      # uses the server that listens there
"""

import os
import sys
import tempfile

from oxide import Client
from oxide.testing import Server


def ask(path: str) -> None:
    # What stands behind the colon is the path of the API on that server; /v1 when left out.
    with Client(base_url=f"unix://{path}:/v1", api_key="local") as client:
        print(client.base_url, "answers:", client.responses.create(model="local", input="Hello there").output_text)


if len(sys.argv) > 1:
    ask(sys.argv[1])
else:
    with tempfile.TemporaryDirectory() as directory, Server(path=os.path.join(directory, "model.sock")) as server:
        ask(str(server.path))
