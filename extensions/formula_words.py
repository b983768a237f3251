"""A formula in letters that need no setting, for where a page cannot set it."""

import re

NAMES = "approx beta cdot cdots dots eta gamma ge le log max mu partial pi sigma subseteq theta"
SIGNS = "≈ β · ⋯ … η γ ≥ ≤ log max μ ∂ π σ ⊆ θ"
SYMBOLS = dict(zip(NAMES.split(), SIGNS.split(), strict=True)) | {"times": "×", "varepsilon": "ε"}
HIGH = dict(zip("0123456789-nz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿᶻ", strict=True))
LOW = dict(zip("0123456789kijlmnst", "₀₁₂₃₄₅₆₇₈₉ₖᵢⱼₗₘₙₛₜ", strict=True))
NAMED = re.compile(r"\\(?:operatorname|mathcal)\{(\w+)\}")
ROOT = re.compile(r"\\sqrt\{(\w+)\}")
COMMAND = re.compile(r"\\([a-z]+)")
SCRIPT = re.compile(r"([_^])(?:\{([\d-]+)\}|(\w))")


def in_words(formula: str) -> str:
    """A short formula, from LaTeX, in one line; three dots where that cannot be."""
    text = ROOT.sub(r"√\1", NAMED.sub(r"\1", formula)).replace(r"\,", " ")
    text = SCRIPT.sub(raised, COMMAND.sub(symbol, text))
    return "…" if re.search(r"[\\{}&]|\^\*", text) else " ".join(text.split())


def symbol(command: re.Match) -> str:
    return SYMBOLS.get(command[1], command[0])


def raised(script: re.Match) -> str:
    """The letters of a script where all of them have a form for it, or else as they are."""
    forms = HIGH if script[1] == "^" else LOW
    letters = [forms.get(letter) for letter in script[2] or script[3]]
    return "".join(letters) if all(letters) else script[0]
