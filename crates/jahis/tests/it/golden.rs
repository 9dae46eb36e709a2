//! The sample of the format page, byte for byte, and the shapes of dosing, record by record.

use chart::medication::Rhythm;
use chart::rx::{Dose, Measure, OralUse, Rp, RxSheet, Step, Timing, Usage};
use encoding_rs::SHIFT_JIS;
use jahis::{Layout, Level, compose, draw, read, self_test, split, write};
use jiff::civil::date;

use super::shapes::{drug, oral, q, rp, sample};

const SAMPLE: &str = "\
JAHIS10
1,1,9876543,13,みなと架空病院
2,105-0000,東京都港区架空町１－２－３
3,03-0000-1111,03-0000-1112,
4,2,01,内科
5,,ｶｸｳ ﾊﾅｺ,架空 花子
11,00012345,模擬 太郎,ﾓｷﾞ ﾀﾛｳ
12,1
13,19580302
22,06139992
23,模擬１２,３４５,1,01
51,20261120
62,2
81,1,,電子カルテ停止中のため紙運用で発行
101,1,1,,14
111,1,2,1012040400000000,1日2回 朝夕食後,2
201,1,1,1,7,1149019F1ZZZ,【般】ロキソプロフェンＮａ錠６０ｍｇ,2,1,錠
241,1,1,1,2
201,1,2,1,1,,架空胃薬錠１００ｍｇ,2,1,錠
241,1,2,1,2
281,1,2,1,3,後発品変更不可,
101,2,2,,5
111,2,1,,疼痛時 1日2回まで,
201,2,1,1,1,,架空頓服錠５ｍｇ,1,1,錠
101,3,3,,1
111,3,1,,1日1回 腰 貼付,1
201,3,1,1,1,,架空貼付剤４０ｍｇ,14,1,枚
";

fn file(sheet: &RxSheet) -> Vec<u8> {
    write(&compose(sheet).unwrap().0).unwrap()
}

/// The file's lines from the first Rp on.
fn records(rps: Vec<Rp>) -> Vec<String> {
    let mut sheet = sample();
    sheet.rx.rps = rps;
    let bytes = file(&sheet);
    let text = SHIFT_JIS.decode(&bytes).0.into_owned();
    text.split("\r\n")
        .filter(|line| line.contains(','))
        .skip_while(|line| !line.starts_with("101"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_sample_is_written_byte_for_byte_and_read_back() {
    let mut meant = SHIFT_JIS.encode(&SAMPLE.replace('\n', "\r\n")).0.into_owned();
    meant.push(0x1A);
    let written = file(&sample());
    assert_eq!(SHIFT_JIS.decode(&written).0, SHIFT_JIS.decode(&meant).0);
    assert_eq!(written, meant);
    let reading = read(&written).unwrap();
    assert_eq!(reading.findings, []);
    assert_eq!(write(&reading.script).unwrap(), written);
}

#[test]
fn the_reference_file_of_another_writer_is_read() {
    let reading = read(include_bytes!("reference.jahis")).unwrap();
    let s = reading.script;
    assert_eq!(include_bytes!("reference.jahis").len(), 662);
    assert_eq!(
        include_bytes!("reference.jahis")
            .iter()
            .fold(0, |parity, byte| parity ^ byte),
        0x2F
    );
    assert_eq!((s.version, s.birth, s.leftovers), (10, Some(date(1958, 3, 2)), Some(2)));
    assert_eq!(s.rps.len(), 3);
    assert_eq!(s.rps[0].drugs[1].notes, [(Some(3), "後発品変更不可".to_owned())]);
    assert_eq!((s.rps[2].quantity, s.rps[2].drugs[0].amount.text().as_str()), (1, "14"));
    // 21 (保険種別) is not kept: the writer never writes it, and the reader says so.
    assert_eq!(reading.findings.len(), 1);
    assert!(reading.findings[0].message.contains("21,1"));
}

#[test]
fn each_shape_of_dosing_has_its_records() {
    let three = || Timing::Times(3);
    let mut powder = drug("架空散10%", Dose::Divided(q("2", "g")));
    powder.measure = Measure::Active;
    assert_eq!(
        records(vec![rp(vec![powder], oral(three(), 7))]),
        [
            "101,1,1,,7",
            "111,1,1,,1日3回,3",
            "201,1,1,1,1,,架空散10%,2,2,g",
            "241,1,1,2/3,3"
        ]
    );
    let uneven = Dose::Uneven(vec![q("2", "錠"), q("1", "錠"), q("0.5", "錠")]);
    assert_eq!(
        records(vec![rp(vec![drug("架空錠", uneven)], oral(three(), 7))])[2..],
        ["201,1,1,1,1,,架空錠,3.5,1,錠", "221,1,1,2,1,0.5,,,,,,,"]
    );
    let days = |rhythm| {
        Usage::Oral(OralUse {
            timing: Timing::Times(1),
            rhythm,
            days: 7,
        })
    };
    let one = || vec![drug("架空錠", Dose::Each(q("1", "錠")))];
    assert_eq!(
        records(vec![rp(one(), days(Rhythm::AlternateDays))])[2..4],
        ["181,1,1,3,隔日,,", "181,1,2,,7日分（服用する日の数）,,"]
    );
    assert_eq!(
        records(vec![rp(one(), days(Rhythm::Weekdays(0b001_0010)))])[2],
        "181,1,1,8,月・木曜日,W0100100,"
    );
    assert_eq!(
        records(vec![rp(one(), days(Rhythm::EveryDays(3)))])[2],
        "181,1,1,5,3日ごと,,"
    );
    let step = |step| Rp {
        step: Some(Step { step, of: 2 }),
        packed: true,
        crushed: true,
        ..rp(one(), oral(three(), 3))
    };
    let taper = records(vec![step(1), step(2)]);
    assert_eq!(
        taper[..5],
        [
            "101,1,1,,3",
            "111,1,1,,1日3回,3",
            "181,1,1,1,漸減 1段目（全2段）,,",
            "181,1,2,2,一包化,,",
            "181,1,3,4,粉砕,,"
        ]
    );
    let mut can = drug("架空栄養剤 250mL", Dose::Each(q("1", "缶")));
    can.system = chart::rx::CodeSystem::Claim;
    can.code = "620000001".to_owned();
    can.conversion = Some(25_000_000);
    assert_eq!(records(vec![rp(vec![can], oral(three(), 3))])[3], "211,1,1,250");
}

#[test]
fn the_sample_as_symbols_is_read_by_another_reader() {
    let bytes = file(&sample());
    for (version, level) in [
        (12, Level::M),
        (10, Level::M),
        (20, Level::Q),
        (40, Level::L),
        (8, Level::Q),
    ] {
        let layout = Layout { version, level };
        let symbols = draw(&split(&bytes, layout).unwrap(), layout).unwrap();
        assert_eq!(self_test(&symbols, &bytes), Ok(()), "{layout:?} {}", symbols.len());
        let mut other = bytes.clone();
        other[20] ^= 1;
        assert!(self_test(&symbols, &other).is_err());
        let mut swapped = symbols.clone();
        swapped.reverse();
        assert_eq!(self_test(&swapped, &bytes).is_ok(), symbols.len() == 1);
    }
}
