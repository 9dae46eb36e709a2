//! Known answers: with these keys and this randomness, exactly these bytes, for ever. A change here is a change of the
//! format and needs a new version number, never a new expected value.

use sha2::{Digest, Sha256};
use vault::context::Context;
use vault::keys::{Key32, RoleSecret, SealerSecret, StationSecret, UserSecret};
use vault::secret_text::BadgeSecret;
use vault::sign::Purpose;
use vault::slot::{Credentials, Slot, SlotCost};
use vault::{sealbox, wrap};

use crate::hospital::*;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[test]
fn sealbox_bytes() {
    let key = Key32::from_bytes([0x11; 32]);
    let ctx = Context::new("rec", &HOSPITAL).u64(42).fixed(&[5; 16]);
    let short = sealbox::seal(&key, &ctx, b"tomoshibi", &mut Repeatable(1));
    assert_eq!(
        hex(&short),
        "01c15c0289ec2d0a9167ec8e65a18debbe5e5532fbeea293f80bc942ee9086c1717378c78bc59a8b7feee10bb35887a147850e0a17931d700577e5b236ed04a51b71d447f537090efbb9eda8a437b568d210b88267512298290a"
    );
    let long = sealbox::seal(&key, &ctx, &vec![0x5A; 150_000], &mut Repeatable(2));
    assert_eq!(
        digest(&long),
        "d2fe18080e31913d712c8c6225bbf69f8ba6e5e50bcc7ddc83236c1be7ee5033"
    );
}

#[test]
fn wrap_bytes() {
    let user = UserSecret::from_seed(&[0x22; 32]);
    let ctx = Context::new("rk", &HOSPITAL).u64(42).u16(1);
    let wrapped = wrap::wrap(&user.public(), &ctx, &[0x33; 32], &mut Repeatable(3)).unwrap();
    assert_eq!(
        hex(&wrapped),
        "43f70a08dff5a6ffe945b2cfd42b37e84fa0d84725b4b98100255dc78840df19019699b7caad8d6837074f1f093777dfa2b8fdbecb42eb9822169285dc210d83e30e6b5fded4cb4e0b8e5f274816c91921ef95b0b402f96ad3594bd1db82acf2ac57fd10d0c50145094bbc020102e9191d3cc8e9b1c4aedcfb8a514422523422f7a899833b2b6d85fef2aadadb4d994573"
    );
}

#[test]
fn signature_bytes() {
    let sealer = SealerSecret::random(&mut Repeatable(4));
    assert_eq!(
        hex(&sealer.public().to_bytes()),
        "5cb5f57e6e4a1b029f072e58013e7eefb5ce847ec8c736251effc5f445788e1d"
    );
    assert_eq!(
        hex(&sealer.sign(Purpose::Manifest, b"tomoshibi")),
        "5979be4b49cd8ad1d422b91ed7c342c7f109957ab506fe25c517768a3fe9d00fc73df55f89392299db47ce6810eb18b1817e9a8f91bf31b4eded4518fa1ccf09"
    );
    let station = StationSecret::random(&mut Repeatable(5));
    assert_eq!(
        hex(&station.public().to_bytes()),
        "07b27acfec796c45c81a837b19036f3d7ecf0c79a79a41d9a84eb0e9701b380a78048bc531d80b13726db95fa45adabc43248a83c34ae9abbfd198a2708bf871"
    );
    assert_eq!(
        hex(&station.sign(Purpose::Record, b"tomoshibi")),
        "68547f38edf36d4c72cd6579d1dd6b2143dce0b2a69b0a7b20a1cbab14570c20c56e8584811b8959a964e26f6927898f1f9971dcf7426b8012169a84f063be0b"
    );
    assert_eq!(station.public().fingerprint().to_string(), "412C-AC7A-BA0D-2A1E-79A3");
}

#[test]
fn secret_file_bytes() {
    assert_eq!(
        hex(&RoleSecret::from_seed(&[0x44; 32]).to_file_bytes()),
        "544d424b4559310003000000000000004444444444444444444444444444444444444444444444444444444444444444b62cf8aa98b5298d"
    );
}

#[test]
fn slot_bytes() {
    let secret = UserSecret::from_seed(&[0x55; 32]);
    let who = Credentials::PasswordAndBadge {
        password: "灯火ﾄﾓｼﾋﾞ",
        badge: &BadgeSecret::from_bytes([0x66; 16]),
    };
    let slot = Slot::create(
        &HOSPITAL,
        &DOCTOR,
        1,
        &who,
        &secret,
        SlotCost::FLOOR,
        &mut Repeatable(6),
    )
    .unwrap();
    assert_eq!(
        hex(slot.as_bytes()),
        "01010200004c0000020000000100000000e0efadd9a564bd99df5139b29d417201462faa72037d6c0e90dad0ed1298041b270f55d8ca70fd8c702a17d7de37ddd240ed5a3fdc449451c80b1a9302fea734ec37640eeb1213c2d9a742cc2828131b738602ad847d44a071e24445d3ad91daf0a5266116e469b9a73ab64180dd67d2506d7d1219e0158af67f9a396546c2d3"
    );
}

/// Compression output belongs to the zstd library and may change with it, so only the key sections are compared.
#[test]
fn snapshot_key_section_bytes() {
    let mut hospital = Hospital::new(7);
    let mut plan = hospital.plan(42);
    plan.dictionary.clear();
    let (file, sealed) = hospital.seal_plan(&plan, 0);
    let dictionary_at = sealed.manifest.sections[3].offset as usize;
    assert_eq!(
        digest(&file[..dictionary_at]),
        "6c655901ce97957fe9c1d1c68cb7728ef65e072ef53cc4b0c6dd52ce264025ef"
    );
}

#[test]
fn journal_bytes() {
    let mut desk = crate::journal::Desk::new(9);
    let fs = vault::simfs::SimFs::new(0);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &[b"first".to_vec(), b"second".to_vec()])
        .unwrap();
    let segment = fs.bytes(std::path::Path::new("/journal/0000000001.tmbj")).unwrap();
    assert_eq!(
        (segment.len(), digest(&segment)),
        (
            16384,
            "51352a2749becb62fa670adeab9fafe28be1d255f4eab6b4d673888932d51dc9".to_owned()
        )
    );
}
