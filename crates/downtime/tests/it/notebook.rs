//! Readings of a medicine notebook in the fold: whatever the order in which entries arrive, the same hold, and none becomes a prescription.

use chart::entry::{NotebookPiece, NotebookRead, NotebookWay};
use chart::{Act, Author, Entry, EntryId, Moment, PatientId, StationCode, Subject};
use downtime::exports::retype_list;
use downtime::view::{Day, Order, Recorded, lay_over};

fn subject() -> Subject {
    Subject::Patient(PatientId::parse("00123456").unwrap())
}

fn recorded(n: u8, act: Act) -> Recorded {
    Recorded {
        id: EntryId([n; 32]),
        order: Order {
            hlc: u64::from(n),
            station: [1; 16],
            incarnation: [1; 8],
            seq: u64::from(n),
        },
        entry: Entry {
            by: Author {
                user: "2001".to_owned(),
                name: "佐藤　一郎".to_owned(),
                role: "physician".to_owned(),
            },
            written_at: Moment(1_795_000_000 + i64::from(n)),
            station: StationCode::parse("R03").unwrap(),
            subject: subject(),
            act,
        },
    }
}

fn read(text: &str) -> Act {
    Act::NotebookRead(Box::new(NotebookRead {
        pieces: vec![NotebookPiece {
            way: NotebookWay::Typed,
            joined: None,
            bytes: text.as_bytes().to_vec(),
        }],
        reason: String::new(),
    }))
}

#[test]
fn readings_hold_or_not_whatever_came_first() {
    let discarded = Act::NotebookDiscarded {
        entry: EntryId([1; 32]),
        reason: "別の人の手帳".to_owned(),
    };
    let all = [
        recorded(1, read("JAHISTC08,1")),
        recorded(2, read("JAHISTC08,2")),
        recorded(3, discarded),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut day = Day::default();
        for at in order {
            day.add([all[at].clone()]);
        }
        let view = lay_over(&subject(), None, &day, Moment(1_795_000_100));
        let held: Vec<_> = view.notebooks.iter().map(|(r, _)| r.id).collect();
        assert_eq!(held, [EntryId([2; 32])], "{order:?}");
        assert!(view.prescribed.is_empty());
        let work: Vec<_> = day.to_enter().into_iter().map(|(r, _)| r.id).collect();
        assert_eq!(work, [EntryId([2; 32])], "what was discarded is not typed in");
    }
}

#[test]
fn a_reading_is_handed_back_as_it_stands_in_the_symbol_and_survives_as_bytes() {
    let one = recorded(1, read("JAHISTC08,1\r\n201,1,架空錠,1,錠\r\n"));
    let bytes = one.entry.to_bytes().unwrap();
    assert_eq!(Entry::from_bytes(&bytes).unwrap(), one.entry);
    let fields = retype_list::fields(&one, &Day::default());
    assert!(fields.iter().any(|f| f.value == "JAHISTC08,1\n201,1,架空錠,1,錠"));
    assert!(fields.iter().any(|f| f.value.contains("確認されていません")));
    assert!(!NotebookRead::fits(&vec![
        NotebookPiece {
            way: NotebookWay::Picture,
            joined: None,
            bytes: vec![0; 1_000],
        };
        41
    ]));
}
