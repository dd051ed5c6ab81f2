"""Codes that were judged to be ordinary: what a chart is mostly made of.

A code stands here only with its display and where it is what the display says in a published
source (see `sensitive_codes`). What is not here is `unclassified`, never ordinary by default. This
file is long because it is a table.
"""

from collections.abc import Mapping
from typing import Final

from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC, SNOMED
from pulsekey.signals.sensitive_codes import RXNORM, Concepts, table

ORDINARY: Final[Concepts] = {
    **table(
        SNOMED,
        """
5880005 Physical examination
6072007 Bleeding from anus
9564003 Complete blood count with white cell differential, automated
10509002 Acute bronchitis
13645005 Chronic obstructive lung disease
14768001 Peripheral blood smear interpretation
15081005 Pulmonary rehabilitation
15220000 Laboratory test
15777000 Prediabetes
16114001 Fracture of ankle
16830007 Visual acuity testing
18286008 Catheter ablation of tissue of heart
18718003 Gingival disease
19490002 Ankle X-ray
22298006 Myocardial infarction
23426006 Measurement of respiratory function
24079001 Atopic dermatitis
24623002 Screening mammography
25064002 Headache
25656009 Physical examination, complete
26604007 Complete blood count
26763009 Controlled ventilation procedure and therapy, initiation and management
27942005 Shock
29303009 Electrocardiographic procedure
30832001 Rupture of patellar tendon
33195004 External beam radiation therapy procedure
33367005 Angiography of coronary artery
33737001 Fracture of rib
34043003 Dental consultation and report
36955009 Loss of taste
36971009 Sinusitis
37320007 Loss of teeth
38102005 Cholecystectomy
38341003 Hypertensive disorder
39848009 Whiplash injury to neck
39898005 Sleep disorder
40055000 Chronic sinusitis
40275004 Contact dermatitis
40701008 Echocardiography
43724002 Chill
43878008 Streptococcal sore throat
44054006 Diabetes mellitus type 2
44465007 Sprain of ankle
44608003 Blood group typing
45595009 Laparoscopic cholecystectomy
45816000 Pyelonephritis
46177005 End-stage renal disease
47387005 Head injury rehabilitation
47693006 Rupture of appendix
48333001 Burn injury
48724000 Mitral valve regurgitation
49436004 Atrial Fibrillation
49727002 Cough
52052004 Rehabilitation therapy
52765003 Intubation
53741008 Coronary arteriosclerosis
53950000 Respiratory therapy
54550000 Electroencephalogram
55468007 Ocular slit lamp examination
55822004 Hyperlipidemia
56018004 Wheezing
56786000 Pulmonic valve stenosis
57617002 Urine specimen collection
57676002 Joint pain
58000006 Patient discharge
58150001 Fracture of clavicle
59621000 Essential hypertension
60027007 X-ray of wrist
60234000 Aortic valve regurgitation
60573004 Aortic valve stenosis
61746007 Taking patient vital signs
61804006 Alveolitis of jaw
62106007 Concussion with no loss of consciousness
62564004 Concussion with loss of consciousness
63332003 History AND physical examination
64859006 Osteoporosis
65275009 Acute cholecystitis
65363002 Otitis media
65546002 Extraction of wisdom tooth
65710008 Acute respiratory failure
65966004 Fracture of forearm
66383009 Gingivitis
67782005 Acute respiratory distress syndrome
68071007 Dental fluoride treatment
68235000 Nasal congestion
68496003 Polyp of colon
68566005 Urinary tract infectious disease
68962001 Muscle pain
69896004 Rheumatoid arthritis
70536003 Transplant of kidney
70704007 Sprain of wrist
71493000 Transfusion of packed red blood cells
71651007 Mammography
73430006 Sleep apnea
73761001 Colonoscopy
74016001 Knee X-ray
74400008 Appendicitis
75498004 Acute bacterial sinusitis
76164006 Biopsy of colon
76571007 Septic shock
76601001 Intramuscular injection
78275009 Obstructive sleep apnea syndrome
80146002 Excision of appendix
80394007 Hyperglycemia
81733005 Dental surgical procedure
82423001 Chronic pain
83664006 Idiopathic atrophic hypothyroidism
84100007 History taking
84114007 Heart failure
84229001 Fatigue
84478008 Occupational therapy
84757009 Epilepsy
87433001 Pulmonary emphysema
88805009 Chronic congestive heart failure
90460009 Injury of neck
90560007 Gout
91251008 Physical therapy procedure
91302008 Sepsis
92691004 Carcinoma in situ of prostate
93761005 Primary malignant neoplasm of colon
95417003 Primary fibromyalgia syndrome
103697008 Patient referral for dental care
103750000 Sleep apnea assessment
104435004 Screening for occult blood in feces
109570002 Primary dental caries
109838007 Overlapping malignant neoplasm of colon
109989006 Multiple myeloma
110030002 Concussion injury of brain
112798008 Insertion of endotracheal tube
117010004 Urine culture
117015009 Throat culture
125601008 Injury of knee
125605004 Fracture of bone
126906006 Neoplasm of prostate
127013003 Disorder of kidney due to diabetes mellitus
127294003 Traumatic or nontraumatic brain injury
127783003 Spirometry
128188000 Cerebral palsy
128613002 Seizure disorder
133899007 Postoperative care
133901003 Burn care
161665007 History of renal transplant
162676008 Brief general examination
162864005 Body mass index 30+ - obesity
168594001 Clavicle X-ray
170836005 Allergic disorder monitoring
173291009 Simple extraction of tooth
180256009 Subcutaneous immunotherapy
180325003 Electrical cardioversion
183519002 Referral to cardiology service
185086009 Chronic obstructive bronchitis
186431008 Clostridioides difficile infection
195662009 Acute viral pharyngitis
195967001 Asthma
196416002 Impacted molars
197927001 Recurrent urinary tract infection
200936003 Lupus erythematosus
201834006 Localized, primary osteoarthritis of the hand
203082005 Fibromyalgia
203646004 Adolescent idiopathic scoliosis
225358003 Wound care
225362009 Dental care
229064008 Movement therapy
230690007 Stroke
232353008 Perennial allergic rhinitis with seasonal variation
232717009 Coronary artery bypass grafting
233604007 Pneumonia
233678006 Childhood asthma
235919008 Gallbladder calculus
236077008 Protracted diarrhea
237602007 Metabolic syndrome X
239720000 Tear of meniscus of knee
239872002 Osteoarthritis of hip
239873007 Osteoarthritis of knee
241046008 Dental plain X-ray bitewing
241929008 Acute allergic reaction
243085009 Oral health education
248595008 Sputum finding
249497008 Vomiting symptom
252832004 Intraocular pressure test
254632001 Small cell carcinoma of lung
254637007 Non-small cell lung cancer
254837009 Malignant neoplasm of breast
261352009 Face mask
263102004 Fracture subluxation of wrist
265764009 Renal dialysis
267036007 Dyspnea
267060006 Diarrhea symptom
267102003 Sore throat symptom
268400002 12 lead electrocardiogram
269911007 Sputum examination
271737000 Anemia
271825005 Respiratory distress
274031008 Rectal polypectomy
274474001 Bone immobilization
274531002 Abnormal findings diagnostic imaging heart+coronary circulation
274788003 Examination of gingivae
275272006 Brain damage - traumatic
276239002 Therapy
278558000 Dental filling lost
278588009 Fractured dental filling
278598003 Leaking dental filling
278602001 Loose dental filling
278860009 Chronic low back pain
278919001 Communication disorder
281789004 Antibiotic therapy
283371005 Laceration of forearm
283385000 Laceration of thigh
284549007 Laceration of hand
284551006 Laceration of foot
288086009 Suture open wound
302870006 Hypertriglyceridemia
305340004 Admission to long stay hospital
305351004 Admission to intensive care unit
305428000 Admission to orthopedic department
307426000 Acute infective cystitis
307731004 Injury of tendon of the rotator cuff of shoulder
308283009 Discharge from hospital
311555007 Speech and language therapy regime
312608009 Laceration - injury
312681000 Bone density scan
313191000 Injection of epinephrine
314529007 Medication review due
314971001 Camera fundoscopy
359817006 Closed fracture of hip
363406005 Malignant neoplasm of colon
367336001 Chemotherapy
367498001 Seasonal allergic rhinitis
370247008 Facial laceration
371908008 Oxygen administration by mask
384709000 Sprain
384758001 Self-care interventions
385691007 Fracture care
386661006 Fever
389087006 Hypoxemia
395142003 Allergy screening test
398171003 Hearing examination
399208008 Plain chest X-ray
399211009 History of myocardial infarction
399261000 History of coronary artery bypass grafting
401303003 Acute ST segment elevation myocardial infarction
401314000 Acute non-ST segment elevation myocardial infarction
403190006 Epidermal burn of skin
403191005 Partial thickness burn
408512008 Body mass index 40+ - severely obese
408869004 Musculoskeletal care
410006001 Digital examination of rectum
412776001 Chronic obstructive pulmonary disease clinical management plan
414545008 Ischemic heart disease
415070008 Percutaneous coronary intervention
415300000 Review of systems
422587007 Nausea
427419006 Transformed migraine
427898007 Infection of tooth
428251008 History of appendectomy
430193006 Medication Reconciliation
430701006 Resuscitation using intravenous fluid
431182000 Placing subject in prone position
431855005 Chronic kidney disease stage 1
431856006 Chronic kidney disease stage 2
431857002 Chronic kidney disease stage 4
433144002 Chronic kidney disease stage 3
433236007 Transthoracic echocardiography
441550005 Urinalysis with reflex to microscopy and culture
443165006 Osteoporotic fracture of bone
443402002 Lifestyle education regarding hypertension
444448004 Injury of medial collateral ligament of knee
444470001 Injury of anterior cruciate ligament
444814009 Viral sinusitis
446096008 Perennial allergic rhinitis
449214001 Transfer to stepdown unit
698306007 Awaiting transplantation of kidney
698360004 Diabetes self management plan
699253003 Surgical manipulation of joint of knee
699728000 Asthma self management
700070005 Optical coherence tomography of retina
703423002 Combined chemotherapy and radiation therapy
706870000 Acute pulmonary embolism
710824005 Assessment of health and social care needs
711282006 Skin condition care
713024005 Plain X-ray of wrist region
713026007 Plain X-ray of humerus
713197008 Recurrent rectal polyp
714628002 Prediabetes
718361005 Weight management program
722161008 Diabetic retinal eye exam
734163000 Care plan
735984001 Heart failure self management plan
735985000 Diabetes self management plan
736252007 Cancer care plan
736283006 Chronic obstructive pulmonary disease clinical management plan
736285004 Hyperlipidemia clinical management plan
736353004 Inpatient care plan
736372004 Discharge care plan
736376001 Infectious disease care plan
736690008 Dialysis care plan
737471002 Minor surgery care management
737567002 Major surgery care management
762993000 Assessment using Morse Fall Scale
770349000 Sepsis caused by virus
773513001 Physiotherapy care plan
840539006 COVID-19
840544004 Suspected COVID-19
1260009003 Removal of supragingival plaque and calculus from all teeth using dental instrument
1260010008 Removal of subgingival plaque and calculus from all teeth using dental instrument
1287742003 Radiotherapy
1290407002 Plain X-ray of knee region
1290459008 Plain X-ray of ankle region
1290882004 History of seizure
1121000119107 Chronic neck pain
1551000119108 Nonproliferative diabetic retinopathy due to type II diabetes mellitus
90781000119102 Microalbuminuria due to type 2 diabetes mellitus
124171000119105 Chronic intractable migraine without aura
132281000119108 Acute deep venous thrombosis
157141000119108 Proteinuria due to type 2 diabetes mellitus
368581000119106 Neuropathy due to type 2 diabetes mellitus
16335031000119103 High resolution computed tomography of chest without contrast
""",
    ),
    **table(
        RXNORM,
        """
106258 Hydrocortisone 10 MG/ML Topical Cream
106892 insulin isophane, human 70 UNT/ML / insulin, regular, human 30 UNT/ML Injectable ...
197319 Allopurinol 100 MG Oral Tablet
197378 Astemizole 10 MG Oral Tablet
197454 cephalexin 500 MG Oral Tablet
197604 Digoxin 0.125 MG Oral Tablet
198014 Naproxen 500 MG Oral Tablet
198335 sulfamethoxazole 800 MG / trimethoprim 160 MG Oral Tablet
198405 Ibuprofen 100 MG Oral Tablet
198440 Acetaminophen 500 MG Oral Tablet
200033 carvedilol 25 MG Oral Tablet
206905 Ibuprofen 400 MG Oral Tablet [Ibu]
209387 Acetaminophen 325 MG Oral Tablet [Tylenol]
242969 4 ML norepinephrine 1 MG/ML Injection
243670 Aspirin 81 MG Oral Tablet
245134 72 HR Fentanyl 0.025 MG/HR Transdermal System
245314 albuterol 5 MG/ML Inhalation Solution
259255 atorvastatin 80 MG Oral Tablet
308136 amLODIPine 2.5 MG Oral Tablet
308182 Amoxicillin 250 MG Oral Capsule
308192 Amoxicillin 500 MG Oral Tablet
309097 Cefuroxime 250 MG Oral Tablet
309309 ciprofloxacin 500 MG Oral Tablet
309362 Clopidogrel 75 MG Oral Tablet
310325 ferrous sulfate 325 MG Oral Tablet
310798 Hydrochlorothiazide 25 MG Oral Tablet
310965 Ibuprofen 200 MG Oral Tablet
311372 Loratadine 10 MG Oral Tablet
312615 predniSONE 20 MG Oral Tablet
312961 Simvastatin 20 MG Oral Tablet
313782 Acetaminophen 325 MG Oral Tablet
313820 Acetaminophen 160 MG Chewable Tablet
313988 Furosemide 40 MG Oral Tablet
314076 lisinopril 10 MG Oral Tablet
314077 lisinopril 20 MG Oral Tablet
314231 Simvastatin 10 MG Oral Tablet
351109 budesonide 0.25 MG/ML Inhalation Suspension
483438 pregabalin 100 MG Oral Capsule
562251 Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet
617296 amoxicillin 500 MG / clavulanate 125 MG Oral Tablet
617311 atorvastatin 40 MG Oral Tablet
617312 atorvastatin 10 MG Oral Tablet
630208 albuterol 0.83 MG/ML Inhalation Solution
665078 Loratadine 5 MG Chewable Tablet
705129 Nitroglycerin 0.4 MG/ACTUAT Mucosal Spray
745752 NDA021457 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler [ProAir]
834061 Penicillin V Potassium 250 MG Oral Tablet
834102 Penicillin V Potassium 500 MG Oral Tablet
835603 tramadol hydrochloride 50 MG Oral Tablet
849574 Naproxen sodium 220 MG Oral Tablet
854235 0.4 ML Enoxaparin sodium 100 MG/ML Prefilled Syringe
854252 1 ML Enoxaparin sodium 150 MG/ML Prefilled Syringe
855332 Warfarin Sodium 5 MG Oral Tablet
856987 Acetaminophen 300 MG / Hydrocodone Bitartrate 5 MG Oral Tablet
859088 NDA020983 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler [Ventolin]
860975 24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet
861467 Meperidine Hydrochloride 50 MG Oral Tablet
866412 24 HR metoprolol succinate 100 MG Extended Release Oral Tablet
895996 120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler [Flovent]
896001 120 ACTUAT fluticasone propionate 0.11 MG/ACTUAT Metered Dose Inhaler [Flovent]
896209 60 ACTUAT Fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder ...
897685 verapamil hydrochloride 80 MG Oral Tablet [Calan]
897718 Verapamil Hydrochloride 40 MG
904419 Alendronic acid 10 MG Oral Tablet
966222 Levothyroxine Sodium 0.075 MG Oral Tablet
979092 Hydroxychloroquine Sulfate 200 MG Oral Tablet
979492 losartan potassium 50 MG Oral Tablet
997488 Fexofenadine hydrochloride 30 MG Oral Tablet
1014676 cetirizine hydrochloride 5 MG Oral Tablet
1043400 Acetaminophen 21.7 MG/ML / Dextromethorphan Hydrobromide 1 MG/ML / doxylamine ...
1049221 Acetaminophen 325 MG / Oxycodone Hydrochloride 5 MG Oral Tablet
1049625 Acetaminophen 325 MG / Oxycodone Hydrochloride 10 MG Oral Tablet [Percocet]
1049630 diphenhydrAMINE Hydrochloride 25 MG Oral Tablet
1648755 nitrofurantoin, macrocrystals 25 MG / nitrofurantoin, monohydrate 75 MG Oral Capsule
1659131 piperacillin 2000 MG / tazobactam 250 MG Injection
1659149 piperacillin 4000 MG / tazobactam 500 MG Injection
1664463 24 HR tacrolimus 1 MG Extended Release Oral Tablet [Envarsus]
1736776 10 ML oxaliplatin 5 MG/ML Injection
1803932 Leucovorin 100 MG Injection
1807510 150 ML vancomycin 5 MG/ML Injection
1807513 vancomycin 1000 MG Injection
1870230 NDA020800 0.3 ML Epinephrine 1 MG/ML Auto-Injector
2001499 Vitamin B12 5 MG/ML Injectable Solution
2103182 1 ML Vasopressin (USP) 20 UNT/ML Injection
2123111 NDA020503 200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler
""",
    ),
    **table(
        LOINC,
        """
600-7 Bacteria identified in Blood by Culture
11524-6 EKG study
18748-4 Diagnostic imaging study
24317-0 Hemogram and platelets WO differential panel - Blood
24320-4 Basic metabolic 1998 panel - Serum or Plasma
24321-2 Basic metabolic 2000 panel - Serum or Plasma
24323-8 Comprehensive metabolic 2000 panel - Serum or Plasma
24331-1 Lipid 1996 panel - Serum or Plasma
24336-0 Gas panel - Arterial blood
24339-4 Gas panel - Venous blood
24356-8 Urinalysis complete panel - Urine
24357-6 Urinalysis macro (dipstick) panel - Urine
24360-0 Hemoglobin and Hematocrit panel - Blood
24362-6 Renal function 2000 panel - Serum or Plasma
34528-0 PT panel - Platelet poor plasma by Coagulation assay
50190-8 Iron and Iron binding capacity panel - Serum or Plasma
51990-0 Basic metabolic panel - Blood
55231-5 Electrolytes panel - Blood
57023-4 Auto Differential panel - Blood
57698-3 Lipid panel with direct LDL - Serum or Plasma
58410-2 Complete blood count (hemogram) panel - Blood by Automated count
69742-5 CBC W Differential panel, method unspecified - Blood
75689-0 Iron panel - Serum or Plasma
80381-7 Influenza virus A and B Ag panel - Nasopharynx by Rapid immunoassay
87674-8 Optical coherence tomography study
89577-1 Troponin I.cardiac panel - Serum or Plasma by High sensitivity method
92143-7 Respiratory pathogens DNA and RNA panel - Respiratory specimen by NAA with probe ...
94531-1 SARS-CoV-2 (COVID-19) RNA panel - Respiratory system specimen by NAA with probe ...
""",
    ),
}
"""Diagnoses, procedures, care plans, medicines and reports; which one, the resource type says."""

SOCIAL_HISTORY: Final[Concepts] = {
    **table(
        SNOMED,
        """
32911000 Homeless
73438004 Unemployed
105531004 Housing unsatisfactory
160903007 Full-time employment
160904001 Part-time employment
224295006 Only received primary school education
224299000 Received higher education
266934004 Transport problem
422650009 Social isolation
423315002 Limited social contact
473461003 Educated to high school level
713458007 Lack of access to transportation
741062008 Not in labor force
1187604002 Serving in military service
5251000175109 Received certificate of high school equivalency
""",
    ),
    **table(
        LOINC,
        """
67875-5 Employment status - current
71802-3 Housing status
82589-3 Highest level of education
""",
    ),
}
"""Work, schooling, housing and company, whether a chart keeps them as conditions or findings."""

NOTES: Final[Concepts] = {
    **table(
        LOINC,
        """
34117-2 History and physical note
51847-2 Evaluation + Plan note
""",
    ),
}
"""Reports that are a clinician's free text: the same text as a document, hence its category."""

_OBSERVED: Final[Mapping[Category, str]] = {
    Category.LABORATORY: """
630-4 Bacteria identified in Urine by Culture
704-7 Basophils [#/volume] in Blood by Automated count
706-2 Basophils/100 leukocytes in Blood by Automated count
711-2 Eosinophils [#/volume] in Blood by Automated count
713-8 Eosinophils/100 leukocytes in Blood by Automated count
718-7 Hemoglobin [Mass/volume] in Blood
731-0 Lymphocytes [#/volume] in Blood by Automated count
736-9 Lymphocytes/100 leukocytes in Blood by Automated count
742-7 Monocytes [#/volume] in Blood by Automated count
751-8 Neutrophils [#/volume] in Blood by Automated count
770-8 Neutrophils/100 leukocytes in Blood by Automated count
777-3 Platelets [#/volume] in Blood by Automated count
785-6 MCH [Entitic mass] by Automated count
786-4 MCHC [Mass/volume] by Automated count
787-2 MCV [Entitic volume] by Automated count
788-0 Erythrocyte distribution width [Ratio] by Automated count
789-8 Erythrocytes [#/volume] in Blood by Automated count
1742-6 Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma
1751-7 Albumin [Mass/volume] in Serum or Plasma
1920-8 Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma
1960-4 Bicarbonate [Moles/volume] in Arterial blood
1975-2 Bilirubin.total [Mass/volume] in Serum or Plasma
1988-5 C reactive protein [Mass/volume] in Serum or Plasma
1989-3 25-hydroxyvitamin D3 [Mass/volume] in Serum or Plasma
2019-8 Carbon dioxide [Partial pressure] in Arterial blood
2021-4 Carbon dioxide [Partial pressure] in Venous blood
2027-1 Carbon dioxide, total [Moles/volume] in Venous blood
2028-9 Carbon dioxide, total [Moles/volume] in Serum or Plasma
2069-3 Chloride [Moles/volume] in Blood
2075-0 Chloride [Moles/volume] in Serum or Plasma
2085-9 Cholesterol in HDL [Mass/volume] in Serum or Plasma
2089-1 Cholesterol in LDL [Mass/volume] in Serum or Plasma
2093-3 Cholesterol [Mass/volume] in Serum or Plasma
2132-9 Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma
2157-6 Creatine kinase [Enzymatic activity/volume] in Serum or Plasma
2160-0 Creatinine [Mass/volume] in Serum or Plasma
2276-4 Ferritin [Mass/volume] in Serum or Plasma
2284-8 Folate [Mass/volume] in Serum or Plasma
2498-4 Iron [Mass/volume] in Serum or Plasma
2500-7 Iron binding capacity [Mass/volume] in Serum or Plasma
2502-3 Iron saturation [Mass Fraction] in Serum or Plasma
2514-8 Ketones [Presence] in Urine by Test strip
2532-0 Lactate dehydrogenase [Enzymatic activity/volume] in Serum or Plasma
2571-8 Triglyceride [Mass/volume] in Serum or Plasma
2703-7 Oxygen [Partial pressure] in Arterial blood
2705-2 Oxygen [Partial pressure] in Venous blood
2744-1 pH of Arterial blood
2746-6 pH of Venous blood
2777-1 Phosphate [Mass/volume] in Serum or Plasma
2823-3 Potassium [Moles/volume] in Serum or Plasma
2857-1 Prostate specific Ag [Mass/volume] in Serum or Plasma
2885-2 Protein [Mass/volume] in Serum or Plasma
2947-0 Sodium [Moles/volume] in Blood
2951-2 Sodium [Moles/volume] in Serum or Plasma
3016-3 Thyrotropin [Units/volume] in Serum or Plasma
3024-7 Thyroxine (T4) free [Mass/volume] in Serum or Plasma
3084-1 Urate [Mass/volume] in Serum or Plasma
3094-0 Urea nitrogen [Mass/volume] in Serum or Plasma
3173-2 aPTT in Blood by Coagulation assay
3184-9 Activated clotting time (ACT) of Blood by Coagulation assay
4544-3 Hematocrit [Volume Fraction] of Blood by Automated count
5767-9 Appearance of Urine
5770-3 Bilirubin.total [Presence] in Urine by Test strip
5778-6 Color of Urine
5787-7 Epithelial cells [#/area] in Urine sediment by Microscopy high power field
5794-3 Hemoglobin [Presence] in Urine by Test strip
5797-6 Ketones [Mass/volume] in Urine by Test strip
5799-2 Leukocyte esterase [Presence] in Urine by Test strip
5802-4 Nitrite [Presence] in Urine by Test strip
5803-2 pH of Urine by Test strip
5804-0 Protein [Mass/volume] in Urine by Test strip
5811-5 Specific gravity of Urine by Test strip
5821-4 Leukocytes [#/area] in Urine sediment by Microscopy high power field
5902-2 Prothrombin time (PT)
5905-5 Monocytes/100 leukocytes in Blood by Automated count
6075-6 Cladosporium herbarum IgE Ab in Serum
6082-2 Codfish IgE Ab in Serum
6085-5 Common Ragweed IgE Ab in Serum
6095-4 American house dust mite IgE Ab in Serum
6106-9 Egg white IgE Ab in Serum
6158-0 Latex IgE Ab in Serum
6189-5 White oak IgE Ab in Serum
6206-7 Peanut IgE Ab in Serum
6246-3 Shrimp IgE Ab in Serum
6248-9 Soybean IgE Ab in Serum
6273-7 Walnut IgE Ab in Serum
6276-0 Wheat IgE Ab in Serum
6298-4 Potassium [Moles/volume] in Blood
6299-2 Urea nitrogen [Mass/volume] in Blood
6301-6 INR in Platelet poor plasma by Coagulation assay
6690-2 Leukocytes [#/volume] in Blood by Automated count
6768-6 Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma
6833-8 Cat dander IgE Ab in Serum
6844-5 Honey bee IgE Ab in Serum
7258-7 Cow milk IgE Ab in Serum
9318-7 Albumin/Creatinine [Mass Ratio] in Urine
10834-0 Globulin [Mass/volume] in Serum by calculation
13457-7 Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation
13945-1 Erythrocytes [#/area] in Urine sediment by Microscopy high power field
14627-4 Bicarbonate [Moles/volume] in Venous blood
14647-2 Cholesterol [Moles/volume] in Serum or Plasma
14804-9 Lactate dehydrogenase [Enzymatic activity/volume] in Serum or Plasma by Lactate to ...
14959-1 Microalbumin/Creatinine [Mass Ratio] in Urine
17861-6 Calcium [Mass/volume] in Serum or Plasma
18262-6 Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay
19123-9 Magnesium [Mass/volume] in Serum or Plasma
20454-5 Protein [Presence] in Urine by Test strip
20505-4 Bilirubin.total [Mass/volume] in Urine by Test strip
20565-8 Carbon dioxide, total [Moles/volume] in Blood
20570-8 Hematocrit [Volume Fraction] of Blood
21000-5 Erythrocyte distribution width [Entitic volume] by Automated count
26453-1 Erythrocytes [#/volume] in Blood
26464-8 Leukocytes [#/volume] in Blood
26515-7 Platelets [#/volume] in Blood
30522-7 C reactive protein [Mass/volume] in Serum or Plasma by High sensitivity method
32167-9 Clarity of Urine
32207-3 Platelet distribution width [Entitic volume] in Blood by Automated count
32623-1 Platelet mean volume [Entitic volume] in Blood by Automated count
32693-4 Lactate [Moles/volume] in Blood
33037-3 Anion gap in Serum or Plasma by calculation
33762-6 Natriuretic peptide.B prohormone N-Terminal [Mass/volume] in Serum or Plasma
33914-3 Glomerular filtration rate [Volume Rate/Area] in Serum or Plasma by Creatinine-based ...
33959-8 Procalcitonin [Mass/volume] in Serum or Plasma
34533-0 Odor of Urine
38483-4 Creatinine [Mass/volume] in Blood
48065-7 Fibrin D-dimer FEU [Mass/volume] in Platelet poor plasma
48642-3 Glomerular filtration rate/1.73 sq M predicted among non-blacks [Volume Rate/Area] in ...
48643-1 Glomerular filtration rate/1.73 sq M predicted among blacks [Volume Rate/Area] in ...
49765-1 Calcium [Mass/volume] in Blood
57905-2 Hemoglobin.gastrointestinal [Presence] in Stool by Immunologic method
59032-3 Lactate [Mass/volume] in Blood
62238-1 Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or ...
80382-5 Influenza virus A Ag [Presence] in Nasopharynx by Rapid immunoassay
80383-3 Influenza virus B Ag [Presence] in Nasopharynx by Rapid immunoassay
88262-1 Gram positive blood culture panel by Probe in Positive blood culture
89579-7 Troponin I.cardiac [Mass/volume] in Serum or Plasma by High sensitivity method
92130-4 Rhinovirus RNA [Presence] in Respiratory specimen by NAA with probe detection
92131-2 Respiratory syncytial virus RNA [Presence] in Respiratory specimen by NAA with probe ...
92134-6 Human metapneumovirus RNA [Presence] in Respiratory specimen by NAA with probe ...
92138-7 Parainfluenza virus 3 RNA [Presence] in Respiratory specimen by NAA with probe ...
92139-5 Parainfluenza virus 2 RNA [Presence] in Respiratory specimen by NAA with probe ...
92140-3 Parainfluenza virus 1 RNA [Presence] in Respiratory specimen by NAA with probe ...
92141-1 Influenza virus B RNA [Presence] in Respiratory specimen by NAA with probe detection
92142-9 Influenza virus A RNA [Presence] in Respiratory specimen by NAA with probe detection
94040-3 Adenovirus A+B+C+D+E DNA [Presence] in Respiratory specimen by NAA with probe detection
94531-1 SARS-CoV-2 (COVID-19) RNA panel - Respiratory system specimen by NAA with probe ...
98979-8 Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or ...
""",
    # What consent calls glucose is glucose wherever it was measured, its long-term mean included.
    Category.GLUCOSE: """
1518-0 Glucose [Mass/volume] in Serum or Plasma --2 hours post 75 g glucose PO
1558-6 Fasting glucose [Mass/volume] in Serum or Plasma
2339-0 Glucose [Mass/volume] in Blood
2340-8 Glucose [Mass/volume] in Blood by Automated test strip
2345-7 Glucose [Mass/volume] in Serum or Plasma
4548-4 Hemoglobin A1c/Hemoglobin.total in Blood
5792-7 Glucose [Mass/volume] in Urine by Test strip
14743-9 Glucose [Moles/volume] in Capillary blood by Glucometer
14749-6 Glucose [Moles/volume] in Serum or Plasma
14771-0 Fasting glucose [Moles/volume] in Serum or Plasma
15074-8 Glucose [Moles/volume] in Blood
17856-6 Hemoglobin A1c/Hemoglobin.total in Blood by HPLC
25428-4 Glucose [Presence] in Urine by Test strip
41653-7 Glucose [Mass/volume] in Capillary blood by Glucometer
59261-8 Hemoglobin A1c/Hemoglobin.total in Blood by IFCC protocol
97507-8 Average glucose [Mass/volume] in Interstitial fluid during Reporting Period
99504-3 Glucose [Mass/volume] in Interstitial fluid
105272-9 Glucose [Moles/volume] in Interstitial fluid
105273-7 Glucose [Moles/volume] in Reporting Period mean Interstitial fluid by calculation
""",
    Category.BLOOD_PRESSURE: """
8453-3 Diastolic blood pressure--sitting
8459-0 Systolic blood pressure--sitting
8462-4 Diastolic blood pressure
8478-0 Mean blood pressure
8480-6 Systolic blood pressure
35094-2 Blood pressure panel
85354-9 Blood pressure panel with all children optional
""",
    Category.HEART_RATE: """
8867-4 Heart rate
8889-8 Heart rate by Pulse oximetry
40443-4 Heart rate --resting
80404-7 R-R interval.standard deviation (Heart rate variability)
""",
    Category.OXYGEN: """
2708-6 Oxygen saturation in Arterial blood
2713-6 Oxygen saturation Calculated from oxygen partial pressure in Blood
3150-0 Inhaled oxygen concentration
3151-8 Inhaled oxygen flow rate
19994-3 Oxygen/Inspired gas setting [Volume Fraction] Ventilator
59408-5 Oxygen saturation in Arterial blood by Pulse oximetry
""",
    Category.RESPIRATION: """
9279-1 Respiratory rate
19868-9 Forced vital capacity [Volume] Respiratory system by Spirometry
19926-5 FEV1/FVC
20150-9 FEV1
""",
    Category.TEMPERATURE: """
8310-5 Body temperature
8328-7 Axillary temperature
8331-1 Oral temperature
8333-7 Tympanic membrane temperature
""",
    Category.BODY: """
3141-9 Body weight Measured
8280-0 Waist Circumference at umbilicus by Tape measure
8287-5 Head Occipital-frontal circumference by Tape measure
8289-1 Head Occipital-frontal circumference Percentile
8302-2 Body height
8306-3 Body height --lying
9843-4 Head Occipital-frontal circumference
29463-7 Body weight
39156-5 Body mass index (BMI) [Ratio]
41982-0 Percentage of body fat Measured
59576-9 Body mass index (BMI) [Percentile] Per age and sex
77606-2 Weight-for-length Per age and sex
""",
    Category.ECG: """
8601-7 EKG impression
8625-6 P-R interval
8634-8 Q-T interval
8636-3 Q-T interval corrected
11524-6 EKG study
""",
    Category.ACTIVITY: """
41950-7 Number of steps in 24 hour Measured
41981-2 Calories burned
55411-3 Exercise duration
55423-8 Number of steps in unspecified time Pedometer
64098-7 Six minute walk test
""",
    Category.SLEEP: """
93829-0 REM sleep duration
93830-8 Light sleep duration
93831-6 Deep sleep duration
93832-4 Sleep duration
""",
    Category.NUTRITION: """
9052-2 Calorie intake total
""",
    Category.IMAGING: """
38265-5 DXA [T-score] Bone density
""",
    # How strong a pain is: a symptom, which a patient tells with the condition.
    Category.CONDITIONS: """
38208-5 Pain severity - Reported
72514-3 Pain severity - 0-10 verbal numeric rating [Score] - Reported
75893-8 Pain severity in the past week - 0-10 numeric rating [Reported]
91145-3 What number best describes how pain has interfered with your enjoyment of life during ...
91146-1 What number best describes how pain has interfered with your general activity during ...
91148-7 Pain intensity, Enjoyment of life, General activity scale [PEG]
""",
}

OBSERVED: Final[Mapping[Category, Concepts]] = {
    category: table(LOINC, text) for category, text in _OBSERVED.items()
}
"""LOINC codes of Observations by the category that they name."""
