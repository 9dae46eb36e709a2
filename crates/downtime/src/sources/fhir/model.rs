//! FHIR's data types as far as care needs them; everything else of a resource is skipped.
//!
//! Nothing is judged here: what a field means is said in `facts`.

use super::json::{Number, Raw, Text, node};

node! {
    /// A code of a code system.
    Coding { system = "system": Text<'a>, code = "code": Text<'a>, display = "display": Text<'a> }
}
node! {
    /// Codes for one thing, and its words.
    Concept { coding = "coding": Vec<Coding<'a>>, text = "text": Text<'a> }
}
node! {
    /// A number of the world outside FHIR.
    Identifier { usage = "use": Text<'a>, kind = "type": Concept<'a>, system = "system": Text<'a>, value = "value": Text<'a> }
}
node! {
    /// Another resource.
    Reference {
        reference = "reference": Text<'a>,
        kind = "type": Text<'a>,
        identifier = "identifier": Option<Identifier<'a>>,
        display = "display": Text<'a>,
    }
}
node! {
    /// From when until when.
    Period { start = "start": Text<'a>, end = "end": Text<'a> }
}
node! {
    /// An amount.
    Quantity {
        value = "value": Number<'a>,
        comparator = "comparator": Text<'a>,
        unit = "unit": Text<'a>,
        code = "code": Text<'a>,
    }
}
node! {
    /// An amount for an amount.
    Ratio { numerator = "numerator": Quantity<'a>, denominator = "denominator": Quantity<'a> }
}
node! {
    /// From an amount to another.
    Range { low = "low": Option<Quantity<'a>>, high = "high": Option<Quantity<'a>> }
}
node! {
    /// What FHIR itself has no field for.
    Extension {
        url = "url": Text<'a>,
        code = "valueCode": Text<'a>,
        string = "valueString": Text<'a>,
        boolean = "valueBoolean": Option<bool>,
        date_time = "valueDateTime": Text<'a>,
        integer = "valueInteger": Number<'a>,
        concept = "valueCodeableConcept": Option<Concept<'a>>,
        coding = "valueCoding": Option<Coding<'a>>,
        identifier = "valueIdentifier": Option<Identifier<'a>>,
        quantity = "valueQuantity": Option<Quantity<'a>>,
        duration = "valueDuration": Option<Quantity<'a>>,
        reference = "valueReference": Option<Reference<'a>>,
        extension = "extension": Vec<Extension<'a>>,
    }
}
node! {
    /// What is said about the resource itself.
    Meta { last_updated = "lastUpdated": Text<'a>, tag = "tag": Vec<Coding<'a>>, security = "security": Vec<Coding<'a>> }
}
node! {
    /// A name of a person.
    HumanName {
        usage = "use": Text<'a>,
        text = "text": Text<'a>,
        family = "family": Text<'a>,
        given = "given": Vec<Text<'a>>,
        extension = "extension": Vec<Extension<'a>>,
    }
}
node! {
    /// A phone.
    ContactPoint {
        system = "system": Text<'a>,
        value = "value": Text<'a>,
        usage = "use": Text<'a>,
        rank = "rank": Number<'a>,
    }
}
node! {
    /// An address.
    Address {
        usage = "use": Text<'a>,
        text = "text": Text<'a>,
        postal_code = "postalCode": Text<'a>,
        state = "state": Text<'a>,
        city = "city": Text<'a>,
        line = "line": Vec<Text<'a>>,
    }
}
node! {
    /// A remark.
    Annotation { text = "text": Text<'a> }
}
node! {
    /// A document's content.
    Attachment {
        content_type = "contentType": Text<'a>,
        data = "data": Text<'a>,
        url = "url": Text<'a>,
        title = "title": Text<'a>,
    }
}
node! {
    /// Words for people, in XHTML.
    Narrative { div = "div": Text<'a> }
}
node! {
    /// How often, when.
    Repeat {
        bounds_duration = "boundsDuration": Option<Quantity<'a>>,
        count = "count": Number<'a>,
        frequency = "frequency": Number<'a>,
        period = "period": Number<'a>,
        period_unit = "periodUnit": Text<'a>,
        day_of_week = "dayOfWeek": Vec<Text<'a>>,
        time_of_day = "timeOfDay": Vec<Text<'a>>,
    }
}
node! {
    /// 用法
    Timing { repeat = "repeat": Option<Repeat<'a>>, code = "code": Option<Concept<'a>> }
}
node! {
    /// 1回量・1日量
    DoseAndRate {
        kind = "type": Option<Concept<'a>>,
        dose = "doseQuantity": Option<Quantity<'a>>,
        dose_range = "doseRange": Option<Range<'a>>,
        rate_ratio = "rateRatio": Option<Ratio<'a>>,
        rate_quantity = "rateQuantity": Option<Quantity<'a>>,
    }
}
node! {
    /// How a drug is taken.
    Dosage {
        extension = "extension": Vec<Extension<'a>>,
        modifier = "modifierExtension": Vec<Raw<'a>>,
        text = "text": Text<'a>,
        additional = "additionalInstruction": Vec<Concept<'a>>,
        patient_instruction = "patientInstruction": Text<'a>,
        timing = "timing": Option<Timing<'a>>,
        as_needed = "asNeededBoolean": Option<bool>,
        as_needed_for = "asNeededCodeableConcept": Option<Concept<'a>>,
        site = "site": Option<Concept<'a>>,
        route = "route": Option<Concept<'a>>,
        method = "method": Option<Concept<'a>>,
        dose_and_rate = "doseAndRate": Vec<DoseAndRate<'a>>,
    }
}

impl<'a> Concept<'a> {
    /// Its words: the text as written, else the first name of a code.
    #[must_use]
    pub fn words(&self) -> &str {
        if !self.text.trim().is_empty() {
            return self.text.trim();
        }
        let display = self.coding.iter().map(|coding| coding.display.trim());
        display.into_iter().find(|text| !text.is_empty()).unwrap_or("")
    }

    /// True when it has neither words nor a code.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words().is_empty() && self.coding.iter().all(|coding| coding.code.is_empty())
    }

    /// True when one of its codes is this one, whatever the system.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.coding.iter().any(|coding| &*coding.code == code)
    }
}

impl Meta<'_> {
    /// True when the resource carries this tag or label.
    #[must_use]
    pub fn tagged(&self, code: &str) -> bool {
        self.tag.iter().chain(&self.security).any(|tag| &*tag.code == code)
    }
}
