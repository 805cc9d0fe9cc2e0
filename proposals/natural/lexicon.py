"""The words of criteria. Each table maps phrases to one letter, the kind of chunk, and what it says.

Letters: V variant, M metric, C comparison of numbers, G comparison of quality, F faster or slower, L more or less,
Q quantity, B band, W within, N not, R reaches, P gap, I gain or loss, y by, T than, E event, Z bit-exact, K matches,
D converges, S solves or fails, O ratio, v over (a base), o of, q quantifier, m best of, h chance, r reference,
X undefined word, & | ; , joins, ~ approximately, U unknown.
"""

from proposals.natural.words import word_set

Entry = tuple[str, str]


def _table(letter: str, meanings: dict[str, str]) -> dict[tuple[str, ...], Entry]:
    return {
        tuple(phrase.split()): (letter, meaning)
        for meaning, phrases in meanings.items()
        for phrase in phrases.split("; ")
    }


COMPARE = {
    ">": "exceeds; exceed; exceeding; exceeded; above; more than; greater than; higher than; larger than; bigger than; "
         "tops; past; gets past; strictly above; in excess of; surpasses; surpass; rises above; climbs above",
    ">=": "at least; no less than; not less than; no fewer than; no lower than; not lower than; not below; "
          "no smaller than; at or above; a minimum of; minimum; or above; equal to or above; "
          "greater than or equal to; more than or equal to; not under; matches or exceeds; equals or exceeds; "
          "meets or exceeds; reaches or exceeds; equals or surpasses; matches or surpasses; match or exceed; "
          "equal or exceed",
    "<": "below; under; less than; fewer than; lower than; smaller than; drops below; drop below; falls below; "
         "fall below; beneath; dips below; stays below; strictly below",
    "<=": "at most; no more than; not more than; no greater than; no higher than; not higher than; no larger than; "
          "not above; not over; up to; at or below; at or under; a maximum of; less than or equal to; "
          "no bigger than; fits within; fit within; fits in; fits into; never exceeds",
    "=": "equals; equal to; exactly",
}  # fmt: skip

QUALITY = {
    ">": "better than; outperforms; outperform; outperforming; beats; beat; beating; superior to; defeats; "
         "improves on; improves upon; strictly better than; does better than; performs better than; wins over; "
         "wins against",
    "<": "worse than; underperforms; underperform; loses to; lose to; inferior to; does worse than; lags behind; "
         "performs worse than",
    "<=": "no better than; not better than",
    ">=": "no worse than; not worse than; at least as good as; matches or beats; match or beat; matches or "
          "outperforms; "
          "matches or improves on; as good as or better than; equal to or better than; on par with or better than; "
          "at least matches; equals or beats; ties or beats; better than or equal to",
}  # fmt: skip

SPEED = {"faster": "faster than; quicker than; faster", "slower": "slower than; slower"}
AMOUNT = {
    "<": "less; fewer; lower; smaller; reduced",
    ">": "more; higher; greater; larger; bigger; additional; extra",
}
ONE_WORD = {
    "N": {"not": "not; cannot; can't; doesn't; don't; didn't; isn't; aren't; never; fails to; fail to; does not; "
                 "do not; can not; hasn't; haven't; won't; wasn't; unable to; is unable to; without; no; zero; "
                 "none; free of; failed to; couldn't; has not; have not"},
    "R": {">=": "reaches; reach; reached; reaching; achieves; achieve; achieved; attains; attain; hits; hit; scores; "
                "score; obtains; gets to; gets up to"},
    "P": {"gap": "gap; difference; margin; gap between; difference between; distance between; margin between"},
    "I": {"+": "improves; improve; improvement; gain; gains; advantage; lead; increases; increase; rises; "
               "improvement of; "
               "gain of; gain in; improvement in; advantage in",
          "-": "drops; drop; loss of; degrades; degradation; decreases; decrease; falls; fall; decline; "
               "declines; deteriorates; "
               "short of; drop of; drop in; degradation of; degradation in; loses; deficit; deficit to"},
    "y": {"by": "by"},
    "T": {"than": "than"},
    "W": {"within": "within; to within; is within; agrees to within"},
    "Z": {"exact": "bit exact; bit identical; bitwise identical; bitwise equal; bit for bit identical; bit exactly; "
                   "bitwise exact; exactly bit identical; bit exact with; bit exact to; bit identical to; "
                   "bit identical with; bitwise identical to"},
    "K": {"match": "matches; match; matching; equals in; identical to; identical; agrees with; agree with; "
                   "agrees; agree; "
                   "on par with; comparable to; comparable with; similar to; same as; the same as; equivalent to; "
                   "performs like; as good as; ties; tie; close to that of; indistinguishable from; equal; "
                   "in agreement with"},
    "D": {"converge": "converges; converge; converged; converging; convergence"},
    "O": {"ratio": "ratio; ratios", "speedup": "speedup; speed up; speed-up; acceleration",
          "overhead": "overhead; slowdown overhead", "slowdown": "slowdown"},
    "v": {"over": "over; versus; vs; vs.; against; compared to; compared with; relative to; in comparison to; "
                  "in comparison with; with respect to; between"},
    "q": {"all": "all; all of; both; both of; every; each; each of; every one of", "any": "any; any of; either; "
                                                                                          "either of; "
          "at least one; at least one of; one of; some", "none": "neither; neither of; none of; no one of"},
    "m": {"best": "best of; better of; the best among; best among; stronger of; best", "max": "max of; maximum of; max",
          "min": "min of; minimum of; min", "worst": "worst of; weaker of"},
    "h": {"chance": "chance; random; random guessing; chance level; random chance; guessing; chance accuracy; "
                    "random level; random baseline; random guess; chance performance"},
    "r": {"reference": "reference; sequential reference; step by step reference; naive reference; reference "
                       "implementation; "
                       "sequential scan; recurrence; sequential recurrence; recurrent form; naive implementation; "
                       "exact computation; step by step recurrence; fp64 reference; fp64 oracle; oracle; ground truth; "
                       "sequential implementation; sequential form; naive scan; exact reference; naive recurrence; "
                       "reference scan; fp32 reference; reference output; reference outputs"},
    "~": {"about": "~; about; around; roughly; approximately; approx; approx.; circa; nearly; near; close to"},
    "&": {"and": "and; as well as; and also; &"},
    "|": {"or": "or; and/or; nor"},
    ";": {"while": "while; but; whereas; yet; and yet; although; though; while also; but also; and still; where; "
                   "with"},
    ",": {"comma": ","},
    "o": {"of": "of"},
    "=": {"=": "="},
    "S": {"+": "solves; solve; solved; succeeds; succeed; learns; learn; works; masters",
          "-": "fails; fail; fails on; fails at; collapses; struggles; cannot solve; can not solve; doesn't solve; "
               "does not solve; fails to solve; fails to learn; cannot learn; can't solve; does not learn"},
    "/": {"/": "/"},
    "J": {"fast": "as fast as; as quick as; as quickly as; the speed of", "slow": "as slow as; as long as"},
    "f": {"nan": "nan free; nans free; free of nans; free of nan"},
    " ": {"": "after all; at all; during training; throughout training; in training; at any point; at any time; "
              "at any step; in total; so far; of training; in practice; "
              "by the end of training; at the end of training; at the end; after training; at convergence; in the end"},
}  # fmt: skip

EVENTS = {
    "nan": "nan; nans; inf; infs; nan/inf; nan or inf; nans or infs; nan and inf; nans/infs; nan / inf; nans / infs; "
           "inf/nan; infs or nans; infinite values; non finite values; non finite losses; nan loss; nan losses; "
           "inf / nan; nan or infinity; nan events; nan values; nan gradients; nan count; nans and infs; "
           "infs / nans; nan losses or gradients; nan steps; non finite loss",
    "diverged": "diverges; diverge; diverged; divergence; diverging; divergent; loss divergence; training divergence",
}  # fmt: skip

UNDEFINED = {
    "how much?": "<<; >>; much; far; significantly; significant; substantially; substantial; considerably; noticeably; "
                 "clearly; dramatically; markedly; meaningfully; meaningful; slightly; strongly; decisively; "
                 "notably; easily; measurably; vastly; greatly; large; small; negligible; minimal",
    "a definition and a bound": "stable; unstable; stably; instability; stability; robust; reasonable; reasonably; "
                                "acceptable; acceptably; good; well; poor; poorly; bad; competitive; practical; "
                                "comparable; similar; useful; usable; fast enough; efficient; efficiently; viable; "
                                "consistent; consistently; smooth; smoothly; correct; correctly; interpretable; "
                                "sensible; "
                                "numerically stable; numerically unstable; meaningfully; explodes; blows up; perfect; "
                                "perfectly; qualitatively; visible; visibly; accurate; trainable; plateaus; stagnates",
    "a list of settings to compare": "monotonically; monotonic; scales; scale; grows; grow; trend; trends; improving; "
                                     "increasing; decreasing; proportional; linearly; quadratically; logarithmically; "
                                     "sublinearly; degrades with; increases with; grows with; decreases with; "
                                     "improves with; rises with; falls with; depends; ∝",
}  # fmt: skip

FILLERS = word_set(
    "the a an its their his our this that these those it they there is are was were be been being has have had "
    "having will would should must shall can do does did to on in at for also still already just even then so "
    "model models network networks variant variants method approach run runs trained training trains train "
    "performance result results value final finally overall as actually stays stay staying remains remain "
    "remaining keeps keep kept keeping gets get getting ends end ending lands land landing sits sit lies lie "
    "goes go comes come shows show occurs occur appears appear happens happen observed seen takes take needs "
    "need requires require uses use using produces produce encountered emerge yields yield gives give performs "
    "perform measured strictly mean average averaged task benchmark problem completes complete finishes finish "
    "total own anywhere throughout itself range interval band maintains maintain retains retain bound bounded "
    "held outputs output baseline baselines falls drops reports report up computes compute computed level "
    'levels . ! "'
)
"""Words that say nothing which would change a reading. A word that is not here, and in no table, refuses it."""

REMARKS = word_set(
    "because since showing indicating suggesting proving demonstrating confirming meaning implying i.e e.g so "
    "which as otherwise thus hence therefore proves"
)
"""After one of these begins an explanation, which must not hold numbers or comparisons."""

REMEDIES = word_set(
    "check debug try retry revisit investigate reduce lower increase raise rerun repeat fix inspect verify "
    "reconsider switch consider tune use profile look test stop abandon before first pause kill then need "
    "needs move drop fall add clip restart adjust rework warm scale simplify likely probably indicates "
    "suggests do don't proceed"
)
"""After a dash, a bracket or an arrow these begin what is to be done, not what is measured."""

TASKS = word_set(
    "s3 s5 d4 a5 z8 z60 b3 mqar parity copy copying recall retrieval composition permutation tracking "
    "selective delayed associative hierarchical synthetic listops induction sorting counting addition "
    "wikitext103 wikitext-103 wikitext2 wikitext text8 cifar scifar mnist smnist psmnist dyck bracket group "
    "word needle modular arithmetic flip flop automaton automata multi query"
)
"""Names of what is learned: "on the S5 task", "copy accuracy"."""

HARDWARE = word_set("t4 a100 h100 h200 l4 a10 a10g v100 l40s gpu cpu rtx cuda fp32 fp16 bf16 fp64 tf32")
NUMBER_WORDS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
                "ten": "10"}  # fmt: skip

PHRASES: dict[tuple[str, ...], Entry] = {
    **_table("C", COMPARE), **_table("G", QUALITY), **_table("F", SPEED), **_table("L", AMOUNT),
    **_table("E", EVENTS), **_table("X", UNDEFINED),
    **{phrase: entry for letter, meanings in ONE_WORD.items() for phrase, entry in _table(letter, meanings).items()},
    **{(sign,): ("C", sign) for sign in (">", "<", ">=", "<=")},
    ("!=",): ("X", "a tolerance"),
}  # fmt: skip

POSTFIX = {
    ("or", "more"): ">=", ("or", "higher"): ">=", ("or", "above"): ">=", ("or", "better"): ">=", ("or",
    "greater"): ">=",
    ("or", "less"): "<=", ("or", "lower"): "<=", ("or", "fewer"): "<=", ("or", "below"): "<=", ("or", "under"): "<=",
    ("and", "above"): ">=", ("and", "below"): "<=",
}  # fmt: skip
"""Comparisons that follow their number: "90% or more"."""

LONGEST_PHRASE = max(map(len, PHRASES))
