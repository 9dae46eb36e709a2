//! The tables of the database: normalised as in the databases that electronic health records stand on, with dates in more than one form.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A patient number: blank-padded in SQL Server.
    Id,
    /// Text of at most so many characters.
    Text(u16),
    /// Text without a limit.
    Long,
    /// A whole number.
    Int,
    /// An amount with three decimals.
    Amount,
    /// A date.
    Date,
    /// A date as text of 8 digits.
    Date8,
    /// A time as text of 4 digits.
    Clock,
    /// A date with a time.
    Stamp,
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// So many of its first columns are the key.
    pub(super) key: usize,
    /// Its columns.
    pub(super) columns: &'static [(&'static str, Kind)],
}

use Kind::{Amount, Clock, Date, Date8, Id, Int, Long, Stamp, Text};

macro_rules! tables {
    ($($constant:ident $name:literal $key:literal { $($column:literal $kind:expr),* $(,)? })*) => {
        $(pub(super) const $constant: Table = Table { name: $name, key: $key, columns: &[$(($column, $kind)),*] };)*
        /// All of them in the order in which they are made.
        pub(super) const TABLES: &[&Table] = &[$(&$constant),*];
    };
}

tables! {
    DEPARTMENT "M_DEPARTMENT" 1 {
        "DEPT_CD" Text(3), "DEPT_NAME" Text(40), "SHORT_NAME" Text(10), "RECEPTION" Text(40), "TEL" Text(20),
    }
    DOCTOR "M_DOCTOR" 1 {
        "DR_CD" Text(10), "FAMILY_NAME" Text(40), "GIVEN_NAME" Text(40), "FAMILY_KANA" Text(60), "GIVEN_KANA" Text(60),
        "DEPT_CD" Text(3), "TEL" Text(20),
    }
    EXAM "M_EXAM" 1 {
        "EXAM_CD" Text(10), "EXAM_NAME" Text(80), "PLACE" Text(40), "PREPARATION" Text(200),
    }
    DRUG "M_DRUG" 1 { "DRUG_CD" Text(12), "DRUG_NAME" Text(120), "DRUG_KIND" Text(1) }
    LAB_ITEM "M_LAB_ITEM" 1 { "ITEM_CD" Text(10), "ITEM_NAME" Text(80), "UNIT" Text(30) }
    WARD "M_WARD" 1 { "WARD_CD" Text(6), "WARD_NAME" Text(40) }
    BED "BED" 3 { "WARD_CD" Text(6), "ROOM_NO" Text(8), "BED_NO" Text(4) }
    PATIENT "PATIENT" 1 {
        "PATIENT_NO" Id, "FAMILY_NAME" Text(60), "GIVEN_NAME" Text(60), "FAMILY_KANA" Text(80), "GIVEN_KANA" Text(80),
        "FORMER_NAME" Text(60), "ALIAS_NAME" Text(120), "SEX" Text(1), "BIRTH_DATE" Date8, "DEATH_DATE" Date,
        "ZIP" Text(10), "ADDRESS" Text(200), "TEL_HOME" Text(40), "TEL_MOBILE" Text(40), "WORKPLACE" Text(80),
        "TEL_WORK" Text(40), "BLOOD_ABO" Text(2), "BLOOD_RH" Text(1), "INSURANCE_KIND" Text(1), "REGISTERED" Date8,
        "LAST_VISIT" Date,
    }
    FACT "PATIENT_FACT" 2 {
        "PATIENT_NO" Id, "FACT_KIND" Text(20), "FACT_VALUE" Text(40), "FACT_DATE" Date8,
    }
    INSURANCE "INSURANCE" 2 {
        "PATIENT_NO" Id, "SEQ_NO" Int, "INSURANCE_KIND" Text(1), "INSURER_NO" Text(8), "SYMBOL_NO" Text(40),
        "CARD_NO" Text(40), "BRANCH_NO" Text(2), "OWN_FLG" Text(1), "BURDEN_KIND" Text(10), "SHARE_PERCENT" Int,
        "PAYER_NO" Text(8), "RECIPIENT_NO" Text(7), "PAYER_UNTIL" Date8, "VALID_FROM" Date8, "VALID_UNTIL" Date8,
    }
    ALLERGY "ALLERGY" 2 {
        "PATIENT_NO" Id, "SEQ_NO" Int, "STATE" Text(1), "ALLERGY_KIND" Text(1), "ALLERGY_CLASS" Text(1), "ALLERGEN_CD" Text(10),
        "SUBSTANCE" Text(120), "REACTION" Text(80), "SEVERITY" Text(1), "ONSET_DATE" Date8, "CONFIRMED_DATE" Date,
        "MEMO" Text(200),
    }
    DISEASE "DISEASE" 2 {
        "PATIENT_NO" Id, "SEQ_NO" Int, "DISEASE_NAME" Text(120), "ICD10" Text(8), "SUSPECT_FLG" Text(1), "MAIN_FLG" Text(1),
        "START_DATE" Date8, "OUTCOME" Text(1), "END_DATE" Date8, "DEPT_CD" Text(3),
    }
    RESERVE "RESERVE" 1 {
        "RESERVE_NO" Text(12), "PATIENT_NO" Id, "RESERVE_DATE" Date, "RESERVE_TIME" Clock, "DEPT_CD" Text(3), "DR_CD" Text(10),
        "VISIT_KIND" Text(1), "RESERVE_COMMENT" Text(200), "RESERVE_STATE" Text(1),
    }
    ORDER_EXAM "ORDER_EXAM" 1 {
        "ORDER_NO" Text(12), "PATIENT_NO" Id, "RESERVE_NO" Text(12), "EXAM_DATE" Date8, "EXAM_TIME" Clock, "EXAM_CD" Text(10),
        "DEPT_CD" Text(3), "ORDER_COMMENT" Text(200), "ORDER_STATE" Text(1),
    }
    KARTE "KARTE" 3 {
        "PATIENT_NO" Id, "VISIT_DATE" Date, "DEPT_CD" Text(3), "DR_CD" Text(10), "WRITTEN_AT" Stamp, "SOAP_S" Long,
        "SOAP_O" Long, "SOAP_A" Long, "SOAP_P" Long,
    }
    RP_HEAD "RP_HEAD" 4 {
        "PATIENT_NO" Id, "RX_DATE" Date8, "DEPT_CD" Text(3), "RP_NO" Int, "DR_CD" Text(10), "RP_KIND" Text(1), "USAGE_TEXT" Text(120),
        "TIMES_A_DAY" Int, "INTERVAL_CD" Text(8),
    }
    RP_DETAIL "RP_DETAIL" 5 {
        "PATIENT_NO" Id, "RX_DATE" Date8, "DEPT_CD" Text(3), "RP_NO" Int, "LINE_NO" Int, "DRUG_CD" Text(12), "DOSE_EACH" Amount,
        "DOSE_DAY" Amount, "DOSE_UNIT" Text(20), "QUANTITY" Int, "QUANTITY_UNIT" Text(20), "UNEVEN" Text(60), "LINE_COMMENT" Text(200),
    }
    LAB_RESULT "LAB_RESULT" 3 {
        "PATIENT_NO" Id, "TAKEN_AT" Stamp, "ITEM_CD" Text(10), "RESULT_VALUE" Text(40), "REF_LOW" Text(20), "REF_HIGH" Text(20),
        "FLAG" Text(1), "RESULT_COMMENT" Text(80),
    }
    STAY "STAY" 1 {
        "STAY_NO" Text(12), "PATIENT_NO" Id, "WARD_CD" Text(6), "ROOM_NO" Text(8), "BED_NO" Text(4), "ADMITTED" Date, "DEPT_CD" Text(3),
        "DR_CD" Text(10), "NURSE" Text(40), "PURPOSE" Text(80), "DIET" Text(40), "ACTIVITY" Text(40), "ISOLATION" Text(40),
        "OXYGEN" Text(40), "DRIP" Text(40), "INSULIN" Text(40), "POLICY" Text(40), "ADL" Text(40), "FALL_RISK" Text(40),
        "SWALLOWING" Text(40), "SKIN" Text(40), "OPERATION" Text(40), "LEAVE_PLANNED" Date8, "LEFT_AT" Stamp, "LEFT_KIND" Text(2),
        "CONTACT_NAME" Text(80), "CONTACT_RELATION" Text(20), "CONTACT_TEL" Text(40),
    }
    SCHEDULE "SCHEDULE" 4 {
        "PATIENT_NO" Id, "DUE_DATE" Date8, "LINE_NO" Int, "DUE_TIME" Clock, "DRUG_CD" Text(12), "DRUG_NAME" Text(120), "DRUG_KIND" Text(1),
        "DOSE_EACH" Amount, "DOSE_DAY" Amount, "DOSE_UNIT" Text(20), "USAGE_TEXT" Text(120), "METHOD" Text(80), "HIGH_RISK" Text(1),
        "LINE_COMMENT" Text(200),
    }
    VITAL "VITAL" 2 {
        "PATIENT_NO" Id, "MEASURED_AT" Stamp, "TEMPERATURE" Amount, "BP_HIGH" Int, "BP_LOW" Int, "PULSE" Int, "SPO2" Int,
    }
    HANDOVER "HANDOVER" 2 {
        "PATIENT_NO" Id, "WRITTEN_AT" Stamp, "AUTHOR" Text(40), "BODY" Long,
    }
}
