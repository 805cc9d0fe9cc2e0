"""What LaTeX commands, entities and typographic signs stand for in a criterion."""

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

GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell".split()
)

SILENT = frozenset(
    "text textbf textit textrm texttt textsf mathrm mathbf mathit mathcal mathbb mathsf mathtt operatorname bm "
    "boldsymbol hat tilde bar widehat widetilde vec left right bigl bigr big Big , ; : ! quad qquad emph label "
    "displaystyle textstyle limits mbox".split()
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

GREEK_LETTERS = dict(
    zip("αβγδεζηθικλμνξοπρστυφχψωΔΛΣΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon "
        "phi chi psi omega Delta Lambda Sigma Omega".split(), strict=True)
)  # fmt: skip

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
