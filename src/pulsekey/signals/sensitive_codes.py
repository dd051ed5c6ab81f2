"""Codes whose subject is sensitive, and codes that open only when what is unknown is named.

Every code stands here with its display, so that a reader can judge it; a code that could not be
found under this meaning in a published source does not stand here. Displays are for reading: they
are those of Synthea's charts (Apache-2.0), HL7's guides or US quality measures, long ones cut.
Which kinds are sensitive follows HL7's InformationSensitivityPolicy (PSY, ETH, SEX, STD, HIV).
This file is long because it is a table.

LOINC is copyright Regenstrief Institute, SNOMED CT is copyright SNOMED International; RxNorm is
published by the US National Library of Medicine.
"""

from collections.abc import Mapping
from typing import Final

from pulsekey.signals.metric import LOINC, SNOMED

RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"

Concepts = Mapping[tuple[str, str], str]
"""Displays by system and code."""


def table(system: str, text: str) -> dict[tuple[str, str], str]:
    """Return the concepts of a text with a code and its display a line; none may repeat."""
    found: dict[tuple[str, str], str] = {}
    for line in text.strip().splitlines():
        code, _, display = line.strip().partition(" ")
        if (system, code) in found or not display:
            raise ValueError(f"a code that repeats or has no display: {code}")
        found[system, code] = display
    return found


MENTAL_HEALTH: Final[Concepts] = {
    **table(
        SNOMED,
        """
6471006 Suicidal thoughts
13746004 Bipolar disorder
21897009 Generalized anxiety disorder
26929004 Alzheimer's disease
35489007 Depressive disorder
36923009 Major depression, single episode
47505003 Posttraumatic stress disorder
48694002 Anxiety
52448006 Dementia
58214004 Schizophrenia
69322001 Psychotic disorder
73595000 Stress
79094001 Initial psychiatric interview with mental status and evaluation
80583007 Severe anxiety (panic)
82313006 Suicide attempt
88848003 Psychiatric follow-up
110359009 Intellectual disability
171207006 Depression screening
192127007 Child attention deficit disorder
197480006 Anxiety disorder
225337009 Suicide risk assessment
228557008 Cognitive and behavioral therapy
230265002 Familial Alzheimer's disease of early onset
231504006 Mixed anxiety and depressive disorder
370143000 Major depressive disorder
385892002 Mental health screening
386257007 Dementia management
386522008 Overactivity/inattention behavior management
406506008 Attention deficit hyperactivity disorder
710841007 Assessment of anxiety
715252007 Depression screening using Patient Health Questionnaire Nine Item score
718347000 Mental health care plan
736254008 Psychiatry care plan
454711000124102 Depression screening using Patient Health Questionnaire Two-Item score
""",
    ),
    **table(
        LOINC,
        """
44249-1 PHQ-9 quick depression assessment panel
44250-9 Little interest or pleasure in doing things in last 2 weeks
44255-8 Feeling down, depressed, or hopeless in last 2 weeks
44261-6 Patient Health Questionnaire 9 item (PHQ-9) total score
48544-1 Geriatric depression scale
55757-9 Patient Health Questionnaire 2 item (PHQ-2)
55758-7 Patient Health Questionnaire 2 item (PHQ-2) total score
69737-5 Generalized anxiety disorder 7 item (GAD-7)
70274-6 Generalized anxiety disorder 7 item (GAD-7) total score
71354-5 Edinburgh Postnatal Depression Scale
72106-8 Total score [MMSE]
73831-0 Adolescent depression screening assessment
73832-8 Adult depression screening assessment
75443-2 Mental health Outpatient Note
84215-3 Mental health Telehealth Note
89204-2 Patient Health Questionnaire-9: Modified for Teens total score
89206-7 Patient Health Questionnaire-9: Modified for Teens
93038-8 Stress level
""",
    ),
    **table(
        RXNORM,
        """
310384 fluoxetine 10 MG Oral Capsule
310385 fluoxetine 20 MG Oral Capsule
310436 Galantamine 4 MG Oral Tablet
312938 sertraline 100 MG Oral Tablet
312940 sertraline 25 MG Oral Tablet
312941 sertraline 50 MG Oral Tablet
313185 Tacrine 10 MG Oral Capsule
608139 atomoxetine 100 MG Oral Capsule
996740 Memantine hydrochloride 2 MG/ML Oral Solution
997223 Donepezil hydrochloride 10 MG Oral Tablet
997224 Donepezil hydrochloride 10 MG Oral Tablet [Aricept]
1091150 methylphenidate hydrochloride 10 MG Oral Tablet
1091392 methylphenidate hydrochloride 20 MG Oral Tablet
1100184 Donepezil hydrochloride 23 MG Oral Tablet
1599803 24 HR Donepezil hydrochloride 10 MG / Memantine hydrochloride 28 MG Extended Release ...
""",
    ),
}
"""Disorders of mood, thought, attention and memory; suicide; their screening and treatment."""

SUBSTANCE_USE: Final[Concepts] = {
    **table(
        SNOMED,
        """
5602001 Opioid abuse
6525002 Dependent drug abuse
7200002 Alcoholism
8517006 Former smoker
15167005 Alcohol abuse
26416006 Drug abuse
55680006 Drug overdose
56294008 Nicotine dependence
56876005 Drug rehabilitation and detoxification
66590003 Alcohol dependence
77176002 Smoker
110483000 Tobacco user
191816009 Drug dependence
231477003 Heroin dependence
266707007 Drug addiction therapy
266919005 Never smoked tobacco
361055000 Misuses drugs
386449006 Substance use treatment: alcohol withdrawal
449868002 Smokes tobacco daily
713106006 Screening for drug abuse
713107002 Screening for alcohol abuse
763302001 Assessment using Alcohol Use Disorders Identification Test - Consumption
868187001 Assessment using Car, Relax, Alone, Forget, Friends, Trouble Screening Test
1149222004 Overdose
428041000124106 Occasional tobacco smoker
428211000124100 Assessment of substance use
10939881000119105 Unhealthy alcohol drinking behavior
""",
    ),
    **table(
        LOINC,
        """
3397-7 Cocaine [Presence] in Urine
3426-4 Tetrahydrocannabinol [Presence] in Urine
3879-4 Opiates [Presence] in Urine
5640-8 Ethanol [Mass/volume] in Blood
5643-2 Ethanol [Mass/volume] in Serum or Plasma
11367-0 History of Tobacco use
19659-2 Phencyclidine [Presence] in Urine by Screen method
65750-2 Drugs of abuse 5 panel - Urine by Screen method
68518-0 How often do you have a drink containing alcohol
68519-8 How many standard drinks containing alcohol do you have on a typical day
68520-6 How often do you have 6 or more drinks on 1 occasion
72109-2 Alcohol Use Disorder Identification Test - Consumption [AUDIT-C]
72166-2 Tobacco smoking status
75624-7 Total score [AUDIT]
75626-2 Total score [AUDIT-C]
82666-9 Drug Abuse Screening Test-10 [DAST-10]
82667-7 Total score [DAST-10]
""",
    ),
    **table(
        RXNORM,
        """
198031 24 HR nicotine 0.292 MG/HR Transdermal System
351264 buprenorphine 2 MG Sublingual Tablet
351266 buprenorphine 2 MG / naloxone 0.5 MG Sublingual Tablet
351267 buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet
1010600 buprenorphine 2 MG / naloxone 0.5 MG Sublingual Film
1801289 Smoking Cessation 12 HR bupropion hydrochloride 150 MG Extended Release Oral Tablet
""",
    ),
}
"""Alcohol, drugs and tobacco: use, disorders, tests, screening and treatment."""

REPRODUCTIVE_HEALTH: Final[Concepts] = {
    **table(
        SNOMED,
        """
10383002 Counseling for termination of pregnancy
11466000 Cesarean section
15628003 Gonorrhea
19169002 Miscarriage in first trimester
22523008 Vasectomy
31208007 Medical induction of labor
31676001 Human immunodeficiency virus antigen test
35025007 Manual pelvic examination
35999006 Blighted ovum
37849005 Congenital uterine anomaly
46706006 Replacement of contraceptive intrauterine device
47200007 High risk pregnancy
62479008 Acquired immune deficiency syndrome
65200003 Insertion of intrauterine contraceptive device
66348005 Childbirth
72892002 Normal pregnancy
76272004 Syphilis
77386006 Pregnancy
79586000 Tubal pregnancy
85116003 Miscarriage in second trimester
85548006 Episiotomy
86406008 Human immunodeficiency virus infection
90226004 Cytopathology procedure, preparation of smear, genital source
129103003 Endometriosis
134435003 Routine antenatal care
156073000 Complete miscarriage
161744009 Past pregnancy history of miscarriage
165816005 HIV positive
165829005 Gonorrhea infection titer test
167252002 Urine pregnancy test
169230002 Ultrasound scan for fetal viability
169553002 Insertion of subcutaneous contraceptive
169673001 Antenatal RhD antibody screening
169762003 Postnatal visit
171121004 Human immunodeficiency virus screening
171128005 Venereal disease screening
177157003 Spontaneous breech delivery
183460006 Obstetric emergency hospital admission
183996000 Sterilization requested
198992004 Eclampsia in pregnancy
225158009 Auscultation of the fetal heart
236931002 Methotrexate injection into tubal pregnancy
236974004 Instrumental delivery
237001001 Augmentation of labor
240589008 Chlamydia trachomatis infection
252160004 Standard pregnancy test
267020005 History of tubal ligation
267253006 Fetus with chromosomal abnormality
268533009 Sterilization education
269828009 Syphilis infectious titer test
271442007 Fetal anatomy study
274804006 Evaluation of uterine fundal height
275833003 Alpha-fetoprotein test - antenatal
287664005 Ligation of bilateral fallopian tubes
301807007 Removal of subcutaneous contraceptive
310061009 Gynecology service
310861008 Chlamydia antigen test
313077009 Human immunodeficiency virus counseling
313660005 Absolute CD4 count procedure
315124004 Human immunodeficiency virus viral load
367494004 Premature birth of newborn
386216000 Human parturition, function
386394001 Pregnancy termination care
398254007 Pre-eclampsia
424441002 Prenatal initial visit
424619006 Prenatal visit
443529005 Detection of chromosomal aneuploidy in prenatal amniotic fluid specimen
445912000 Excision of fallopian tube and surgical removal of ectopic pregnancy
446987006 Determination of susceptibility of Human immunodeficiency virus 1 to panel of ...
609496007 Complication occurring during pregnancy
714812005 Induced termination of pregnancy
1263416007 Removal of intrauterine contraceptive device
""",
    ),
    **table(
        LOINC,
        """
2106-3 Choriogonadotropin [Presence] in Urine
2118-8 Choriogonadotropin (pregnancy test) [Presence] in Serum or Plasma
7917-8 HIV 1 Ab [Presence] in Serum
7918-6 HIV 1+2 Ab [Presence] in Serum
8665-2 Last menstrual period start date
11640-0 [#] Births total
11778-8 Delivery date Estimated
11996-6 [#] Pregnancies
19080-1 Choriogonadotropin [Units/volume] in Serum or Plasma
20447-9 HIV 1 RNA [#/volume] (viral load) in Serum or Plasma by NAA with probe detection
20507-0 Reagin Ab [Presence] in Serum by RPR
21198-7 Choriogonadotropin.beta subunit [Units/volume] in Serum or Plasma
21415-5 Neisseria gonorrhoeae DNA [Presence] in Urethra by NAA with probe detection
21613-5 Chlamydia trachomatis DNA [Presence] in Specimen by NAA with probe detection
22461-8 Reagin Ab [Presence] in Serum
24111-7 Neisseria gonorrhoeae DNA [Presence] in Specimen by NAA with probe detection
24467-3 CD3+CD4+ (T4 helper) cells [#/volume] in Blood
25835-0 HIV 1 RNA [#/volume] (viral load) in Serum or Plasma
36902-5 Chlamydia trachomatis+Neisseria gonorrhoeae DNA [Presence] in Specimen by NAA with ...
43304-5 Chlamydia trachomatis rRNA [Presence] in Specimen by NAA with probe detection
55277-8 HIV status
56888-1 HIV 1+2 Ab+HIV1 p24 Ag [Presence] in Serum or Plasma by Immunoassay
75622-1 HIV 1 and 2 tests - Meaningful Use set
76690-7 Sexual orientation
76691-5 Gender identity
82810-3 Pregnancy status
""",
    ),
    **table(
        RXNORM,
        """
199663 zidovudine 300 MG Oral Tablet
235389 Mestranol / Norethynodrel
284988 didanosine 400 MG Delayed Release Oral Capsule
310988 indinavir 400 MG Oral Capsule
313110 stavudine 40 MG Oral Capsule
313760 zalcitabine 0.75 MG Oral Tablet
317150 ritonavir 100 MG Oral Capsule
349477 efavirenz 600 MG Oral Tablet
389221 Etonogestrel 68 MG Drug Implant
476556 emtricitabine 200 MG / tenofovir disoproxil fumarate 300 MG Oral Tablet
664741 atazanavir 300 MG Oral Capsule
748856 Yaz 28 Day Pack
748879 Levora 0.15/30 28 Day Pack
748962 Camila 28 Day Pack
749762 Seasonique 91 Day Pack
749785 Ortho Tri-Cyclen 28 Day Pack
749882 Norinyl 1+50 28 Day Pack
751905 Trinessa 28 Day Pack
757594 Jolivette 28 Day Pack
807283 Mirena 52 MG Intrauterine System
831533 Errin 28 Day Pack
978950 Natazia 28 Day Pack
1000126 1 ML medroxyprogesterone acetate 150 MG/ML Injection
1359133 Estrostep Fe 28 Day Pack
1367439 21 DAY ethinyl estradiol 0.000625 MG/HR / etonogestrel 0.005 MG/HR Vaginal System ...
1534809 168 HR Ethinyl Estradiol 0.00146 MG/HR / norelgestromin 0.00625 MG/HR Transdermal ...
1856546 Kyleena 19.5 MG Intrauterine System
""",
    ),
}
"""Pregnancy, its loss and its prevention; sexually transmitted infections; HIV; orientation."""

WITHHELD: Final[Concepts] = {
    **table(
        SNOMED,
        """
266948004 Has a criminal record
424393004 Reports of violence in the environment
446654005 Refugee
706893006 Victim of intimate partner abuse
866148006 Screening for domestic abuse
""",
    ),
    **table(
        LOINC,
        """
28245-9 Abuse Status [OMAHA]
69453-9 Cause of Death [US Standard Certificate of Death]
76499-3 Humiliation, Afraid, Rape, and Kick questionnaire [HARK]
76501-6 Within the last year, have you been afraid of your partner or ex-partner
76504-0 Total score [HARK]
93025-5 Protocol for Responding to and Assessing Patients' Assets, Risks, and Experiences ...
93026-3 Do you feel physically and emotionally safe where you currently live [PRAPARE]
93027-1 Are you a refugee
93028-9 Have you spent more than 2 nights in a row in a jail, prison or detention center ...
""",
    ),
}
"""Violence, prison, flight, death: sensitive, and without a category; hence unclassified."""
