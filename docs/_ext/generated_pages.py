"""Makes the parts of the reference that have another source: the codes and the table of requirements.

The pages in reference/ include what is written to reference/generated/ at each build, so they cannot be out of date.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from conformance.table import Document, Row, read
from siptls.codes import ROOMS, Code
from siptls_cli.explain import EXIT_CODES, by_room

DOCS = Path(__file__).parents[1]


def escaped(text: str) -> str:
    """Text in which Markdown sees no markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#$])", r"\\\1", text)


def codes() -> Iterator[str]:
    """The lines of the catalogue: one section per room, one per code."""
    for room, entries in by_room().items():
        yield from (f"## {ROOMS[room]}", "")
        for code in entries:
            yield from code_section(code)


def code_section(code: Code) -> Iterator[str]:
    yield from (f"### `{code.id}`", "", f"{escaped(code.title[0].upper() + code.title[1:])}.", "")
    yield f":Severity: {code.severity}"
    for name, text in (("It means", code.why), ("User impact", code.impact)):
        if text:
            yield f":{name}: {escaped(text)}"
    for name, texts in (("Likely causes", code.causes), ("How to confirm", code.confirm)):
        if texts:
            yield from (f":{name}:", *[f"    - {step(text)}" for text in texts], "")
    for name, text in (("How to fix", code.fix), ("Reference", code.reference)):
        if text:
            yield f":{name}: {escaped(text)}"
    yield ""


def step(text: str) -> str:
    """A step of a list: a command as code, anything else as text."""
    return f"`` {text} ``" if text.startswith("$ ") else escaped(text)


def exit_codes() -> Iterator[str]:
    """The lines of the table of exit codes."""
    yield from ("| code | meaning | when |", "|---|---|---|")
    for code, title, why in EXIT_CODES:
        yield f"| {code} | {escaped(title)} | {escaped(why)} |"


def standards() -> Iterator[str]:
    """The lines of the table: one section per document, one row per requirement."""
    for document in read():
        yield from document_section(document)


def document_section(document: Document) -> Iterator[str]:
    yield from (f"## {escaped(document.title)}", "", "| id | section | level | requirement |", "|---|---|---|---|")
    for row in document.rows:
        yield f"| {row.id} | {escaped(row.section)} | {row.level} | {escaped(row.requirement)}{remark(row)} |"
    yield ""


def remark(row: Row) -> str:
    if row.not_ours:
        return f" *Not shown by a test here: {escaped(row.not_ours)}.*"
    if row.binds:
        return f" *Binds the {row.binds}.*"
    return ""


def write_pages(app: Sphinx) -> None:
    folder = DOCS / "reference" / "generated"
    folder.mkdir(exist_ok=True)
    for name, lines in (("codes", codes()), ("exit-codes", exit_codes()), ("standards", standards())):
        (folder / f"{name}.md").write_text("\n".join(lines), encoding="utf-8")


def public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contents: nodes.TextElement
) -> nodes.reference | None:
    """Resolve ``siptls.outbound.Outbound`` to ``siptls.Outbound``: the documented name of the same thing."""
    package, _, name = node["reftarget"].rpartition(".")
    package = package.partition(".")[0] or "siptls"
    if node["refdomain"] != "py" or package not in ("siptls", "siptls_io"):
        return None
    domain = env.domains.python_domain
    for candidate in (f"siptls.{name}", f"siptls_io.{name}", f"siptls.dns.{name}"):
        if candidate in domain.objects:
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", candidate, node, contents)
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    app.connect("missing-reference", public_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
