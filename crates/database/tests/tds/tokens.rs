//! Answers of a SQL Server, token by token (MS-TDS 2.2.7), for any type.
//!
//! Deliberately absent: what a driver needs to read them.

/// A collation of Japan with code page 932, as `Japanese_CI_AS` is sent.
pub const JAPANESE: [u8; 5] = [0x11, 0x04, 0xD0, 0x00, 0x00];
/// `Japanese_XJIS_140_CI_AS_UTF8`.
pub const UTF8: [u8; 5] = [0x11, 0x04, 0xD0, 0x34, 0x00];
/// `SQL_Latin1_General_CP1_CI_AS`.
pub const LATIN1: [u8; 5] = [0x09, 0x04, 0xD0, 0x00, 0x34];
/// `Korean_Wansung_CI_AS`, whose bytes can be wrong.
pub const KOREAN: [u8; 5] = [0x12, 0x04, 0xD0, 0x00, 0x00];

/// A column of an answer: its name and its type as it is sent.
#[derive(Clone)]
pub struct Column {
    pub name: String,
    pub kind: Vec<u8>,
}

pub fn column(name: &str, kind: &[u8]) -> Column {
    Column {
        name: name.to_owned(),
        kind: kind.to_vec(),
    }
}

pub fn varchar(name: &str, collation: [u8; 5]) -> Column {
    column(name, &[&[0xA7, 0x40, 0x1F][..], &collation].concat())
}

pub fn int(name: &str) -> Column {
    column(name, &[0x26, 4])
}

fn characters(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn short_text(text: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(text.encode_utf16().count()).unwrap()];
    bytes.extend(characters(text));
    bytes
}

fn long_text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.encode_utf16().count())
        .unwrap()
        .to_le_bytes()
        .to_vec();
    bytes.extend(characters(text));
    bytes
}

/// COLMETADATA.
pub fn heading(columns: &[Column]) -> Vec<u8> {
    let mut token = vec![0x81];
    token.extend(u16::try_from(columns.len()).unwrap().to_le_bytes());
    for column in columns {
        token.extend([0, 0, 0, 0, 9, 0]);
        token.extend(&column.kind);
        token.extend(short_text(&column.name));
    }
    token
}

/// ROW; each value as its type sends it.
pub fn row(values: &[Vec<u8>]) -> Vec<u8> {
    let mut token = vec![0xD1];
    token.extend(values.concat());
    token
}

/// NBCROW: the same with a bit for every NULL and nothing else of it.
pub fn short_row(values: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut bits = vec![0_u8; values.len().div_ceil(8)];
    for (at, value) in values.iter().enumerate() {
        if value.is_none() {
            bits[at / 8] |= 1 << (at % 8);
        }
    }
    let mut token = vec![0xD2];
    token.extend(bits);
    token.extend(values.iter().flatten().flatten());
    token
}

/// A value of VARCHAR, CHAR, VARBINARY, BINARY: its length in two bytes.
pub fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut value = u16::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    value.extend(bytes);
    value
}

/// NULL of those.
pub fn sized_null() -> Vec<u8> {
    vec![0xFF, 0xFF]
}

/// A value with its length in one byte.
pub fn short(bytes: &[u8]) -> Vec<u8> {
    let mut value = vec![u8::try_from(bytes.len()).unwrap()];
    value.extend(bytes);
    value
}

/// A value of a MAX type, in two pieces.
pub fn plp(bytes: &[u8]) -> Vec<u8> {
    let mut value = u64::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    for part in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]] {
        if !part.is_empty() {
            value.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            value.extend(part);
        }
    }
    value.extend([0; 4]);
    value
}

/// A value of TEXT, NTEXT, IMAGE.
pub fn long(bytes: &[u8]) -> Vec<u8> {
    let mut value = vec![16];
    value.extend([7; 16 + 8]);
    value.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    value.extend(bytes);
    value
}

/// A number of INT.
pub fn number(value: i32) -> Vec<u8> {
    short(&value.to_le_bytes())
}

/// DONE. `more` where another statement's follow.
pub fn done(more: bool) -> Vec<u8> {
    let mut token = vec![0xFD, u8::from(more), 0];
    token.extend([0; 10]);
    token
}

/// ERROR with its DONE, which ends the batch.
pub fn error(number: u32, words: &str) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([1, 16]);
    body.extend(long_text(words));
    body.extend(short_text("EHRDB"));
    body.extend(short_text(""));
    body.extend(1_u32.to_le_bytes());
    let mut token = vec![0xAA];
    token.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    token.extend(body);
    token.extend([0xFD, 2, 0]);
    token.extend([0; 10]);
    token
}

/// INFO, as PRINT and changes of the database send it before an answer.
pub fn info(words: &str) -> Vec<u8> {
    let mut token = error(5701, words);
    token.truncate(token.len() - 13);
    token[0] = 0xAB;
    token
}

/// ENVCHANGE: a transaction has begun.
pub fn begun(transaction: u64) -> Vec<u8> {
    let mut token = vec![0xE3, 11, 0, 8, 8];
    token.extend(transaction.to_le_bytes());
    token.push(0);
    token
}

/// LOGINACK and what belongs to it.
pub fn welcome() -> Vec<u8> {
    let mut body = vec![1];
    body.extend([0x74, 0, 0, 4]);
    body.extend(short_text("Microsoft SQL Server"));
    body.extend([15, 0, 0x10, 0xCE]);
    let mut token = vec![0xAD];
    token.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    token.extend(body);
    // ENVCHANGE: packets of 4,096 bytes.
    let mut size = vec![4];
    size.extend(short_text("4096"));
    size.extend(short_text("4096"));
    token.push(0xE3);
    token.extend(u16::try_from(size.len()).unwrap().to_le_bytes());
    token.extend(size);
    token.extend(done(false));
    token
}

/// ENVCHANGE: another server is to be asked (MS-TDS 2.2.7.9, type 20), and the end of the login.
pub fn routed(host: &str, port: u16) -> Vec<u8> {
    let mut value = vec![0];
    value.extend(port.to_le_bytes());
    value.extend(long_text(host));
    let mut body = vec![20];
    body.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
    body.extend(value);
    body.extend([0, 0]);
    let mut token = welcome();
    token.truncate(token.len() - 13);
    token.push(0xE3);
    token.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    token.extend(body);
    token.extend(done(false));
    token
}

/// A whole answer.
pub fn answer(columns: &[Column], rows: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut tokens = heading(columns);
    for values in rows {
        tokens.extend(row(values));
    }
    tokens.extend(done(false));
    tokens
}
