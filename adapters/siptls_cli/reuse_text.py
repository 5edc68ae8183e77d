"""Whether a connection may be used again, as text: the answer, the connection, what it takes, and both verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from siptls.journal import listed, printable

from .report import HEADS, came_by, head, heading, milliseconds, remarks, section_lines, verdict_sections

if TYPE_CHECKING:
    from siptls import Row, SipUri, Verdict

    from .reuse import Found
    from .terminal import Mark, Terminal

_LABEL: Final = 12


def reuse_text(found: Found, terminal: Terminal, seconds: float) -> str:
    """Return what was found out as text for people.

    Args:
        found: what was found out.
        terminal: what the text is shown on.
        seconds: how long the run took.
    """
    judged = found.judged
    mark, word = _answer(found)
    over = f"{found.second} over the connection to {found.first.host}"
    lines = [*head(terminal, mark, word, over, _by(found)), ""]
    if found.row is not None:
        lines += _connection(found.row, terminal)
    lines += [*heading(terminal, "REUSE"), *_needed(found, terminal)]
    lines += _otherwise(found, terminal)
    if found.refusal is not None:
        lines += section_lines([found.refusal.step], terminal)
    lines += ["", *_verdict("A", found.first, found.made, "", terminal)]
    if judged is not None:
        how = " over the connection to A" if found.reusable else " by a connection of its own" * judged.accepted
        lines += ["", *_verdict("B", found.second, judged, how, terminal)]
    expires = found.to_dict()["expires_in"]
    holds = f" · holds for {expires:.0f} s" if isinstance(expires, float) else ""
    lines += terminal.wrapped(f"{milliseconds(seconds)}{holds} · exit {found.exit_code}", "  ", "  ")
    return "\n".join(lines)


def _answer(found: Found) -> tuple[Mark, str]:
    if found.reusable:
        return "ok", "REUSABLE"
    if found.judged is not None and found.exit_code == 1:
        return "error", "NOT REUSABLE"
    return HEADS[(found.made if found.judged is None else found.judged).outcome]


def _by(found: Found) -> str:
    if found.judged is None:
        return f"{came_by(found.made)}: there is no connection"
    return came_by(found.judged) if found.reusable else found.code


def _connection(row: Row, terminal: Terminal) -> list[str]:
    address = f"[{row.address}]" if ":" in row.address else row.address
    behalf = f"  on behalf of {row.local_domain}" if row.local_domain else ""
    lines = heading(terminal, printable(f"CONNECTION  {address}:{row.port} {row.transport.upper()}{behalf}"))
    lines += _item("ok", "proven", listed(sorted(row.proven)) if row.proven else "nobody", terminal)
    named = [f"{identity.domain} ({identity.origin})" for identity in row.identities]
    why_none = "none: only those names count here for which a trust anchor vouches, in a verdict by PKIX"
    return lines + _item("ok" if named else "nothing", "candidates", listed(named) if named else why_none, terminal)


def _needed(found: Found, terminal: Terminal) -> list[str]:
    """What it takes to use a connection again: an address that leads there, and a peer that is the domain."""
    judged, missing, domain = found.judged, found.missing, found.second.host
    if judged is None or "connection" in missing:
        return _item("error", "connection", "there is none that could be used again", terminal)
    if "local-domain" in missing:
        ours, theirs = found.local_domains
        text = f"it belongs to {ours or 'no domain of ours'}, and B is called on behalf of {theirs or 'none'}"
        return _item("error", "local domain", text, terminal)
    if not missing and not found.reusable:
        return _item(
            "question", "address", f"whether {domain} has a server there is not known: {judged.code}", terminal
        )
    if "address" in missing:
        assert judged.endpoint is not None
        place = f"{judged.endpoint.host} {judged.endpoint.address} port {judged.endpoint.port}"
        return _item("error", "address", f"requests to {domain} go to {place}, not there", terminal)
    lines = _item("ok", "address", f"a server of {domain} is there, too", terminal)
    if not missing:
        by = f"the peer is {domain}, too: {judged.code}, by {judged.method.upper()}"
        return lines + _item("ok", "identity", by, terminal) + _dnssec(judged, terminal)
    reasons = [s.code for s in judged.steps if s.hop.startswith("REUSE ") and s.severity == "error"]
    text = f"the peer did not prove to be {domain}: {', '.join(dict.fromkeys(reasons)) or judged.code}"
    lines += _item("error", "identity", text, terminal)
    if "dnssec" in missing:
        text = f"the way to the server is not protected, so neither its host nor TLSA records speak for {domain}"
        return lines + _item("error", "DNSSEC", text, terminal)
    return lines + _item("ok", "DNSSEC", "the answers are secure, and speak for no such peer", terminal)


def _otherwise(found: Found, terminal: Terminal) -> list[str]:
    """Whether the second can be reached without that connection."""
    judged, domain = found.judged, found.second.host
    if judged is None or found.reusable:
        return []
    if judged.accepted:
        return _item("ok", "otherwise", f"{domain} is reached by a connection of its own", terminal)
    text = f"a connection of its own does not lead to {domain} either: {judged.code}"
    return _item("error", "otherwise", text, terminal)


def _dnssec(judged: Verdict, terminal: Terminal) -> list[str]:
    if judged.method.startswith("dane") or judged.code == "id.match-target":
        return _item("ok", "DNSSEC", f"protects the way from {judged.domain} to this server", terminal)
    return _item("nothing", "DNSSEC", "not needed: the certificate names the domain", terminal)


def _verdict(letter: str, uri: SipUri, verdict: Verdict, how: str, terminal: Terminal) -> list[str]:
    mark, word = HEADS[verdict.outcome]
    lines = terminal.item(mark, f"{letter}  {word}  {uri}{how}  {came_by(verdict)}", indent=0, hang=2)
    return lines + verdict_sections(verdict, terminal) + remarks(verdict.steps, terminal)


def _item(mark: Mark, label: str, text: str, terminal: Terminal) -> list[str]:
    return terminal.item(mark, f"{label:<{_LABEL}}  {printable(text, 2_000)}", hang=_LABEL + 2)
