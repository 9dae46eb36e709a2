//! Contexts, wraps, signatures and password slots: each opens in its own place and nowhere else.

use vault::context::Context;
use vault::keys::{Key32, SealerSecret, StationSecret, UserSecret};
use vault::sealbox;
use vault::secret_text::{BadgeSecret, EnvelopeSecret};
use vault::sign::Purpose;
use vault::slot::{Credentials, SLOT_LEN, Slot, SlotCost, SlotFault, Wants};
use vault::wrap;
use vault::{HospitalId, UserId};

use crate::hospital::*;

#[test]
fn a_box_opens_only_in_its_own_context() {
    let mut rng = Repeatable(40);
    let key = Key32::random(&mut rng);
    let place =
        |hospital: HospitalId, kind, epoch: u64, tag: &[u8; 16]| Context::new(kind, &hospital).u64(epoch).fixed(tag);
    let ctx = place(HOSPITAL, "rec", 7, &[1; 16]);
    let sealed = sealbox::seal(&key, &ctx, b"allergy: penicillin", &mut rng);
    assert_eq!(*sealbox::open(&key, &ctx, &sealed).unwrap(), *b"allergy: penicillin");
    for other in [
        place(HospitalId([0; 16]), "rec", 7, &[1; 16]),
        place(HOSPITAL, "idx", 7, &[1; 16]),
        place(HOSPITAL, "rec", 8, &[1; 16]),
        place(HOSPITAL, "rec", 7, &[2; 16]),
        ctx.clone().u8(0),
    ] {
        assert!(sealbox::open(&key, &other, &sealed).is_err());
    }
    assert!(sealbox::open(&Key32::random(&mut rng), &ctx, &sealed).is_err());
}

#[test]
fn a_wrap_opens_only_for_its_recipient_and_place() {
    let mut rng = Repeatable(41);
    let (user, other) = (UserSecret::random(&mut rng), UserSecret::random(&mut rng));
    let ctx = Context::new("rk", &HOSPITAL).u16(3);
    let wrapped = wrap::wrap(&user.public(), &ctx, b"a role key", &mut rng).unwrap();
    assert_eq!(wrapped.len(), wrap::wrapped_len(10));
    assert_eq!(*wrap::unwrap(&user, &ctx, &wrapped).unwrap(), *b"a role key");
    assert!(wrap::unwrap(&other, &ctx, &wrapped).is_err());
    assert!(wrap::unwrap(&user, &Context::new("rk", &HOSPITAL).u16(4), &wrapped).is_err());
    for bit in 0..wrapped.len() * 8 {
        let mut changed = wrapped.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // X25519 ignores the top bit of a public key, but both keys are part of the derivation.
        assert!(wrap::unwrap(&user, &ctx, &changed).is_err(), "bit {bit}");
    }
    for len in 0..wrapped.len() {
        assert!(wrap::unwrap(&user, &ctx, &wrapped[..len]).is_err(), "first {len} bytes");
    }
    let mut small_order = wrapped;
    small_order[..32].fill(0);
    assert!(
        wrap::unwrap(&user, &ctx, &small_order).is_err(),
        "all-zero shared secret"
    );
}

#[test]
fn a_signature_is_good_for_one_purpose_only() {
    let mut rng = Repeatable(42);
    let station = StationSecret::random(&mut rng);
    let signature = station.sign(Purpose::Record, b"entry");
    assert!(station.public().verify(Purpose::Record, b"entry", &signature).is_ok());
    assert!(station.public().verify(Purpose::Receipt, b"entry", &signature).is_err());
    assert!(
        station
            .public()
            .verify(Purpose::Manifest, b"entry", &signature)
            .is_err()
    );
    assert!(station.public().verify(Purpose::Record, b"Entry", &signature).is_err());
    assert!(
        StationSecret::random(&mut rng)
            .public()
            .verify(Purpose::Record, b"entry", &signature)
            .is_err()
    );
    let sealer = SealerSecret::random(&mut rng);
    let signature = sealer.sign(Purpose::Manifest, b"manifest");
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            sealer
                .public()
                .verify(Purpose::Manifest, b"manifest", &changed)
                .is_err(),
            "bit {bit}"
        );
    }
}

fn badge() -> BadgeSecret {
    BadgeSecret::from_bytes(*b"a badge of 128 b")
}

fn both<'a>(password: &'a str, badge: &'a BadgeSecret) -> Credentials<'a> {
    Credentials::PasswordAndBadge { password, badge }
}

#[test]
fn a_slot_opens_with_password_and_badge_and_nothing_less() {
    let mut rng = Repeatable(43);
    let secret = UserSecret::random(&mut rng);
    let badge = badge();
    let right = both("ﾊﾟｽﾜｰﾄﾞ三つ", &badge);
    let slot = Slot::create(&HOSPITAL, &DOCTOR, 0, &right, &secret, SlotCost::FLOOR, &mut rng).unwrap();
    assert_eq!(slot.as_bytes().len(), SLOT_LEN);
    assert_eq!(slot.wants(), Ok(Wants::PasswordAndBadge));
    let slot = Slot::from_bytes(slot.as_bytes()).unwrap();
    let opened = slot.open(&HOSPITAL, &DOCTOR, 0, &right).unwrap();
    assert_eq!(opened.public(), secret.public());
    let wide = slot.open(&HOSPITAL, &DOCTOR, 0, &both("パスワード三つ", &badge));
    assert_eq!(
        wide.unwrap().public(),
        secret.public(),
        "half-width kana typed as full-width: one password (NFKC)"
    );

    let other_badge = BadgeSecret::from_bytes([9; 16]);
    let fails = |hospital: &HospitalId, user: &UserId, number, who: &Credentials<'_>| {
        assert_eq!(
            slot.open(hospital, user, number, who).unwrap_err(),
            SlotFault::CannotOpen
        );
    };
    fails(&HOSPITAL, &DOCTOR, 0, &both("パスワード三", &badge));
    fails(&HOSPITAL, &DOCTOR, 0, &both("パスワード三つ", &other_badge));
    fails(&HOSPITAL, &DOCTOR, 0, &Credentials::Password("パスワード三つ"));
    fails(&HOSPITAL, &CLERK, 0, &right);
    fails(&HOSPITAL, &DOCTOR, 1, &right);
    fails(&HospitalId([0; 16]), &DOCTOR, 0, &right);
    assert_eq!(
        slot.open(&HOSPITAL, &DOCTOR, 0, &both("", &badge)).unwrap_err(),
        SlotFault::Password
    );
    let long = "長".repeat(400);
    assert_eq!(
        slot.open(&HOSPITAL, &DOCTOR, 0, &both(&long, &badge)).unwrap_err(),
        SlotFault::Password
    );
    assert_eq!(
        slot.open(&HOSPITAL, &DOCTOR, 0, &both("nul\0password", &badge))
            .unwrap_err(),
        SlotFault::CannotOpen
    );
}

/// Which of the ways opens which slot: only its own, also where the bytes are the same, and whatever the head says.
#[test]
fn the_ways_into_a_slot_do_not_mix() {
    let mut rng = Repeatable(44);
    let secret = UserSecret::random(&mut rng);
    let text = "sixteen letters!";
    let badge = BadgeSecret::from_bytes(*b"sixteen letters!");
    let envelope = EnvelopeSecret::from_bytes(*b"sixteen letters!");
    let ways = [
        (Credentials::Password(text), Wants::Password),
        (both(text, &badge), Wants::PasswordAndBadge),
        (Credentials::Envelope(&envelope), Wants::Envelope),
    ];
    for (kind, (made_with, wants)) in [1, 2, 4].into_iter().zip(&ways) {
        let slot = Slot::create(&HOSPITAL, &CLERK, 2, made_with, &secret, SlotCost::FLOOR, &mut rng).unwrap();
        assert_eq!(slot.wants(), Ok(*wants));
        assert_eq!(slot.as_bytes()[2], kind);
        assert_eq!(slot.as_bytes().len(), SLOT_LEN);
        for (brought, suits) in &ways {
            assert_eq!(brought.suit(), *suits);
            let opened = slot.open(&HOSPITAL, &CLERK, 2, brought);
            if suits == wants {
                assert_eq!(opened.unwrap().public(), secret.public());
            } else {
                assert_eq!(opened.unwrap_err(), SlotFault::CannotOpen, "{wants:?} with {suits:?}");
            }
            for other in [1, 2, 4].into_iter().filter(|other| *other != kind) {
                let mut swapped = slot.as_bytes().to_vec();
                swapped[2] = other;
                let swapped = Slot::from_bytes(&swapped).unwrap();
                assert_ne!(swapped.wants(), Ok(*wants));
                let refused = swapped.open(&HOSPITAL, &CLERK, 2, brought).unwrap_err();
                assert_eq!(
                    refused,
                    SlotFault::CannotOpen,
                    "{wants:?} as kind {other} with {suits:?}"
                );
            }
        }
    }
}

#[test]
fn an_envelope_opens_its_own_slot_at_the_floor_of_the_cost() {
    let mut rng = Repeatable(46);
    let secret = UserSecret::random(&mut rng);
    let envelope = EnvelopeSecret::random(&mut rng);
    let who = Credentials::Envelope(&envelope);
    let slot = Slot::create(&HOSPITAL, &DOCTOR, 0, &who, &secret, SlotCost::STANDARD, &mut rng).unwrap();
    assert_eq!(
        slot.as_bytes()[4..16],
        [0, 76, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0],
        "19 MiB, 2, 1"
    );
    assert_eq!(
        slot.open(&HOSPITAL, &DOCTOR, 0, &who).unwrap().public(),
        secret.public()
    );
    let typed = EnvelopeSecret::from_typed(&envelope.to_typed()).unwrap();
    let again = Credentials::Envelope(&typed);
    assert_eq!(
        slot.open(&HOSPITAL, &DOCTOR, 0, &again).unwrap().public(),
        secret.public()
    );
    let other = EnvelopeSecret::random(&mut rng);
    for (user, number, secret) in [(&DOCTOR, 0, &other), (&CLERK, 0, &envelope), (&DOCTOR, 1, &envelope)] {
        let refused = slot
            .open(&HOSPITAL, user, number, &Credentials::Envelope(secret))
            .unwrap_err();
        assert_eq!(refused, SlotFault::CannotOpen);
    }
}

/// Costs are checked before any memory is spent, so these are quick although some ask for terabytes.
#[test]
fn weaker_heavier_and_unknown_slots_are_refused_without_work() {
    let mut rng = Repeatable(45);
    let secret = UserSecret::random(&mut rng);
    let who = Credentials::Password("password");
    let slot = Slot::create(&HOSPITAL, &CLERK, 0, &who, &secret, SlotCost::FLOOR, &mut rng).unwrap();
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = slot.as_bytes().to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        Slot::from_bytes(&file)
            .unwrap()
            .open(&HOSPITAL, &CLERK, 0, &who)
            .unwrap_err()
    };
    assert_eq!(changed(4, &8_u32.to_le_bytes()), SlotFault::Cost, "8 KiB");
    assert_eq!(
        changed(4, &(19 * 1024 - 1_u32).to_le_bytes()),
        SlotFault::Cost,
        "just below the floor"
    );
    assert_eq!(changed(4, &u32::MAX.to_le_bytes()), SlotFault::Cost, "4 TiB");
    assert_eq!(changed(8, &1_u32.to_le_bytes()), SlotFault::Cost, "one pass");
    assert_eq!(changed(8, &u32::MAX.to_le_bytes()), SlotFault::Cost, "endless passes");
    assert_eq!(changed(12, &0_u32.to_le_bytes()), SlotFault::Cost, "no lane");
    assert_eq!(changed(12, &5_u32.to_le_bytes()), SlotFault::Cost, "many lanes");
    assert_eq!(
        changed(8, &3_u32.to_le_bytes()),
        SlotFault::CannotOpen,
        "another allowed cost is still another slot"
    );
    assert_eq!(changed(0, &[2]), SlotFault::Unknown, "newer version");
    assert_eq!(changed(1, &[2]), SlotFault::Unknown, "other suite");
    assert_eq!(
        changed(2, &[vault::slot::KIND_FIDO2]),
        SlotFault::Unknown,
        "reserved kind"
    );
    assert_eq!(changed(2, &[5]), SlotFault::Unknown, "kind of a later version");
    assert_eq!(changed(2, &[2]), SlotFault::CannotOpen, "claims to want a badge");
    assert_eq!(changed(3, &[1]), SlotFault::Unknown, "reserved byte");
    for at in [16, 31, 32, 60, 96, 128, SLOT_LEN - 1] {
        assert_eq!(
            changed(at, &[slot.as_bytes()[at] ^ 1]),
            SlotFault::CannotOpen,
            "byte {at}"
        );
    }
    assert_eq!(
        Slot::from_bytes(&slot.as_bytes()[..40])
            .unwrap()
            .open(&HOSPITAL, &CLERK, 0, &who)
            .unwrap_err(),
        SlotFault::CannotOpen
    );
    assert_eq!(
        Slot::from_bytes(&[])
            .unwrap()
            .open(&HOSPITAL, &CLERK, 0, &who)
            .unwrap_err(),
        SlotFault::Unknown
    );
    assert!(Slot::from_bytes(&[0; 2000]).is_err());
    assert!(SlotCost::new(8, 1, 1).is_none() && SlotCost::new(64 * 1024, 3, 1) == Some(SlotCost::STANDARD));
}
