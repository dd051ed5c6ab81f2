"""What somebody did in a workout: the labels of sessions. A name that we do not know is `other`."""

from pulsekey.signals.metric import Code

ACTIVITY_SYSTEM = "https://pulsekey.health/fhir/CodeSystem/activity"

_NAMES = """
    american-football archery badminton barre baseball basketball boxing climbing cooldown
    core-training cricket cross-country-skiing cross-training cycling dance downhill-skiing
    elliptical fencing fishing fitness-gaming flexibility functional-strength-training golf
    gymnastics handball hand-cycling high-intensity-interval-training hiking hockey jump-rope
    kickboxing lacrosse martial-arts mind-and-body mixed-cardio paddle-sports pickleball pilates
    play preparation-and-recovery racquetball rowing rugby running sailing skating-sports
    snowboarding soccer softball squash stair-climbing stairs step-training surfing-sports
    swim-bike-run swimming table-tennis tai-chi tennis track-and-field
    traditional-strength-training transition underwater-diving volleyball walking water-fitness
    water-polo water-sports wheelchair-run-pace wheelchair-walk-pace wrestling yoga
"""

OTHER = Code(ACTIVITY_SYSTEM, "other", "Other")
ACTIVITIES: dict[str, Code] = {
    name: Code(ACTIVITY_SYSTEM, name, name.replace("-", " ").capitalize())
    for name in _NAMES.split()
} | {"other": OTHER}


def activity(name: str) -> Code:
    """Return the label of an activity by its name in lower case with hyphens."""
    return ACTIVITIES.get(name, OTHER)
