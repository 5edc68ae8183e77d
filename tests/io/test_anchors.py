from __future__ import annotations

from pathlib import Path

import pytest

from pki import Issuer
from resolving import no_more_files
from siptls_io.anchors import anchors_from_pem, system_anchors
from siptls_io.errors import InvalidPem
from siptls_io.pem import certificates_from_pem

ROOT, OTHER = Issuer.root(), Issuer.root("Other Root")
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def written(tmp_path: Path, content: bytes | str) -> Path:
    file = tmp_path / "some.pem"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_the_certificates_of_a_pem_file_are_read_in_their_order_whatever_stands_between_them(tmp_path: Path) -> None:
    text = (
        "# Gr\u00fc\u00dfe\n".encode()
        + ROOT.pem
        + ROOT.key_pem
        + b"subject=CN = x\r\n"
        + OTHER.pem.replace(b"\n", b"\r\n")
    )
    file = written(tmp_path, text)
    assert certificates_from_pem(file) == (ROOT.der, OTHER.der)
    assert certificates_from_pem(str(file)) == (ROOT.der, OTHER.der)
    anchors = anchors_from_pem(file)
    assert anchors.certificates == (ROOT.der, OTHER.der)
    assert anchors.name == str(file)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("", None, "no certificate in PEM"),
        (ROOT.key_pem, None, "no certificate in PEM"),
        (ROOT.der, None, "no certificate in PEM"),
        (f"x\n{BEGIN}\nMIIB\n", 2, f"no {END} follows"),
        (f"{BEGIN}\nMIIB\nMI!B\n{END}\n", 3, "not Base64"),
        (f"{BEGIN}\nMIIBx\n{END}\n", 1, "not Base64"),
        (f"{BEGIN}\n{END}\n", 1, "an empty certificate"),
    ],
)
def test_a_file_that_holds_no_certificate_is_refused_with_its_line(
    content: bytes | str, line: int | None, problem: str, tmp_path: Path
) -> None:
    file = written(tmp_path, content)
    with pytest.raises(InvalidPem) as raised:
        certificates_from_pem(file)
    assert (raised.value.file, raised.value.line) == (str(file), line)
    assert problem in raised.value.problem


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path, problem in ((tmp_path / "missing", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(InvalidPem, match=problem):
            certificates_from_pem(path)


def test_a_chain_may_hold_a_malformed_certificate_for_the_core_to_judge_but_an_anchor_may_not(tmp_path: Path) -> None:
    file = written(tmp_path, ROOT.pem + f"{BEGIN}\nanVuaw==\n{END}\n".encode())
    assert certificates_from_pem(file) == (ROOT.der, b"junk")
    with pytest.raises(InvalidPem, match="certificate 2 of the file is malformed") as raised:
        anchors_from_pem(file)
    assert raised.value.line == ROOT.pem.count(b"\n") + 1


def test_the_systems_anchors_are_read_once_from_where_openssl_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "certs"
    directory.mkdir()
    (directory / "0123abcd.0").write_bytes(OTHER.pem)
    (directory / "0123abcd.1").write_bytes(b"junk")
    (directory / "other.pem").write_bytes(Issuer.root("Not by its hash").pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(written(tmp_path, ROOT.pem)))
    monkeypatch.setenv("SSL_CERT_DIR", str(directory))
    system_anchors.cache_clear()
    try:
        anchors = system_anchors()
        assert anchors.certificates == (ROOT.der, OTHER.der)
        assert system_anchors() is anchors
    finally:
        system_anchors.cache_clear()


def test_without_files_the_systems_anchors_are_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(written(tmp_path, ROOT.pem)))
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    system_anchors.cache_clear()
    with no_more_files(), pytest.raises(OSError, match="Too many open files"):
        system_anchors()
    assert system_anchors().certificates == (ROOT.der,)
    system_anchors.cache_clear()
