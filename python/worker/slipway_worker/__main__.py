"""`python -m slipway_worker --fd N`: serves one model over the socket N, which the server made and handed down."""

import argparse
import socket
import sys

from . import limits, session
from .frames import Frames


def main() -> int:
    parser = argparse.ArgumentParser(prog="slipway_worker")
    parser.add_argument("--fd", type=int, required=True, help="the socket to the server, open already")
    arguments = parser.parse_args()
    limits.confine()
    connection = socket.socket(fileno=arguments.fd)
    connection.set_inheritable(False)
    connection.setblocking(True)
    return session.serve(Frames(connection))


if __name__ == "__main__":
    sys.exit(main())
