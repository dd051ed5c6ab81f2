"""The rules of every metric in the catalogue, by its name. A test holds the two tables together.

Limits are wide on purpose: they find what a body or sensor can hardly do, not what is unhealthy.
Where a source says "ours", no publication that we have read states the limit, and what follows says
how it was chosen (`sources`). The file is long because it is a table.
"""

from pulsekey.quality.rules import (
    Bounds,
    Compression,
    Flat,
    Lonely,
    MetricRules,
    Pace,
    Rate,
    SensorRange,
)

BY_DEFINITION = "by definition of the quantity"
HARUTYUNYAN = (
    "Harutyunyan et al. 2019, Multitask learning and benchmarking with clinical time series "
    "data, Scientific Data 6:96 (valid ranges in the variable_ranges.csv of its benchmark)"
)
PULSE = (
    "ours: below the resting pulse of an athlete, above the 208/min from which Tanaka, Monahan "
    "and Seals 2001, Age-predicted maximal heart rate revisited, J Am Coll Cardiol 37:153-156, "
    "count down with age"
)
HEART_STEP = "ours: thirty beats a minute within two seconds is more than a heart can gain"
HRV_TASK_FORCE = (
    "ours, around the norms of Task Force 1996, Heart rate variability, Circulation "
    "93:1043-1065, and Shaffer and Ginsberg 2017, Front Public Health 5:258"
)
NON_SLEEPING_FLAT = (
    "ours: a smoothing device may repeat a rate for minutes; an hour without the change of "
    "one beat is beyond the variability in Shaffer and Ginsberg 2017, Front Public Health "
    "5:258"
)
LONELY_SOURCE = (
    "ours, after Böttcher et al. 2022, Data quality evaluation in wearable monitoring, "
    "Scientific Reports 12:21412 (unsupported wear periods)"
)
RETROFITTING = (
    "Del Favero et al. 2020, Retrofitting CGM traces, chapter 11 in Fabris and Kovatchev (eds.), "
    "Glucose Monitoring Devices, Academic Press, appendix (5 mg/dL/min; 40 to 400 mg/dL)"
)
CGM_RANGE = (
    "ours: the ends at which Dexcom G6 and G7 (40 to 400 mg/dL) and FreeStyle Libre (40 to 500 "
    "mg/dL) are known to stop"
)
CGM_FLAT = "ours: two hours of readings without the change of one unit are beyond a sensor's noise"
PISA = (
    "ours, the shape after Baysal et al. 2014, A novel method to detect pressure-induced sensor "
    "attenuations (PISA) in an artificial pancreas, J Diabetes Sci Technol 8:1091-1096"
)
PULSE_OXIMETER = (
    "ours: the range over which ISO 80601-2-61:2017 has the accuracy of a pulse oximeter stated"
)
CHARLTON = (
    "Charlton et al. 2016, An assessment of algorithms to estimate respiratory rate from the "
    "electrocardiogram and photoplethysmogram, Physiol Meas 37:610-626 (rates of 4 to 60/min)"
)
THERMOMETER = "ours: from severe hypothermia to beyond the highest fever"
RECORDS = (
    "Guinness World Records (635 kg, 272 cm, a waist of 302 cm); the low ends are ours, for infants"
)
ESSENTIAL_FAT = (
    "ours, below the 4 to 6% of Friedl et al. 1994, Lower limit of body fat in healthy active "
    "men, J Appl Physiol 77:933-940"
)
SEVERE_INSULIN = (
    "ours: in one entry what a day takes in Cochran, Musso and Gorden 2005, The use of U-500 in "
    "patients with extreme insulin resistance, Diabetes Care 28:1240-1244 (more than 200 units)"
)
EATEN = "ours: more in one entry than a large eater has in a day; in energy at 4 and 9 kcal/g"
EFSA_CAFFEINE = (
    "ours: fifty times the 200 mg of which EFSA 2015, Scientific opinion on the safety of "
    "caffeine, EFSA J 13(5):4102, has no concern in one dose"
)
DRUNK = "ours: more in one entry than a body bears at once"
BLOOD_ALCOHOL = (
    "ours, above the 0.31 to 0.45% that fact sheets on alcohol overdose call life threatening"
)
SPRINT = (
    "ours, above the fastest in Graubner and Nixdorf 2011, Biomechanical analysis of the sprint "
    "and hurdles events at the 2009 IAAF World Championships in Athletics, New Studies in "
    "Athletics 26:19-53"
)
COMPENDIUM = (
    "Ainsworth et al. 2011, 2011 Compendium of Physical Activities, Med Sci Sports Exerc "
    "43:1575-1581 (running at 14 mph: 23 MET, which is 23 kcal/kg/h)"
)
BOHANNON = (
    "ours, above the 2.53 m/s of Bohannon 1997, Comfortable and maximum walking speed of adults "
    "aged 20-79 years, Age and Ageing 26:15-19"
)
SIX_MINUTES = (
    "ours: six minutes at 3 m/s; the test is that of American Thoracic Society 2002, Am J "
    "Respir Crit Care Med 166:111-117"
)
AEROBIC = (
    "ours, above the maximal uptake and power on record in Haugen et al. 2018, New records in "
    "human power, Int J Sports Physiol Perform 13:678-686"
)
RECOVERY = (
    "ours, above Cole et al. 1999, Heart-rate recovery immediately after exercise as a predictor "
    "of mortality, N Engl J Med 341:1351-1357"
)
RUNNING_FORM = (
    "ours, around van Hooren et al. 2020, Real-time feedback by wearables in running, J Sports "
    "Sci 38:214-230"
)
NIOSH = (
    "NIOSH 1998, Criteria for a recommended standard: occupational noise exposure, publication "
    "98-126, ceiling limit (140 dBA)"
)
WEATHER = "ours, beyond the coldest and the hottest air on record (-89.2 and 56.7 Cel)"
EARTH = "ours, from the Dead Sea's shore to above the highest summit"
SKIN = (
    "ours, around Kräuchi 2007, The thermophysiological cascade leading to sleep initiation in "
    "relation to phase of entrainment, Sleep Med Rev 11:439-451, up to where heat hurts"
)

MG_DL_A_MMOL_L = 18.0156
"""Molar mass of glucose, 180.156 g/mol, by ten."""

CATEGORICAL = MetricRules(
    none_because="a choice among answers has no magnitude; its time is judged"
)


def _within(name: str, ucum: str, low: float, high: float, source: str) -> MetricRules:
    return MetricRules(bounds=(Bounds(name, ucum, low, high, source),))


def _paced(name: str, ucum: str, per_second: float, source: str) -> MetricRules:
    """What accumulates over an interval: never negative, never faster than `per_second`."""
    none_negative = Bounds(name, ucum, 0, float("inf"), BY_DEFINITION)
    return MetricRules(bounds=(none_negative,), pace=Pace(per_second, source))


def _sensor_glucose(name: str, ucum: str, mg_dl: float) -> MetricRules:
    """Sensor glucose in a unit of which one is `mg_dl` mg/dL.

    Ends are as the device rounds them.
    """
    digits = 0 if mg_dl == 1 else 1
    ends = tuple(round(end / mg_dl, digits) for end in (40.0, 400.0, 500.0))
    return MetricRules(
        bounds=(Bounds(name, ucum, ends[0], ends[-1], CGM_RANGE),),
        sensor=SensorRange(ends[0], ends[-1], ends[1:2], CGM_RANGE),
        rate=Rate(5 / 60 / mg_dl, 60, 15 * 60, RETROFITTING),
        flat=Flat(2 * 3_600, 12, 20 * 60, CGM_FLAT),
        lonely=Lonely(3_600, 16 * 60, LONELY_SOURCE),
        compression=Compression(30 / mg_dl, 15 / mg_dl, PISA),
    )


def _blood_glucose(name: str, ucum: str, mg_dl: float) -> MetricRules:
    return _within(name, ucum, 33 / mg_dl, 2_000 / mg_dl, HARUTYUNYAN)


HEART_RATE = MetricRules(
    bounds=(Bounds("heart-rate", "/min", 30, 220, PULSE),),
    rate=Rate(15, 1, 10, HEART_STEP),
    flat=Flat(3_600, 30, 10 * 60, NON_SLEEPING_FLAT),
    lonely=Lonely(3_600, 16 * 60, LONELY_SOURCE),
)
BLOOD_PRESSURE = MetricRules(
    bounds=(
        Bounds("systolic", "mm[Hg]", 20, 375, f"{HARUTYUNYAN}; low end ours: no pulse below"),
        Bounds("diastolic", "mm[Hg]", 10, 375, f"{HARUTYUNYAN}; low end ours: no pulse below"),
    ),
    greater="systolic",
    smaller="diastolic",
)
WORKOUT_HEART_RATE = MetricRules(
    bounds=tuple(Bounds(name, "/min", 30, 220, PULSE) for name in ("average", "minimum", "maximum"))
)
ACTIVITY_DAY = MetricRules(
    bounds=(
        Bounds("active-energy", "kcal", 0, 20_000, f"ours, from {COMPENDIUM}, over a day"),
        Bounds("exercise-time", "min", 0, 1_500, "a local day has at most 25 hours"),
        Bounds("stand-hours", "h", 0, 25, "a local day has at most 25 hours"),
    )
)
LONGEST_SESSION = "ours: nobody works out for a week"
WORKOUT = MetricRules(
    bounds=(
        Bounds("duration", "s", 0, 7 * 86_400, LONGEST_SESSION),
        Bounds("distance", "m", 0, float("inf"), BY_DEFINITION),
        Bounds("active-energy", "kcal", 0, float("inf"), BY_DEFINITION),
        Bounds("basal-energy", "kcal", 0, float("inf"), BY_DEFINITION),
        Bounds("ascent", "m", 0, float("inf"), BY_DEFINITION),
        Bounds("steps", "{steps}", 0, float("inf"), BY_DEFINITION),
    )
)
LAP = MetricRules(
    bounds=(
        Bounds("duration", "s", 0, 7 * 86_400, LONGEST_SESSION),
        Bounds("distance", "m", 0, float("inf"), BY_DEFINITION),
        Bounds("ascent", "m", 0, float("inf"), BY_DEFINITION),
    )
)
POSITION = MetricRules(
    bounds=(
        Bounds("latitude", "deg", -90, 90, BY_DEFINITION),
        Bounds("longitude", "deg", -180, 180, BY_DEFINITION),
    )
)

_WITHIN = (
    ("resting-heart-rate", "/min", 30, 220, PULSE),
    ("walking-heart-rate", "/min", 30, 220, PULSE),
    ("heart-rate-recovery", "/min", 0, 120, RECOVERY),
    ("heart-rate-variability-sdnn", "ms", 1, 400, HRV_TASK_FORCE),
    ("heart-rate-variability-rmssd", "ms", 1, 400, HRV_TASK_FORCE),
    ("beat-interval", "ms", 272, 2_000, f"60,000 by the limits of heart-rate: {PULSE}"),
    ("atrial-fibrillation-burden", "%", 0, 100, BY_DEFINITION),
    ("oxygen-saturation", "%", 70, 100, PULSE_OXIMETER),
    ("respiratory-rate", "/min", 4, 60, CHARLTON),
    ("body-temperature", "Cel", 34, 43, THERMOMETER),
    ("basal-body-temperature", "Cel", 34, 43, THERMOMETER),
    ("wrist-temperature", "Cel", 20, 43, SKIN),
    ("body-weight", "kg", 0.2, 635, RECORDS),
    ("body-height", "cm", 20, 272, RECORDS),
    ("body-mass-index", "kg/m2", 5, 205, f"{RECORDS}; the two together"),
    ("body-fat", "%", 2, 75, ESSENTIAL_FAT),
    ("lean-body-mass", "kg", 0.2, 250, f"ours, within {RECORDS}"),
    ("waist-circumference", "cm", 15, 302, RECORDS),
    ("insulin", "[iU]", 0, 200, SEVERE_INSULIN),
    ("insulin-fast-acting", "[iU]", 0, 200, SEVERE_INSULIN),
    ("insulin-long-acting", "[iU]", 0, 200, SEVERE_INSULIN),
    ("carbohydrates", "g", 0, 1_250, EATEN),
    ("protein", "g", 0, 1_250, EATEN),
    ("fat", "g", 0, 556, EATEN),
    ("energy-intake", "kcal", 0, 5_000, EATEN),
    ("water", "mL", 0, 10_000, "ours: more in one entry than the kidneys pass in ten hours"),
    ("caffeine", "mg", 0, 10_000, EFSA_CAFFEINE),
    ("alcoholic-drinks", "{drinks}", 0, 40, DRUNK),
    ("blood-alcohol", "%", 0, 0.6, BLOOD_ALCOHOL),
    ("walking-speed", "m/s", 0, 3, BOHANNON),
    ("walking-step-length", "cm", 5, 150, BOHANNON),
    ("walking-double-support", "%", 0, 100, BY_DEFINITION),
    ("walking-asymmetry", "%", 0, 100, BY_DEFINITION),
    ("walking-steadiness", "%", 0, 100, BY_DEFINITION),
    ("stair-ascent-speed", "m/s", 0, 3, BOHANNON),
    ("stair-descent-speed", "m/s", 0, 3, BOHANNON),
    ("six-minute-walk", "m", 0, 1_080, SIX_MINUTES),
    ("maximal-oxygen-uptake", "mL/(kg.min)", 5, 100, AEROBIC),
    ("physical-effort", "kcal/(kg.h)", 0, 23, COMPENDIUM),
    ("cadence", "/min", 0, 300, SPRINT),
    ("speed", "m/s", 0, 40, "ours: a bicycle downhill"),
    ("power", "W", 0, 3_000, AEROBIC),
    ("distance-travelled", "m", 0, float("inf"), BY_DEFINITION),
    ("ambient-temperature", "Cel", -90, 60, WEATHER),
    ("stride-length", "m", 0, 5, SPRINT),
    ("vertical-oscillation", "cm", 0, 25, RUNNING_FORM),
    ("ground-contact-time", "ms", 50, 1_000, RUNNING_FORM),
    ("altitude", "m", -440, 9_000, EARTH),
    ("environment-sound", "dB[SPL]", 0, 140, NIOSH),
    ("headphone-sound", "dB[SPL]", 0, 140, NIOSH),
)
_PACED = (
    ("steps", "{steps}", 5, SPRINT),
    ("distance-on-foot", "m", 12.5, SPRINT),
    ("distance-cycled", "m", 40, "ours: a bicycle downhill"),
    ("distance-swum", "m", 2.5, "ours, above the records of World Aquatics"),
    ("distance-by-wheelchair", "m", 15, "ours, above the records of World Para Athletics"),
    ("flights-climbed", "{flights}", 1, "ours: three metres up a second"),
    ("swimming-strokes", "{strokes}", 3, "ours, above sprint stroke rates"),
    ("wheelchair-pushes", "{pushes}", 5, "ours, above sprint push rates"),
    ("active-energy", "kcal", 1, f"{COMPENDIUM}, at 150 kg"),
    ("basal-energy", "kcal", 0.1, "ours, twice the basal rate of the heaviest"),
    ("exercise-time", "min", 1 / 60, BY_DEFINITION),
    ("move-time", "min", 1 / 60, BY_DEFINITION),
    ("stand-time", "min", 1 / 60, BY_DEFINITION),
    ("daylight-time", "min", 1 / 60, BY_DEFINITION),
)
_CATEGORICAL = (
    "heart-event",
    "stand-hour",
    "sleep-stage",
    "mindfulness",
    "sound-event",
    "menstrual-flow",
    "ecg-classification",
    "ecg-beat",
    "ecg-event",
    "ecg-rhythm",
)

RULES: dict[str, MetricRules] = {
    "heart-rate": HEART_RATE,
    "workout-heart-rate": WORKOUT_HEART_RATE,
    "blood-pressure": BLOOD_PRESSURE,
    "glucose-sensor": _sensor_glucose("glucose-sensor", "mg/dL", 1),
    "glucose-sensor-molar": _sensor_glucose("glucose-sensor-molar", "mmol/L", MG_DL_A_MMOL_L),
    "glucose-capillary": _blood_glucose("glucose-capillary", "mg/dL", 1),
    "glucose-capillary-molar": _blood_glucose("glucose-capillary-molar", "mmol/L", MG_DL_A_MMOL_L),
    "glucose-blood": _blood_glucose("glucose-blood", "mg/dL", 1),
    "glucose-blood-molar": _blood_glucose("glucose-blood-molar", "mmol/L", MG_DL_A_MMOL_L),
    "activity-day": ACTIVITY_DAY,
    "workout": WORKOUT,
    "lap": LAP,
    "position": POSITION,
    "ecg": MetricRules(none_because="a waveform is judged by window, see ECG"),
    **{name: _within(name, ucum, low, high, why) for name, ucum, low, high, why in _WITHIN},
    **{name: _paced(name, ucum, per_second, why) for name, ucum, per_second, why in _PACED},
    **dict.fromkeys(_CATEGORICAL, CATEGORICAL),
}
"""Rules by the name of the metric."""
