//! Cases as text that a person can read: messages in UTF-8, one segment a line, made into the bytes and files a hospital has.
//!
//! `== ROOT NAME [how]` begins a file of a storage (its folders follow from its name), `== NUMBER TIME [how]` a message of a feed.
//! `MSH@type@time` and `PID@number@漢字@カナ@birth@sex` are written out. `how` is one of the encodings or damages of [`bytes`].

use std::path::{Path, PathBuf};

/// One message with what is said about it.
#[derive(Debug, Clone)]
pub struct Written {
    /// The words of its heading.
    pub head: Vec<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Reads a case.
pub fn read(text: &str) -> Vec<Written> {
    let mut all = Vec::new();
    for part in text.split("\n== ").skip(1) {
        let (head, body) = part.split_once('\n').unwrap_or((part, ""));
        let mut head: Vec<String> = head.split_whitespace().map(str::to_owned).collect();
        let how = head
            .iter()
            .position(|word| word.starts_with('['))
            .map(|at| head.remove(at).trim_matches(['[', ']']).to_owned());
        let lines: Vec<String> = body
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(line)
            .collect();
        all.push(Written {
            head,
            bytes: bytes(&lines, how.as_deref().unwrap_or("")),
        });
    }
    all
}

fn line(line: &str) -> String {
    let parts: Vec<&str> = line.split('@').collect();
    match parts.as_slice() {
        ["MSH", kind, time] => {
            let id: String = time.chars().filter(char::is_ascii_digit).collect();
            format!(
                "MSH|^~\\&|HIS|KAKU|GW|RCV|{time}||{kind}|{id}|P|2.5||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO"
            )
        }
        ["PID", id, written, kana, birth, sex] => {
            let kana = if kana.is_empty() {
                String::new()
            } else {
                format!("~{kana}^^^^^L^P")
            };
            format!("PID|0001||{id}^^^^PI||{written}^^^^^L^I{kana}||{birth}|{sex}")
        }
        _ => line.to_owned(),
    }
}

fn bytes(lines: &[String], how: &str) -> Vec<u8> {
    let end = if how == "lf" { "\n" } else { "\r" };
    let text: String = lines.iter().map(|line| format!("{line}{end}")).collect();
    let iso = |text: &str| {
        hl7::charset::encode(text, hl7::Encoding::Iso2022Jp, hl7::charset::Policy::Substitute)
            .unwrap()
            .bytes
    };
    match how {
        "empty" => Vec::new(),
        "cp932" => encoding_rs::SHIFT_JIS.encode(&text).0.into_owned(),
        "utf8" => text.replace("~ISO IR87", "UNICODE UTF-8").into_bytes(),
        "bom" => [b"\xEF\xBB\xBF", text.replace("~ISO IR87", "UNICODE UTF-8").as_bytes()].concat(),
        // Without the escape back to ASCII at the end of every line.
        "noesc" => {
            let mut all = Vec::new();
            for line in lines {
                let mut one = iso(line);
                if one.ends_with(b"\x1B(B") {
                    one.truncate(one.len() - 3);
                }
                all.extend(one);
                all.push(b'\r');
            }
            all
        }
        "pairs" => {
            let plain = iso(&text);
            let at = plain.windows(4).position(|w| w == b"PID|").unwrap_or(0) + 4;
            [&plain[..at], b"\x1B$B\x1B(B", &plain[at..]].concat()
        }
        _ => {
            let mut all = iso(&text);
            if let Some(keep) = how.strip_prefix("cut=") {
                all.truncate(keep.parse().unwrap());
            }
            all
        }
    }
}

/// Writes a storage below a folder.
pub fn lay(written: &[Written], below: &Path) {
    for one in written {
        let path = match one.head.as_slice() {
            [root, name] => below.join(root).join(place(name)),
            [root, folder, name] => below.join(root).join(folder).join(name),
            other => panic!("{other:?}"),
        };
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &one.bytes).unwrap();
    }
}

/// `患者ID_診療日_データ種別_…` to its folders.
fn place(name: &str) -> PathBuf {
    let parts: Vec<&str> = name.split('_').collect();
    let id = parts[0];
    [&id[..3], &id[3..6], id, parts[1], parts[2], name].iter().collect()
}
