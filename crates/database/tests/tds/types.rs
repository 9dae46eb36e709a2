//! Every type as the text of a field.

use crate::server::{Reply, Script, serve};
use crate::tokens::*;
use crate::{Value, ask, settings};

/// Name, type as it is announced, value as it is sent, and the field.
fn cases() -> Vec<(&'static str, Vec<u8>, Vec<u8>, Value)> {
    let text = Value::text;
    let collated =
        |kind: u8, length: u16, collation: [u8; 5]| [&[kind][..], &length.to_le_bytes(), &collation].concat();
    let wide: Vec<u8> = "髙橋　①".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lone = [0x71, 0x5C, 0x00, 0xD8, 0x42, 0x30];
    let table = [1, 1, 0, b'T', 0];
    // 2026-11-20 is day 739,939 from 0001-01-01 and day 46,344 from 1900-01-01.
    let (day, old_day) = (739_939_u32.to_le_bytes(), 46_344_i32.to_le_bytes());
    let date = &day[..3];
    let at = 34_200_i32;
    let fine = |scale: u32| (u64::try_from(at).unwrap() * 10_u64.pow(scale)).to_le_bytes();
    vec![
        ("tinyint", vec![0x30], vec![255], text("255")),
        ("tinyint null", vec![0x26, 1], vec![1, 7], text("7")),
        ("smallint", vec![0x34], (-2_i16).to_le_bytes().to_vec(), text("-2")),
        ("int", vec![0x38], i32::MIN.to_le_bytes().to_vec(), text("-2147483648")),
        (
            "bigint",
            vec![0x26, 8],
            short(&i64::MAX.to_le_bytes()),
            text("9223372036854775807"),
        ),
        ("int null", vec![0x26, 4], vec![0], Value::Null),
        ("bit", vec![0x32], vec![1], text("1")),
        ("bit null", vec![0x68, 1], vec![1, 0], text("0")),
        (
            "decimal",
            vec![0x6A, 5, 9, 3],
            short(&[1, 0xDC, 5, 0, 0]),
            text("1.500"),
        ),
        (
            "decimal below 1",
            vec![0x6C, 5, 9, 4],
            short(&[0, 5, 0, 0, 0]),
            text("-0.0005"),
        ),
        (
            "decimal zero",
            vec![0x6A, 5, 9, 2],
            short(&[1, 0, 0, 0, 0]),
            text("0.00"),
        ),
        (
            "decimal whole",
            vec![0x6A, 5, 9, 0],
            short(&[1, 42, 0, 0, 0]),
            text("42"),
        ),
        (
            "decimal(38,0)",
            vec![0x6A, 17, 38, 0],
            short(&[&[1][..], &(10_i128.pow(38) - 1).to_le_bytes()].concat()),
            text("99999999999999999999999999999999999999"),
        ),
        ("decimal null", vec![0x6A, 5, 9, 3], vec![0], Value::Null),
        ("money", vec![0x3C], vec![0, 0, 0, 0, 0x39, 0x30, 0, 0], text("1.2345")),
        (
            "money null",
            vec![0x6E, 8],
            short(&[0xFF, 0xFF, 0xFF, 0xFF, 0xF0, 0xD8, 0xFF, 0xFF]),
            text("-1.0000"),
        ),
        (
            "money great",
            vec![0x3C],
            vec![0x47, 0x5A, 0x1F, 0, 0x87, 0x9D, 0x10, 0x48],
            text("882498647625.6647"),
        ),
        (
            "smallmoney",
            vec![0x7A],
            980_000_i32.to_le_bytes().to_vec(),
            text("98.0000"),
        ),
        ("float", vec![0x3E], 0.1_f64.to_le_bytes().to_vec(), text("0.1")),
        (
            "float small",
            vec![0x6D, 8],
            short(&1e-7_f64.to_le_bytes()),
            text("0.0000001"),
        ),
        (
            "float great",
            vec![0x6D, 8],
            short(&1e21_f64.to_le_bytes()),
            text("1000000000000000000000"),
        ),
        ("real", vec![0x3B], 36.6_f32.to_le_bytes().to_vec(), text("36.6")),
        ("date", vec![0x28], short(date), text("2026-11-20")),
        ("date first", vec![0x28], short(&[0, 0, 0]), text("0001-01-01")),
        (
            "date last",
            vec![0x28],
            short(&3_652_058_u32.to_le_bytes()[..3]),
            text("9999-12-31"),
        ),
        ("date null", vec![0x28], vec![0], Value::Null),
        ("time(0)", vec![0x29, 0], short(&fine(0)[..3]), text("09:30:00")),
        (
            "time(7)",
            vec![0x29, 7],
            short(&(u64::try_from(at).unwrap() * 10_000_000 + 1_234_567).to_le_bytes()[..5]),
            text("09:30:00"),
        ),
        (
            "time last",
            vec![0x29, 3],
            short(&86_399_999_u32.to_le_bytes()),
            text("23:59:59"),
        ),
        (
            "datetime2(0)",
            vec![0x2A, 0],
            short(&[&fine(0)[..3], date].concat()),
            text("2026-11-20 09:30:00"),
        ),
        (
            "datetime2(7)",
            vec![0x2A, 7],
            short(&[&fine(7)[..5], date].concat()),
            text("2026-11-20 09:30:00"),
        ),
        (
            "datetime2(3)",
            vec![0x2A, 3],
            short(&[&(34_200_250_u32).to_le_bytes()[..], date].concat()),
            text("2026-11-20 09:30:00"),
        ),
        (
            "datetime",
            vec![0x3D],
            [old_day, (at * 300).to_le_bytes()].concat(),
            text("2026-11-20 09:30:00"),
        ),
        (
            "datetime midnight",
            vec![0x6F, 8],
            short(&[old_day, [0; 4]].concat()),
            text("2026-11-20 00:00:00"),
        ),
        (
            "datetime thirds",
            vec![0x3D],
            [old_day, (at * 300 + 2).to_le_bytes()].concat(),
            text("2026-11-20 09:30:00"),
        ),
        (
            "datetime last third",
            vec![0x3D],
            [old_day, (86_400 * 300 - 1_i32).to_le_bytes()].concat(),
            text("2026-11-20 23:59:59"),
        ),
        (
            "datetime of 1753",
            vec![0x3D],
            [(-53_690_i32).to_le_bytes(), [0; 4]].concat(),
            text("1753-01-01 00:00:00"),
        ),
        ("datetime null", vec![0x6F, 8], vec![0], Value::Null),
        (
            "smalldatetime",
            vec![0x3A],
            [&46_344_u16.to_le_bytes()[..], &570_u16.to_le_bytes()].concat(),
            text("2026-11-20 09:30:00"),
        ),
        // 00:30 UTC of the same day, written at +09:00; and 20:00 UTC of the day before, written at -05:00: 05:00 in Japan.
        (
            "datetimeoffset",
            vec![0x2B, 0],
            short(&[&1_800_u32.to_le_bytes()[..3], date, &540_i16.to_le_bytes()].concat()),
            text("2026-11-20 09:30:00"),
        ),
        (
            "datetimeoffset elsewhere",
            vec![0x2B, 0],
            short(
                &[
                    &72_000_u32.to_le_bytes()[..3],
                    &739_938_u32.to_le_bytes()[..3],
                    &(-300_i16).to_le_bytes(),
                ]
                .concat(),
            ),
            text("2026-11-20 05:00:00"),
        ),
        (
            "uniqueidentifier",
            vec![0x24, 16],
            short(&[
                0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
            ]),
            text("00112233-4455-6677-8899-AABBCCDDEEFF"),
        ),
        ("nvarchar", collated(0xE7, 80, JAPANESE), sized(&wide), text("髙橋　①")),
        (
            "nchar",
            collated(0xEF, 6, JAPANESE),
            sized(&[b'A', 0, b' ', 0, b' ', 0]),
            text("A  "),
        ),
        (
            "nvarchar(max)",
            collated(0xE7, 0xFFFF, JAPANESE),
            plp(&wide),
            text("髙橋　①"),
        ),
        (
            "nvarchar lone surrogate",
            collated(0xE7, 80, JAPANESE),
            sized(&lone),
            text("\u{5C71}\u{FFFD}\u{3042}"),
        ),
        ("nvarchar empty", collated(0xE7, 80, JAPANESE), sized(&[]), text("")),
        ("nvarchar null", collated(0xE7, 80, JAPANESE), sized_null(), Value::Null),
        (
            "ntext",
            [&[0x63, 0, 0, 0, 64][..], &JAPANESE, &table].concat(),
            long(&wide),
            text("髙橋　①"),
        ),
        (
            "varchar",
            collated(0xA7, 80, JAPANESE),
            sized(b"\xFB\xFC\x8B\xB4"),
            Value::Bytes(b"\xFB\xFC\x8B\xB4".to_vec()),
        ),
        (
            "varchar stray",
            collated(0xA7, 80, JAPANESE),
            sized(b"\x8E\x52\xA0\xFD\x93\x63"),
            Value::Bytes(b"\x8E\x52\xA0\xFD\x93\x63".to_vec()),
        ),
        (
            "varchar(max)",
            collated(0xA7, 0xFFFF, JAPANESE),
            plp(b"\xF0\x40abc"),
            Value::Bytes(b"\xF0\x40abc".to_vec()),
        ),
        (
            "varchar(max) null",
            collated(0xA7, 0xFFFF, JAPANESE),
            vec![0xFF; 8],
            Value::Null,
        ),
        ("varchar null", collated(0xA7, 80, JAPANESE), sized_null(), Value::Null),
        (
            "char",
            collated(0xAF, 10, JAPANESE),
            sized(b"00177902  "),
            Value::Bytes(b"00177902  ".to_vec()),
        ),
        (
            "text",
            [&[0x23, 0, 0, 0, 64][..], &JAPANESE, &table].concat(),
            long(b"\x82\xA0\xFD"),
            Value::Bytes(b"\x82\xA0\xFD".to_vec()),
        ),
        (
            "text null",
            [&[0x23, 0, 0, 0, 64][..], &JAPANESE, &table].concat(),
            vec![0],
            Value::Null,
        ),
        (
            "varchar utf8",
            collated(0xA7, 80, UTF8),
            sized("髙橋".as_bytes()),
            text("髙橋"),
        ),
        (
            "varchar utf8 stray",
            collated(0xA7, 80, UTF8),
            sized(b"\xE9\xAB\x99\xFF!"),
            text("髙\u{FFFD}!"),
        ),
        (
            "varchar latin",
            collated(0xA7, 80, LATIN1),
            sized(b"5 \xB5g"),
            text("5 µg"),
        ),
        (
            "varbinary",
            vec![0xA5, 20, 0],
            sized(b"\x00\xFF"),
            Value::Bytes(b"\x00\xFF".to_vec()),
        ),
        ("binary", vec![0xAD, 2, 0], sized(b"\x01\x02"), Value::Bytes(vec![1, 2])),
        (
            "varbinary(max)",
            vec![0xA5, 0xFF, 0xFF],
            plp(b"\x8E\x52\x93\x63"),
            Value::Bytes(b"\x8E\x52\x93\x63".to_vec()),
        ),
        (
            "image",
            [&[0x22, 0, 0, 0, 64][..], &table].concat(),
            long(b"\x01"),
            Value::Bytes(vec![1]),
        ),
        (
            "xml",
            vec![0xF1, 0],
            plp(&"<a>髙</a>"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>()),
            text("<a>髙</a>"),
        ),
        (
            "sql_variant",
            vec![0x62, 0x49, 0x1F, 0, 0],
            [&6_u32.to_le_bytes()[..], &[0x38, 0], &7_i32.to_le_bytes()].concat(),
            text("7"),
        ),
    ]
}

#[test]
fn every_type_becomes_the_text_of_its_value() {
    let cases = cases();
    let columns: Vec<Column> = cases.iter().map(|(name, kind, ..)| column(name, kind)).collect();
    let values: Vec<Vec<u8>> = cases.iter().map(|(_, _, value, _)| value.clone()).collect();
    let tokens = answer(&columns, &[values.clone(), values]);
    // Packets of every small size: a head, a value, a length may be cut anywhere.
    for packet in [4_088, 61, 7, 1] {
        let served = serve(Script {
            packet,
            replies: vec![(
                "FROM TYPES".to_owned(),
                Reply::Tokens([info("別の言語"), tokens.clone()].concat()),
            )],
            ..Script::default()
        });
        let (got, done) = ask(settings(served.port), "SELECT * FROM TYPES");
        assert_eq!(done, Ok(()));
        assert_eq!(got.rows.len(), 2);
        for row in &got.rows {
            for (((name, .., expected), column), value) in cases.iter().zip(&got.columns).zip(row) {
                assert_eq!((column.as_str(), value), (*name, expected), "packets of {packet}");
            }
        }
    }
}

#[test]
fn rows_that_leave_nulls_out() {
    let columns = [varchar("name", JAPANESE), int("n"), varchar("more", JAPANESE)];
    let mut tokens = heading(&columns);
    tokens.extend(short_row(&[Some(sized(b"\x8E\x52")), None, Some(sized(b"\xA0"))]));
    tokens.extend(short_row(&[None, Some(number(5)), None]));
    tokens.extend(done(false));
    let served = serve(Script {
        replies: vec![("FROM T".to_owned(), Reply::Tokens(tokens))],
        ..Script::default()
    });
    let (got, done) = ask(settings(served.port), "SELECT * FROM T");
    assert_eq!(done, Ok(()));
    assert_eq!(
        got.rows,
        [
            [Value::Bytes(vec![0x8E, 0x52]), Value::Null, Value::Bytes(vec![0xA0])],
            [Value::Null, Value::text("5"), Value::Null]
        ]
    );
}

/// Bytes that change on the way: a question may be lost, the session goes on, and nothing waits or stops.
#[test]
fn a_thousand_answers_with_wrong_bytes() {
    let cases = cases();
    let columns: Vec<Column> = cases.iter().map(|(name, kind, ..)| column(name, kind)).collect();
    let values: Vec<Vec<u8>> = cases.iter().map(|(_, _, value, _)| value.clone()).collect();
    let good = answer(&columns, &[values.clone(), values]);
    let mut dice = 0x2545_F491_4F6C_DD1D_u64;
    let mut roll = |below: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice % u64::try_from(below).unwrap()).unwrap()
    };
    let mut replies: Vec<(String, Reply)> = (0..1_000)
        .map(|n| {
            let mut tokens = good.clone();
            for _ in 0..=roll(3) {
                let at = roll(tokens.len());
                match roll(4) {
                    0 => tokens[at] = u8::try_from(roll(256)).unwrap(),
                    1 => tokens[at] = 0xFF,
                    2 => drop(tokens.remove(at)),
                    _ => tokens.truncate(at.max(1)),
                }
            }
            (format!("FROM WRONG{n:04}"), Reply::Tokens(tokens))
        })
        .collect();
    replies.push(("FROM GOOD".to_owned(), Reply::Tokens(good)));
    let served = serve(Script {
        replies,
        ..Script::default()
    });
    let mut settings = settings(served.port);
    settings.answer_within = std::time::Duration::from_secs(3);
    let server = database::sqlserver::SqlServer::new(settings);
    let mut session = downtime::sources::sql::Database::open(&server).unwrap();
    let (mut whole, mut lost) = (0, 0);
    for n in 0..1_000 {
        match session.ask(&format!("SELECT * FROM WRONG{n:04}"), &mut crate::Got::default()) {
            Ok(()) => whole += 1,
            Err(downtime::sources::sql::Fault::Refused(_)) => lost += 1,
            Err(other) => panic!("{n}: {other}"),
        }
    }
    assert!(whole > 50 && lost > 50, "{whole} {lost}");
    let mut got = crate::Got::default();
    assert_eq!(session.ask("SELECT * FROM GOOD", &mut got), Ok(()));
    assert_eq!(got.rows.len(), 2);
}
