"""Certificates of the tests' own making, and a TLS front for servers that speak plain HTTP."""

import datetime
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stack.envoy import Envoy
from stack.ports import free_port


class Authority:
    """A certificate authority with its files in a folder: `ca.crt`, and NAME.crt and NAME.key of each host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "icegate tests")])
        self.file = folder / "ca.crt"
        self._certify(self._name, self._key, self.file, x509.BasicConstraints(ca=True, path_length=0))

    def issue(self, name: str, host: str, uri: str | None = None) -> tuple[Path, Path]:
        """The certificate's file and its key's. `uri`: a name of that kind besides."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, secret = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(host), *([x509.UniformResourceIdentifier(uri)] if uri else [])]
        self._certify(subject, key, certificate, x509.SubjectAlternativeName(names))
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption()))
        return certificate, secret

    def _certify(self, subject, key, file, extension) -> None:
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1)).add_extension(extension, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file.write_bytes(built.public_bytes(serialization.Encoding.PEM))


def tls_front(folder: Path, authority: Authority, hosts: dict[str, int]) -> tuple[Envoy, dict[str, int]]:
    """An Envoy that ends TLS for each host in front of a plain port; with its own port for each host."""
    ports = {host: free_port() for host in hosts}
    listeners, clusters = [], []
    for host, plain in hosts.items():
        certificate, key = authority.issue(host, host)
        listeners.append({
            "name": host, "address": address(ports[host]),
            "filter_chains": [{
                "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                    "common_tls_context": {"tls_certificates": [
                        {"certificate_chain": {"filename": str(certificate)}, "private_key": {"filename": str(key)}}]}}},
                "filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                    "stat_prefix": "front", "cluster": host}}]}]})
        clusters.append({"name": host, "load_assignment": {"cluster_name": host, "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address(plain)}}]}]}})
    config = {"static_resources": {"listeners": listeners, "clusters": clusters}}
    return Envoy(json.dumps(config), folder), ports


def address(port: int) -> dict:
    """A port of loopback."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
