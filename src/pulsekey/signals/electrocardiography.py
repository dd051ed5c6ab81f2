"""ECG: the waveform, its leads, and what an expert wrote beside it.

Leads carry IEEE 11073-10101 codes (MDC_ECG_ELEC_POTL_*: 131328 plus the lead's number); a lead that
has none carries ours. Annotations follow PhysioNet's MIT codes (WFDB Applications Guide, annot(5),
"Standard annotation codes"): which symbol stands for what is theirs, never a judgement of ours.
"""

from typing import Final

from pulsekey.signals import unit
from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC, MDC, PULSEKEY, Code, Component, Metric, Shape

MIT_ANNOTATION: Final = "https://pulsekey.health/fhir/CodeSystem/mit-annotation"
MIT_RHYTHM: Final = "https://pulsekey.health/fhir/CodeSystem/mit-rhythm"
LEAD: Final = "https://pulsekey.health/fhir/CodeSystem/ecg-lead"

_STANDARD_LEADS: Final = {
    "I": 131329,
    "II": 131330,
    "V1": 131331,
    "V2": 131332,
    "V3": 131333,
    "V4": 131334,
    "V5": 131335,
    "V6": 131336,
    "III": 131389,
    "aVR": 131390,
    "aVL": 131391,
    "aVF": 131392,
}
_OTHER_LEADS: Final = (
    "MLI", "MLII", "MLIII", "MV1", "MV2", "MV3", "MV4", "MV5", "MV6", "CM2", "CM4", "CM5", "CC5",
    "D1", "D2", "D3", "D4", "mod.V1", "V", "ML2", "ML5", "vx", "vy", "vz", "ECG", "ECG1", "ECG2",
    "EKG", "ECG I", "ECG II", "ECG III", "ECG lead 1", "ECG lead 2",
)  # fmt: skip

LEADS: Final[dict[str, Code]] = {
    **{
        name.lower(): Code(MDC, str(number), f"ECG lead {name}")
        for name, number in _STANDARD_LEADS.items()
    },
    **{name.lower(): Code(LEAD, name.replace(" ", "-"), f"ECG {name}") for name in _OTHER_LEADS},
}
"""Every lead we know, by its name in lower case."""

ECG: Final = Metric(
    "ecg",
    Shape.WAVEFORM,
    Category.ECG,
    (Code(MDC, "131328", "MDC_ECG_ELEC_POTL"), Code(LOINC, "11524-6", "EKG study")),
    (Component("ecg", (Code(MDC, "131328", "MDC_ECG_ELEC_POTL"),), unit.MILLIVOLT),),
)

_BEATS: Final = (
    ("N", "Normal beat"),
    ("L", "Left bundle branch block beat"),
    ("R", "Right bundle branch block beat"),
    ("B", "Bundle branch block beat (unspecified)"),
    ("A", "Atrial premature beat"),
    ("a", "Aberrated atrial premature beat"),
    ("J", "Nodal (junctional) premature beat"),
    ("S", "Supraventricular premature or ectopic beat"),
    ("V", "Premature ventricular contraction"),
    ("r", "R-on-T premature ventricular contraction"),
    ("F", "Fusion of ventricular and normal beat"),
    ("e", "Atrial escape beat"),
    ("j", "Nodal (junctional) escape beat"),
    ("n", "Supraventricular escape beat"),
    ("E", "Ventricular escape beat"),
    ("/", "Paced beat"),
    ("f", "Fusion of paced and normal beat"),
    ("Q", "Unclassifiable beat"),
    ("?", "Beat not classified during learning"),
)
_EVENTS: Final = (
    ("[", "Start of ventricular flutter or fibrillation"),
    ("!", "Ventricular flutter wave"),
    ("]", "End of ventricular flutter or fibrillation"),
    ("x", "Non-conducted P wave"),
    ("(", "Waveform onset"),
    (")", "Waveform end"),
    ("p", "Peak of P wave"),
    ("t", "Peak of T wave"),
    ("u", "Peak of U wave"),
    ("^", "Non-captured pacemaker artefact"),
    ("|", "Isolated QRS-like artefact"),
    ("~", "Change in signal quality"),
    ("s", "ST segment change"),
    ("T", "T wave change"),
    ("*", "Systole"),
    ("D", "Diastole"),
)
_RHYTHMS: Final = (
    ("AB", "Atrial bigeminy"),
    ("AFIB", "Atrial fibrillation"),
    ("AFL", "Atrial flutter"),
    ("B", "Ventricular bigeminy"),
    ("BII", "Second degree heart block"),
    ("IVR", "Idioventricular rhythm"),
    ("N", "Normal sinus rhythm"),
    ("NOD", "Nodal (A-V junctional) rhythm"),
    ("P", "Paced rhythm"),
    ("PREX", "Pre-excitation"),
    ("SBR", "Sinus bradycardia"),
    ("SVTA", "Supraventricular tachyarrhythmia"),
    ("T", "Ventricular trigeminy"),
    ("VFL", "Ventricular flutter"),
    ("VT", "Ventricular tachycardia"),
)


def _categorical(
    name: str, display: str, system: str, answers: tuple[tuple[str, str], ...]
) -> Metric:
    code = (Code(PULSEKEY, name, display),)
    offered = tuple(Code(system, symbol, text) for symbol, text in answers)
    return Metric(
        name, Shape.CATEGORICAL, Category.ECG, code, (Component(name, code, None, offered),)
    )


ECG_BEAT: Final = _categorical("ecg-beat", "ECG beat annotation", MIT_ANNOTATION, _BEATS)
ECG_EVENT: Final = _categorical("ecg-event", "ECG annotation", MIT_ANNOTATION, _EVENTS)
ECG_RHYTHM: Final = _categorical("ecg-rhythm", "ECG rhythm annotation", MIT_RHYTHM, _RHYTHMS)

ECG_METRICS: Final = (ECG, ECG_BEAT, ECG_EVENT, ECG_RHYTHM)
