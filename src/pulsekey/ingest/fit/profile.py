"""Which FIT fields become which of our metrics, and how their integers are scaled.

Source: the FIT global profile (scale and offset of each field). value = raw / scale - offset.
"""

from dataclasses import dataclass
from typing import Final

from pulsekey.signals.catalogue import (
    ALTITUDE,
    AMBIENT_TEMPERATURE,
    CADENCE,
    DISTANCE_TRAVELLED,
    GROUND_CONTACT_TIME,
    HEART_RATE,
    POWER,
    SPEED,
    VERTICAL_OSCILLATION,
)
from pulsekey.signals.metric import Metric

FIT_EPOCH_SECONDS: Final = 631_065_600
"""1989-12-31T00:00:00Z, from which FIT counts."""
CALENDAR_FROM: Final = 0x1000_0000
"""A smaller date_time counts seconds since the device was switched on."""
BEAT_DRIFT_SECONDS_MAX: Final = 5
"""Beat intervals follow each other; when records are further ahead than this, they start anew."""
OFFSET_STEP_SECONDS: Final = 15 * 60
OFFSET_SECONDS_MAX: Final = 14 * 60 * 60
OFFSET_TOLERANCE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Mapping:
    """One metric of a record: value = (raw * times - minus) / 10**scale.

    `fields` in the order of preference; `fraction` adds 128ths. `given` names the unit in the file
    where it is not the metric's, with the scale that its raw value has.
    """

    metric: Metric
    fields: tuple[str, ...]
    scale: int = 0
    times: int = 1
    minus: int = 0
    fraction: str = ""
    given: str = ""
    given_scale: int = 0


COLUMNS: Final = (
    Mapping(HEART_RATE, ("heart_rate",)),
    Mapping(CADENCE, ("cadence",), fraction="fractional_cadence"),
    Mapping(SPEED, ("enhanced_speed", "speed"), scale=3),
    Mapping(DISTANCE_TRAVELLED, ("distance",), scale=2),
    Mapping(POWER, ("power",)),
    # raw / 5 - 500 = (2 * raw - 5000) / 10
    Mapping(ALTITUDE, ("enhanced_altitude", "altitude"), scale=1, times=2, minus=5_000),
    Mapping(AMBIENT_TEMPERATURE, ("temperature",)),
    # Tenths of a millimetre are thousandths of a centimetre times ten: raw / 100 cm.
    Mapping(VERTICAL_OSCILLATION, ("vertical_oscillation",), scale=2, given="mm", given_scale=1),
    Mapping(GROUND_CONTACT_TIME, ("stance_time",), scale=1),
)

SESSION_PARTS: Final = (
    ("total_timer_time", 3),
    ("total_distance", 2),
    ("", 0),
    ("", 0),
    ("total_ascent", 0),
    ("", 0),
)
"""Field and scale for each component of `workout`; "" where FIT does not tell it apart."""
LAP_PARTS: Final = (("total_timer_time", 3), ("total_distance", 2), ("total_ascent", 0))
SESSION_HEART_RATES: Final = (
    ("avg_heart_rate", 0),
    ("min_heart_rate", 0),
    ("max_heart_rate", 0),
)

SPORTS: Final = {
    "e_biking": "cycling",
    "fitness_equipment": "cross-training",
    "training": "cross-training",
    "inline_skating": "skating-sports",
    "ice_skating": "skating-sports",
    "alpine_skiing": "downhill-skiing",
    "mountaineering": "climbing",
    "rock_climbing": "climbing",
    "kayaking": "paddle-sports",
    "paddling": "paddle-sports",
    "stand_up_paddleboarding": "paddle-sports",
    "surfing": "surfing-sports",
    "multisport": "swim-bike-run",
    "american_football": "american-football",
}
"""Sports whose FIT name is not our label's."""

DESCRIPTIVE_FIELDS: Final = frozenset(
    {name for column in COLUMNS for name in (*column.fields, column.fraction) if name}
    | {"timestamp", "position_lat", "position_long", "activity_type"}
)
"""Fields of a record that are kept, or that only say how others are meant."""

DESCRIPTIVE_MESSAGES: Final = frozenset(
    {
        "capabilities",
        "device_info",
        "device_settings",
        "developer_data_id",
        "event",
        "field_capabilities",
        "field_description",
        "file_capabilities",
        "file_creator",
        "mesg_capabilities",
        "pad",
        "software",
        "sport",
        "time_in_zone",
        "timestamp_correlation",
        "training_settings",
        "user_profile",
        "workout",
        "workout_step",
        "zones_target",
    }
)
"""Messages about the device and its settings, or computed from records that are kept."""
