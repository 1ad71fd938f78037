"""The agent's question as an answer would repeat it: "You're on HubSpot?" "Yes" says so.

The agent's words are never a source of values by themselves; what the caller agrees to is.
English only: packs in other languages go without.
"""

from __future__ import annotations

import re

from .engine import Pattern
from .text import fold

# A longer question is a speech; its last words are what is asked.
_MAX_CHARS = 300

_SENTENCE = re.compile(r"(?:^|(?<=[.!?;:])\s)([^.!?;:]*(?:[.:]\w[^.!?;:]*)*)\?")
# What the agent says of "you" is the caller's "we", and its "we" is the caller's "you".
_PERSONS = {
    "are you": "we are",
    "do you": "we",
    "did you": "we did",
    "have you": "we have",
    "is your": "our is",
    "would you say": "",
    "would you say it's": "it's",
    "is it": "it's",
    "is that": "that's",
    "is this": "that's",
    "are there": "there are",
    "is there": "there's",
    "would you": "we",
    "will you": "we",
    "you guys": "we",
    "you folks": "we",
    "you all": "we",
    "you are": "we are",
    "you're": "we're",
    "you've": "we've",
    "you said": "we have",
    "you mentioned": "we have",
    "you": "we",
    "your": "our",
    "yours": "ours",
    "yourself": "myself",
    "we're": "your company is",
    "we've": "your company has",
    "we": "your company",
    "us": "your company",
    "our": "your company's",
    "my": "your company's",
    "i": "your company",
}
_PERSON = re.compile(rf"\b(?:{'|'.join(sorted(_PERSONS, key=len, reverse=True))})\b(?!')")

# "Is speed a problem?" asks whether speed is a problem.
_TROUBLE = re.compile(
    r"^(is|are) (.{1,60}?) "
    r"((?:an?|your|the) (?:\w+ )?(?:problem|issue|concern|challenge|headache|pain)\b)"
)

_AND = re.compile(r"^(?:(?:and|so|but|ok|okay|now|then|great|right)[ ,]+)+")

_OPEN = Pattern(
    r"^[ ,]*(?:(?:and|so|but|ok|okay|well|um|uh|great|perfect|got it|then|now|right|cool|sure)"
    r"[ ,]+)*(?:how|what|which|who|whose|when|where|why)\b"
)
# Not agreed to by a yes: a choice, a comparison, an offer, a condition.
_UNDECIDED = Pattern(
    r" or |more than|over \d|under \d|fewer than|less than|at least|we like|we be interested|"
    r"(?:can|could|shall|should|may|would|do|are) (?:your company|we)|if we|do we want"
)
_LEAD = (
    r"^[ ,.]*(?:(?:oh|ah|well|um|uh|hmm|so|ha|haha|god|gosh|yes|yeah|yep|honestly|i think|i mean|"
    r"i guess|we are|we do|it is)[ ,.]+)*"
)
_AGREES = Pattern(
    _LEAD + r"(?:(?:yes|yeah|yep|yup|yea|ya|aye|correct|exactly|precisely|absolutely|definitely|"
    r"indeed|totally|affirmative|true|bingo|spot on|bang on|pretty much|more or less|"
    r"very(?: much(?: so)?)?|big time|huge(?:ly)?(?: problem| issue)?|massive(?:ly)?|sure is|"
    r"always|all the time|"
    r"every day|constantly|unfortunately|sadly|i'm afraid so|without a doubt|tell me about it|"
    r"entirely|painfully|completely|i would|it would|"
    r"you bet|too right|both|all of (?:them|the above)|that'd work|it does|they do|"
    r"that's (?:right|correct|it|true|about right|us|the one|the size of it|fair)|that is "
    r"(?:right|correct)|you(?:'ve)? got it|uh[- ]huh|mm[- ]?hmm|of course|for sure|sure do|"
    r"sure are|sounds (?:about )?right|about right|(?:we|i|it|they) (?:do|are|is|am|have)"
    r"(?: indeed| actually)?)(?:$|[ ,.!?-])|(?:right|sure|ok|okay)[ .!]*$).*"
)
_DISAGREES = Pattern(
    _LEAD + r"(?:yes|yeah|yep|right|well|oh)?[ ,.]*(?:no\b|nope|nah|not (?:really|quite|exactly)|"
    r"but |(?:we|i|it) (?:do|are|is|am|have) not\b|i (?:don't )?think).*"
)


def proposal(line: str) -> str | None:
    """The last yes-or-no question of the agent's line, in the caller's mouth; None without."""
    asked = _SENTENCE.findall(fold(line))
    if not asked:
        return None
    question = str(asked[-1]).strip()[-_MAX_CHARS:]
    if _OPEN.found(question.encode("utf-8", "replace")):
        return None
    question = _AND.sub("", question)
    return _PERSON.sub(lambda m: _PERSONS[m[0]], _TROUBLE.sub(r"\2 \1 \3", question))


def agrees(said: str, proposal: str) -> bool:
    """Whether a turn begins by saying yes to it."""
    if _UNDECIDED.found(proposal.encode("utf-8", "replace")):
        return False
    start = fold(said)[:80].encode("utf-8", "replace")
    return _AGREES.found(start) and not _DISAGREES.found(start)
