"""
`{"word": ...}`: the words that it may have been meant to be. The index takes a while to build, and
is the same for all words: checkpoint() is where later invocations start.
"""

import builtins
import keyword
import string

try:
    from seuss import checkpoint
except ImportError:  # not on Seuss

    def checkpoint(args):
        return args


WORDS = sorted({*keyword.kwlist, *dir(builtins), *dir(str), *dir(dict), *dir(list), *dir(string)})
DISTANCE = 2


def main(args):
    index = build_index()
    args = checkpoint(args)
    word = args.get("word", "retrun")
    found = {meant for form in shortened(word) for meant in index.get(form, ())}
    return {"word": word, "meant": sorted(found, key=lambda meant: (abs(len(meant) - len(word)), meant))}


def build_index():
    """Every word under all forms of it that lack up to two letters."""
    index = {}
    for word in WORDS:
        for form in shortened(word):
            index.setdefault(form, []).append(word)
    return index


def shortened(word):
    forms = {word}
    for _ in range(DISTANCE):
        forms |= {form[:i] + form[i + 1 :] for form in forms for i in range(len(form))}
    return forms
