"""Two R-peak detectors that share only the band-pass: their agreement measures quality.

Both take one lead as float64[n] without gaps and return the rows of the R peaks, rising. Both are
our own, in plain numpy, after the papers named in their docstrings. Neither is a diagnosis.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]

REFRACTORY_SECONDS = 0.2
"""No two ventricular beats are closer (Pan and Tompkins 1985)."""
T_WAVE_SECONDS = 0.36
TAPS_MAX = 4_001


def band_pass(lead: Floats, rate_hz: float, low_hz: float, high_hz: float) -> Floats:
    """Return the lead between two frequencies, without delay: float64[n].

    A windowed-sinc filter (Hamming, one second long), applied as one FFT product. The ends repeat
    the first and last value, so that a baseline far from zero is no step.
    """
    taps = min(TAPS_MAX, int(rate_hz) | 1)
    at = np.arange(taps) - taps // 2
    high, low = 2 * high_hz / rate_hz, 2 * low_hz / rate_hz
    kernel = (high * np.sinc(high * at) - low * np.sinc(low * at)) * np.hamming(taps)
    padded = np.pad(lead - np.median(lead), taps // 2, mode="edge")
    size = 1 << (len(padded) + taps - 2).bit_length()
    product = np.fft.rfft(padded, size) * np.fft.rfft(kernel, size)
    return np.fft.irfft(product, size)[taps - 1 : taps - 1 + len(lead)]


def moving_mean(signal: Floats, width: int) -> Floats:
    """Return the mean of `width` samples (made odd) around each, fewer at the ends: float64[n]."""
    half = max(width, 1) // 2
    total = np.concatenate(([0.0], np.cumsum(signal)))
    rows = np.arange(len(signal))
    begin, end = np.maximum(rows - half, 0), np.minimum(rows + half + 1, len(signal))
    mean: Floats = (total[end] - total[begin]) / (end - begin)
    return mean


def peaks_by_energy(lead: Floats, rate_hz: float) -> Rows:
    """Detect R peaks by two moving averages of the band-passed energy.

    Elgendi 2013, "Fast QRS Detection with an Optimized Knowledge-Based Method: Evaluation on 11
    Standard ECG Databases", PLoS ONE 8(9):e73557: 8 to 20 Hz, squared; a
    block is where the mean over one QRS (97 ms) exceeds the mean over one beat (611 ms) by 8% of
    the mean energy; a block at least one QRS long holds one R peak. Our changes: the mean energy is
    local (over ten seconds), so that one artefact does not deafen the rest; of peaks closer than
    the refractory time the stronger stays.
    """
    energy = np.square(band_pass(lead, rate_hz, 8.0, 20.0))
    qrs = moving_mean(energy, round(0.097 * rate_hz))
    threshold = moving_mean(energy, round(0.611 * rate_hz))
    threshold += 0.08 * moving_mean(np.minimum(energy, _ceiling(energy)), round(10 * rate_hz))
    above = np.concatenate(([False], qrs > threshold, [False]))
    edges = np.flatnonzero(above[1:] != above[:-1])
    begins, ends = edges[::2], edges[1::2]
    wide = ends - begins >= round(0.097 * rate_hz)
    begins, ends = begins[wide], ends[wide]
    if len(begins) == 0:
        return np.zeros(0, np.int64)
    return _strongest_apart(_summits(energy, begins, ends), energy, rate_hz)


def _ceiling(energy: Floats) -> float:
    return float(np.percentile(energy, 99.5)) if len(energy) else 0.0


def _summits(energy: Floats, begins: Rows, ends: Rows) -> Rows:
    """Return the row of the largest energy of each stretch."""
    summits = [
        begin + int(np.argmax(energy[begin:end]))
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    ]
    return np.array(summits, np.int64)


def _strongest_apart(peaks: Rows, strength: Floats, rate_hz: float) -> Rows:
    """Of peaks within the refractory time keep the stronger one."""
    apart = round(REFRACTORY_SECONDS * rate_hz)
    kept: list[int] = []
    for peak in peaks.tolist():
        if kept and peak - kept[-1] < apart:
            if strength[peak] > strength[kept[-1]]:
                kept[-1] = peak
        else:
            kept.append(peak)
    return np.array(kept, np.int64)


def peaks_by_slope(lead: Floats, rate_hz: float) -> Rows:
    """Detect R peaks by slope and adaptive thresholds.

    Pan and Tompkins 1985, "A Real-Time QRS Detection Algorithm", IEEE Trans Biomed Eng
    32(3):230-236: 5 to 15 Hz, five-point derivative, squared, integrated over 150 ms; a peak above
    a threshold that follows running estimates of signal and noise is a beat; a search back with
    half the threshold where none was seen for 166% of the mean interval; within 360 ms a peak of
    less than half the slope is a T wave. Our changes: zero-delay filters; the estimates start from
    the medians of ten seconds; a signal peak counts for at most twice the running estimate, so that
    one artefact does not deafen the rest.
    """
    band = band_pass(lead, rate_hz, 5.0, 15.0)
    slope = np.convolve(band, np.array([2.0, 1.0, 0.0, -1.0, -2.0]) * (rate_hz / 8), mode="same")
    energy = np.sqrt(moving_mean(np.square(slope), round(0.150 * rate_hz)))
    candidates = _local_maxima(energy, round(REFRACTORY_SECONDS * rate_hz))
    if len(candidates) == 0:
        return candidates
    beats = _accept(candidates, energy, np.abs(slope), rate_hz)
    return _recentred(beats, np.abs(band), round(0.1 * rate_hz))


def _local_maxima(energy: Floats, apart: int) -> Rows:
    """Return rising rows of local maxima, none with a larger one within `apart` rows."""
    rows = np.flatnonzero((energy[1:-1] > energy[:-2]) & (energy[1:-1] >= energy[2:])) + 1
    if len(rows) == 0:
        return rows
    # A maximum survives if it is the largest of the `apart` rows to either side of it.
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(energy, apart, constant_values=0.0), 2 * apart + 1
    )
    largest = np.empty(len(rows))
    for begin in range(0, len(rows), 4_096):
        some = rows[begin : begin + 4_096]
        largest[begin : begin + 4_096] = windows[some].max(axis=1)
    return rows[energy[rows] >= largest]


def _accept(candidates: Rows, energy: Floats, steepness: Floats, rate_hz: float) -> list[int]:
    """Return the candidates that are beats, by the two running estimates of the paper."""
    first = energy[candidates[candidates < 10 * rate_hz]]
    signal = float(np.percentile(first, 75)) if len(first) else float(energy.max())
    noise = float(np.median(energy[: int(10 * rate_hz)]))
    around = round(0.075 * rate_hz)
    beats: list[int] = []
    waiting: list[int] = []
    intervals: list[float] = []
    for peak in candidates.tolist():
        height = float(energy[peak])
        threshold = noise + 0.25 * (signal - noise)
        usual = sum(intervals[-8:]) / len(intervals[-8:]) if intervals else rate_hz
        if beats and waiting and peak - beats[-1] > 1.66 * usual:
            best = max(waiting, key=lambda row: float(energy[row]))
            if energy[best] > threshold / 2:
                _append(beats, intervals, best)
                signal = 0.25 * min(float(energy[best]), 2 * signal) + 0.75 * signal
                waiting = [row for row in waiting if row > best]
        if height <= threshold or _is_t_wave(peak, beats, steepness, around, rate_hz):
            noise = 0.125 * min(height, signal) + 0.875 * noise
            waiting.append(peak)
            continue
        _append(beats, intervals, peak)
        waiting = []
        signal = 0.125 * min(height, 2 * signal) + 0.875 * signal
    return beats


def _append(beats: list[int], intervals: list[float], peak: int) -> None:
    if beats:
        intervals.append(float(peak - beats[-1]))
    beats.append(peak)


def _is_t_wave(peak: int, beats: list[int], steepness: Floats, around: int, rate_hz: float) -> bool:
    if not beats or peak - beats[-1] > T_WAVE_SECONDS * rate_hz:
        return False
    here = steepness[max(peak - around, 0) : peak + around].max()
    before = steepness[max(beats[-1] - around, 0) : beats[-1] + around].max()
    return bool(here < before / 2)


def _recentred(beats: list[int], strength: Floats, around: int) -> Rows:
    """Move each beat to the strongest row near it: integration has blurred where the R peak is."""
    centred = [
        (begin := max(beat - around, 0)) + int(np.argmax(strength[begin : beat + around + 1]))
        for beat in beats
    ]
    return np.unique(np.array(centred, np.int64))
