//! The resources care needs, thin and borrowed.
//!
//! Each carries what every resource has (`id`, `meta`, `contained`, `modifierExtension`) and the few elements that become facts.

use super::json::{Number, Raw, Text, node};
use super::model::{
    Address, Annotation, Attachment, Coding, Concept, ContactPoint, Dosage, Extension, HumanName, Identifier, Meta,
    Narrative, Period, Quantity, Range, Ratio, Reference,
};

macro_rules! resource {
    ($(#[$about:meta])* $name:ident { $($field:ident = $key:literal : $kind:ty),* $(,)? }) => {
        node! {
            $(#[$about])*
            $name {
                id = "id": Text<'a>,
                meta = "meta": Meta<'a>,
                contained = "contained": Vec<Raw<'a>>,
                extension = "extension": Vec<Extension<'a>>,
                modifier = "modifierExtension": Vec<Raw<'a>>,
                identifier = "identifier": Vec<Identifier<'a>>,
                $($field = $key: $kind,)*
            }
        }
        impl Modified for $name<'_> {
            fn is_modified(&self) -> bool {
                !self.modifier.is_empty()
            }
        }
    };
}

/// What every resource has.
pub trait Modified {
    /// True when the resource says that it means something else than it seems to, in a way nobody here understands.
    fn is_modified(&self) -> bool;
}

node! {
    /// What tells resources apart; everything else is skipped.
    Head {
        resource_type = "resourceType": Text<'a>,
        id = "id": Text<'a>,
        meta = "meta": Meta<'a>,
    }
}
node! {
    /// A head with the numbers that a record keeps when it is sent again in another bundle.
    NumberedHead { identifier = "identifier": Vec<Identifier<'a>> }
}
node! {
    /// Where else a list of results goes on.
    Link { relation = "relation": Text<'a>, url = "url": Text<'a> }
}
node! {
    /// What was asked of the server for one entry.
    EntryRequest { method = "method": Text<'a>, url = "url": Text<'a> }
}
node! {
    /// What became of one entry.
    EntryResponse { last_modified = "lastModified": Text<'a> }
}
node! {
    /// Why an entry was found.
    EntrySearch { mode = "mode": Text<'a> }
}
node! {
    /// One entry of a bundle; the resource is read by its own type.
    Entry {
        full_url = "fullUrl": Text<'a>,
        resource = "resource": Option<Raw<'a>>,
        request = "request": Option<EntryRequest<'a>>,
        search = "search": Option<EntrySearch<'a>>,
        response = "response": Option<EntryResponse<'a>>,
    }
}
node! {
    /// A bundle without its entries.
    BundleHead {
        kind = "type": Text<'a>,
        timestamp = "timestamp": Text<'a>,
        meta = "meta": Meta<'a>,
        link = "link": Vec<Link<'a>>,
    }
}
node! {
    /// One thing a server says went wrong.
    Issue {
        severity = "severity": Text<'a>,
        code = "code": Text<'a>,
        details = "details": Option<Concept<'a>>,
        diagnostics = "diagnostics": Text<'a>,
    }
}
node! {
    /// What a server says went wrong.
    OperationOutcome { resource_type = "resourceType": Text<'a>, issue = "issue": Vec<Issue<'a>> }
}
node! {
    /// Somebody to call.
    PatientContact {
        relationship = "relationship": Vec<Concept<'a>>,
        name = "name": Option<HumanName<'a>>,
        telecom = "telecom": Vec<ContactPoint<'a>>,
        organization = "organization": Option<Reference<'a>>,
    }
}
node! {
    /// A language somebody reads.
    Communication { language = "language": Concept<'a>, preferred = "preferred": Option<bool> }
}
node! {
    /// Another registration of a patient.
    PatientLink { other = "other": Reference<'a>, kind = "type": Text<'a> }
}
resource! {
    /// 患者
    Patient {
        active = "active": Option<bool>,
        name = "name": Vec<HumanName<'a>>,
        telecom = "telecom": Vec<ContactPoint<'a>>,
        gender = "gender": Text<'a>,
        birth_date = "birthDate": Text<'a>,
        deceased = "deceasedBoolean": Option<bool>,
        deceased_at = "deceasedDateTime": Text<'a>,
        address = "address": Vec<Address<'a>>,
        contact = "contact": Vec<PatientContact<'a>>,
        communication = "communication": Vec<Communication<'a>>,
        link = "link": Vec<PatientLink<'a>>,
    }
}
resource! {
    /// 医師・看護師 …
    Practitioner { name = "name": Vec<HumanName<'a>> }
}
resource! {
    /// Somebody in a role at a department.
    PractitionerRole {
        practitioner = "practitioner": Option<Reference<'a>>,
        organization = "organization": Option<Reference<'a>>,
        specialty = "specialty": Vec<Concept<'a>>,
    }
}
resource! {
    /// 診療科・医療機関・保険者
    Organization { name = "name": Text<'a> }
}
resource! {
    /// 診療科の窓口
    HealthcareService { name = "name": Text<'a>, specialty = "specialty": Vec<Concept<'a>> }
}
resource! {
    /// 病棟・病室・病床・窓口
    Location {
        status = "status": Text<'a>,
        name = "name": Text<'a>,
        physical_type = "physicalType": Option<Concept<'a>>,
        part_of = "partOf": Option<Reference<'a>>,
    }
}
resource! {
    /// 医薬品
    Medication { code = "code": Option<Concept<'a>> }
}
node! {
    /// Who takes part in an appointment.
    AppointmentParticipant { actor = "actor": Option<Reference<'a>>, status = "status": Text<'a> }
}
resource! {
    /// 予約
    Appointment {
        status = "status": Text<'a>,
        service_type = "serviceType": Vec<Concept<'a>>,
        specialty = "specialty": Vec<Concept<'a>>,
        appointment_type = "appointmentType": Option<Concept<'a>>,
        reason = "reasonCode": Vec<Concept<'a>>,
        description = "description": Text<'a>,
        comment = "comment": Text<'a>,
        start = "start": Text<'a>,
        participant = "participant": Vec<AppointmentParticipant<'a>>,
    }
}
resource! {
    /// 病名
    Condition {
        clinical_status = "clinicalStatus": Option<Concept<'a>>,
        verification_status = "verificationStatus": Option<Concept<'a>>,
        category = "category": Vec<Concept<'a>>,
        code = "code": Option<Concept<'a>>,
        subject = "subject": Reference<'a>,
        encounter = "encounter": Option<Reference<'a>>,
        onset = "onsetDateTime": Text<'a>,
        onset_period = "onsetPeriod": Option<Period<'a>>,
        abatement = "abatementDateTime": Text<'a>,
        recorded = "recordedDate": Text<'a>,
    }
}
node! {
    /// What happened.
    Reaction { manifestation = "manifestation": Vec<Concept<'a>>, severity = "severity": Text<'a>, onset = "onset": Text<'a>, description = "description": Text<'a> }
}
resource! {
    /// アレルギー・薬剤禁忌
    AllergyIntolerance {
        clinical_status = "clinicalStatus": Option<Concept<'a>>,
        verification_status = "verificationStatus": Option<Concept<'a>>,
        kind = "type": Text<'a>,
        category = "category": Vec<Text<'a>>,
        criticality = "criticality": Text<'a>,
        code = "code": Option<Concept<'a>>,
        patient = "patient": Reference<'a>,
        onset = "onsetDateTime": Text<'a>,
        recorded = "recordedDate": Text<'a>,
        last_occurrence = "lastOccurrence": Text<'a>,
        note = "note": Vec<Annotation<'a>>,
        reaction = "reaction": Vec<Reaction<'a>>,
    }
}
node! {
    /// What is to be handed over.
    DispenseRequest {
        extension = "extension": Vec<Extension<'a>>,
        quantity = "quantity": Option<Quantity<'a>>,
        expected_supply = "expectedSupplyDuration": Option<Quantity<'a>>,
    }
}
resource! {
    /// 処方
    MedicationRequest {
        status = "status": Text<'a>,
        intent = "intent": Text<'a>,
        category = "category": Vec<Concept<'a>>,
        do_not_perform = "doNotPerform": Option<bool>,
        medication = "medicationCodeableConcept": Option<Concept<'a>>,
        medication_reference = "medicationReference": Option<Reference<'a>>,
        subject = "subject": Reference<'a>,
        encounter = "encounter": Option<Reference<'a>>,
        authored_on = "authoredOn": Text<'a>,
        requester = "requester": Option<Reference<'a>>,
        note = "note": Vec<Annotation<'a>>,
        dosage = "dosageInstruction": Vec<Dosage<'a>>,
        dispense = "dispenseRequest": Option<DispenseRequest<'a>>,
    }
}
node! {
    /// 基準値
    ReferenceRange { low = "low": Option<Quantity<'a>>, high = "high": Option<Quantity<'a>>, text = "text": Text<'a> }
}
node! {
    /// One value of several.
    ObservationComponent {
        code = "code": Concept<'a>,
        quantity = "valueQuantity": Option<Quantity<'a>>,
        string = "valueString": Text<'a>,
        concept = "valueCodeableConcept": Option<Concept<'a>>,
        integer = "valueInteger": Number<'a>,
        absent = "dataAbsentReason": Option<Concept<'a>>,
        interpretation = "interpretation": Vec<Concept<'a>>,
        reference_range = "referenceRange": Vec<ReferenceRange<'a>>,
    }
}
resource! {
    /// 検査結果・バイタル・身体計測
    Observation {
        status = "status": Text<'a>,
        category = "category": Vec<Concept<'a>>,
        code = "code": Concept<'a>,
        subject = "subject": Reference<'a>,
        effective = "effectiveDateTime": Text<'a>,
        effective_instant = "effectiveInstant": Text<'a>,
        effective_period = "effectivePeriod": Option<Period<'a>>,
        issued = "issued": Text<'a>,
        quantity = "valueQuantity": Option<Quantity<'a>>,
        string = "valueString": Text<'a>,
        concept = "valueCodeableConcept": Option<Concept<'a>>,
        integer = "valueInteger": Number<'a>,
        boolean = "valueBoolean": Option<bool>,
        range = "valueRange": Option<Range<'a>>,
        ratio = "valueRatio": Option<Ratio<'a>>,
        absent = "dataAbsentReason": Option<Concept<'a>>,
        interpretation = "interpretation": Vec<Concept<'a>>,
        note = "note": Vec<Annotation<'a>>,
        reference_range = "referenceRange": Vec<ReferenceRange<'a>>,
        component = "component": Vec<ObservationComponent<'a>>,
    }
}
node! {
    /// Where somebody lies.
    EncounterLocation { location = "location": Reference<'a>, status = "status": Text<'a>, period = "period": Option<Period<'a>> }
}
node! {
    /// Who takes care.
    EncounterParticipant { kind = "type": Vec<Concept<'a>>, individual = "individual": Option<Reference<'a>>, period = "period": Option<Period<'a>> }
}
node! {
    /// What belongs to a stay.
    Hospitalization { diet = "dietPreference": Vec<Concept<'a>> }
}
node! {
    /// Which diagnosis an encounter was about.
    EncounterDiagnosis { condition = "condition": Reference<'a>, rank = "rank": Number<'a> }
}
resource! {
    /// 受診・入院
    Encounter {
        status = "status": Text<'a>,
        class = "class": Coding<'a>,
        service_type = "serviceType": Option<Concept<'a>>,
        subject = "subject": Reference<'a>,
        participant = "participant": Vec<EncounterParticipant<'a>>,
        period = "period": Option<Period<'a>>,
        reason = "reasonCode": Vec<Concept<'a>>,
        diagnosis = "diagnosis": Vec<EncounterDiagnosis<'a>>,
        hospitalization = "hospitalization": Option<Hospitalization<'a>>,
        location = "location": Vec<EncounterLocation<'a>>,
        service_provider = "serviceProvider": Option<Reference<'a>>,
    }
}
resource! {
    /// 検査オーダー
    ServiceRequest {
        status = "status": Text<'a>,
        intent = "intent": Text<'a>,
        do_not_perform = "doNotPerform": Option<bool>,
        code = "code": Option<Concept<'a>>,
        subject = "subject": Reference<'a>,
        encounter = "encounter": Option<Reference<'a>>,
        occurrence = "occurrenceDateTime": Text<'a>,
        occurrence_period = "occurrencePeriod": Option<Period<'a>>,
        requester = "requester": Option<Reference<'a>>,
        location_code = "locationCode": Vec<Concept<'a>>,
        location = "locationReference": Vec<Reference<'a>>,
        patient_instruction = "patientInstruction": Text<'a>,
        note = "note": Vec<Annotation<'a>>,
    }
}
node! {
    /// What the patient pays all the same.
    CoverageException { kind = "type": Option<Concept<'a>> }
}
node! {
    /// What the patient pays.
    CoverageCost {
        kind = "type": Option<Concept<'a>>,
        quantity = "valueQuantity": Option<Quantity<'a>>,
        exception = "exception": Vec<CoverageException<'a>>,
    }
}
resource! {
    /// 一覧: here only where one is empty and says why.
    List {
        status = "status": Text<'a>,
        code = "code": Option<Concept<'a>>,
        subject = "subject": Reference<'a>,
        date = "date": Text<'a>,
        entry = "entry": Vec<Raw<'a>>,
        empty_reason = "emptyReason": Option<Concept<'a>>,
    }
}
resource! {
    /// 保険
    Coverage {
        status = "status": Text<'a>,
        kind = "type": Option<Concept<'a>>,
        subscriber_id = "subscriberId": Text<'a>,
        dependent = "dependent": Text<'a>,
        beneficiary = "beneficiary": Reference<'a>,
        relationship = "relationship": Option<Concept<'a>>,
        period = "period": Option<Period<'a>>,
        payor = "payor": Vec<Reference<'a>>,
        cost = "costToBeneficiary": Vec<CoverageCost<'a>>,
    }
}
node! {
    /// Which encounter a document belongs to.
    DocumentContext { encounter = "encounter": Vec<Reference<'a>>, setting = "practiceSetting": Option<Concept<'a>> }
}
node! {
    /// The document.
    DocumentContent { attachment = "attachment": Attachment<'a> }
}
resource! {
    /// 診療録・文書
    DocumentReference {
        status = "status": Text<'a>,
        doc_status = "docStatus": Text<'a>,
        kind = "type": Option<Concept<'a>>,
        subject = "subject": Reference<'a>,
        date = "date": Text<'a>,
        author = "author": Vec<Reference<'a>>,
        description = "description": Text<'a>,
        content = "content": Vec<DocumentContent<'a>>,
        context = "context": Option<DocumentContext<'a>>,
    }
}
node! {
    /// One part of a document.
    CompositionSection {
        title = "title": Text<'a>,
        code = "code": Option<Concept<'a>>,
        text = "text": Option<Narrative<'a>>,
        section = "section": Vec<CompositionSection<'a>>,
    }
}
resource! {
    /// 診療録・紹介状・サマリ
    Composition {
        status = "status": Text<'a>,
        kind = "type": Option<Concept<'a>>,
        subject = "subject": Reference<'a>,
        encounter = "encounter": Option<Reference<'a>>,
        date = "date": Text<'a>,
        author = "author": Vec<Reference<'a>>,
        title = "title": Text<'a>,
        section = "section": Vec<CompositionSection<'a>>,
    }
}
node! {
    /// A kind of meal.
    OralDiet { kind = "type": Vec<Concept<'a>>, instruction = "instruction": Text<'a> }
}
resource! {
    /// 食事
    NutritionOrder {
        status = "status": Text<'a>,
        patient = "patient": Reference<'a>,
        date_time = "dateTime": Text<'a>,
        oral_diet = "oralDiet": Option<OralDiet<'a>>,
        note = "note": Vec<Annotation<'a>>,
    }
}
resource! {
    /// 注意・隔離
    Flag {
        status = "status": Text<'a>,
        category = "category": Vec<Concept<'a>>,
        code = "code": Concept<'a>,
        subject = "subject": Reference<'a>,
        period = "period": Option<Period<'a>>,
    }
}
