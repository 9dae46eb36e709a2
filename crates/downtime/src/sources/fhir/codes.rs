//! Code systems by one table: a system has an OID of before and a URL of now, and misprints of both are in the world.
//!
//! Only what a system *is* stands here, and which code of several goes into a chart; no code of any system has a meaning here
//! but those of FHIR itself.

use chart::Coded;

use super::model::{Coding, Concept};

/// A code system that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// HOT7, HOT9, HOT13
    Hot,
    /// 個別医薬品コード（YJ）
    Yj,
    /// 一般名コード
    Generic,
    /// 標準コードなし
    Nocoded,
    /// JLAC10, JLAC11 and JP-CLINS' own lists of them
    Jlac,
    /// 病名管理番号
    DiseaseKey,
    /// 病名交換用コード
    DiseaseExchange,
    /// ICD-10
    Icd10,
    /// JFAGY allergens
    Jfagy,
    /// 標準用法
    Usage,
    /// 補足用法
    UsageMore,
    /// 診療科
    Department,
    /// SNOMED CT
    Snomed,
    /// LOINC
    Loinc,
    /// A code of FHIR or HL7 itself
    Hl7,
    /// 被保険者番号
    InsuredId,
    /// 保険者番号
    InsurerNumber,
    /// 医療機関番号
    Institution,
    /// RP番号
    RpNumber,
    /// RP内の番号
    RpIndex,
    /// The record's own number, kept over versions
    Instance,
    /// 患者番号 of one institution
    PatientNumber,
    /// 医籍登録番号
    MedicalRegistration,
    /// Anything else: the hospital's own
    Own,
}

/// OIDs, in full.
const OIDS: [(&str, System); 24] = [
    ("1.2.392.200119.4.403.1", System::Hot),
    ("1.2.392.200119.4.403.2", System::Hot),
    ("1.2.392.200119.4.402.1", System::Hot),
    ("1.2.392.100495.20.2.73", System::Yj),
    ("1.2.392.100495.20.1.73", System::Yj),
    ("1.2.392.100495.20.2.81", System::Generic),
    ("1.2.392.100495.20.1.81", System::Generic),
    ("1.2.392.200119.4.504", System::Jlac),
    ("1.2.392.200119.4.101.2", System::DiseaseKey),
    ("1.2.392.200119.4.101.6", System::DiseaseExchange),
    ("2.16.840.1.113883.6.3", System::Icd10),
    ("2.16.840.1.113883.6.96", System::Snomed),
    ("2.16.840.1.113883.6.1", System::Loinc),
    ("1.2.392.200250.2.2.20", System::Usage),
    ("1.2.392.200250.2.2.20.20", System::Usage),
    ("1.2.392.200250.2.2.20.22", System::UsageMore),
    ("1.2.392.200250.2.2.2", System::Department),
    ("1.2.392.100495.20.3.61", System::InsurerNumber),
    ("1.2.392.100495.20.3.81", System::RpNumber),
    ("1.2.392.100495.20.3.82", System::RpIndex),
    ("1.2.392.100495.20.3.31", System::MedicalRegistration),
    ("1.2.392.10495.20.3.81", System::RpNumber),
    ("1.2.392.10495.20.3.82", System::RpIndex),
    ("1.2.392.10495.20.2.73", System::Yj),
];

/// What a URL holds, in small letters; the first that fits.
const URLS: [(&str, System); 30] = [
    ("master-hot", System::Hot),
    ("yj-code", System::Yj),
    ("medicationgeneralordercode", System::Generic),
    ("codenocoded", System::Nocoded),
    ("uncoded_cs", System::Nocoded),
    ("localcode_cs", System::Own),
    ("jlac", System::Jlac),
    ("obslabresult_corelabo", System::Jlac),
    ("obslabresult_infectionlabo", System::Jlac),
    ("master-disease-keynumber", System::DiseaseKey),
    ("master-disease-excode", System::DiseaseExchange),
    ("icd10", System::Icd10),
    ("icd-10", System::Icd10),
    ("jfagy", System::Jfagy),
    ("medicationusageadditional", System::UsageMore),
    ("medicationusage", System::Usage),
    ("clinicaldepartment", System::Department),
    ("snomed.info", System::Snomed),
    ("loinc.org", System::Loinc),
    ("jp_insurance_memberid", System::InsuredId),
    ("insurernumber", System::InsurerNumber),
    ("insurance-medical-institution-no", System::Institution),
    ("medication-rpgroupnumber", System::RpNumber),
    ("medicationadministrationindex", System::RpIndex),
    ("resourceinstance-identifier", System::Instance),
    ("medicalregistrationnumber", System::MedicalRegistration),
    ("terminology.hl7.org", System::Hl7),
    ("hl7.org", System::Hl7),
    ("jp_simpleobservationcategory", System::Hl7),
    ("route-codes", System::Hl7),
];

/// 患者番号 of an institution: this, and the institution's ten digits.
const PATIENT_OID: &str = "1.2.392.100495.20.3.51.1";

/// Which system an address or OID names.
#[must_use]
pub fn system(uri: &str) -> System {
    let uri = uri.trim();
    let oid = uri.strip_prefix("urn:oid:").unwrap_or(uri);
    if oid.starts_with(|c: char| c.is_ascii_digit()) {
        if let Some((_, found)) = OIDS.iter().find(|(known, _)| *known == oid) {
            return *found;
        }
        let number = oid.strip_prefix(PATIENT_OID);
        return match number {
            Some(rest) if rest.trim_start_matches('.').len() == 10 => System::PatientNumber,
            _ => System::Own,
        };
    }
    let small = uri.to_ascii_lowercase();
    let found = URLS.iter().find(|(part, _)| small.contains(part));
    found.map_or(System::Own, |(_, found)| *found)
}

/// The code of one system.
#[must_use]
pub fn code_of<'c>(concept: &'c Concept<'_>, wanted: System) -> Option<&'c str> {
    let fits = |coding: &&Coding<'_>| !coding.code.is_empty() && system(&coding.system) == wanted;
    concept.coding.iter().find(fits).map(|coding| coding.code.trim())
}

/// What goes into a chart of several codes: the hospital's own first (it leads back into the EHR), then by `order`; the words as written.
#[must_use]
pub fn coded(concept: &Concept<'_>, order: &[System]) -> Coded {
    let own = code_of(concept, System::Own);
    let code = own.or_else(|| order.iter().find_map(|wanted| code_of(concept, *wanted)));
    Coded::new(code.unwrap_or_default(), concept.words())
}

/// 診療科 of a concept.
#[must_use]
pub fn department(concept: &Concept<'_>) -> Coded {
    coded(concept, &[System::Department])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oid_a_url_and_a_misprint_are_one_system() {
        for (uri, wanted) in [
            ("urn:oid:1.2.392.100495.20.2.73", System::Yj),
            ("urn:oid:1.2.392.100495.20.1.73", System::Yj),
            ("http://capstandard.jp/iyaku.info/CodeSystem/YJ-code", System::Yj),
            ("http://tandard.jp/iyaku.info/CodeSystem/YJ-code", System::Yj),
            ("http://medis.or.jp/CodeSystem/master-HOT9", System::Hot),
            ("http://medis.or.jp/CodeSystem/master-JLAC10-17digits", System::Jlac),
            (
                "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_LocalCode_CS",
                System::Own,
            ),
            (
                "http://jpfhir.jp/fhir/eCS/Idsysmem/JP_Insurance_memberID",
                System::InsuredId,
            ),
            ("urn:oid:1.2.392.100495.20.3.51.11318814790", System::PatientNumber),
            ("urn:oid:1.2.392.100495.20.3.51.1.1318814790", System::PatientNumber),
            ("urn:oid:1.2.392.100495.20.3.51.1", System::Own),
            (
                "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment",
                System::Department,
            ),
            ("http://hospital.example/drug", System::Own),
            ("", System::Own),
        ] {
            assert_eq!(system(uri), wanted, "{uri}");
        }
    }
}
