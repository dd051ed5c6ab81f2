"""The publications that the rules cite, and how much of each we have seen ourselves.

The one rule: a number may rest on a publication alone only where its passage was read or is quoted
word for word elsewhere. Whatever else a rule says is "ours", and then a publication beside it shows
the way and carries no number. A test reads the handbook for citations that do not stand here.
"""

from dataclasses import dataclass
from enum import StrEnum


class Seen(StrEnum):
    """What we have seen of a publication when its citation was checked."""

    READ = "the passage"
    QUOTED = "the passage as others quote it"
    ABSTRACT = "its abstract"
    LISTED = "its entry in bibliographies"


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication: as the rules name it, where it is found, and what was seen of it."""

    name: str
    place: str
    seen: Seen


PUBLICATIONS: tuple[Publication, ...] = (
    Publication(
        "Ainsworth et al. 2011", "https://doi.org/10.1249/MSS.0b013e31821ece12", Seen.QUOTED
    ),
    Publication(
        "American Thoracic Society 2002",
        "https://doi.org/10.1164/ajrccm.166.1.at1102",
        Seen.LISTED,
    ),
    Publication("Baysal et al. 2014", "https://doi.org/10.1177/1932296814553267", Seen.LISTED),
    Publication("Behar et al. 2013", "https://doi.org/10.1109/TBME.2013.2240452", Seen.LISTED),
    Publication("Bohannon 1997", "https://doi.org/10.1093/ageing/26.1.15", Seen.QUOTED),
    Publication(
        "Böttcher et al. 2022", "https://pmc.ncbi.nlm.nih.gov/articles/PMC9741649", Seen.LISTED
    ),
    Publication("Charlton et al. 2016", "https://doi.org/10.1088/0967-3334/37/4/610", Seen.QUOTED),
    Publication("Clifford et al. 2012", "https://doi.org/10.1088/0967-3334/33/9/1419", Seen.LISTED),
    Publication("Cochran, Musso and Gorden 2005", "Diabetes Care 28(5):1240-1244", Seen.READ),
    Publication("Cole et al. 1999", "https://doi.org/10.1056/NEJM199910283411804", Seen.LISTED),
    Publication("Del Favero et al. 2020", "ISBN 978-0-12-816714-4, page 236", Seen.READ),
    Publication("EFSA 2015", "https://www.efsa.europa.eu/en/efsajournal/pub/4102", Seen.ABSTRACT),
    Publication("Elgendi 2013", "https://doi.org/10.1371/journal.pone.0073557", Seen.ABSTRACT),
    Publication("Friedl et al. 1994", "J Appl Physiol 77(2):933-940", Seen.ABSTRACT),
    Publication("Graubner and Nixdorf 2011", "New Studies in Athletics 26(1/2):19-53", Seen.LISTED),
    Publication("Harutyunyan et al. 2019", "YerevaNN/mimic3-benchmarks", Seen.READ),
    Publication("Haugen et al. 2018", "https://doi.org/10.1123/ijspp.2017-0441", Seen.LISTED),
    Publication(
        "Hayn, Jammerbund and Schreier 2012",
        "https://doi.org/10.1088/0967-3334/33/9/1449",
        Seen.ABSTRACT,
    ),
    Publication("Helton et al. 2011", "https://doi.org/10.1177/193229681100500317", Seen.ABSTRACT),
    Publication("Kahn et al. 2016", "https://doi.org/10.13063/2327-9214.1244", Seen.LISTED),
    Publication("Kräuchi 2007", "https://doi.org/10.1016/j.smrv.2007.07.001", Seen.LISTED),
    Publication(
        "Li, Mark and Clifford 2008", "https://doi.org/10.1088/0967-3334/29/1/002", Seen.LISTED
    ),
    Publication(
        "Li, Rajagopalan and Clifford 2014",
        "https://doi.org/10.1016/j.cmpb.2014.09.002",
        Seen.LISTED,
    ),
    Publication(
        "Mensh et al. 2013", "https://pmc.ncbi.nlm.nih.gov/articles/PMC3879750", Seen.LISTED
    ),
    Publication("NIOSH 1998", "NIOSH publication 98-126", Seen.QUOTED),
    Publication("Pan and Tompkins 1985", "https://doi.org/10.1109/TBME.1985.325532", Seen.LISTED),
    Publication(
        "Rousseeuw and Croux 1993", "https://doi.org/10.1080/01621459.1993.10476408", Seen.LISTED
    ),
    Publication(
        "Shaffer and Ginsberg 2017", "https://doi.org/10.3389/fpubh.2017.00258", Seen.LISTED
    ),
    Publication(
        "Tanaka, Monahan and Seals 2001",
        "https://doi.org/10.1016/S0735-1097(00)01054-8",
        Seen.QUOTED,
    ),
    Publication("Task Force 1996", "Circulation 93(5):1043-1065", Seen.LISTED),
    Publication(
        "van Hooren et al. 2020", "https://doi.org/10.1080/02640414.2019.1690960", Seen.LISTED
    ),
    Publication(
        "Weiskopf and Weng 2013", "https://doi.org/10.1136/amiajnl-2011-000681", Seen.LISTED
    ),
)
"""By name. Standards (ISO, AAMI, IETF, FHIR) and records are cited in words and stand not here."""
