"""A certificate authority of the tests' own, and what it signs for a server on loopback."""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Authority:
    """An authority that no machine knows, and one server's key, in files.

    Attributes:
        certificate: the authority's own: whoever trusts it trusts the server.
        key: the server's, PKCS 8.
        chain: the server's certificate.
        key_and_chain: both in one file, as Cassandra wants them.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "authority.pem", folder / "key.pem"
        self.chain, self.key_and_chain = folder / "chain.pem", folder / "key-and-chain.pem"
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost")
        (chain,) = (pem.bytes() for pem in server.cert_chain_pems)
        key = load_pem_private_key(server.private_key_pem.bytes(), None)
        packed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.certificate.write_bytes(authority.cert_pem.bytes())
        self.key.write_bytes(packed)
        self.chain.write_bytes(chain)
        self.key_and_chain.write_bytes(packed + chain)
