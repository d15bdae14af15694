"""Whether a port can be listened on: asked before a process starts, so that the answer is one line with its cure."""

import errno
import socket


class PortError(Exception):
    """Raised when a port cannot be listened on; the text tells why, and what moves it."""


def check_port(host: str, port: int, mover: str) -> str:
    """Return the address that the host stands for, if nobody listens on its port.

    Servers that set SO_REUSEPORT would share the port without a word, and each get a part of what comes.

    Args:
        host: a name or an address of this machine.
        port: 1 to 65535.
        mover: the option or command that takes another port.

    Raises:
        PortError: when the port is taken, or the host is none of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortError(f"port {port} is taken: stop what listens there, or take another with {mover}") from error
        raise PortError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return str(address[0])
