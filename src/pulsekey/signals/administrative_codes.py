"""Codes that say how, where and by whom, never what is the matter with somebody.

A closed list, like those of `ordinary_codes`: what is not here has to be known from there, or the
resource that carries it is unclassified. A system stands here as a whole only where none of its
codes can be sensitive; those of services, specialties and departments do not, because psychiatry is
among them.

Sources: HL7 terminology (THO) and R4 4.0.1 value sets, US Core; SNOMED CT displays as in Synthea's
charts. This file is long because it is a table.
"""

from typing import Final

from pulsekey.signals.metric import SNOMED
from pulsekey.signals.sensitive_codes import Concepts, table

_THO: Final = "http://terminology.hl7.org/CodeSystem/"
_US_CORE: Final = "http://hl7.org/fhir/us/core/CodeSystem/"

_SYSTEMS: Final = frozenset(
    {
        *(
            _THO + name
            for name in (
                *("adjudication", "allergyintolerance-clinical", "allergyintolerance-verification"),
                *("claim-type", "claimcareteamrole", "claiminformationcategory", "coverage-class"),
                *("condition-category", "condition-clinical", "condition-ver-status"),
                *("data-absent-reason", "diagnosis-role", "dose-rate-type", "ex-diagnosistype"),
                *("immunization-origin", "medication-admin-category", "medicationrequest-category"),
                *("medication-statement-category", "medicationrequest-course-of-therapy"),
                *("observation-category", "organization-type", "payeetype", "processpriority"),
                *("provenance-participant-type", "subscriber-relationship", "supply-item-type"),
                *("v2-0131", "v2-0203", "v3-GTSAbbreviation", "v3-MaritalStatus", "v3-NullFlavor"),
                *("v3-ObservationInterpretation", "v3-ParticipationType"),
            )
        ),
        *(_US_CORE + name for name in ("careplan-category", "condition-category")),
        _US_CORE + "us-core-documentreference-category",
        _US_CORE + "us-core-provenance-participant-type",
        "http://dicom.nema.org/medical/dicom/current/output/chtml/part16/sect_CID_29.html",
        "http://dicom.nema.org/resources/ontology/DCM",
        "http://hl7.org/fhir/sid/cvx",
        "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem",
        "http://unitsofmeasure.org",
        "https://bluebutton.cms.gov/resources/codesystem/adjudication",
        "urn:ietf:bcp:47",
        "urn:ietf:rfc:3986",
    }
)

_PAIRS: Final = frozenset(
    (system, code)
    for system, codes in (
        (_THO + "v3-ActCode", "AMB EMER FLD HH IMP ACUTE NONAC OBSENC PRENC SS VR"),
        (_THO + "v3-ActCode", "EHCPOL HIP PUBLICPOL PPO HMO"),
        (_THO + "v3-Confidentiality", "U L M N"),
        (_THO + "v3-ObservationValue", "SUBSETTED"),
        (_THO + "v2-0074", "BG BLB CH CT CUS EC HM IMM LAB MB NMR PAT RAD RUS"),
        (_THO + "ex-serviceplace", "01 11 12 19 20 21"),
        ("http://www.nubc.org/patient-discharge", "1"),
        ("https://bluebutton.cms.gov/resources/variables/line_cms_type_srvc_cd", "1"),
    )
    for code in codes.split()
)

SUPPORTING: Final[Concepts] = {
    **table(
        SNOMED,
        """
409002 Food allergy diet
1505002 Hospital admission for isolation
10828004 Positive
17102003 Nasogastric tube, device
32485007 Hospital admission
38126007 Protective glasses, device
50849002 Emergency room admission
58332002 Allergy education
61968008 Syringe, device
77806000 Low calorie diet
116154003 Patient
160670007 Diabetic diet
162673000 General examination of patient
170837001 Allergic disorder initial assessment
183051005 Recommendation to rest
183063000 low salt diet education
183301007 physical exercise
183495009 Non-urgent orthopedic admission
185345009 Encounter for symptom
185347001 Encounter for problem
185349003 Encounter for check up
223366009 Healthcare professional
224891009 Healthcare services
225757006 Every four to six hours
229065009 Exercise therapy
229070002 Stretching exercises
229586001 Rest, ice, compression and elevation treatment programme
260373001 Detected
260385009 Negative
260415000 Not detected
266694003 Heat therapy
301011002 Escherichia coli urinary tract infection
304510005 Recommendation to avoid exercise
308335008 Patient encounter procedure
316744009 Office Visit
361235007 Isolation of infected patient
371605008 Deep breathing and coughing exercises
385949008 Dressing change management
386294003 Joint mobility exercises
386463000 Prescribed activity/exercise education
390906007 Follow-up encounter
408580007 Physical activity target light exercise
409524006 Airborne precautions
409526008 Personal protective equipment
409534002 Disposable air-purifying respirator
410620009 Well child visit
418577003 Take at regular intervals. Complete the prescribed course unless otherwise directed
419343004 Alcohol disinfectant
426990007 Home oxygen therapy
439830001 Behavior to prevent infection
444908001 Isolation nursing in negative pressure isolation environment
448907002 Videolaryngoscope
449071006 Mechanical ventilator
463983006 Operating room gown, single-use
465668002 Surgical cap, single-use
467053003 Basic endotracheal tube, single-use
468507004 Endotracheal tube stylet, single-use
468601005 Endotracheal tube holder
469212006 Isolation gown, reusable
469673003 Isolation gown, single-use
470609007 Laryngoscope blade, single-use
470618009 Antiseptic towelette
698314001 Consultation for treatment
701434005 Viral filter
702927004 Urgent care clinic
706004007 Implantable cardiac pacemaker
706092000 Suction system
706724001 Face shield
706774004 Lubricant
713779008 Nitrile examination/treatment glove, non-powdered, sterile
827149008 Carbon dioxide breath analyzer
1151000175103 Dietary approaches to stop hypertension diet
1171000175109 Increased physical activity
""",
    ),
}
"""Results, roles, instructions, activities of care plans, supplies and kinds of visit."""


def administrative(system: str, code: str) -> bool:
    """Whether a code says nothing about what is the matter with somebody."""
    return system in _SYSTEMS or (system, code) in _PAIRS
