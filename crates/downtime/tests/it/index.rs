//! The thin index by itself: its blocks, the order of its rows, and what of it is refused.

use chart::stay::{Bed, Beds};
use chart::{Chart, Coded, PatientId, Stay};
use downtime::index::{BedList, Index, IndexBuilder, IndexFault, Query};
use vault::snapshot::Block;

use crate::hospital::{DAY, patient};

/// Somebody who comes tomorrow: no record.
fn tomorrow(id: &str, written: &str, kana: &str) -> Chart {
    let mut chart = patient(id, written, kana, 10);
    chart.thin = true;
    chart.appointments[0].on = DAY.tomorrow().unwrap();
    chart
}

/// Two people of the day, one of whom comes on two other days too, and two of tomorrow.
fn blocks() -> Vec<Vec<u8>> {
    let mut builder = IndexBuilder::new(DAY);
    let mut often = patient("00000012", "山田　花子", "ヤマダ　ハナコ", 9);
    let mut before = often.appointments[0].clone();
    before.on = DAY.yesterday().unwrap();
    let mut after = before.clone();
    after.on = DAY.tomorrow().unwrap();
    often.appointments.extend([after, before]);
    builder.add(&often).unwrap();
    builder
        .add(&patient("00000007", "山田　華子", "ヤマダ　ハナコ", 8))
        .unwrap();
    builder
        .add(&tomorrow("00000003", "未来　明日香", "ミライ　アスカ"))
        .unwrap();
    builder
        .add(&tomorrow("00000020", "山田　明日香", "ヤマダ　アスカ"))
        .unwrap();
    builder.finish(Vec::new(), &Beds::NotAsked).unwrap()
}

fn open(blocks: &[Vec<u8>]) -> Result<Index, IndexFault> {
    Index::from_blocks(blocks.iter().map(|block| Block::pack(block).unwrap()).collect())
}

#[test]
fn everybody_is_found_whether_of_the_day_or_not() {
    let index = open(&blocks()).unwrap();
    assert_eq!((index.len(), index.records()), (4, 2));
    for (number, row) in [("12", 0), ("00000007", 1), ("3", 2), ("00000020", 3)] {
        let found = index.find(&PatientId::parse(number).unwrap()).unwrap();
        assert_eq!((found.number(), found.is_thin()), (row, row >= 2), "{number}");
    }
    assert!(index.find(&PatientId::parse("4").unwrap()).is_none());
    assert!(index.row(4).is_none());
    let hits = |typed: &str| -> Vec<u32> {
        let found = index.search(&Query::parse(typed).unwrap(), 10);
        found.into_iter().map(|(row, _)| row).collect()
    };
    assert_eq!(hits("ヤマダ"), [0, 1, 3], "people of the day first");
    assert_eq!(hits("asuka"), [2, 3]);
    assert_eq!(hits("未来"), [2]);
    assert_eq!(hits("00000020"), [3]);
    let hanako = index.row(1).unwrap();
    assert_eq!((hanako.written(), hanako.kana()), ("山田　華子", "ヤマダ　ハナコ"));
    assert_eq!((hanako.name_key(), hanako.kana_key()), ("山田華子", "ヤマダハナコ"));
    assert_eq!(hanako.alike().same_reading, 1);
    assert_eq!(index.row(3).unwrap().alike().strongest(), None, "not of the day");
}

#[test]
fn appointments_are_found_by_day_and_by_person() {
    let index = open(&blocks()).unwrap();
    let [yesterday, tomorrow] = [DAY.yesterday().unwrap(), DAY.tomorrow().unwrap()];
    assert_eq!(index.days().collect::<Vec<_>>(), [yesterday, DAY, tomorrow]);
    let rows = |day| index.slots_on(day).iter().map(|slot| slot.row).collect::<Vec<_>>();
    assert_eq!(rows(DAY), [1, 0], "by time");
    assert_eq!(rows(yesterday), [0]);
    assert_eq!(rows(tomorrow).len(), 3);
    let often = index.row(0).unwrap();
    let days: Vec<_> = often.slots().filter_map(|slot| slot.day()).collect();
    assert_eq!(days, [yesterday, DAY, tomorrow], "earliest first");
    assert_eq!(often.slots_on(DAY).count(), 1);
    assert_eq!(often.slots_on(tomorrow).count(), 1);
    assert_eq!(index.row(2).unwrap().slots_on(DAY).count(), 0);
}

#[test]
fn a_record_after_a_thin_row_is_refused() {
    let mut builder = IndexBuilder::new(DAY);
    builder
        .add(&tomorrow("00000003", "未来　明日香", "ミライ　アスカ"))
        .unwrap();
    let late = builder.add(&patient("00000007", "山田　華子", "ヤマダ　ハナコ", 8));
    assert!(matches!(late, Err(IndexFault::Order)));
}

#[test]
fn other_versions_and_other_numbers_of_blocks_or_rows_are_refused() {
    let good = blocks();
    let mut version = good.clone();
    version[0][0] += 1;
    assert!(open(&version).is_err(), "another version");
    assert!(open(&good[..good.len() - 1]).is_err(), "a block too few");
    assert!(
        open(&[good.clone(), vec![Vec::new()]].concat()).is_err(),
        "a block too many"
    );
    for (n, block) in good.iter().enumerate() {
        let mut shorter = good.clone();
        shorter[n].pop();
        let refused = open(&shorter).is_err();
        // Texts may have any length; one that has lost its end opens as a column without anybody.
        let text = (2..=7).contains(&n) || (10..=15).contains(&n) || n == 20;
        assert!(refused || block.is_empty() || text, "block {n}");
    }
}

#[test]
fn a_column_that_is_none_shows_nobody_instead_of_stopping() {
    let mut bad = blocks();
    bad[3].fill(0xFF);
    let index = open(&bad).unwrap();
    assert_eq!(index.row(0).unwrap().written(), "");
    assert_eq!(index.row(0).unwrap().id_text(), "00000012");
    assert_eq!(index.search(&Query::parse("ヤマダ").unwrap(), 10).len(), 3);
}

/// Somebody in a bed, booked or not.
fn lying(id: &str, written: &str, kana: &str, ward: &str, room: &str, bed: &str) -> Chart {
    let mut chart = patient(id, written, kana, 10);
    chart.appointments.clear();
    chart.stay = Some(Stay {
        attending: Coded::new("D1", "佐藤　一郎"),
        ..Stay::at(Coded::new(ward, format!("{ward}病棟")), room, bed)
    });
    chart
}

fn ward_blocks(beds: &Beds) -> Vec<Vec<u8>> {
    let mut builder = IndexBuilder::new(DAY);
    for chart in [
        lying("00000031", "山田　花子", "ヤマダ　ハナコ", "5E", "510", "1"),
        patient("00000032", "山田　華子", "ヤマダ　ハナコ", 9),
        lying("00000033", "鈴木　一", "スズキ　ハジメ", "5E", "502", "10"),
        lying("00000034", "鈴木　二", "スズキ　フタリ", "5E", "502", "2"),
        lying("00000035", "高橋　三", "タカハシ　ミツ", "10W", "1001", "1"),
    ] {
        builder.add(&chart).unwrap();
    }
    builder.finish(Vec::new(), beds).unwrap()
}

#[test]
fn a_ward_stands_in_the_order_of_its_corridor_with_its_empty_beds() {
    let empty = |ward: &str, room: &str, bed: &str| Bed {
        ward: Coded::new(ward, format!("{ward}病棟")),
        room: room.to_owned(),
        bed: bed.to_owned(),
    };
    let beds = Beds::Known {
        empty: vec![empty("5E", "502", "3"), empty("7N", "701", "1")],
    };
    let index = open(&ward_blocks(&beds)).unwrap();
    let wards: Vec<&str> = index.wards().iter().map(|ward| ward.code.as_str()).collect();
    assert_eq!(wards, ["5E", "7N", "10W"], "numbers by their value");
    let beds = |ward: usize| -> Vec<(String, Option<u32>)> {
        index.beds_of(ward).map(|bed| (bed.place_text(), bed.row)).collect()
    };
    let own = |place: &str, row| (place.to_owned(), row);
    assert_eq!(
        beds(0),
        [
            own("502-2", Some(3)),
            own("502-3", None),
            own("502-10", Some(2)),
            own("510-1", Some(0))
        ]
    );
    assert_eq!(beds(1), [own("701-1", None)], "a ward without anybody");
    assert_eq!((index.inpatients(), index.bed_list()), (4, BedList::Whole));
    let bed = index.row(0).unwrap().lies_in().unwrap();
    assert_eq!(
        (
            bed.place_text().as_str(),
            bed.ward.code.as_str(),
            bed.doctor.name.as_str()
        ),
        ("510-1", "5E", "佐藤　一郎")
    );
    assert!(index.row(1).unwrap().lies_in().is_none());
    // Who lies in a bed can be mistaken for who is booked today, and stands before who is neither.
    assert_eq!(index.row(0).unwrap().alike().same_reading, 1);
    assert_eq!(index.row(1).unwrap().alike().same_reading, 1);
    let unread = open(&ward_blocks(&Beds::Unread)).unwrap();
    assert_eq!(unread.bed_list(), BedList::Unread);
    assert_eq!(unread.beds_of(0).count(), 3, "no bed is called empty");
}

#[test]
fn an_index_from_before_inpatients_and_insurances_is_read() {
    type Head = (
        u32,
        u32,
        u32,
        Vec<u32>,
        Vec<Coded>,
        Vec<Coded>,
        Vec<String>,
        Vec<chart::Finding>,
        Vec<Coded>,
        u8,
    );
    let mut old = blocks();
    let (a, b, c, d, e, f, g, h, wards, list): Head = minicbor::decode(&old[0][1..]).unwrap();
    assert_eq!((wards, list), (Vec::new(), 0));
    old[0] = vec![2];
    minicbor::encode((a, b, c, d, e, f, g, h), &mut old[0]).unwrap();
    assert!(open(&old).is_err(), "version 2 has no block of insurances");
    old.pop();
    assert!(open(&old).is_err(), "version 2 has no block of beds");
    old.pop();
    let index = open(&old).unwrap();
    assert_eq!(
        (index.len(), index.wards().len(), index.bed_list()),
        (4, 0, BedList::NotAsked)
    );
    assert_eq!(index.row(1).unwrap().written(), "山田　華子");
    assert!(index.row(0).unwrap().lies_in().is_none());
    let unavailable = chart::Known::Unavailable { since: None };
    assert_eq!(index.row(0).unwrap().insurances(), unavailable);
    // Here the source had a file and nobody in it.
    let now = open(&blocks()).unwrap();
    assert_eq!(now.row(0).unwrap().insurances(), chart::Known::NotRecorded);
}
