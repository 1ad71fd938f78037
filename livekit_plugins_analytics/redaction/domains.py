"""Domains as people say them: "acme dot com", "harbor dash foods dot co dot uk"."""

from __future__ import annotations

import re

from .plain import words

_PIECE = re.compile(r"[a-z0-9_]+(?:[.'-][a-z0-9_]+)*")
_GAP = re.compile(r"(?:[ \n]|, |- |, ?- )?")
_REACH, _PIECES = 120, 24
# Words of one label: "blue sky realty".
_LABEL = 4
_DOTS = frozenset({"dot", "period", "point"})
_JOINTS = frozenset({"dash", "hyphen", "minus", "underscore"})
TOP = words(
    """
    com org net edu gov mil int io co ai app dev info biz me us uk ca au de fr es it nl be ch at
    se no dk fi pl cz sk hu ro bg gr tr pt ie nz jp cn kr in br mx ar cl za sg hk my ph th vn id
    il ae sa ru ua eu tv fm ly gg so to cc cloud tech online shop store site website xyz health
    care law legal agency studio solutions group team email mail blog news media design digital
    systems services support network world life live today global company finance bank school
    academy center church club example test invalid localhost art bar bike blue boutique build
    builders buzz cafe capital careers cash chat city coach coffee community consulting cool
    credit dance dental direct doctor earth energy engineering events expert express family farm
    fashion fit fitness florist fun fund furniture gallery games garden gift green guide guru haus
    homes hospital hotel house inc industries international jewelry kitchen land link llc loan
    london ltd market marketing money mortgage nyc page partners parts pet photo photos
    photography pizza place plumbing press pro productions properties property pub realty red rent
    rentals repair restaurant review rocks run sale salon science security show social software
    solar spa space sport sports style supply tax taxi tips tools top tours town toys training
    travel university ventures vet video wiki wine works yoga zone
    """
)
_PROVIDERS = words(
    """
    gmail googlemail hotmail outlook yahoo ymail icloud aol protonmail proton gmx fastmail zoho
    comcast verizon msn live att sbcglobal yandex
    """
)


def end(plain: str, start: int) -> int | None:
    """Where the domain that starts here ends; None where none does."""
    best: int | None = None
    label = 0  # words since the last dot
    spelled, dotted, at = "", False, start
    pieces = _PIECE.finditer(plain, start, start + _REACH)
    for piece, _ in zip(pieces, range(_PIECES), strict=False):
        word = piece[0]
        if not _GAP.fullmatch(plain, at, piece.start()) or label > _LABEL:
            break
        if word in _DOTS:
            if not label:
                break
            label, spelled, dotted = 0, "", True
        elif word not in _JOINTS:
            single = len(word) == 1
            if best == at and not (single and spelled):
                break  # a whole domain, and no dot after it
            if "." in word:
                dotted, word = True, word.rsplit(".", 1)[1]
            label += not (single and spelled)
            spelled = spelled + word if single else ""
            if dotted and (spelled or word) in TOP:
                best = piece.end()
        at = piece.end()
    return best


def free(plain: str) -> bool:
    """Whether it is a provider of mailboxes for everybody."""
    return not _PROVIDERS.isdisjoint(re.findall("[a-z]+", plain.replace("g mail", "gmail")))
