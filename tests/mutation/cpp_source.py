"""Just enough C++ to find conditions in: tokens, brackets, and which function a place is in.

It relies on the layout of .clang-format: binary operators stand between blanks, template brackets do not.
What it reads wrong does not compile, or is not flipped; it never changes what is not on.
"""

import re

TOKEN = re.compile(
    r"""
      (?P<blank>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
    | (?P<text>(?:u8|[uUL])?R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')
    | (?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign><=>|->\*|\.\.\.|<<=|>>=|->|\+\+|--|<<|<=|>=|==|!=|&&|\|\||::|[-+*/%&|^]=|.)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
OPENING = {"(": ")", "[": "]", "{": "}", "<": ">"}
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
CONTROL = {"if", "while", "for", "switch", "catch"}
NO_OPERAND = {"return", "co_return", "co_yield", "throw", "case", "else", "do", "and", "or", "not"}  # words before one
PRECEDENCE = {"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7, "<=>": 8}


class Token:
    def __init__(self, kind, text, start, end):
        self.kind, self.text, self.start, self.end = kind, text, start, end
        self.angle = False  # a template's bracket, and no comparison


class Source:
    """One file: `tokens`, the partner of each bracket in `match`, and `owner`, the function of each token."""

    def __init__(self, text):
        self.text = text
        self.tokens = []
        self._read()
        self.match = {}
        self._pair_brackets()
        self.owner = [None] * len(self.tokens)
        self._find_functions()

    def line_of(self, index):
        return self.text.count("\n", 0, self.tokens[index].start) + 1

    def words(self, first, last):
        """The source from token `first` to token `last`, on one line."""
        return " ".join(self.text[self.tokens[first].start : self.tokens[last].end].split())

    def is_(self, index, *texts):
        return 0 <= index < len(self.tokens) and self.tokens[index].text in texts

    # --- tokens and brackets

    def _read(self):
        for found in TOKEN.finditer(self.text):
            if found.lastgroup != "blank" and not found.group("blank"):
                kind = "text" if found.group("text") else found.lastgroup
                self.tokens.append(Token(kind, found.group(), found.start(), found.end()))
        for i, token in enumerate(self.tokens):
            if token.text == "<" and not self.is_(i - 1, "operator"):
                token.angle = not self._stands_apart(token) or self.is_(i - 1, "template")
            elif token.text == ">" and not self.is_(i - 1, "operator"):
                token.angle = not self._is_shift(i - 1) and not self.text[token.start - 1].isspace()
        for i in range(len(self.tokens) - 2, -1, -1):
            if self._is_shift(i):
                first, second = self.tokens[i : i + 2]
                self.tokens[i : i + 2] = [Token("sign", ">>", first.start, second.end)]

    def _is_shift(self, index):
        """Tokens of `>>` are read one by one, since two template brackets may stand there."""
        if not (self.is_(index, ">") and self.is_(index + 1, ">")):
            return False
        first, second = self.tokens[index : index + 2]
        return first.end == second.start and not first.angle and not second.angle

    def _stands_apart(self, token):
        return self.text[token.start - 1].isspace() and self.text[token.end].isspace()

    def _pair_brackets(self):
        stack = []
        for i, token in enumerate(self.tokens):
            sign = token.text if token.kind == "sign" and (token.text not in "<>" or token.angle) else ""
            if sign in OPENING:
                stack.append(i)
            elif sign in OPENING.values() and sign:
                while stack and OPENING[self.tokens[stack[-1]].text] != sign and self.tokens[stack[-1]].angle:
                    self.tokens[stack.pop()].angle = False
                if not stack or OPENING[self.tokens[stack[-1]].text] != sign:
                    raise ValueError(f"line {self.line_of(i)}: '{sign}' closes nothing")
                self.match[i] = stack[-1]
                self.match[stack.pop()] = i

    def opens(self, index):
        return self.match.get(index, -1) > index

    def closes(self, index):
        return 0 <= self.match.get(index, index + 1) < index

    # --- functions

    def _find_functions(self):
        """owner[i] = (name, "bool" | "other" | "lambda") of the body that token i stands in."""
        stack = [None]
        for i, token in enumerate(self.tokens):
            if token.text == "}" and self.closes(i):
                stack.pop()
            self.owner[i] = stack[-1]
            if token.text == "{" and self.opens(i):
                stack.append(self._body(i) or stack[-1])

    def _body(self, brace):
        """What function body opens here; None for any other brace."""
        i = brace - 1
        while self.is_(i, "const", "noexcept", "override", "final", "mutable"):
            i -= 1
        result = None
        j = i
        while j > 0 and (self.tokens[j].kind == "word" or self.is_(j, "::", "*", "&") or self.tokens[j].angle):
            j = self.match[j] - 1 if self.closes(j) else j - 1
        if self.is_(j, "->"):
            result = "bool" if [t.text for t in self.tokens[j + 1 : i + 1]] == ["bool"] else "other"
            i = j - 1
        outer = self.owner[brace]
        if self.is_(i, "]") and self._is_lambda(self.match[i]):
            return (outer[0] if outer else "", result or "lambda")
        if not self.is_(i, ")"):
            return None
        before = self.match[i] - 1
        if self.is_(before, *CONTROL) or (self.is_(before, "constexpr") and self.is_(before - 1, "if")):
            return None
        if self.is_(before, "]"):
            return (outer[0] if outer else "", result or "lambda")
        return self._named(before, result)

    def _is_lambda(self, bracket):
        before = self.tokens[bracket - 1]
        return not (before.kind in ("word", "text") and before.text not in NO_OPERAND) and before.text not in (")", "]")

    def _named(self, last, result):
        first = last
        if self.is_(first - 1, "operator"):
            first -= 1
        elif self.tokens[first].kind != "word":
            return None
        while self.is_(first - 1, "::", "~"):
            first -= 1
            if self.tokens[first - 1].kind == "word":
                first -= 1
        if result is None:
            result = "bool" if self.is_(first - 1, "bool") else "other"
        return ("".join(t.text for t in self.tokens[first : last + 1]), result)

    # --- expressions

    def is_binary(self, index):
        before = self.tokens[index - 1]
        if before.kind == "word":
            return before.text not in NO_OPERAND
        return before.kind in ("number", "text") or before.text in (")", "]", "}") or before.angle

    def _ends_expression(self, index, strength):
        """An operator that binds less than `strength`, or a sign that no expression holds."""
        token = self.tokens[index]
        if token.text in NO_OPERAND or token.text in ASSIGNMENTS or token.text in (",", ";", "?", ":"):
            return token.kind in ("word", "sign")
        if token.angle or token.kind != "sign" or token.text not in PRECEDENCE:
            return False
        return PRECEDENCE[token.text] < strength and self.is_binary(index)

    def _begins_operand(self, index):
        token = self.tokens[index]
        return token.kind in ("word", "number", "text") or token.text in ("!", "~")

    def left_of(self, index, strength):
        """The first token of the operand that ends before `index`."""
        i = index - 1
        while i >= 0 and not self.opens(i) and not self._ends_expression(i, strength):
            if self.is_(i, ">") and self.tokens[i].angle and i not in self.match:
                break
            if self.closes(i):
                if self.is_(i, ")") and self._of_control(self.match[i]):
                    break
                if self.is_(i, "}") and i + 1 < index and self._begins_operand(i + 1):
                    break
                i = self.match[i]
            i -= 1
        return i + 1

    def _of_control(self, paren):
        before = paren - 1
        return self.is_(before, *CONTROL) or (self.is_(before, "constexpr") and self.is_(before - 1, "if"))

    def right_of(self, index, strength):
        """The last token of the operand that begins after `index`."""
        i = index + 1
        while i < len(self.tokens) and not self.closes(i) and not self._ends_expression(i, strength + 1):
            i = self.match[i] + 1 if self.opens(i) else i + 1
        return i - 1
