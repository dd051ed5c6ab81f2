"""What R4 demands of each struct beyond its shape. Generated: do not edit."""

from pulsekey.resources.strict import Fact

FACTS: dict[str, Fact] = {
    "Element": Fact("Element"),
    "BackboneElement": Fact("BackboneElement"),
    "Resource": Fact("Resource"),
    "DomainResource": Fact("DomainResource"),
    "Address": Fact("Address"),
    "Age": Fact("Age"),
    "AllergyIntolerance": Fact(
        "AllergyIntolerance",
        required=("patient",),
        choices=(
            (
                False,
                ("onset_date_time", "onset_age", "onset_period", "onset_range", "onset_string"),
            ),
        ),
        references=(
            ("patient", ("Patient",)),
            ("encounter", ("Encounter",)),
            ("recorder", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
            ("asserter", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
        ),
        concepts=(
            (
                "clinical_status",
                (
                    (
                        "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                        ("active", "inactive", "resolved"),
                    ),
                ),
            ),
            (
                "verification_status",
                (
                    (
                        "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
                        ("confirmed", "entered-in-error", "refuted", "unconfirmed"),
                    ),
                ),
            ),
        ),
    ),
    "AllergyIntoleranceReaction": Fact("AllergyIntolerance.reaction", required=("manifestation",)),
    "Annotation": Fact(
        "Annotation",
        required=("text",),
        choices=((False, ("author_reference", "author_string")),),
        references=(
            ("author_reference", ("Organization", "Patient", "Practitioner", "RelatedPerson")),
        ),
    ),
    "Attachment": Fact("Attachment"),
    "Binary": Fact("Binary", required=("content_type",)),
    "Bundle": Fact("Bundle", required=("type",)),
    "BundleEntry": Fact("Bundle.entry"),
    "BundleEntryRequest": Fact("Bundle.entry.request", required=("method", "url")),
    "BundleEntryResponse": Fact("Bundle.entry.response", required=("status",)),
    "BundleEntrySearch": Fact("Bundle.entry.search"),
    "BundleLink": Fact("Bundle.link", required=("relation", "url")),
    "CapabilityStatement": Fact(
        "CapabilityStatement", required=("status", "date", "kind", "fhir_version", "format")
    ),
    "CapabilityStatementDocument": Fact(
        "CapabilityStatement.document", required=("mode", "profile")
    ),
    "CapabilityStatementImplementation": Fact(
        "CapabilityStatement.implementation",
        required=("description",),
        references=(("custodian", ("Organization",)),),
    ),
    "CapabilityStatementMessaging": Fact("CapabilityStatement.messaging"),
    "CapabilityStatementMessagingEndpoint": Fact(
        "CapabilityStatement.messaging.endpoint", required=("protocol", "address")
    ),
    "CapabilityStatementMessagingSupportedMessage": Fact(
        "CapabilityStatement.messaging.supportedMessage", required=("mode", "definition")
    ),
    "CapabilityStatementRest": Fact("CapabilityStatement.rest", required=("mode",)),
    "CapabilityStatementRestInteraction": Fact(
        "CapabilityStatement.rest.interaction", required=("code",)
    ),
    "CapabilityStatementRestResource": Fact(
        "CapabilityStatement.rest.resource", required=("type",)
    ),
    "CapabilityStatementRestResourceInteraction": Fact(
        "CapabilityStatement.rest.resource.interaction", required=("code",)
    ),
    "CapabilityStatementRestResourceOperation": Fact(
        "CapabilityStatement.rest.resource.operation", required=("name", "definition")
    ),
    "CapabilityStatementRestResourceSearchParam": Fact(
        "CapabilityStatement.rest.resource.searchParam", required=("name", "type")
    ),
    "CapabilityStatementRestSecurity": Fact("CapabilityStatement.rest.security"),
    "CapabilityStatementSoftware": Fact("CapabilityStatement.software", required=("name",)),
    "CarePlan": Fact(
        "CarePlan",
        required=("status", "intent", "subject"),
        references=(
            ("based_on", ("CarePlan",)),
            ("replaces", ("CarePlan",)),
            ("part_of", ("CarePlan",)),
            ("subject", ("Group", "Patient")),
            ("encounter", ("Encounter",)),
            (
                "author",
                (
                    "CareTeam",
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            (
                "contributor",
                (
                    "CareTeam",
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("care_team", ("CareTeam",)),
            ("addresses", ("Condition",)),
            ("goal", ("Goal",)),
        ),
    ),
    "CarePlanActivity": Fact(
        "CarePlan.activity",
        references=(
            (
                "reference",
                (
                    "Appointment",
                    "CommunicationRequest",
                    "DeviceRequest",
                    "MedicationRequest",
                    "NutritionOrder",
                    "RequestGroup",
                    "ServiceRequest",
                    "Task",
                    "VisionPrescription",
                ),
            ),
        ),
    ),
    "CarePlanActivityDetail": Fact(
        "CarePlan.activity.detail",
        required=("status",),
        choices=(
            (False, ("scheduled_timing", "scheduled_period", "scheduled_string")),
            (False, ("product_codeable_concept", "product_reference")),
        ),
        references=(
            (
                "reason_reference",
                ("Condition", "DiagnosticReport", "DocumentReference", "Observation"),
            ),
            ("goal", ("Goal",)),
            ("location", ("Location",)),
            (
                "performer",
                (
                    "CareTeam",
                    "Device",
                    "HealthcareService",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("product_reference", ("Medication", "Substance")),
        ),
    ),
    "CareTeam": Fact(
        "CareTeam",
        references=(
            ("subject", ("Group", "Patient")),
            ("encounter", ("Encounter",)),
            ("reason_reference", ("Condition",)),
            ("managing_organization", ("Organization",)),
        ),
    ),
    "CareTeamParticipant": Fact(
        "CareTeam.participant",
        references=(
            (
                "member",
                (
                    "CareTeam",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("on_behalf_of", ("Organization",)),
        ),
    ),
    "Claim": Fact(
        "Claim",
        required=(
            "status",
            "type",
            "use",
            "patient",
            "created",
            "provider",
            "priority",
            "insurance",
        ),
        references=(
            ("patient", ("Patient",)),
            ("enterer", ("Practitioner", "PractitionerRole")),
            ("insurer", ("Organization",)),
            ("provider", ("Organization", "Practitioner", "PractitionerRole")),
            ("prescription", ("DeviceRequest", "MedicationRequest", "VisionPrescription")),
            ("original_prescription", ("DeviceRequest", "MedicationRequest", "VisionPrescription")),
            ("referral", ("ServiceRequest",)),
            ("facility", ("Location",)),
        ),
    ),
    "ClaimAccident": Fact(
        "Claim.accident",
        required=("date",),
        choices=((False, ("location_address", "location_reference")),),
        references=(("location_reference", ("Location",)),),
    ),
    "ClaimCareTeam": Fact(
        "Claim.careTeam",
        required=("sequence", "provider"),
        references=(("provider", ("Organization", "Practitioner", "PractitionerRole")),),
    ),
    "ClaimDiagnosis": Fact(
        "Claim.diagnosis",
        required=("sequence",),
        choices=((True, ("diagnosis_codeable_concept", "diagnosis_reference")),),
        references=(("diagnosis_reference", ("Condition",)),),
    ),
    "ClaimInsurance": Fact(
        "Claim.insurance",
        required=("sequence", "focal", "coverage"),
        references=(("coverage", ("Coverage",)), ("claim_response", ("ClaimResponse",))),
    ),
    "ClaimItem": Fact(
        "Claim.item",
        required=("sequence", "product_or_service"),
        choices=(
            (False, ("serviced_date", "serviced_period")),
            (False, ("location_codeable_concept", "location_address", "location_reference")),
        ),
        references=(
            ("location_reference", ("Location",)),
            ("udi", ("Device",)),
            ("encounter", ("Encounter",)),
        ),
    ),
    "ClaimItemDetail": Fact(
        "Claim.item.detail",
        required=("sequence", "product_or_service"),
        references=(("udi", ("Device",)),),
    ),
    "ClaimItemDetailSubDetail": Fact(
        "Claim.item.detail.subDetail",
        required=("sequence", "product_or_service"),
        references=(("udi", ("Device",)),),
    ),
    "ClaimPayee": Fact(
        "Claim.payee",
        required=("type",),
        references=(
            (
                "party",
                ("Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
            ),
        ),
    ),
    "ClaimProcedure": Fact(
        "Claim.procedure",
        required=("sequence",),
        choices=((True, ("procedure_codeable_concept", "procedure_reference")),),
        references=(("procedure_reference", ("Procedure",)), ("udi", ("Device",))),
    ),
    "ClaimRelated": Fact("Claim.related", references=(("claim", ("Claim",)),)),
    "ClaimSupportingInfo": Fact(
        "Claim.supportingInfo",
        required=("sequence", "category"),
        choices=(
            (False, ("timing_date", "timing_period")),
            (
                False,
                (
                    "value_boolean",
                    "value_string",
                    "value_quantity",
                    "value_attachment",
                    "value_reference",
                ),
            ),
        ),
    ),
    "CodeableConcept": Fact("CodeableConcept"),
    "Coding": Fact("Coding"),
    "Composition": Fact(
        "Composition",
        required=("status", "type", "date", "author", "title"),
        references=(
            ("encounter", ("Encounter",)),
            (
                "author",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("custodian", ("Organization",)),
        ),
    ),
    "CompositionAttester": Fact(
        "Composition.attester",
        required=("mode",),
        references=(
            (
                "party",
                ("Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
            ),
        ),
    ),
    "CompositionEvent": Fact("Composition.event"),
    "CompositionRelatesTo": Fact(
        "Composition.relatesTo",
        required=("code",),
        choices=((True, ("target_identifier", "target_reference")),),
        references=(("target_reference", ("Composition",)),),
    ),
    "CompositionSection": Fact(
        "Composition.section",
        references=(
            (
                "author",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
        ),
    ),
    "Condition": Fact(
        "Condition",
        required=("subject",),
        choices=(
            (
                False,
                ("onset_date_time", "onset_age", "onset_period", "onset_range", "onset_string"),
            ),
            (
                False,
                (
                    "abatement_date_time",
                    "abatement_age",
                    "abatement_period",
                    "abatement_range",
                    "abatement_string",
                ),
            ),
        ),
        references=(
            ("subject", ("Group", "Patient")),
            ("encounter", ("Encounter",)),
            ("recorder", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
            ("asserter", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
        ),
        concepts=(
            (
                "clinical_status",
                (
                    (
                        "http://terminology.hl7.org/CodeSystem/condition-clinical",
                        ("active", "inactive", "recurrence", "relapse", "remission", "resolved"),
                    ),
                ),
            ),
            (
                "verification_status",
                (
                    (
                        "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                        (
                            "confirmed",
                            "differential",
                            "entered-in-error",
                            "provisional",
                            "refuted",
                            "unconfirmed",
                        ),
                    ),
                ),
            ),
        ),
    ),
    "ConditionEvidence": Fact("Condition.evidence"),
    "ConditionStage": Fact(
        "Condition.stage",
        references=(("assessment", ("ClinicalImpression", "DiagnosticReport", "Observation")),),
    ),
    "Consent": Fact(
        "Consent",
        required=("status", "scope", "category"),
        choices=((False, ("source_attachment", "source_reference")),),
        references=(
            ("patient", ("Patient",)),
            (
                "performer",
                ("Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
            ),
            ("organization", ("Organization",)),
            (
                "source_reference",
                ("Consent", "Contract", "DocumentReference", "QuestionnaireResponse"),
            ),
        ),
    ),
    "ConsentPolicy": Fact("Consent.policy"),
    "ConsentProvision": Fact("Consent.provision"),
    "ConsentProvisionActor": Fact(
        "Consent.provision.actor",
        required=("role", "reference"),
        references=(
            (
                "reference",
                (
                    "CareTeam",
                    "Device",
                    "Group",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
        ),
    ),
    "ConsentProvisionData": Fact("Consent.provision.data", required=("meaning", "reference")),
    "ConsentVerification": Fact(
        "Consent.verification",
        required=("verified",),
        references=(("verified_with", ("Patient", "RelatedPerson")),),
    ),
    "ContactDetail": Fact("ContactDetail"),
    "ContactPoint": Fact("ContactPoint"),
    "Contributor": Fact("Contributor", required=("type", "name")),
    "Count": Fact("Count"),
    "Coverage": Fact(
        "Coverage",
        required=("status", "beneficiary", "payor"),
        references=(
            ("policy_holder", ("Organization", "Patient", "RelatedPerson")),
            ("subscriber", ("Patient", "RelatedPerson")),
            ("beneficiary", ("Patient",)),
            ("payor", ("Organization", "Patient", "RelatedPerson")),
            ("contract", ("Contract",)),
        ),
    ),
    "CoverageClass": Fact("Coverage.class", required=("type", "value")),
    "CoverageCostToBeneficiary": Fact(
        "Coverage.costToBeneficiary", choices=((True, ("value_quantity", "value_money")),)
    ),
    "CoverageCostToBeneficiaryException": Fact(
        "Coverage.costToBeneficiary.exception", required=("type",)
    ),
    "DataRequirement": Fact(
        "DataRequirement",
        required=("type",),
        choices=((False, ("subject_codeable_concept", "subject_reference")),),
        references=(("subject_reference", ("Group",)),),
    ),
    "DataRequirementCodeFilter": Fact("DataRequirement.codeFilter"),
    "DataRequirementDateFilter": Fact(
        "DataRequirement.dateFilter",
        choices=((False, ("value_date_time", "value_period", "value_duration")),),
    ),
    "DataRequirementSort": Fact("DataRequirement.sort", required=("path", "direction")),
    "Device": Fact(
        "Device",
        references=(
            ("definition", ("DeviceDefinition",)),
            ("patient", ("Patient",)),
            ("owner", ("Organization",)),
            ("location", ("Location",)),
            ("parent", ("Device",)),
        ),
    ),
    "DeviceDeviceName": Fact("Device.deviceName", required=("name", "type")),
    "DeviceProperty": Fact("Device.property", required=("type",)),
    "DeviceSpecialization": Fact("Device.specialization", required=("system_type",)),
    "DeviceUdiCarrier": Fact("Device.udiCarrier"),
    "DeviceVersion": Fact("Device.version", required=("value",)),
    "DiagnosticReport": Fact(
        "DiagnosticReport",
        required=("status", "code"),
        choices=((False, ("effective_date_time", "effective_period")),),
        references=(
            (
                "based_on",
                (
                    "CarePlan",
                    "ImmunizationRecommendation",
                    "MedicationRequest",
                    "NutritionOrder",
                    "ServiceRequest",
                ),
            ),
            ("subject", ("Device", "Group", "Location", "Patient")),
            ("encounter", ("Encounter",)),
            ("performer", ("CareTeam", "Organization", "Practitioner", "PractitionerRole")),
            (
                "results_interpreter",
                ("CareTeam", "Organization", "Practitioner", "PractitionerRole"),
            ),
            ("specimen", ("Specimen",)),
            ("result", ("Observation",)),
            ("imaging_study", ("ImagingStudy",)),
        ),
    ),
    "DiagnosticReportMedia": Fact(
        "DiagnosticReport.media", required=("link",), references=(("link", ("Media",)),)
    ),
    "Distance": Fact("Distance"),
    "DocumentReference": Fact(
        "DocumentReference",
        required=("status", "content"),
        references=(
            ("subject", ("Device", "Group", "Patient", "Practitioner")),
            (
                "author",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("authenticator", ("Organization", "Practitioner", "PractitionerRole")),
            ("custodian", ("Organization",)),
        ),
    ),
    "DocumentReferenceContent": Fact("DocumentReference.content", required=("attachment",)),
    "DocumentReferenceContext": Fact(
        "DocumentReference.context",
        references=(
            ("encounter", ("Encounter", "EpisodeOfCare")),
            ("source_patient_info", ("Patient",)),
        ),
    ),
    "DocumentReferenceRelatesTo": Fact(
        "DocumentReference.relatesTo",
        required=("code", "target"),
        references=(("target", ("DocumentReference",)),),
    ),
    "Dosage": Fact(
        "Dosage", choices=((False, ("as_needed_boolean", "as_needed_codeable_concept")),)
    ),
    "DosageDoseAndRate": Fact(
        "Dosage.doseAndRate",
        choices=(
            (False, ("dose_range", "dose_quantity")),
            (False, ("rate_ratio", "rate_range", "rate_quantity")),
        ),
    ),
    "Duration": Fact("Duration"),
    "Encounter": Fact(
        "Encounter",
        required=("status", "class_keyword"),
        references=(
            ("subject", ("Group", "Patient")),
            ("episode_of_care", ("EpisodeOfCare",)),
            ("based_on", ("ServiceRequest",)),
            ("appointment", ("Appointment",)),
            (
                "reason_reference",
                ("Condition", "ImmunizationRecommendation", "Observation", "Procedure"),
            ),
            ("account", ("Account",)),
            ("service_provider", ("Organization",)),
            ("part_of", ("Encounter",)),
        ),
    ),
    "EncounterClassHistory": Fact("Encounter.classHistory", required=("class_keyword", "period")),
    "EncounterDiagnosis": Fact(
        "Encounter.diagnosis",
        required=("condition",),
        references=(("condition", ("Condition", "Procedure")),),
    ),
    "EncounterHospitalization": Fact(
        "Encounter.hospitalization",
        references=(
            ("origin", ("Location", "Organization")),
            ("destination", ("Location", "Organization")),
        ),
    ),
    "EncounterLocation": Fact(
        "Encounter.location", required=("location",), references=(("location", ("Location",)),)
    ),
    "EncounterParticipant": Fact(
        "Encounter.participant",
        references=(("individual", ("Practitioner", "PractitionerRole", "RelatedPerson")),),
    ),
    "EncounterStatusHistory": Fact("Encounter.statusHistory", required=("status", "period")),
    "Endpoint": Fact(
        "Endpoint",
        required=("status", "connection_type", "payload_type", "address"),
        references=(("managing_organization", ("Organization",)),),
    ),
    "ExplanationOfBenefit": Fact(
        "ExplanationOfBenefit",
        required=(
            "status",
            "type",
            "use",
            "patient",
            "created",
            "insurer",
            "provider",
            "outcome",
            "insurance",
        ),
        references=(
            ("patient", ("Patient",)),
            ("enterer", ("Practitioner", "PractitionerRole")),
            ("insurer", ("Organization",)),
            ("provider", ("Organization", "Practitioner", "PractitionerRole")),
            ("prescription", ("MedicationRequest", "VisionPrescription")),
            ("original_prescription", ("MedicationRequest",)),
            ("referral", ("ServiceRequest",)),
            ("facility", ("Location",)),
            ("claim", ("Claim",)),
            ("claim_response", ("ClaimResponse",)),
        ),
    ),
    "ExplanationOfBenefitAccident": Fact(
        "ExplanationOfBenefit.accident",
        choices=((False, ("location_address", "location_reference")),),
        references=(("location_reference", ("Location",)),),
    ),
    "ExplanationOfBenefitAddItem": Fact(
        "ExplanationOfBenefit.addItem",
        required=("product_or_service",),
        choices=(
            (False, ("serviced_date", "serviced_period")),
            (False, ("location_codeable_concept", "location_address", "location_reference")),
        ),
        references=(
            ("provider", ("Organization", "Practitioner", "PractitionerRole")),
            ("location_reference", ("Location",)),
        ),
    ),
    "ExplanationOfBenefitAddItemDetail": Fact(
        "ExplanationOfBenefit.addItem.detail", required=("product_or_service",)
    ),
    "ExplanationOfBenefitAddItemDetailSubDetail": Fact(
        "ExplanationOfBenefit.addItem.detail.subDetail", required=("product_or_service",)
    ),
    "ExplanationOfBenefitBenefitBalance": Fact(
        "ExplanationOfBenefit.benefitBalance", required=("category",)
    ),
    "ExplanationOfBenefitBenefitBalanceFinancial": Fact(
        "ExplanationOfBenefit.benefitBalance.financial",
        required=("type",),
        choices=(
            (False, ("allowed_unsigned_int", "allowed_string", "allowed_money")),
            (False, ("used_unsigned_int", "used_money")),
        ),
    ),
    "ExplanationOfBenefitCareTeam": Fact(
        "ExplanationOfBenefit.careTeam",
        required=("sequence", "provider"),
        references=(("provider", ("Organization", "Practitioner", "PractitionerRole")),),
    ),
    "ExplanationOfBenefitDiagnosis": Fact(
        "ExplanationOfBenefit.diagnosis",
        required=("sequence",),
        choices=((True, ("diagnosis_codeable_concept", "diagnosis_reference")),),
        references=(("diagnosis_reference", ("Condition",)),),
    ),
    "ExplanationOfBenefitInsurance": Fact(
        "ExplanationOfBenefit.insurance",
        required=("focal", "coverage"),
        references=(("coverage", ("Coverage",)),),
    ),
    "ExplanationOfBenefitItem": Fact(
        "ExplanationOfBenefit.item",
        required=("sequence", "product_or_service"),
        choices=(
            (False, ("serviced_date", "serviced_period")),
            (False, ("location_codeable_concept", "location_address", "location_reference")),
        ),
        references=(
            ("location_reference", ("Location",)),
            ("udi", ("Device",)),
            ("encounter", ("Encounter",)),
        ),
    ),
    "ExplanationOfBenefitItemAdjudication": Fact(
        "ExplanationOfBenefit.item.adjudication", required=("category",)
    ),
    "ExplanationOfBenefitItemDetail": Fact(
        "ExplanationOfBenefit.item.detail",
        required=("sequence", "product_or_service"),
        references=(("udi", ("Device",)),),
    ),
    "ExplanationOfBenefitItemDetailSubDetail": Fact(
        "ExplanationOfBenefit.item.detail.subDetail",
        required=("sequence", "product_or_service"),
        references=(("udi", ("Device",)),),
    ),
    "ExplanationOfBenefitPayee": Fact(
        "ExplanationOfBenefit.payee",
        references=(
            (
                "party",
                ("Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
            ),
        ),
    ),
    "ExplanationOfBenefitPayment": Fact("ExplanationOfBenefit.payment"),
    "ExplanationOfBenefitProcedure": Fact(
        "ExplanationOfBenefit.procedure",
        required=("sequence",),
        choices=((True, ("procedure_codeable_concept", "procedure_reference")),),
        references=(("procedure_reference", ("Procedure",)), ("udi", ("Device",))),
    ),
    "ExplanationOfBenefitProcessNote": Fact("ExplanationOfBenefit.processNote"),
    "ExplanationOfBenefitRelated": Fact(
        "ExplanationOfBenefit.related", references=(("claim", ("Claim",)),)
    ),
    "ExplanationOfBenefitSupportingInfo": Fact(
        "ExplanationOfBenefit.supportingInfo",
        required=("sequence", "category"),
        choices=(
            (False, ("timing_date", "timing_period")),
            (
                False,
                (
                    "value_boolean",
                    "value_string",
                    "value_quantity",
                    "value_attachment",
                    "value_reference",
                ),
            ),
        ),
    ),
    "ExplanationOfBenefitTotal": Fact(
        "ExplanationOfBenefit.total", required=("category", "amount")
    ),
    "Expression": Fact("Expression", required=("language",)),
    "Extension": Fact(
        "Extension",
        required=("url",),
        choices=(
            (
                False,
                (
                    "value_base64_binary",
                    "value_boolean",
                    "value_canonical",
                    "value_code",
                    "value_date",
                    "value_date_time",
                    "value_decimal",
                    "value_id",
                    "value_instant",
                    "value_integer",
                    "value_markdown",
                    "value_oid",
                    "value_positive_int",
                    "value_string",
                    "value_time",
                    "value_unsigned_int",
                    "value_uri",
                    "value_url",
                    "value_uuid",
                    "value_address",
                    "value_age",
                    "value_annotation",
                    "value_attachment",
                    "value_codeable_concept",
                    "value_coding",
                    "value_contact_point",
                    "value_count",
                    "value_distance",
                    "value_duration",
                    "value_human_name",
                    "value_identifier",
                    "value_money",
                    "value_period",
                    "value_quantity",
                    "value_range",
                    "value_ratio",
                    "value_reference",
                    "value_sampled_data",
                    "value_signature",
                    "value_timing",
                    "value_contact_detail",
                    "value_contributor",
                    "value_data_requirement",
                    "value_expression",
                    "value_parameter_definition",
                    "value_related_artifact",
                    "value_trigger_definition",
                    "value_usage_context",
                    "value_dosage",
                    "value_meta",
                ),
            ),
        ),
    ),
    "FamilyMemberHistory": Fact(
        "FamilyMemberHistory",
        required=("status", "patient", "relationship"),
        choices=(
            (False, ("born_period", "born_date", "born_string")),
            (False, ("age_age", "age_range", "age_string")),
            (
                False,
                (
                    "deceased_boolean",
                    "deceased_age",
                    "deceased_range",
                    "deceased_date",
                    "deceased_string",
                ),
            ),
        ),
        references=(
            ("patient", ("Patient",)),
            (
                "reason_reference",
                (
                    "AllergyIntolerance",
                    "Condition",
                    "DiagnosticReport",
                    "DocumentReference",
                    "Observation",
                    "QuestionnaireResponse",
                ),
            ),
        ),
    ),
    "FamilyMemberHistoryCondition": Fact(
        "FamilyMemberHistory.condition",
        required=("code",),
        choices=((False, ("onset_age", "onset_range", "onset_period", "onset_string")),),
    ),
    "Flag": Fact(
        "Flag",
        required=("status", "code", "subject"),
        references=(
            (
                "subject",
                (
                    "Group",
                    "Location",
                    "Medication",
                    "Organization",
                    "Patient",
                    "PlanDefinition",
                    "Practitioner",
                    "Procedure",
                ),
            ),
            ("encounter", ("Encounter",)),
            ("author", ("Device", "Organization", "Patient", "Practitioner", "PractitionerRole")),
        ),
    ),
    "Goal": Fact(
        "Goal",
        required=("lifecycle_status", "description", "subject"),
        choices=((False, ("start_date", "start_codeable_concept")),),
        references=(
            ("subject", ("Group", "Organization", "Patient")),
            ("expressed_by", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
            (
                "addresses",
                (
                    "Condition",
                    "MedicationStatement",
                    "NutritionOrder",
                    "Observation",
                    "RiskAssessment",
                    "ServiceRequest",
                ),
            ),
            ("outcome_reference", ("Observation",)),
        ),
    ),
    "GoalTarget": Fact(
        "Goal.target",
        choices=(
            (
                False,
                (
                    "detail_quantity",
                    "detail_range",
                    "detail_codeable_concept",
                    "detail_string",
                    "detail_boolean",
                    "detail_integer",
                    "detail_ratio",
                ),
            ),
            (False, ("due_date", "due_duration")),
        ),
    ),
    "Group": Fact(
        "Group",
        required=("type", "actual"),
        references=(
            (
                "managing_entity",
                ("Organization", "Practitioner", "PractitionerRole", "RelatedPerson"),
            ),
        ),
    ),
    "GroupCharacteristic": Fact(
        "Group.characteristic",
        required=("code", "exclude"),
        choices=(
            (
                True,
                (
                    "value_codeable_concept",
                    "value_boolean",
                    "value_quantity",
                    "value_range",
                    "value_reference",
                ),
            ),
        ),
    ),
    "GroupMember": Fact(
        "Group.member",
        required=("entity",),
        references=(
            (
                "entity",
                (
                    "Device",
                    "Group",
                    "Medication",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "Substance",
                ),
            ),
        ),
    ),
    "HealthcareService": Fact(
        "HealthcareService",
        references=(
            ("provided_by", ("Organization",)),
            ("location", ("Location",)),
            ("coverage_area", ("Location",)),
            ("endpoint", ("Endpoint",)),
        ),
    ),
    "HealthcareServiceAvailableTime": Fact("HealthcareService.availableTime"),
    "HealthcareServiceEligibility": Fact("HealthcareService.eligibility"),
    "HealthcareServiceNotAvailable": Fact(
        "HealthcareService.notAvailable", required=("description",)
    ),
    "HumanName": Fact("HumanName"),
    "Identifier": Fact("Identifier", references=(("assigner", ("Organization",)),)),
    "ImagingStudy": Fact(
        "ImagingStudy",
        required=("status", "subject"),
        references=(
            ("subject", ("Device", "Group", "Patient")),
            ("encounter", ("Encounter",)),
            (
                "based_on",
                ("Appointment", "AppointmentResponse", "CarePlan", "ServiceRequest", "Task"),
            ),
            ("referrer", ("Practitioner", "PractitionerRole")),
            ("interpreter", ("Practitioner", "PractitionerRole")),
            ("endpoint", ("Endpoint",)),
            ("procedure_reference", ("Procedure",)),
            ("location", ("Location",)),
            (
                "reason_reference",
                ("Condition", "DiagnosticReport", "DocumentReference", "Media", "Observation"),
            ),
        ),
    ),
    "ImagingStudySeries": Fact(
        "ImagingStudy.series",
        required=("uid", "modality"),
        references=(("endpoint", ("Endpoint",)), ("specimen", ("Specimen",))),
    ),
    "ImagingStudySeriesInstance": Fact(
        "ImagingStudy.series.instance", required=("uid", "sop_class")
    ),
    "ImagingStudySeriesPerformer": Fact(
        "ImagingStudy.series.performer",
        required=("actor",),
        references=(
            (
                "actor",
                (
                    "CareTeam",
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
        ),
    ),
    "Immunization": Fact(
        "Immunization",
        required=("status", "vaccine_code", "patient"),
        choices=((True, ("occurrence_date_time", "occurrence_string")),),
        references=(
            ("patient", ("Patient",)),
            ("encounter", ("Encounter",)),
            ("location", ("Location",)),
            ("manufacturer", ("Organization",)),
            ("reason_reference", ("Condition", "DiagnosticReport", "Observation")),
        ),
    ),
    "ImmunizationEducation": Fact("Immunization.education"),
    "ImmunizationPerformer": Fact(
        "Immunization.performer",
        required=("actor",),
        references=(("actor", ("Organization", "Practitioner", "PractitionerRole")),),
    ),
    "ImmunizationProtocolApplied": Fact(
        "Immunization.protocolApplied",
        choices=(
            (True, ("dose_number_positive_int", "dose_number_string")),
            (False, ("series_doses_positive_int", "series_doses_string")),
        ),
        references=(("authority", ("Organization",)),),
    ),
    "ImmunizationReaction": Fact(
        "Immunization.reaction", references=(("detail", ("Observation",)),)
    ),
    "List": Fact(
        "List",
        required=("status", "mode"),
        references=(
            ("subject", ("Device", "Group", "Location", "Patient")),
            ("encounter", ("Encounter",)),
            ("source", ("Device", "Patient", "Practitioner", "PractitionerRole")),
        ),
    ),
    "ListEntry": Fact("List.entry", required=("item",)),
    "Location": Fact(
        "Location",
        references=(
            ("managing_organization", ("Organization",)),
            ("part_of", ("Location",)),
            ("endpoint", ("Endpoint",)),
        ),
    ),
    "LocationHoursOfOperation": Fact("Location.hoursOfOperation"),
    "LocationPosition": Fact("Location.position", required=("longitude", "latitude")),
    "Media": Fact(
        "Media",
        required=("status", "content"),
        choices=((False, ("created_date_time", "created_period")),),
        references=(
            ("based_on", ("CarePlan", "ServiceRequest")),
            (
                "subject",
                (
                    "Device",
                    "Group",
                    "Location",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "Specimen",
                ),
            ),
            ("encounter", ("Encounter",)),
            (
                "operator",
                (
                    "CareTeam",
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("device", ("Device", "Device", "DeviceMetric")),
        ),
    ),
    "Medication": Fact("Medication", references=(("manufacturer", ("Organization",)),)),
    "MedicationAdministration": Fact(
        "MedicationAdministration",
        required=("status", "subject"),
        choices=(
            (True, ("medication_codeable_concept", "medication_reference")),
            (True, ("effective_date_time", "effective_period")),
        ),
        references=(
            ("part_of", ("MedicationAdministration", "Procedure")),
            ("medication_reference", ("Medication",)),
            ("subject", ("Group", "Patient")),
            ("context", ("Encounter", "EpisodeOfCare")),
            ("reason_reference", ("Condition", "DiagnosticReport", "Observation")),
            ("request", ("MedicationRequest",)),
            ("device", ("Device",)),
            ("event_history", ("Provenance",)),
        ),
    ),
    "MedicationAdministrationDosage": Fact(
        "MedicationAdministration.dosage", choices=((False, ("rate_ratio", "rate_quantity")),)
    ),
    "MedicationAdministrationPerformer": Fact(
        "MedicationAdministration.performer",
        required=("actor",),
        references=(
            ("actor", ("Device", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
        ),
    ),
    "MedicationBatch": Fact("Medication.batch"),
    "MedicationDispense": Fact(
        "MedicationDispense",
        required=("status",),
        choices=(
            (False, ("status_reason_codeable_concept", "status_reason_reference")),
            (True, ("medication_codeable_concept", "medication_reference")),
        ),
        references=(
            ("part_of", ("Procedure",)),
            ("status_reason_reference", ("DetectedIssue",)),
            ("medication_reference", ("Medication",)),
            ("subject", ("Group", "Patient")),
            ("context", ("Encounter", "EpisodeOfCare")),
            ("location", ("Location",)),
            ("authorizing_prescription", ("MedicationRequest",)),
            ("destination", ("Location",)),
            ("receiver", ("Patient", "Practitioner")),
            ("detected_issue", ("DetectedIssue",)),
            ("event_history", ("Provenance",)),
        ),
    ),
    "MedicationDispensePerformer": Fact(
        "MedicationDispense.performer",
        required=("actor",),
        references=(
            (
                "actor",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
        ),
    ),
    "MedicationDispenseSubstitution": Fact(
        "MedicationDispense.substitution",
        required=("was_substituted",),
        references=(("responsible_party", ("Practitioner", "PractitionerRole")),),
    ),
    "MedicationIngredient": Fact(
        "Medication.ingredient",
        choices=((True, ("item_codeable_concept", "item_reference")),),
        references=(("item_reference", ("Medication", "Substance")),),
    ),
    "MedicationRequest": Fact(
        "MedicationRequest",
        required=("status", "intent", "subject"),
        choices=(
            (False, ("reported_boolean", "reported_reference")),
            (True, ("medication_codeable_concept", "medication_reference")),
        ),
        references=(
            (
                "reported_reference",
                ("Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
            ),
            ("medication_reference", ("Medication",)),
            ("subject", ("Group", "Patient")),
            ("encounter", ("Encounter",)),
            (
                "requester",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            (
                "performer",
                (
                    "CareTeam",
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("recorder", ("Practitioner", "PractitionerRole")),
            ("reason_reference", ("Condition", "Observation")),
            (
                "based_on",
                ("CarePlan", "ImmunizationRecommendation", "MedicationRequest", "ServiceRequest"),
            ),
            ("insurance", ("ClaimResponse", "Coverage")),
            ("prior_prescription", ("MedicationRequest",)),
            ("detected_issue", ("DetectedIssue",)),
            ("event_history", ("Provenance",)),
        ),
    ),
    "MedicationRequestDispenseRequest": Fact(
        "MedicationRequest.dispenseRequest", references=(("performer", ("Organization",)),)
    ),
    "MedicationRequestDispenseRequestInitialFill": Fact(
        "MedicationRequest.dispenseRequest.initialFill"
    ),
    "MedicationRequestSubstitution": Fact(
        "MedicationRequest.substitution",
        choices=((True, ("allowed_boolean", "allowed_codeable_concept")),),
    ),
    "MedicationStatement": Fact(
        "MedicationStatement",
        required=("status", "subject"),
        choices=(
            (True, ("medication_codeable_concept", "medication_reference")),
            (False, ("effective_date_time", "effective_period")),
        ),
        references=(
            ("based_on", ("CarePlan", "MedicationRequest", "ServiceRequest")),
            (
                "part_of",
                (
                    "MedicationAdministration",
                    "MedicationDispense",
                    "MedicationStatement",
                    "Observation",
                    "Procedure",
                ),
            ),
            ("medication_reference", ("Medication",)),
            ("subject", ("Group", "Patient")),
            ("context", ("Encounter", "EpisodeOfCare")),
            (
                "information_source",
                ("Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
            ),
            ("reason_reference", ("Condition", "DiagnosticReport", "Observation")),
        ),
    ),
    "Meta": Fact("Meta"),
    "Money": Fact("Money"),
    "Narrative": Fact("Narrative", required=("status", "div")),
    "Observation": Fact(
        "Observation",
        required=("status", "code"),
        choices=(
            (
                False,
                (
                    "effective_date_time",
                    "effective_period",
                    "effective_timing",
                    "effective_instant",
                ),
            ),
            (
                False,
                (
                    "value_quantity",
                    "value_codeable_concept",
                    "value_string",
                    "value_boolean",
                    "value_integer",
                    "value_range",
                    "value_ratio",
                    "value_sampled_data",
                    "value_time",
                    "value_date_time",
                    "value_period",
                ),
            ),
        ),
        references=(
            (
                "based_on",
                (
                    "CarePlan",
                    "DeviceRequest",
                    "ImmunizationRecommendation",
                    "MedicationRequest",
                    "NutritionOrder",
                    "ServiceRequest",
                ),
            ),
            (
                "part_of",
                (
                    "ImagingStudy",
                    "Immunization",
                    "MedicationAdministration",
                    "MedicationDispense",
                    "MedicationStatement",
                    "Procedure",
                ),
            ),
            ("subject", ("Device", "Group", "Location", "Patient")),
            ("encounter", ("Encounter",)),
            (
                "performer",
                (
                    "CareTeam",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("specimen", ("Specimen",)),
            ("device", ("Device", "DeviceMetric")),
            ("has_member", ("MolecularSequence", "Observation", "QuestionnaireResponse")),
            (
                "derived_from",
                (
                    "DocumentReference",
                    "ImagingStudy",
                    "Media",
                    "MolecularSequence",
                    "Observation",
                    "QuestionnaireResponse",
                ),
            ),
        ),
    ),
    "ObservationComponent": Fact(
        "Observation.component",
        required=("code",),
        choices=(
            (
                False,
                (
                    "value_quantity",
                    "value_codeable_concept",
                    "value_string",
                    "value_boolean",
                    "value_integer",
                    "value_range",
                    "value_ratio",
                    "value_sampled_data",
                    "value_time",
                    "value_date_time",
                    "value_period",
                ),
            ),
        ),
    ),
    "ObservationReferenceRange": Fact("Observation.referenceRange"),
    "OperationOutcome": Fact("OperationOutcome", required=("issue",)),
    "OperationOutcomeIssue": Fact("OperationOutcome.issue", required=("severity", "code")),
    "Organization": Fact(
        "Organization", references=(("part_of", ("Organization",)), ("endpoint", ("Endpoint",)))
    ),
    "OrganizationContact": Fact("Organization.contact"),
    "ParameterDefinition": Fact("ParameterDefinition", required=("use", "type")),
    "Patient": Fact(
        "Patient",
        choices=(
            (False, ("deceased_boolean", "deceased_date_time")),
            (False, ("multiple_birth_boolean", "multiple_birth_integer")),
        ),
        references=(
            ("general_practitioner", ("Organization", "Practitioner", "PractitionerRole")),
            ("managing_organization", ("Organization",)),
        ),
    ),
    "PatientCommunication": Fact("Patient.communication", required=("language",)),
    "PatientContact": Fact("Patient.contact", references=(("organization", ("Organization",)),)),
    "PatientLink": Fact(
        "Patient.link",
        required=("other", "type"),
        references=(("other", ("Patient", "RelatedPerson")),),
    ),
    "Period": Fact("Period"),
    "Practitioner": Fact("Practitioner"),
    "PractitionerQualification": Fact(
        "Practitioner.qualification",
        required=("code",),
        references=(("issuer", ("Organization",)),),
    ),
    "PractitionerRole": Fact(
        "PractitionerRole",
        references=(
            ("practitioner", ("Practitioner",)),
            ("organization", ("Organization",)),
            ("location", ("Location",)),
            ("healthcare_service", ("HealthcareService",)),
            ("endpoint", ("Endpoint",)),
        ),
    ),
    "PractitionerRoleAvailableTime": Fact("PractitionerRole.availableTime"),
    "PractitionerRoleNotAvailable": Fact(
        "PractitionerRole.notAvailable", required=("description",)
    ),
    "Procedure": Fact(
        "Procedure",
        required=("status", "subject"),
        choices=(
            (
                False,
                (
                    "performed_date_time",
                    "performed_period",
                    "performed_string",
                    "performed_age",
                    "performed_range",
                ),
            ),
        ),
        references=(
            ("based_on", ("CarePlan", "ServiceRequest")),
            ("part_of", ("MedicationAdministration", "Observation", "Procedure")),
            ("subject", ("Group", "Patient")),
            ("encounter", ("Encounter",)),
            ("recorder", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
            ("asserter", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
            ("location", ("Location",)),
            (
                "reason_reference",
                ("Condition", "DiagnosticReport", "DocumentReference", "Observation", "Procedure"),
            ),
            ("report", ("Composition", "DiagnosticReport", "DocumentReference")),
            ("complication_detail", ("Condition",)),
            ("used_reference", ("Device", "Medication", "Substance")),
        ),
    ),
    "ProcedureFocalDevice": Fact(
        "Procedure.focalDevice",
        required=("manipulated",),
        references=(("manipulated", ("Device",)),),
    ),
    "ProcedurePerformer": Fact(
        "Procedure.performer",
        required=("actor",),
        references=(
            (
                "actor",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("on_behalf_of", ("Organization",)),
        ),
    ),
    "Provenance": Fact(
        "Provenance",
        required=("target", "recorded", "agent"),
        choices=((False, ("occurred_period", "occurred_date_time")),),
        references=(("location", ("Location",)),),
    ),
    "ProvenanceAgent": Fact(
        "Provenance.agent",
        required=("who",),
        references=(
            (
                "who",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            (
                "on_behalf_of",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
        ),
    ),
    "ProvenanceEntity": Fact("Provenance.entity", required=("role", "what")),
    "Quantity": Fact("Quantity"),
    "QuestionnaireResponse": Fact(
        "QuestionnaireResponse",
        required=("status",),
        references=(
            ("based_on", ("CarePlan", "ServiceRequest")),
            ("part_of", ("Observation", "Procedure")),
            ("encounter", ("Encounter",)),
            (
                "author",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("source", ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")),
        ),
    ),
    "QuestionnaireResponseItem": Fact("QuestionnaireResponse.item", required=("link_id",)),
    "QuestionnaireResponseItemAnswer": Fact(
        "QuestionnaireResponse.item.answer",
        choices=(
            (
                False,
                (
                    "value_boolean",
                    "value_decimal",
                    "value_integer",
                    "value_date",
                    "value_date_time",
                    "value_time",
                    "value_string",
                    "value_uri",
                    "value_attachment",
                    "value_coding",
                    "value_quantity",
                    "value_reference",
                ),
            ),
        ),
    ),
    "Range": Fact("Range"),
    "Ratio": Fact("Ratio"),
    "Reference": Fact("Reference"),
    "RelatedArtifact": Fact("RelatedArtifact", required=("type",)),
    "RelatedPerson": Fact(
        "RelatedPerson", required=("patient",), references=(("patient", ("Patient",)),)
    ),
    "RelatedPersonCommunication": Fact("RelatedPerson.communication", required=("language",)),
    "SampledData": Fact("SampledData", required=("origin", "period", "dimensions")),
    "ServiceRequest": Fact(
        "ServiceRequest",
        required=("status", "intent", "subject"),
        choices=(
            (False, ("quantity_quantity", "quantity_ratio", "quantity_range")),
            (False, ("occurrence_date_time", "occurrence_period", "occurrence_timing")),
            (False, ("as_needed_boolean", "as_needed_codeable_concept")),
        ),
        references=(
            ("based_on", ("CarePlan", "MedicationRequest", "ServiceRequest")),
            ("replaces", ("ServiceRequest",)),
            ("subject", ("Device", "Group", "Location", "Patient")),
            ("encounter", ("Encounter",)),
            (
                "requester",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            (
                "performer",
                (
                    "CareTeam",
                    "Device",
                    "HealthcareService",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            ("location_reference", ("Location",)),
            (
                "reason_reference",
                ("Condition", "DiagnosticReport", "DocumentReference", "Observation"),
            ),
            ("insurance", ("ClaimResponse", "Coverage")),
            ("specimen", ("Specimen",)),
            ("relevant_history", ("Provenance",)),
        ),
    ),
    "Signature": Fact(
        "Signature",
        required=("type", "when", "who"),
        references=(
            (
                "who",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
            (
                "on_behalf_of",
                (
                    "Device",
                    "Organization",
                    "Patient",
                    "Practitioner",
                    "PractitionerRole",
                    "RelatedPerson",
                ),
            ),
        ),
    ),
    "Specimen": Fact(
        "Specimen",
        references=(
            ("subject", ("Device", "Group", "Location", "Patient", "Substance")),
            ("parent", ("Specimen",)),
            ("request", ("ServiceRequest",)),
        ),
    ),
    "SpecimenCollection": Fact(
        "Specimen.collection",
        choices=(
            (False, ("collected_date_time", "collected_period")),
            (False, ("fasting_status_codeable_concept", "fasting_status_duration")),
        ),
        references=(("collector", ("Practitioner", "PractitionerRole")),),
    ),
    "SpecimenContainer": Fact(
        "Specimen.container",
        choices=((False, ("additive_codeable_concept", "additive_reference")),),
        references=(("additive_reference", ("Substance",)),),
    ),
    "SpecimenProcessing": Fact(
        "Specimen.processing",
        choices=((False, ("time_date_time", "time_period")),),
        references=(("additive", ("Substance",)),),
    ),
    "Substance": Fact("Substance", required=("code",)),
    "SubstanceIngredient": Fact(
        "Substance.ingredient",
        choices=((True, ("substance_codeable_concept", "substance_reference")),),
        references=(("substance_reference", ("Substance",)),),
    ),
    "SubstanceInstance": Fact("Substance.instance"),
    "SupplyDelivery": Fact(
        "SupplyDelivery",
        choices=((False, ("occurrence_date_time", "occurrence_period", "occurrence_timing")),),
        references=(
            ("based_on", ("SupplyRequest",)),
            ("part_of", ("Contract", "SupplyDelivery")),
            ("patient", ("Patient",)),
            ("supplier", ("Organization", "Practitioner", "PractitionerRole")),
            ("destination", ("Location",)),
            ("receiver", ("Practitioner", "PractitionerRole")),
        ),
        concepts=(
            (
                "type",
                (
                    (
                        "http://terminology.hl7.org/CodeSystem/supply-item-type",
                        ("device", "medication"),
                    ),
                ),
            ),
        ),
    ),
    "SupplyDeliverySuppliedItem": Fact(
        "SupplyDelivery.suppliedItem",
        choices=((False, ("item_codeable_concept", "item_reference")),),
        references=(("item_reference", ("Device", "Medication", "Substance")),),
    ),
    "Timing": Fact("Timing"),
    "TimingRepeat": Fact(
        "Timing.repeat", choices=((False, ("bounds_duration", "bounds_range", "bounds_period")),)
    ),
    "TriggerDefinition": Fact(
        "TriggerDefinition",
        required=("type",),
        choices=(
            (False, ("timing_timing", "timing_reference", "timing_date", "timing_date_time")),
        ),
        references=(("timing_reference", ("Schedule",)),),
    ),
    "UsageContext": Fact(
        "UsageContext",
        required=("code",),
        choices=(
            (True, ("value_codeable_concept", "value_quantity", "value_range", "value_reference")),
        ),
        references=(
            (
                "value_reference",
                (
                    "Group",
                    "HealthcareService",
                    "InsurancePlan",
                    "Location",
                    "Organization",
                    "PlanDefinition",
                    "ResearchStudy",
                ),
            ),
        ),
    ),
}
