"""Keeps an author out of an answer: the name and ids in it blacked out, a code instead."""

import hmac
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate

from ..gradebooks.reading import same_name

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no digits, which a spreadsheet might take for a number
BLACK = "█████"  # of one length, so that it does not tell how long the name is
WORD = re.compile(r"[^\W_]+")
# An address is found in two steps, each of which reads a letter once: a run of letters and signs,
# and in it what makes it an address. In one step every letter would begin to look for an @ anew.
RUN = re.compile(r"[\w.+-]+(?:@[\w.+-]+)*")
ADDRESS = re.compile(r"[\w.+-]@[\w-]+\.[\w.-]")
MARKS = 30  # marks on one letter, as in Unicode's stream-safe format (UAX 15)
Span = tuple[int, int]


def code(secret: str, question: str, student: str, taken: Collection[str] = ()) -> str:
    """Eight letters for an answer, from a keyed digest, none of those taken."""
    message, found = f"{question}\0{student}", ""
    while not found or found in taken:
        digest = hmac.new(secret.encode(), message.encode(), "sha256").digest()
        letters = "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:8])
        found = f"{letters[:4]}-{letters[4:]}"
        message += "\0"
    return found


def blacked(answer: str, names: Iterable[str]) -> str:
    """The answer with its author's names and ids, and all mail addresses, blacked out.

    Case and accents do not matter, nor whether Canvas has written the name as one word.
    """
    answer = composed(answer)
    plain = "".join(map(base, answer))
    spans = [found.span() for found in RUN.finditer(answer) if ADDRESS.search(found[0])]
    for name in filter(None, map(str.strip, names)):
        spans += whole(plain, name)
        for part in parts(answer, plain, name):
            spans += part
    return without(answer, spans)


def composed(text: str) -> str:
    """The text with accents in their letters (NFC), without the marks that no letter can have.

    Python sorts the marks of a letter in a time that grows with their square.
    """
    kept, marks = [], 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= MARKS:
            kept.append(letter)
    return unicodedata.normalize("NFC", "".join(kept))


def base(letter: str) -> str:
    """One letter for one letter, without accent and case."""
    return unicodedata.normalize("NFKD", letter).lower()[0]


def whole(plain: str, name: str) -> Iterator[Span]:
    """Where the name stands as it is written, if it has three letters or more."""
    wanted = "".join(map(base, unicodedata.normalize("NFC", name)))
    if len(wanted) >= 3 or not wanted.isascii():
        gap = r"\s+".join(map(re.escape, wanted.split()))
        yield from (found.span() for found in re.finditer(bounded(gap), plain))


def bounded(pattern: str) -> str:
    """The pattern between the ends of words, where its script puts spaces between words."""
    return pattern if re.search(r"[\u2e80-\uffff]", pattern) else rf"(?<!\w){pattern}(?!\w)"


def parts(answer: str, plain: str, name: str) -> Iterator[list[Span]]:
    """Where its words stand alone, and runs of words that make up the whole of it."""
    words = [found for found in WORD.finditer(plain)]
    wanted = {base_word for base_word in WORD.findall("".join(map(base, name)))}
    long = {word for word in wanted if len(word) >= 3}
    # "Li" is a name, "li" may be a word.
    short = {word for word in WORD.findall(name) if len(word) == 2 and word[0].isupper()}
    yield [word.span() for word in words if word[0] in long]
    yield [word.span() for word in words if answer[slice(*word.span())] in short]
    key = same_name(name)
    starts = list(accumulate((len(word[0]) for word in words), initial=0))  # as if without blanks
    places = {start: place for place, start in enumerate(starts)}
    for first, start in enumerate(starts):
        behind = places.get(start + len(key), first)
        if 2 <= behind - first <= 4 and turned([word[0] for word in words[first:behind]], key):
            yield [(words[first].start(), words[behind - 1].end())]


def turned(words: list[str], key: str) -> bool:
    """Whether the words make up the key, begun with any of them."""
    return any("".join(words[turn:] + words[:turn]) == key for turn in range(len(words)))


def without(answer: str, spans: Iterable[Span]) -> str:
    """The answer with these places black, overlapping ones as one."""
    pieces, place = [], 0
    for start, end in sorted(spans):
        if start >= place:
            pieces += [answer[place:start], BLACK]
        place = max(place, end)
    return "".join([*pieces, answer[place:]])
