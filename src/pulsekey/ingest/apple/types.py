"""Which metric each of Apple's record types is. A type that stands in no table here has none."""

from collections.abc import Mapping
from typing import Final

from pulsekey.signals import catalogue as m
from pulsekey.signals.metric import Metric

_Q: Final = "HKQuantityTypeIdentifier"
_C: Final = "HKCategoryTypeIdentifier"
_V: Final = "HKCategoryValue"
NOT_APPLICABLE: Final = f"{_V}NotApplicable"

SYSTOLIC: Final = f"{_Q}BloodPressureSystolic"
DIASTOLIC: Final = f"{_Q}BloodPressureDiastolic"
GLUCOSE: Final = f"{_Q}BloodGlucose"
HEART_RATE: Final = f"{_Q}HeartRate"

QUANTITIES: Final[Mapping[str, Metric]] = {
    _Q + name: metric
    for name, metric in {
        "ActiveEnergyBurned": m.ACTIVE_ENERGY,
        "AppleExerciseTime": m.EXERCISE_TIME,
        "AppleMoveTime": m.MOVE_TIME,
        "AppleSleepingWristTemperature": m.WRIST_TEMPERATURE,
        "AppleStandTime": m.STAND_TIME,
        "AppleWalkingSteadiness": m.WALKING_STEADINESS,
        "AtrialFibrillationBurden": m.ATRIAL_FIBRILLATION_BURDEN,
        "BasalBodyTemperature": m.BASAL_BODY_TEMPERATURE,
        "BasalEnergyBurned": m.BASAL_ENERGY,
        "BloodAlcoholContent": m.BLOOD_ALCOHOL,
        "BodyFatPercentage": m.BODY_FAT,
        "BodyMass": m.BODY_WEIGHT,
        "BodyMassIndex": m.BODY_MASS_INDEX,
        "BodyTemperature": m.BODY_TEMPERATURE,
        "CyclingCadence": m.CADENCE,
        "CyclingPower": m.POWER,
        "CyclingSpeed": m.SPEED,
        "DietaryCaffeine": m.CAFFEINE,
        "DietaryCarbohydrates": m.CARBOHYDRATES,
        "DietaryEnergyConsumed": m.ENERGY_INTAKE,
        "DietaryFatTotal": m.FAT,
        "DietaryProtein": m.PROTEIN,
        "DietaryWater": m.WATER,
        "DistanceCycling": m.DISTANCE_CYCLED,
        "DistanceSwimming": m.DISTANCE_SWUM,
        "DistanceWalkingRunning": m.DISTANCE_ON_FOOT,
        "DistanceWheelchair": m.DISTANCE_BY_WHEELCHAIR,
        "EnvironmentalAudioExposure": m.ENVIRONMENT_SOUND,
        "FlightsClimbed": m.FLIGHTS_CLIMBED,
        "HeadphoneAudioExposure": m.HEADPHONE_SOUND,
        "HeartRate": m.HEART_RATE,
        "HeartRateRecoveryOneMinute": m.HEART_RATE_RECOVERY,
        "HeartRateVariabilitySDNN": m.HEART_RATE_VARIABILITY_SDNN,
        "Height": m.BODY_HEIGHT,
        "InsulinDelivery": m.INSULIN,
        "LeanBodyMass": m.LEAN_BODY_MASS,
        "NumberOfAlcoholicBeverages": m.ALCOHOLIC_DRINKS,
        "OxygenSaturation": m.OXYGEN_SATURATION,
        "PhysicalEffort": m.PHYSICAL_EFFORT,
        "PushCount": m.WHEELCHAIR_PUSHES,
        "RespiratoryRate": m.RESPIRATORY_RATE,
        "RestingHeartRate": m.RESTING_HEART_RATE,
        "RunningGroundContactTime": m.GROUND_CONTACT_TIME,
        "RunningPower": m.POWER,
        "RunningSpeed": m.SPEED,
        "RunningStrideLength": m.STRIDE_LENGTH,
        "RunningVerticalOscillation": m.VERTICAL_OSCILLATION,
        "SixMinuteWalkTestDistance": m.SIX_MINUTE_WALK,
        "StairAscentSpeed": m.STAIR_ASCENT_SPEED,
        "StairDescentSpeed": m.STAIR_DESCENT_SPEED,
        "StepCount": m.STEPS,
        "SwimmingStrokeCount": m.SWIMMING_STROKES,
        "TimeInDaylight": m.DAYLIGHT_TIME,
        "VO2Max": m.MAXIMAL_OXYGEN_UPTAKE,
        "WaistCircumference": m.WAIST_CIRCUMFERENCE,
        "WalkingAsymmetryPercentage": m.WALKING_ASYMMETRY,
        "WalkingDoubleSupportPercentage": m.WALKING_DOUBLE_SUPPORT,
        "WalkingHeartRateAverage": m.WALKING_HEART_RATE,
        "WalkingSpeed": m.WALKING_SPEED,
        "WalkingStepLength": m.WALKING_STEP_LENGTH,
    }.items()
}

CHOICES: Final[Mapping[str, tuple[Metric, Mapping[str, int]]]] = {
    # type: the metric, and which of its answers each value is
    f"{_C}SleepAnalysis": (
        m.SLEEP_STAGE,
        {
            f"{_V}SleepAnalysisInBed": 0,
            f"{_V}SleepAnalysisAsleep": 1,
            f"{_V}SleepAnalysisAsleepUnspecified": 1,
            f"{_V}SleepAnalysisAwake": 2,
            f"{_V}SleepAnalysisAsleepCore": 3,
            f"{_V}SleepAnalysisAsleepDeep": 4,
            f"{_V}SleepAnalysisAsleepREM": 5,
        },
    ),
    f"{_C}AppleStandHour": (
        m.STAND_HOUR,
        {f"{_V}AppleStandHourStood": 0, f"{_V}AppleStandHourIdle": 1},
    ),
    f"{_C}MindfulSession": (m.MINDFULNESS, {"": 0, NOT_APPLICABLE: 0}),
    f"{_C}HighHeartRateEvent": (m.HEART_EVENT, {"": 0, NOT_APPLICABLE: 0}),
    f"{_C}LowHeartRateEvent": (m.HEART_EVENT, {"": 1, NOT_APPLICABLE: 1}),
    f"{_C}IrregularHeartRhythmEvent": (m.HEART_EVENT, {"": 2, NOT_APPLICABLE: 2}),
    f"{_C}LowCardioFitnessEvent": (
        m.HEART_EVENT,
        {"": 3, NOT_APPLICABLE: 3, f"{_V}LowCardioFitnessEventLowFitness": 3},
    ),
    f"{_C}AudioExposureEvent": (
        m.SOUND_EVENT,
        {
            "": 0,
            NOT_APPLICABLE: 0,
            f"{_V}EnvironmentalAudioExposureEventMomentaryLimit": 0,
        },
    ),
    f"{_C}HeadphoneAudioExposureEvent": (
        m.SOUND_EVENT,
        {"": 1, NOT_APPLICABLE: 1, f"{_V}HeadphoneAudioExposureEventSevenDayLimit": 1},
    ),
    f"{_C}MenstrualFlow": (
        m.MENSTRUAL_FLOW,
        {
            f"{_V}MenstrualFlowUnspecified": 0,
            f"{_V}VaginalBleedingUnspecified": 0,
            f"{_V}MenstrualFlowLight": 1,
            f"{_V}VaginalBleedingLight": 1,
            f"{_V}MenstrualFlowMedium": 2,
            f"{_V}VaginalBleedingMedium": 2,
            f"{_V}MenstrualFlowHeavy": 3,
            f"{_V}VaginalBleedingHeavy": 3,
            f"{_V}MenstrualFlowNone": 4,
            f"{_V}VaginalBleedingNone": 4,
        },
    ),
}

SENSOR_NAMES: Final = ("dexcom", "libre", "eversense", "guardian", "minimed", "medtrum")
"""Names in a source that say a glucose comes from a sensor under the skin: the type does not tell,
and interstitial fluid is another specimen than blood."""

WORKOUT_PARTS: Final[Mapping[str, int]] = {
    # statistic of a workout: its place among the components of the workout metric
    f"{_Q}DistanceWalkingRunning": 1,
    f"{_Q}DistanceCycling": 1,
    f"{_Q}DistanceSwimming": 1,
    f"{_Q}DistanceWheelchair": 1,
    f"{_Q}DistanceDownhillSnowSports": 1,
    f"{_Q}ActiveEnergyBurned": 2,
    f"{_Q}BasalEnergyBurned": 3,
    f"{_Q}StepCount": 5,
}
WORKOUT_DURATION, WORKOUT_DISTANCE, WORKOUT_ENERGY, WORKOUT_ASCENT = 0, 1, 2, 4

METRICS: Final = tuple(
    sorted(
        {
            *(metric.name for metric in QUANTITIES.values()),
            *(metric.name for metric, _ in CHOICES.values()),
            *(metric.name for metric in (m.GLUCOSE_BLOOD, m.GLUCOSE_BLOOD_MOLAR)),
            *(metric.name for metric in (m.GLUCOSE_SENSOR, m.GLUCOSE_SENSOR_MOLAR)),
            *(metric.name for metric in (m.BLOOD_PRESSURE, m.WORKOUT, m.WORKOUT_HEART_RATE)),
            *(metric.name for metric in (m.ACTIVITY_DAY, m.ECG_CLASSIFICATION)),
            "ecg",
        }
    )
)
