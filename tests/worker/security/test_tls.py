"""The worker's certificate: made once, kept hidden, and refused where it can't be."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.certificates import PEM, issue
from worker.errors import CertificateError
from worker.security.tls import ServerCertificate, own_certificate


def test_it_is_made_once(tmp_path: Path) -> None:
    """The second start shows what the first one made; the file is its owner's alone."""
    path = tmp_path / "new" / "worker.pem"
    first, made = own_certificate(path)
    again, made_again = own_certificate(path)
    assert (made, made_again, first.pin) == (True, False, again.pin)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "\n" not in first.pin


def test_what_can_not_be_shown(tmp_path: Path) -> None:
    """An exposed, missing, encrypted or foreign key is an error that names the file."""
    one, other = issue("one"), issue("other")
    good = one.write(tmp_path / "good.pem")
    assert ServerCertificate.load(good).pin == one.pin
    certificate = one.write_certificate(tmp_path / "certificate.pem")
    with pytest.raises(CertificateError, match="others can read the key"):
        ServerCertificate.load(certificate)
    with pytest.raises(CertificateError, match="no certificate with its key"):
        ServerCertificate.load(certificate, other.write(tmp_path / "other.pem"))
    with pytest.raises(CertificateError, match=r"none\.pem: can't be read"):
        ServerCertificate.load(certificate, tmp_path / "none.pem")
    locked = tmp_path / "locked.pem"
    style = serialization.BestAvailableEncryption(b"password")
    locked.write_bytes(one.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, style))
    locked.chmod(0o600)
    with pytest.raises(CertificateError, match="encrypted, and a worker can not ask"):
        ServerCertificate.load(certificate, locked)
