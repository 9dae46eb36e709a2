//! Sound messages of an invented hospital, as SS-MIX2 stores them.

use hl7::charset::{Policy, encode};
use hl7::types::{Coded, Doctor, PersonName, Place, Timing};
use hl7::{Encoding, Index, Message, decode};

pub const ADMISSION: &str = "MSH|^~\\&|HIS|KAKU|GW|RCV|20261118140511.200||ADT^A01^ADT_A01|20261118140511200|P|2.5||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO\r\
EVN||20261118140500|||N010\r\
PID|0001||0001234567^^^^PI||模擬^日出男^^^^^L^I~モギ^ヒデオ^^^^^L^P||19580302|M|||^^^^105-0000^JPN^H^東京都港区架空町１丁目２番３号||^PRN^PH^^^^^^^^^03-0000-2222||||||||||||||||||||20261120093000\r\
PV1|0001|I|05E^512^2^^^N||||D001^架空^花子^^^^^^^L^^^^^I|||01|||||||D001^架空^花子^^^^^^^L^^^^^I|||||||||||||||||||||||||||20261118140000\r";

pub const PRESCRIPTION: &str = "MSH|^~\\&|HIS|KAKU|GW|RCV|20261120091005.333||RDE^O11^RDE_O11|20261120091005333|P|2.5||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO\r\
PID|0001||0001234567^^^^PI||模擬^日出男^^^^^L^I~モギ^ヒデオ^^^^^L^P||19580302|M\r\
PV1|0001|O|01^^^^^C||||D001^架空^花子^^^^^^^L^^^^^I\r\
ORC|NW|000000000012345||1|||||20261120091000|D001^架空^花子^^^^^^^L^^^^^I||D001^架空^花子^^^^^^^L^^^^^I|01^^^^^C||||01^内科^HL70069||||みなと架空病院||||||||O^外来患者オーダ^HL70482\r\
RXE||999999901^架空消炎錠５ｍｇ^HOT9|1||TAB^錠^MR9P|TAB^錠剤^MR9P||||28|TAB^錠^MR9P||||2026112000001||||2^TAB&錠&MR9P||OHP^外来処方^MR9P~OHO^院外処方^MR9P\r\
TQ1|1||1012040400000000&内服・経口・１日２回朝夕食後&JAMISDP01|||14^d|20261120\r\
RXR|PO^口^HL70162\r";

pub fn on_disk(text: &str) -> Vec<u8> {
    encode(text, Encoding::Iso2022Jp, Policy::Refuse).unwrap().bytes
}

#[test]
fn an_admission_from_its_bytes() {
    let bytes = on_disk(ADMISSION);
    assert!(
        bytes.windows(8).any(|window| window == b"\x1b$BF|=PC"),
        "日出男 holds a 0x7C"
    );
    let decoded = decode(&bytes);
    assert!(decoded.is_sound());
    assert_eq!(
        (decoded.encoding, decoded.declared),
        (Encoding::Iso2022Jp, Some(Encoding::Iso2022Jp))
    );
    let message = Message::parse(&decoded.text).unwrap();
    let header = message.header();
    assert_eq!(
        (&*header.code(), &*header.event(), &*header.structure()),
        ("ADT", "A01", "ADT_A01")
    );
    assert_eq!((header.field(1).raw(), header.field(2).raw()), ("|", "^~\\&"));
    assert_eq!(
        header.field(2).repetitions().count(),
        1,
        "the encoding characters are no value"
    );
    assert_eq!(&*header.control_id(), "20261118140511200");
    assert_eq!(header.character_sets().collect::<Vec<_>>(), ["ISO IR87"]);
    assert_eq!(
        message.segments().map(|segment| segment.name()).collect::<Vec<_>>(),
        ["MSH", "EVN", "PID", "PV1"]
    );
    let pid = message.segment("PID").unwrap();
    assert_eq!(pid.field_count(), 33);
    assert_eq!(pid.field(3).component(1).text(), "0001234567");
    assert_eq!(pid.field(99).raw(), "");
    let names: Vec<_> = PersonName::all(pid.field(5))
        .map(|name| name.full().into_owned())
        .collect();
    assert_eq!(names, ["模擬　日出男", "モギ　ヒデオ"]);
    assert_eq!(Place::of(message.field("PV1", 3).first()).bed, "2");
    assert_eq!(message.field("PV1", 44).text(), "20261118140000");
}

#[test]
fn a_prescription_from_its_bytes() {
    let bytes = on_disk(PRESCRIPTION);
    let decoded = decode(&bytes);
    let message = Message::parse(&decoded.text).unwrap();
    let drug = Coded::of(message.field("RXE", 2).first());
    assert_eq!(
        (drug.in_system("HOT9"), drug.label()),
        (Some("999999901"), "架空消炎錠５ｍｇ")
    );
    let timing = Timing::of(message.segment("TQ1").unwrap());
    assert_eq!(timing.usages[0].code.label(), "内服・経口・１日２回朝夕食後");
    let places: Vec<_> = message
        .field("RXE", 21)
        .repetitions()
        .map(|part| part.component(1).raw())
        .collect();
    assert_eq!(places, ["OHP", "OHO"]);
    assert_eq!(message.field("RXE", 19).component(2).sub(3).raw(), "MR9P");
    assert_eq!(Doctor::of(message.field("ORC", 12).first()).full(), "架空　花子");
}

#[test]
fn the_index_says_the_same() {
    let mut index = Index::new();
    for text in [ADMISSION, PRESCRIPTION] {
        let message = Message::parse(text).unwrap();
        let indexed = index.read(text).unwrap();
        assert_eq!(indexed.len(), message.segments().count());
        for (one, other) in indexed.segments().zip(message.segments()) {
            assert_eq!(one.segment(), other);
            for number in 0..other.field_count() + 3 {
                assert_eq!(one.field(number), other.field(number), "{} {number}", other.name());
            }
        }
    }
}
