"""The options that change the laws of admission, made from `core/admission/laws.py`."""

from __future__ import annotations

from dataclasses import fields

from stentor.core.admission.laws import Laws
from stentor.core.option import Option

LAW_OPTIONS: tuple[Option, ...] = tuple(
    Option(law.name.replace("_", "-"), law.metadata["kind"], f"{law.default:g}", law.metadata["help"])
    for law in fields(Laws)
)
