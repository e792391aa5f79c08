"""Finds what can be flipped in a C++ file, and writes the file with all flips in it, each behind its number.

  <  <=  >  >=    the bound moves to the other side (< becomes <=), and the whole is negated
  ==  !=          negated
  &&  ||          each becomes the other; operands that are no comparisons are negated
  conditions      of if, while, for and ?: are negated, and what a function that returns bool returns

Left alone: assert, static_assert, if constexpr, constants, and what the preprocessor and SQL read.
"""

from dataclasses import dataclass

from cpp_source import Source

BOUND = {"<": ("less", "<="), "<=": ("less_equal", "<"), ">": ("greater", ">="), ">=": ("greater_equal", ">")}
NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
EQUAL = ("==", "!=")
LOGIC = ("&&", "||")
NAMESPACE = "::sluice_mutant::"


@dataclass
class Flip:
    file: str
    line: int
    function: str
    expression: str
    change: str  # "< -> <=", "negated"
    id: int = 0

    def key(self):
        """Tells a flip from others, also after lines were added above it."""
        return f"{self.file}: {self.function or '(none)'}: `{self.expression}` {self.change}"


class Flipper:
    def __init__(self, file, text, first_id):
        self.file, self.source, self.next_id = file, Source(text), first_id
        self.flips = []
        self.wraps = []  # (first, last, rank, opening, closing): of equal ones the higher rank is outside
        self.signs = {}  # token index -> what stands in its place
        self.left_alone = self._static_parts()

    def run(self):
        for i, token in enumerate(self.source.tokens):
            if i in self.left_alone or self.source.owner[i] is None:
                continue
            if token.kind == "sign" and not token.angle:
                self._operator(i, token.text)
            elif token.kind == "word":
                self._statement(i, token.text)
        return self.flips, self._written()

    # --- what is not touched

    def _static_parts(self):
        parts = set()
        source = self.source
        for i, token in enumerate(source.tokens):
            if token.text in ("assert", "static_assert", "noexcept", "alignas") and source.is_(i + 1, "("):
                parts.update(range(i, source.match[i + 1] + 1))
            elif token.text == "requires":
                while not source.is_(i, "{", ";"):
                    i += 1
                parts.update(range(i, source.match.get(i, i) + 1))
            elif token.text == "constexpr":
                parts.update(self._constant(i))
        return parts

    def _constant(self, i):
        """The tokens of a constexpr variable, or of the condition of an `if constexpr`; none of a function's."""
        source = self.source
        if source.is_(i - 1, "if"):
            return range(i, source.match[i + 1] + 1)
        j = i
        while not source.is_(j, "=", "(", "{", ";"):
            j = source.match[j] + 1 if source.opens(j) else j + 1
        if source.is_(j, "("):
            return ()
        while not source.is_(j, ";"):
            j = source.match[j] + 1 if source.opens(j) else j + 1
        return range(i, j)

    # --- finding

    def _operator(self, i, sign):
        source = self.source
        if source.is_(i - 1, "operator") or (sign in LOGIC and not source.is_binary(i)):
            return
        if sign in NEGATED:
            first, last = source.left_of(i, 7 if sign in BOUND else 6), source.right_of(i, 7 if sign in BOUND else 6)
            if sign in BOUND:
                function, other = BOUND[sign]
                self.signs[i] = ","
                self._wrap(first, last, 0, f"{NAMESPACE}{function}({self._add(first, last, i, f'{sign} -> {other}')}, ")
            self._flip(first, last, i, f"{sign} -> {NEGATED[sign]}", 1)
        elif sign in LOGIC:
            self._logic(i, sign)
        elif sign == "?":
            self._condition(source.left_of(i, 0), i - 1)

    def _logic(self, i, sign):
        """`a && b` with the flip on is `!(!a && !b)`, which is `a || b`."""
        strength = 2 if sign == "&&" else 1
        first, last = self.source.left_of(i, strength), self.source.right_of(i, strength)
        id_ = self._add(first, last, i, f"{sign} -> {'||' if sign == '&&' else '&&'}")
        opening = f"{NAMESPACE}flip({id_}, "
        for part in ((first, last), (first, i - 1), (i + 1, last)):
            self._wrap(*part, 2, opening)
        for part in ((first, i - 1), (i + 1, last)):
            if not self._has(*part, *NEGATED, *LOGIC) and not self._is_group(*part):
                self._flip(*part, part[0], "negated", 2)

    def _statement(self, i, word):
        source = self.source
        if word in ("if", "while") and source.is_(i + 1, "("):
            last = source.match[i + 1] - 1
            first = self._after_semicolon(i + 2, last)
            if self._has(first, last, "="):
                self._declared(word, first, last)
            else:
                self._condition(first, last)
        elif word == "for" and source.is_(i + 1, "("):
            last = source.match[i + 1] - 1
            ends = [j for j in self._top(i + 2, last) if source.is_(j, ";")]
            if len(ends) == 2 and ends[0] + 1 < ends[1]:
                self._condition(ends[0] + 1, ends[1] - 1)
        elif word == "return" and not source.is_(i + 1, ";", "{"):
            self._returned(i + 1, source.right_of(i, -1))

    def _returned(self, first, last):
        kind = self.source.owner[first][1]
        if kind == "bool" or (kind == "lambda" and self._is_truth(first, last)):
            self._condition(first, last)

    def _is_truth(self, first, last):
        if self._has(first, last, "?"):
            return False
        return self._has(first, last, *LOGIC) or (self.source.is_(first, "!") and not self._has(first, last, "+", "-"))

    def _condition(self, first, last):
        """The negation of one comparison is among its own flips already."""
        literal = first == last and self.source.is_(first, "true", "false")
        alone = self._has(first, last, *NEGATED) and not self._has(first, last, *LOGIC, "?")
        if not literal and not alone and first not in self.left_alone:
            self._flip(first, last, first, "negated", 3)

    def _declared(self, word, first, last):
        """`if (auto a = b)`: the name is asked once more."""
        equals = next(j for j in self._top(first, last) if self.source.is_(j, "="))
        if word == "if" and self.source.tokens[equals - 1].kind == "word":
            id_ = self._add(first, last, first, "negated")
            name = self.source.tokens[equals - 1].text
            self.wraps.append((last, last, 9, "", f"; {NAMESPACE}flip({id_}, {name})"))

    # --- parts of an expression

    def _top(self, first, last):
        """The tokens that no bracket encloses."""
        i = first
        while i <= last:
            yield i
            i = self.source.match[i] + 1 if self.source.opens(i) else i + 1

    def _has(self, first, last, *signs):
        tokens = self.source.tokens
        return any(
            tokens[i].kind == "sign" and tokens[i].text in signs and not tokens[i].angle for i in self._top(first, last)
        )

    def _is_group(self, first, last):
        return self.source.is_(first, "(") and self.source.match[first] == last

    def _after_semicolon(self, first, last):
        ends = [j for j in self._top(first, last) if self.source.is_(j, ";")]
        return ends[-1] + 1 if ends else first

    # --- writing

    def _add(self, first, last, at, change):
        source = self.source
        flip = Flip(self.file, source.line_of(at), source.owner[at][0], source.words(first, last), change, self.next_id)
        self.flips.append(flip)
        self.next_id += 1
        return flip.id

    def _flip(self, first, last, at, change, rank):
        self._wrap(first, last, rank, f"{NAMESPACE}flip({self._add(first, last, at, change)}, ")

    def _wrap(self, first, last, rank, opening):
        self.wraps.append((first, last, rank, opening, ")"))

    def _written(self):
        before, after = {}, {}
        ordered = sorted(enumerate(self.wraps), key=lambda x: (x[1][0] - x[1][1], -x[1][2], x[0]))  # outer ones first
        for _, (first, last, _, opening, closing) in ordered:
            before[first] = before.get(first, "") + opening
            after[last] = closing + after.get(last, "")
        parts, end = [], 0
        for i, token in enumerate(self.source.tokens):
            parts.append(self.source.text[end : token.start])
            parts.append(before.get(i, "") + self.signs.get(i, token.text) + after.get(i, ""))
            end = token.end
        return "".join(parts) + self.source.text[end:]


def flip_file(file, text, first_id):
    """Returns the flips in `text`, numbered from `first_id`, and the text that holds them all."""
    return Flipper(file, text, first_id).run()
