"""The child process that echoes: one blocking loop."""

import json
import socket
import sys
import threading


def main() -> None:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    bound.bind((sys.argv[1], 0))
    threading.Thread(target=_echo, args=(bound,), daemon=True).start()
    for _ in sys.stdin:
        sys.stdout.write(json.dumps({"port": bound.getsockname()[1]}) + "\n")
        sys.stdout.flush()


def _echo(bound: socket.socket) -> None:
    while True:
        datagram, address = bound.recvfrom(2048)
        bound.sendto(datagram, address)


if __name__ == "__main__":
    main()
