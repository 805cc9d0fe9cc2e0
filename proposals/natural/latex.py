"""What LaTeX commands, entities and typographic signs stand for in a criterion."""

import re

from proposals.natural.words import word_set

SYMBOLS = {
    "geq": ">=", "ge": ">=", "geqslant": ">=", "leq": "<=", "le": "<=", "leqslant": "<=",
    "gt": ">", "lt": "<", "gg": ">>", "ll": "<<", "eq": "=", "equiv": "=",
    "times": "×", "cdot": "×", "sim": "~", "approx": "~", "simeq": "~", "pm": "±",
    "to": "→", "rightarrow": "→", "Rightarrow": "→", "infty": "inf", "in": "∈",
    "|": "‖", "Vert": "‖", "lVert": "‖", "rVert": "‖", "vert": "|", "lvert": "|", "rvert": "|",
    "%": "%", "$": "$", "{": "(", "}": ")", "_": " ", "#": " ", "&": " ", "land": "and", "lor": "or",
    "wedge": "and", "vee": "or", "neq": "!=", "ne": "!=", "ldots": "…", "dots": "…", "log": "log", "ln": "ln",
    "max": "max", "min": "min", "sqrt": "sqrt", "propto": "∝",
}  # fmt: skip
"""Commands that say something. Greek letters are themselves (`alpha`)."""

GREEK = word_set(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell"
)

SILENT = word_set(
    "text textbf textit textrm texttt textsf mathrm mathbf mathit mathcal mathbb mathsf mathtt operatorname bm "
    "boldsymbol hat tilde bar widehat widetilde vec left right bigl bigr big Big , ; : ! quad qquad emph label "
    "displaystyle textstyle limits mbox"
)
"""Commands about looks: their argument is read as it stands."""

FRACTIONS = frozenset({"frac", "dfrac", "tfrac"})

ENTITIES = {
    "&gt;": ">", "&lt;": "<", "&ge;": "≥", "&le;": "≤", "&nbsp;": " ", "&amp;": "&", "&times;": "×",
    "&plusmn;": "±", "&asymp;": "≈", "&ndash;": "–", "&mdash;": "—", "&ll;": "≪", "&infin;": "∞",
}  # fmt: skip

SIGNS = {
    "≥": ">=", "⩾": ">=", "≧": ">=", "≤": "<=", "⩽": "<=", "≦": "<=", ">": ">", "<": "<", "＞": ">", "＜": "<",
    "=": "=", "≪": "<<", "≫": ">>", "≈": "~", "∼": "~", "~": "~", "≃": "~", "≅": "~", "±": "±", "×": "×", "✕": "×",
    "·": "×", "%": "%", "％": "%", "(": "(", ")": ")", "[": "[", "]": "]", ",": ",", ";": ";", ":": ":", "/": "/",
    "+": "+", "→": "→", "⇒": "→", "∞": "inf", "|": "|", "‖": "‖", "∥": "‖", "^": "^", "∈": "∈", "$": "$",
    "…": "…", "∝": "∝", "≠": "!=", "?": "?", "&": "&", "−": "-", "–": "–", "—": "—", "!": "!", "\"": "\"",
}  # fmt: skip

_LETTERS_IN_WORDS = (
    "α alpha β beta γ gamma δ delta ε epsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi ο omicron "
    "π pi ρ rho σ sigma τ tau υ upsilon φ phi χ chi ψ psi ω omega Δ Delta Λ Lambda Σ Sigma Ω Omega"
)
GREEK_LETTERS = dict(pair.split() for pair in re.findall(r"\S+ \S+", _LETTERS_IN_WORDS))

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
