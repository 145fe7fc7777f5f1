"""Recordings in WFDB format (PhysioNet): each signal at its own rate, its samples as they were digitised."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from telehealth.demo.recording import MAX_SIGNALS, NUMERICS_BELOW_HZ, Digits, Recording, Trace, trace_of, track_of
from telehealth.errors import Invalid


def read_wfdb(path: Path) -> Recording:
    """Return the record; `path` is that of its header, with or without `.hea`.

    Raises:
        Invalid: `no_record`: it is not there, or can't be read; `no_waveform`: it holds nothing that we can send.
        ImportError: The extra `replay` is not installed.
    """
    name = str(path.with_suffix("") if path.suffix in (".hea", ".dat") else path)
    with warnings.catch_warnings():
        # What wfdb says on its import and later concerns its authors and those of pandas.
        warnings.simplefilter("ignore")
        import wfdb

        try:
            # Averaged to one rate, a fast lead would lose its peaks.
            record = wfdb.rdrecord(name, smooth_frames=False)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise Invalid(f"The record {path.name} can't be read.", code="no_record") from error
    signals = range(min(MAX_SIGNALS, len(record.e_p_signal or ())))
    found = Recording()
    if record.fs and record.fs >= NUMERICS_BELOW_HZ:
        found = Recording(tuple(_trace(record, n) for n in signals))
    elif record.fs and record.fs > 0:
        tracks = (track_of(str(record.sig_name[n]), str(record.units[n]), _physical(record, n)) for n in signals)
        found = Recording(numerics=tuple(track for track in tracks if track), rows_hz=float(record.fs))
    if not found.length_s:
        raise Invalid(f"The record {path.name} holds no waves.", code="no_waveform")
    return found


def _physical(record: Any, n: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(record.e_p_signal[n], dtype=np.float64)


def _trace(record: Any, n: int) -> Trace:
    gains, baselines = record.adc_gain or [None], record.baseline or [None]
    gain, baseline = gains[n % len(gains)], baselines[n % len(baselines)]
    own = [Digits(1.0 / gain, -baseline / gain)] if gain and baseline is not None else []
    rate_hz = float(record.fs) * float(record.samps_per_frame[n])
    return trace_of(n + 1, str(record.sig_name[n]), str(record.units[n]), rate_hz, _physical(record, n), own)
