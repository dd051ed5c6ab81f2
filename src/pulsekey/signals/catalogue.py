"""Every metric we know, by name. Codes: LOINC, else IEEE 11073 MDC, else our published CodeSystem.

A LOINC code stands here only where its kind of quantity, specimen and timing are the metric's own:
a walking average of the heart rate is not "Heart rate", and RMSSD is not SDNN. A metric whose
readings come in two kinds of quantity (glucose by mass or by substance, which LOINC tells apart) is
two, so that a value is never converted merely to fit a code.

The file is long because it is a table.
"""

from pulsekey.signals import unit
from pulsekey.signals.category import Category
from pulsekey.signals.electrocardiography import ECG_METRICS
from pulsekey.signals.metric import LOINC, PULSEKEY, Code, Component, Metric, Shape, Unit

METRICS: dict[str, Metric] = {}
"""Every metric by its name, in the order in which it stands here."""


def _kept(metric: Metric) -> Metric:
    METRICS[metric.name] = metric
    return metric


def _own(name: str) -> Code:
    return Code(PULSEKEY, name, name.replace("-", " ").capitalize())


def _quantity(
    name: str, shape: Shape, category: Category, in_unit: Unit, *loinc: tuple[str, str]
) -> Metric:
    codes = tuple(Code(LOINC, code, display) for code, display in loinc) or (_own(name),)
    return _kept(Metric(name, shape, category, codes, (Component(name, codes, in_unit),)))


def _point(name: str, category: Category, in_unit: Unit, *loinc: tuple[str, str]) -> Metric:
    return _quantity(name, Shape.POINT, category, in_unit, *loinc)


def _interval(name: str, category: Category, in_unit: Unit, *loinc: tuple[str, str]) -> Metric:
    return _quantity(name, Shape.INTERVAL, category, in_unit, *loinc)


def _choice(name: str, category: Category, *answers: tuple[str, str]) -> Metric:
    codes = (_own(name),)
    choices = tuple(Code(PULSEKEY, f"{name}-{code}", display) for code, display in answers)
    component = Component(name, codes, None, choices)
    return _kept(Metric(name, Shape.CATEGORICAL, category, codes, (component,)))


def _several(
    name: str, shape: Shape, category: Category, *parts: tuple[str, Unit], code: Code | None = None
) -> Metric:
    components = tuple(
        Component(part, (_own(f"{name}-{part}"),), in_unit) for part, in_unit in parts
    )
    return _kept(Metric(name, shape, category, (code or _own(name),), components))


# Heart

HEART_RATE = _point(
    "heart-rate", Category.HEART_RATE, unit.BEATS_PER_MINUTE, ("8867-4", "Heart rate")
)
RESTING_HEART_RATE = _interval(
    "resting-heart-rate",
    Category.HEART_RATE,
    unit.BEATS_PER_MINUTE,
    ("40443-4", "Heart rate --resting"),
)
WALKING_HEART_RATE = _interval("walking-heart-rate", Category.HEART_RATE, unit.BEATS_PER_MINUTE)
WORKOUT_HEART_RATE = _several(
    "workout-heart-rate",
    Shape.PANEL,
    Category.HEART_RATE,
    ("average", unit.BEATS_PER_MINUTE),
    ("minimum", unit.BEATS_PER_MINUTE),
    ("maximum", unit.BEATS_PER_MINUTE),
)
HEART_RATE_RECOVERY = _point("heart-rate-recovery", Category.HEART_RATE, unit.BEATS_PER_MINUTE)
HEART_RATE_VARIABILITY_SDNN = _interval(
    "heart-rate-variability-sdnn",
    Category.HEART_RATE,
    unit.MILLISECOND,
    ("80404-7", "R-R interval.standard deviation (Heart rate variability)"),
)
HEART_RATE_VARIABILITY_RMSSD = _interval(
    "heart-rate-variability-rmssd", Category.HEART_RATE, unit.MILLISECOND
)
BEAT_INTERVAL = _point("beat-interval", Category.HEART_RATE, unit.MILLISECOND)
HEART_EVENT = _choice(
    "heart-event",
    Category.HEART_RATE,
    ("high-heart-rate", "High heart rate notification"),
    ("low-heart-rate", "Low heart rate notification"),
    ("irregular-rhythm", "Irregular rhythm notification"),
    ("low-fitness", "Low cardio fitness notification"),
)
ATRIAL_FIBRILLATION_BURDEN = _interval("atrial-fibrillation-burden", Category.ECG, unit.PERCENT)

# Blood pressure, oxygen, breathing, temperature

BLOOD_PRESSURE = _kept(
    Metric(
        "blood-pressure",
        Shape.PANEL,
        Category.BLOOD_PRESSURE,
        (Code(LOINC, "85354-9", "Blood pressure panel with all children optional"),),
        (
            Component(
                "systolic",
                (Code(LOINC, "8480-6", "Systolic blood pressure"),),
                unit.MILLIMETRE_OF_MERCURY,
            ),
            Component(
                "diastolic",
                (Code(LOINC, "8462-4", "Diastolic blood pressure"),),
                unit.MILLIMETRE_OF_MERCURY,
            ),
        ),
    )
)
OXYGEN_SATURATION = _point(
    "oxygen-saturation",
    Category.OXYGEN,
    unit.PERCENT,
    # Both: R4's vital signs profile asks for the first and allows the more precise second.
    ("2708-6", "Oxygen saturation in Arterial blood"),
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
)
RESPIRATORY_RATE = _point(
    "respiratory-rate",
    Category.RESPIRATION,
    unit.BREATHS_PER_MINUTE,
    ("9279-1", "Respiratory rate"),
)
BODY_TEMPERATURE = _point(
    "body-temperature", Category.TEMPERATURE, unit.DEGREE_CELSIUS, ("8310-5", "Body temperature")
)
WRIST_TEMPERATURE = _interval("wrist-temperature", Category.TEMPERATURE, unit.DEGREE_CELSIUS)

# Body

BODY_WEIGHT = _point("body-weight", Category.BODY, unit.KILOGRAM, ("29463-7", "Body weight"))
BODY_HEIGHT = _point("body-height", Category.BODY, unit.CENTIMETRE, ("8302-2", "Body height"))
BODY_MASS_INDEX = _point(
    "body-mass-index",
    Category.BODY,
    unit.KILOGRAM_PER_SQUARE_METRE,
    ("39156-5", "Body mass index (BMI) [Ratio]"),
)
BODY_FAT = _point(
    "body-fat", Category.BODY, unit.PERCENT, ("41982-0", "Percentage of body fat Measured")
)
LEAN_BODY_MASS = _point("lean-body-mass", Category.BODY, unit.KILOGRAM)
WAIST_CIRCUMFERENCE = _point("waist-circumference", Category.BODY, unit.CENTIMETRE)

# Glucose and what belongs to it

GLUCOSE_SENSOR = _point(
    "glucose-sensor",
    Category.GLUCOSE,
    unit.MILLIGRAM_PER_DECILITRE,
    ("99504-3", "Glucose [Mass/volume] in Interstitial fluid"),
)
GLUCOSE_SENSOR_MOLAR = _point(
    "glucose-sensor-molar",
    Category.GLUCOSE,
    unit.MILLIMOLE_PER_LITRE,
    ("105272-9", "Glucose [Moles/volume] in Interstitial fluid"),
)
GLUCOSE_CAPILLARY = _point(
    "glucose-capillary",
    Category.GLUCOSE,
    unit.MILLIGRAM_PER_DECILITRE,
    ("41653-7", "Glucose [Mass/volume] in Capillary blood by Glucometer"),
)
GLUCOSE_CAPILLARY_MOLAR = _point(
    "glucose-capillary-molar",
    Category.GLUCOSE,
    unit.MILLIMOLE_PER_LITRE,
    ("14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer"),
)
GLUCOSE_BLOOD = _point(
    "glucose-blood",
    Category.GLUCOSE,
    unit.MILLIGRAM_PER_DECILITRE,
    ("2339-0", "Glucose [Mass/volume] in Blood"),
)
GLUCOSE_BLOOD_MOLAR = _point(
    "glucose-blood-molar",
    Category.GLUCOSE,
    unit.MILLIMOLE_PER_LITRE,
    ("15074-8", "Glucose [Moles/volume] in Blood"),
)
INSULIN = _interval("insulin", Category.MEDICATION, unit.INTERNATIONAL_UNIT)
INSULIN_FAST_ACTING = _point("insulin-fast-acting", Category.MEDICATION, unit.INTERNATIONAL_UNIT)
INSULIN_LONG_ACTING = _point("insulin-long-acting", Category.MEDICATION, unit.INTERNATIONAL_UNIT)
CARBOHYDRATES = _interval("carbohydrates", Category.NUTRITION, unit.GRAM)
PROTEIN = _interval("protein", Category.NUTRITION, unit.GRAM)
FAT = _interval("fat", Category.NUTRITION, unit.GRAM)
ENERGY_INTAKE = _interval("energy-intake", Category.NUTRITION, unit.KILOCALORIE)
WATER = _interval("water", Category.NUTRITION, unit.MILLILITRE)
CAFFEINE = _interval("caffeine", Category.NUTRITION, unit.MILLIGRAM)
ALCOHOLIC_DRINKS = _interval("alcoholic-drinks", Category.SUBSTANCE_USE, unit.DRINK)
BLOOD_ALCOHOL = _point("blood-alcohol", Category.SUBSTANCE_USE, unit.PERCENT)

# Everyday activity

STEPS = _interval(
    "steps",
    Category.ACTIVITY,
    unit.STEP,
    ("55423-8", "Number of steps in unspecified time Pedometer"),
)
DISTANCE_ON_FOOT = _interval("distance-on-foot", Category.ACTIVITY, unit.METRE)
DISTANCE_CYCLED = _interval("distance-cycled", Category.ACTIVITY, unit.METRE)
DISTANCE_SWUM = _interval("distance-swum", Category.ACTIVITY, unit.METRE)
DISTANCE_BY_WHEELCHAIR = _interval("distance-by-wheelchair", Category.ACTIVITY, unit.METRE)
FLIGHTS_CLIMBED = _interval("flights-climbed", Category.ACTIVITY, unit.FLIGHT)
SWIMMING_STROKES = _interval("swimming-strokes", Category.ACTIVITY, unit.STROKE)
WHEELCHAIR_PUSHES = _interval("wheelchair-pushes", Category.ACTIVITY, unit.PUSH)
# Not LOINC's 41981-2, "Calories burned": that does not say whether the body at rest is in it.
ACTIVE_ENERGY = _interval("active-energy", Category.ACTIVITY, unit.KILOCALORIE)
BASAL_ENERGY = _interval("basal-energy", Category.ACTIVITY, unit.KILOCALORIE)
EXERCISE_TIME = _interval("exercise-time", Category.ACTIVITY, unit.MINUTE)
MOVE_TIME = _interval("move-time", Category.ACTIVITY, unit.MINUTE)
STAND_TIME = _interval("stand-time", Category.ACTIVITY, unit.MINUTE)
DAYLIGHT_TIME = _interval("daylight-time", Category.ACTIVITY, unit.MINUTE)
STAND_HOUR = _choice(
    "stand-hour", Category.ACTIVITY, ("stood", "Stood in this hour"), ("idle", "Did not stand")
)
ACTIVITY_DAY = _several(
    "activity-day",
    Shape.PANEL,
    Category.ACTIVITY,
    ("active-energy", unit.KILOCALORIE),
    ("active-energy-goal", unit.KILOCALORIE),
    ("exercise-time", unit.MINUTE),
    ("exercise-time-goal", unit.MINUTE),
    ("stand-hours", unit.HOUR),
    ("stand-hours-goal", unit.HOUR),
)
WALKING_SPEED = _interval("walking-speed", Category.ACTIVITY, unit.METRE_PER_SECOND)
WALKING_STEP_LENGTH = _interval("walking-step-length", Category.ACTIVITY, unit.CENTIMETRE)
WALKING_DOUBLE_SUPPORT = _interval("walking-double-support", Category.ACTIVITY, unit.PERCENT)
WALKING_ASYMMETRY = _interval("walking-asymmetry", Category.ACTIVITY, unit.PERCENT)
WALKING_STEADINESS = _interval("walking-steadiness", Category.ACTIVITY, unit.PERCENT)
STAIR_ASCENT_SPEED = _interval("stair-ascent-speed", Category.ACTIVITY, unit.METRE_PER_SECOND)
STAIR_DESCENT_SPEED = _interval("stair-descent-speed", Category.ACTIVITY, unit.METRE_PER_SECOND)
SIX_MINUTE_WALK = _interval(
    "six-minute-walk", Category.ACTIVITY, unit.METRE, ("64098-7", "Six minute walk test")
)

# Exercise

WORKOUT = _several(
    "workout",
    Shape.SESSION,
    Category.EXERCISE,
    # No heart rate among the parts: whoever may see exercise may not therefore see the heart.
    ("duration", unit.SECOND),
    ("distance", unit.METRE),
    ("active-energy", unit.KILOCALORIE),
    ("basal-energy", unit.KILOCALORIE),
    ("ascent", unit.METRE),
    ("steps", unit.STEP),
)
# A part of a workout, so that adding laps to workouts counts nothing twice.
LAP = _several(
    "lap",
    Shape.SESSION,
    Category.EXERCISE,
    ("duration", unit.SECOND),
    ("distance", unit.METRE),
    ("ascent", unit.METRE),
)
MAXIMAL_OXYGEN_UPTAKE = _point(
    "maximal-oxygen-uptake", Category.EXERCISE, unit.MILLILITRE_PER_KILOGRAM_MINUTE
)
PHYSICAL_EFFORT = _interval(
    "physical-effort", Category.EXERCISE, unit.KILOCALORIE_PER_KILOGRAM_HOUR
)
CADENCE = _point("cadence", Category.EXERCISE, unit.REVOLUTIONS_PER_MINUTE)
SPEED = _point("speed", Category.EXERCISE, unit.METRE_PER_SECOND)
POWER = _point("power", Category.EXERCISE, unit.WATT)
DISTANCE_TRAVELLED = _point("distance-travelled", Category.EXERCISE, unit.METRE)
AMBIENT_TEMPERATURE = _point("ambient-temperature", Category.EXERCISE, unit.DEGREE_CELSIUS)
STRIDE_LENGTH = _point("stride-length", Category.EXERCISE, unit.METRE)
VERTICAL_OSCILLATION = _point("vertical-oscillation", Category.EXERCISE, unit.CENTIMETRE)
GROUND_CONTACT_TIME = _point("ground-contact-time", Category.EXERCISE, unit.MILLISECOND)

# Where somebody was. A profile of altitudes tells the place too (Meteriz et al., ICDCS 2020).

ALTITUDE = _point("altitude", Category.LOCATION, unit.METRE)
POSITION = _several(
    "position",
    Shape.PANEL,
    Category.LOCATION,
    ("latitude", unit.DEGREE),
    ("longitude", unit.DEGREE),
)

# Sleep, mind, hearing, cycle

SLEEP_STAGE = _choice(
    "sleep-stage",
    Category.SLEEP,
    ("in-bed", "In bed"),
    ("asleep", "Asleep, stage not known"),
    ("awake", "Awake"),
    ("core", "Light sleep (N1, N2)"),
    ("deep", "Deep sleep (N3)"),
    ("rem", "REM sleep"),
)
MINDFULNESS = _choice("mindfulness", Category.MENTAL_HEALTH, ("session", "Mindful session"))
ENVIRONMENT_SOUND = _interval("environment-sound", Category.HEARING, unit.DECIBEL)
HEADPHONE_SOUND = _interval("headphone-sound", Category.HEARING, unit.DECIBEL)
SOUND_EVENT = _choice(
    "sound-event",
    Category.HEARING,
    ("loud-environment", "Loud environment notification"),
    ("loud-headphones", "Loud headphones notification"),
)
BASAL_BODY_TEMPERATURE = _point(
    "basal-body-temperature", Category.REPRODUCTIVE_HEALTH, unit.DEGREE_CELSIUS
)
MENSTRUAL_FLOW = _choice(
    "menstrual-flow",
    Category.REPRODUCTIVE_HEALTH,
    ("unspecified", "Flow, strength not given"),
    ("light", "Light flow"),
    ("medium", "Medium flow"),
    ("heavy", "Heavy flow"),
    ("none", "No flow"),
)

# Electrocardiogram: the waveform and its annotations stand in `signals.electrocardiography`.

ECG_CLASSIFICATION = _choice(
    "ecg-classification",
    Category.ECG,
    ("sinus-rhythm", "Sinus rhythm"),
    ("atrial-fibrillation", "Atrial fibrillation"),
    ("low-heart-rate", "Inconclusive: low heart rate"),
    ("high-heart-rate", "Inconclusive: high heart rate"),
    ("poor-recording", "Inconclusive: poor recording"),
    ("inconclusive", "Inconclusive"),
    ("unrecognised", "Not recognised"),
)

METRICS.update({metric.name: metric for metric in ECG_METRICS})
