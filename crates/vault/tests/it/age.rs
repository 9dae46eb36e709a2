//! Files of age, both ways with the public tool, and nothing that was changed is ever believed.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use vault::age::{AgeFault, Reader, Writer, identity, recipient};
use vault::keys::{Recipient, RecoverySecret};

use crate::hospital::Repeatable;

fn rng() -> Repeatable {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    Repeatable(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

fn sealed(plain: &[u8], to: &[&RecoverySecret]) -> Vec<u8> {
    let publics: Vec<_> = to.iter().map(|secret| secret.public()).collect();
    let keys: Vec<&dyn Recipient> = publics.iter().map(|public| public as &dyn Recipient).collect();
    let mut writer = Writer::new(Vec::new(), &keys, &mut rng()).unwrap();
    // In odd pieces: where one write ends and the next begins is nobody's business.
    for piece in plain.chunks(10_007) {
        writer.write_all(piece).unwrap();
    }
    writer.finish().unwrap()
}

fn opened(file: &[u8], secret: &RecoverySecret) -> Result<Vec<u8>, String> {
    let mut reader = Reader::open(file, secret).map_err(|fault| fault.to_string())?;
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).map_err(|fault| fault.to_string())?;
    Ok(plain)
}

fn tool(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let child = Command::new("age")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("age is needed ({error}): apt-get install age"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feed = std::thread::spawn(move || stdin.write_all(&input));
    let done = child.wait_with_output().unwrap();
    let _ = feed.join().unwrap();
    assert!(done.status.success(), "age {arguments:?}: {}", done.status);
    done.stdout
}

/// Lengths around the edges of chunks.
const LENGTHS: [usize; 8] = [0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 300_000];

#[test]
#[allow(clippy::disallowed_methods)] // The public tool reads its key from the disk.
fn the_public_tool_opens_ours_and_we_open_its_own() {
    let (secret, other) = (RecoverySecret::random(&mut rng()), RecoverySecret::random(&mut rng()));
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.txt");
    std::fs::write(&key, format!("# made by hand\n{}\n", *identity(&secret))).unwrap();
    let key = key.to_str().unwrap();
    for len in LENGTHS {
        let plain: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
        assert_eq!(tool(&["-d", "-i", key], &sealed(&plain, &[&secret])), plain, "{len}");
        assert_eq!(
            tool(&["-d", "-i", key], &sealed(&plain, &[&other, &secret])),
            plain,
            "second of two, {len}"
        );
        let theirs = tool(&["-r", &recipient(&secret.public())], &plain);
        assert_eq!(opened(&theirs, &secret).unwrap(), plain, "{len}");
        let both = ["-r", &recipient(&other.public()), "-r", &recipient(&secret.public())];
        assert_eq!(
            opened(&tool(&both, &plain), &secret).unwrap(),
            plain,
            "second of two, {len}"
        );
    }
}

#[test]
fn another_key_opens_nothing_and_a_weak_one_seals_nothing() {
    let (secret, other) = (RecoverySecret::random(&mut rng()), RecoverySecret::random(&mut rng()));
    let file = sealed(b"everything", &[&secret]);
    assert!(matches!(Reader::open(&file[..], &other), Err(AgeFault::OtherKey)));
    assert!(matches!(
        Writer::new(Vec::new(), &[], &mut rng()),
        Err(AgeFault::Recipients)
    ));
    let many = [&secret as &RecoverySecret; 17];
    let publics: Vec<_> = many.iter().map(|s| s.public()).collect();
    let keys: Vec<&dyn Recipient> = publics.iter().map(|p| p as &dyn Recipient).collect();
    assert!(Writer::new(Vec::new(), &keys, &mut rng()).is_err());
}

#[test]
fn no_changed_byte_and_no_cut_gives_a_whole_file() {
    let secret = RecoverySecret::random(&mut rng());
    let plain: Vec<u8> = (0..70_000_u32).map(|n| n as u8).collect();
    let good = sealed(&plain, &[&secret]);
    // Every byte of the header and of the edges, and some between.
    let places =
        (0..good.len()).filter(|at| *at < 300 || good.len() - at < 80 || at % 997 == 0 || at.abs_diff(65_780) < 40);
    for at in places {
        let mut changed = good.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(opened(&changed, &secret).is_err(), "byte {at}");
    }
    let cuts = (0..good.len())
        .filter(|len| *len < 300 || good.len() - len < 80 || len % 997 == 0 || len.abs_diff(65_780) < 40);
    for len in cuts {
        assert!(opened(&good[..len], &secret).is_err(), "first {len}");
    }
    assert!(opened(&[&good[..], b"x"].concat(), &secret).is_err(), "longer");
    assert_eq!(opened(&good, &secret).unwrap(), plain);
}

#[test]
fn a_header_without_end_is_given_up() {
    let secret = RecoverySecret::random(&mut rng());
    let endless = b"age-encryption.org/v1\n-> X25519 "
        .iter()
        .copied()
        .chain(std::iter::repeat(b'A'));
    let endless: Vec<u8> = endless.take(200_000).collect();
    assert!(matches!(Reader::open(&endless[..], &secret), Err(AgeFault::NotAge)));
    assert!(matches!(
        Reader::open(&b"PK\x03\x04 something else"[..], &secret),
        Err(AgeFault::NotAge)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_header_is_read_without_a_panic(lines in proptest::collection::vec("[ -~]{0,80}", 0..8), rest in proptest::collection::vec(any::<u8>(), 0..80)) {
        let secret = RecoverySecret::from_seed(&[7; 32]);
        let text = format!("age-encryption.org/v1\n{}\n--- AAAA\n", lines.join("\n"));
        let _ = opened(&[text.as_bytes(), &rest].concat(), &secret);
        let _ = opened(&rest, &secret);
    }
}
