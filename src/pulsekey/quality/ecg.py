"""Grades a waveform, one grade for each ten seconds of a block.

An ECG is as good as two independent detectors agree about its beats (bSQI); any waveform is
unusable where it is flat, lost or at the ends of its converter. A grade speaks about the signal,
not the heart: an arrhythmia that both detectors see is good.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pulsekey.quality.detectors import Floats, Rows, band_pass, peaks_by_energy, peaks_by_slope
from pulsekey.signals.grade import Grade, Reason
from pulsekey.signals.series import GRADE_WINDOW_SECONDS, Block, Channel, Grades, Waveform

Bools: TypeAlias = NDArray[np.bool_]

MATCH_SECONDS = 0.150
"""Two detections closer than this are one beat, as in ANSI/AAMI EC57 and in WFDB's `bxb`."""
AGREEMENT_GOOD = 0.8
AGREEMENT_USABLE = 0.5
KURTOSIS_OF_BEATS = 5.0
KURTOSIS_NOISE = 2.5
FLAT_SECONDS = 3.0
"""Longer than the rest between beats of a slow heart whose device has filtered all noise away."""
LOST_SHARE_QUESTIONABLE = 0.1
LOST_SHARE_UNUSABLE = 0.5
HIGH_FREQUENCY_SHARE = 0.5
RATE_HZ_MIN = 50.0
"""Slower than this a waveform shows no QRS complex, and is only checked for flat and lost."""
ECG_METRIC = "ecg"


@dataclass(frozen=True, slots=True, eq=False)
class LeadQuality:
    """What was measured of one lead, a value a window.

    `agreement` is NaN where there was no beat.
    """

    agreement: Floats
    kurtosis: Floats
    lost_share: Floats
    saturated_share: Floats
    trembling_share: Floats


def grade_waveform(waveform: Waveform) -> Waveform:
    """Return `waveform` with grades for every window of every block."""
    blocks = tuple(
        replace(block, grades=grade_block(block, beats=waveform.metric.name == ECG_METRIC))
        for block in waveform.blocks
    )
    return replace(waveform, blocks=blocks)


def grade_block(block: Block, *, beats: bool) -> Grades:
    """Grade the windows of a block by its leads.

    A window is as good as its best lead, because one good lead shows the rhythm; but never better
    than questionable while another lead is unusable, because somebody may read that one.
    """
    windows = window_starts(block)
    if not block.channels or len(windows) == 0:
        return Grades(np.zeros(len(windows), np.uint8), np.zeros(len(windows), np.uint32))
    leads = [grade_lead(lead_quality(lead, block), beats=beats) for lead in block.channels]
    grades = np.stack([lead.grade for lead in leads])
    reasons = np.stack([lead.reasons for lead in leads])
    best, worst = grades.min(axis=0), grades.max(axis=0)
    final = np.where(worst == Grade.UNUSABLE, np.maximum(best, Grade.QUESTIONABLE), best)
    told = np.bitwise_or.reduce(reasons, axis=0)
    return Grades(final.astype(np.uint8), np.where(final > Grade.GOOD, told, 0).astype(np.uint32))


def window_starts(block: Block) -> Rows:
    """Return the first row of each window; the last window may be shorter than the others."""
    n = len(block.channels[0].raw) if block.channels else 0
    width = max(round(float(block.rate_hz) * GRADE_WINDOW_SECONDS), 1)
    return np.arange(0, n, width)


def lead_quality(lead: Channel, block: Block) -> LeadQuality:
    """Measure one lead of a block, window by window."""
    rate_hz = float(block.rate_hz)
    starts = window_starts(block)
    lost = _lost(lead)
    values = _bridged(lead.raw.astype(np.float64), lost)
    still = _still(lead.raw, round(FLAT_SECONDS * rate_hz))
    if rate_hz >= RATE_HZ_MIN and len(values) > rate_hz:
        agreement = agreement_share(values, rate_hz, starts)
        band = band_pass(values, rate_hz, 1.0, min(40.0, 0.45 * rate_hz))
        trembling = np.square(values - np.median(values) - _slow(values, rate_hz))
    else:
        agreement = np.full(len(starts), np.nan)
        band = values
        trembling = np.zeros(len(values))
    return LeadQuality(
        agreement,
        _kurtosis(band, starts),
        _mean(lost | still, starts),
        _mean(_at_ends(lead), starts),
        _share(trembling, np.square(band), starts),
    )


def _slow(values: Floats, rate_hz: float) -> Floats:
    """Everything below 40 Hz, baseline included, around the median."""
    return band_pass(values, rate_hz, 0.0, min(40.0, 0.45 * rate_hz))


def grade_lead(quality: LeadQuality, *, beats: bool) -> Grades:
    """Turn measures into a grade.

    bSQI, the agreement of two detectors, is an index of Li, Mark and Clifford 2008, Physiol Meas
    29:15-32, and of Behar et al. 2013, IEEE Trans Biomed Eng 60:1660-1666; good from 0.8 and usable
    from 0.5 are our thresholds. kSQI, the kurtosis, is one of Clifford et al. 2012, Physiol Meas
    33:1419-1433, and above 5 in a clean ECG as a rule; by itself we doubt only below 2.5, because
    wide beats are no noise, but detectors that disagree on a signal without the kurtosis of beats
    saw none. A lead without a signal is a criterion of Hayn, Jammerbund and Schreier 2012, Physiol
    Meas 33:1449-1461; how long it must be flat is ours (ADR 0028). That an ECG has more power below
    40 Hz than above is ours too, in the manner of the spectral indices in Li, Rajagopalan and
    Clifford 2014, Comput Methods Programs Biomed 117:435-447; and so are all other numbers.
    """
    grade = np.zeros(len(quality.agreement), np.uint8)
    reasons = np.zeros(len(quality.agreement), np.uint32)

    def lower(where: Bools, to: Grade, reason: Reason) -> None:
        np.maximum(grade, where * np.uint8(to), out=grade)
        reasons[where] |= np.uint32(reason)

    lower(quality.lost_share > LOST_SHARE_QUESTIONABLE, Grade.QUESTIONABLE, Reason.DISCONNECTED)
    lower(quality.lost_share > LOST_SHARE_UNUSABLE, Grade.UNUSABLE, Reason.DISCONNECTED)
    lower(quality.saturated_share > LOST_SHARE_QUESTIONABLE, Grade.QUESTIONABLE, Reason.SATURATED)
    lower(quality.saturated_share > LOST_SHARE_UNUSABLE, Grade.UNUSABLE, Reason.SATURATED)
    if beats:
        lower(quality.agreement < AGREEMENT_GOOD, Grade.QUESTIONABLE, Reason.NOISY)
        lower(quality.agreement < AGREEMENT_USABLE, Grade.UNUSABLE, Reason.NOISY)
        formless = (quality.agreement < AGREEMENT_GOOD) & (quality.kurtosis < KURTOSIS_OF_BEATS)
        lower(formless, Grade.UNUSABLE, Reason.NOISY)
        lower(np.isnan(quality.agreement), Grade.UNUSABLE, Reason.NOISY)
        lower(quality.kurtosis < KURTOSIS_NOISE, Grade.QUESTIONABLE, Reason.NOISY)
        lower(quality.trembling_share > HIGH_FREQUENCY_SHARE, Grade.QUESTIONABLE, Reason.NOISY)
    return Grades(grade, reasons)


def _lost(lead: Channel) -> Bools:
    if lead.lost is None:
        return np.zeros(len(lead.raw), np.bool_)
    return np.equal(lead.raw, lead.lost)


def _bridged(values: Floats, lost: Bools) -> Floats:
    """Join what is lost by straight lines, so that its edges are no beats."""
    if not lost.any() or lost.all():
        return np.zeros(len(values)) if lost.all() else values
    rows = np.arange(len(values))
    return np.interp(rows, rows[~lost], values[~lost])


def _still(raw: "NDArray[np.int32]", width: int) -> Bools:
    """Rows in a run of equal values of at least `width` rows."""
    if len(raw) == 0:
        return np.zeros(0, np.bool_)
    ends = np.flatnonzero(np.concatenate((raw[1:] != raw[:-1], [True])))
    lengths = np.diff(ends, prepend=-1)
    return np.repeat(lengths >= max(width, 2), lengths)


def _at_ends(lead: Channel) -> Bools:
    """Rows at the ends of the converter's range, where the file says what they are."""
    at = np.zeros(len(lead.raw), np.bool_)
    if lead.lower is not None:
        at |= lead.raw <= lead.lower
    if lead.upper is not None:
        at |= lead.raw >= lead.upper
    return at & ~_lost(lead)


def agreement_share(values: Floats, rate_hz: float, starts: Rows) -> Floats:
    """Return bSQI a window: beats that both detectors found, of all that either found.

    Li, Mark and Clifford 2008, Robust heart rate estimation from multiple asynchronous noisy
    sources using signal quality indices and a Kalman filter, Physiol Meas 29:15-32.
    """
    one, other = peaks_by_slope(values, rate_hz), peaks_by_energy(values, rate_hz)
    within = round(MATCH_SECONDS * rate_hz)
    both = matched(one, other, within)
    n = len(starts)
    window = max(round(GRADE_WINDOW_SECONDS * rate_hz), 1)
    of_one = np.bincount(one // window, minlength=n)
    of_other = np.bincount(other // window, minlength=n)
    common = np.bincount(one[both] // window, minlength=n)
    either = of_one + of_other - common
    # A pair astride a border counts in the window of the first detector, hence the limit.
    share = np.minimum(common / np.maximum(either, 1), 1.0)
    return np.where(either > 0, share, np.nan)[:n]


def matched(one: Rows, other: Rows, within: int) -> Bools:
    """Return which of `one` have a partner among `other` within so many rows: bool[len(one)].

    Partners are mutual nearest neighbours, so none is used twice.
    """
    if len(one) == 0 or len(other) == 0:
        return np.zeros(len(one), np.bool_)
    there = _nearest(one, other)
    back = _nearest(other, one)
    near: Bools = np.abs(other[there] - one) <= within
    mutual: Bools = back[there] == np.arange(len(one))
    return near & mutual


def _nearest(of: Rows, among: Rows) -> Rows:
    """Return the index in `among` of what is nearest to each of `of`, the earlier of a tie."""
    right = np.searchsorted(among, of).clip(0, len(among) - 1)
    left = (right - 1).clip(0)
    return np.where(np.abs(among[left] - of) <= np.abs(among[right] - of), left, right)


def _mean(flags: Bools, starts: Rows) -> Floats:
    counts = np.diff(np.append(starts, len(flags)))
    return np.add.reduceat(flags.astype(np.float64), starts) / counts


def _share(part: Floats, rest: Floats, starts: Rows) -> Floats:
    """Return `part` of `part` and `rest`, by window; nothing of nothing is none."""
    some, more = np.add.reduceat(part, starts), np.add.reduceat(rest, starts)
    share: Floats = some / np.maximum(some + more, np.finfo(np.float64).tiny)
    return share


def _kurtosis(band: Floats, starts: Rows) -> Floats:
    """Return the fourth standardised moment a window (3 for Gaussian noise); infinite if constant.

    kSQI of Clifford, Behar, Li and Rezek 2012, Physiol Meas 33:1419-1433.
    """
    counts = np.diff(np.append(starts, len(band)))
    centred = band - np.repeat(np.add.reduceat(band, starts) / counts, counts)
    second = np.add.reduceat(np.square(centred), starts) / counts
    fourth = np.add.reduceat(np.square(np.square(centred)), starts) / counts
    with np.errstate(divide="ignore", invalid="ignore"):
        kurtosis = fourth / np.square(second)
    return np.where(second > 0, kurtosis, np.inf)
