"""The shape of all that ``--format json`` prints, as types: one for each verb, and one for errors.

The JSON schema that comes with the package, and that ``siptls schema`` prints, is made of these types. Fields may be
added in minor releases.
"""

from __future__ import annotations

from typing import Final

from .certificates import CertOutput
from .manual import ErrorOutput, ExplainCodeOutput, ExplainExitOutput, ExplainListOutput
from .records import DaneCheckOutput, DaneGenerateOutput, DaneLintOutput, DaneRolloverOutput
from .reuse import ReuseOutput
from .verdicts import CheckOutput, DemoOutput, LocateOutput

__all__ = [
    "OUTPUTS",
    "CertOutput",
    "CheckOutput",
    "DaneCheckOutput",
    "DaneGenerateOutput",
    "DaneLintOutput",
    "DaneRolloverOutput",
    "DemoOutput",
    "ErrorOutput",
    "ExplainCodeOutput",
    "ExplainExitOutput",
    "ExplainListOutput",
    "LocateOutput",
    "ReuseOutput",
]

OUTPUTS: Final = (
    CheckOutput,
    LocateOutput,
    ReuseOutput,
    CertOutput,
    DaneCheckOutput,
    DaneGenerateOutput,
    DaneLintOutput,
    DaneRolloverOutput,
    ExplainCodeOutput,
    ExplainListOutput,
    ExplainExitOutput,
    DemoOutput,
    ErrorOutput,
)
"""All that can be printed."""
