//! S71: packs that were made while nobody was signed in, and what a person does with them. The press is a small one that writes what it was
//! given, so that a name in the clear would be seen.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use desk::packs::Packs;
use downtime::audit::Deed;
use downtime::forms::Issue;
use downtime::identity::Role;
use downtime::packs::{Kind, Lent, Made, Making, PackId, Pages, PaperOf, Rendered, Store, make};
use downtime::printing::Paper;
use vault::HospitalId;
use vault::files::{Disk, DurableFile, Files, Locked, ReadAt};

use crate::browser::Browser;
use crate::hospital::{DAY, Hospital, number_of, people, rng};

const HERE: &str = "1階受付";
const THERE: &str = "2階";

/// The whole sheets as text, one page each.
fn press() -> Arc<Pages<'static>> {
    Arc::new(|sheets| {
        let mut pdf = b"%PDF-1.4\n".to_vec();
        let pages = sheets.len();
        for sheet in sheets {
            pdf.extend(serde_json::to_vec(&sheet)?);
        }
        Ok(Rendered {
            pdf,
            pages,
            spoiled: Vec::new(),
        })
    })
}

fn paper() -> Arc<PaperOf<'static>> {
    Arc::new(|_| Some(Paper::A4))
}

/// A disk on which no pack has room.
struct Full(Arc<AtomicBool>);

impl Files for Full {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DurableFile>> {
        let pack = path.extension().is_some_and(|end| end == "pack");
        if pack && self.0.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Disk.create_new(path)
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        Disk.open(path)
    }
    fn erase(&self, path: &Path, offset: u64, len: u64) -> io::Result<()> {
        Disk.erase(path, offset, len)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Disk.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.create_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Locked>> {
        Disk.lock(path)
    }
}

struct Night {
    hospital: Hospital,
    full: Arc<AtomicBool>,
}

impl Night {
    fn new() -> Self {
        let mut night = Self {
            hospital: Hospital::of_everybody(people()).with_printers(&[HERE, THERE]),
            full: Arc::default(),
        };
        let packs = Packs {
            store: night.store(),
            pages: press(),
            paper: paper(),
            checkpoint: Arc::new(String::new),
            wants: Arc::new(|_, _| true),
            printers: Arc::new(|_, _| vec![HERE.into(), THERE.into()]),
            per_minute: 30,
            remake: Some(Arc::new(|_| ())),
            destroyed: Arc::new(Vec::new),
        };
        night.hospital.packs = Some(Arc::new(packs));
        night
    }

    fn store(&self) -> Store {
        let files = Arc::new(Full(Arc::clone(&self.full)));
        Store::new(files, &self.hospital._dir.path().join("data"), HospitalId([7; 16]))
    }

    /// With the keys of the sealing, as at night.
    fn make(&self) -> Made {
        let shelved = self.hospital.station.shelf().current().unwrap();
        let opened = shelved.open_epoch(&self.hospital.keys).unwrap();
        let state = shelved.state();
        let issue = Issue {
            hospital: "試験病院".into(),
            mark: "電子カルテ停止時".into(),
            drill: false,
            reissue: false,
            as_of: state.as_of,
            stopped_at: None,
            seal: "封印".into(),
            station: self.hospital.station.code(),
            now: self.hospital.station.now(),
            form_id: None,
            contact_phone: String::new(),
        };
        let (press, paper) = (press(), paper());
        let making = Making {
            opened: &opened,
            day: DAY,
            issue: &issue,
            lent: Lent {
                paper: &*paper,
                pages: &*press,
                checkpoint: "",
            },
            wants: &|_| true,
            now: &|| self.hospital.station.now(),
        };
        make(&self.store(), &making, &mut rng(), &mut |_, _| ()).unwrap()
    }

    fn epoch(&self) -> u64 {
        self.hospital.station.shelf().current().unwrap().edition()
    }

    /// The first department with a pack.
    fn first(&self) -> PackId {
        let all = self.store().packs().unwrap().remove(&self.epoch()).unwrap();
        all.into_iter().find(|id| id.kind() == Kind::Department).unwrap()
    }

    fn path(&self, id: &PackId) -> std::path::PathBuf {
        let name = format!("{}-{}.pack", self.epoch(), id.as_str());
        self.hospital._dir.path().join("data/packs").join(name)
    }

    /// What waits for printers, as text, in its order.
    fn queued(&self) -> Vec<(String, u32, String)> {
        let queue = self.hospital.printers.as_ref().unwrap();
        let jobs = queue.overview().jobs.into_iter();
        let mut all = Vec::new();
        for job in jobs {
            let printer = job.state.printer().to_owned();
            let pdf = loop {
                let ready = queue.next(&printer, self.hospital.station.now()).unwrap();
                if ready.id == job.id {
                    break ready.pdf;
                }
                assert!(queue.begin(ready.id, &printer, self.hospital.station.now()));
            };
            all.push((printer, job.job.pages, String::from_utf8_lossy(&pdf).into_owned()));
        }
        all
    }

    fn issued(&self) -> usize {
        let session = self.hospital.session(&number_of(Role::Informatics));
        let contents = session.scans().unwrap().contents().unwrap();
        contents.packs.iter().map(|pack| pack.sheets.len()).sum()
    }

    fn audited(&self, deed: Deed) -> Vec<downtime::audit::Sighting> {
        let session = self.hospital.session(&number_of(Role::PrivacyOfficer));
        let book = std::thread::spawn(move || session.book().unwrap()).join().unwrap();
        let book = book.read().unwrap();
        let all = book.all().map(|seen| seen.sighting.clone());
        all.filter(|sighting| sighting.deed == deed).collect()
    }
}

async fn informatics(night: &Night) -> Browser {
    Browser::in_role(&night.hospital, Role::Informatics).await
}

fn form<'a>(id: &'a PackId, epoch: &'a str, to: &'a str) -> [(&'a str, &'a str); 3] {
    [("pack", id.as_str()), ("epoch", epoch), ("to", to)]
}

#[tokio::test]
async fn a_pack_is_sealed_until_somebody_prints_it_and_marked_the_second_time() {
    let night = Night::new();
    let made = night.make();
    assert!(
        made.is_whole() && made.packs >= 2 && made.pages as usize > made.packs,
        "{made:?}"
    );
    for entry in std::fs::read_dir(night.hospital._dir.path().join("data/packs")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for word in ["山田", "ヤマダ", "00123456", "F02", "%PDF"] {
            assert!(
                !bytes.windows(word.len()).any(|part| part == word.as_bytes()),
                "{word} lies in the clear"
            );
        }
    }
    assert_eq!(night.issued(), 0, "made is not issued");
    let (id, epoch) = (night.first(), night.epoch().to_string());
    let pack = night.store().open(night.epoch(), &id).unwrap();

    let mut browser = informatics(&night).await;
    let list = browser.get("/packs").await.text();
    let label = &pack.head.label;
    for words in [
        "できています",
        "データ時点 08:45",
        label,
        &format!("{}枚", pack.head.pages),
        "約1分",
        "1階受付・2階",
    ] {
        assert!(list.contains(words), "{words}: {list}");
    }
    assert!(!list.contains("山田"), "it names nobody");
    let home = browser.get("/").await.text();
    let ready = format!("第{epoch}号 {}枚ができています", made.pages);
    assert!(home.contains(&ready), "{home}");
    let ready = browser.get("/readiness").await.text();
    for words in [
        format!("{}個（{}枚）ができています", made.packs, made.pages),
        "まだ1つも出していません".to_owned(),
    ] {
        assert!(ready.contains(&words), "{words}: {ready}");
    }
    let confirm = browser.get(&format!("/packs/{}", id.as_str())).await.text();
    for words in [
        label,
        "データ時点 08:45",
        &format!("{}枚", pack.head.pages),
        "この分を印刷",
        "1つの PDF にする",
    ] {
        assert!(confirm.contains(words), "{words}: {confirm}");
    }

    let sent = browser.post("/packs/print", &form(&id, &epoch, HERE)).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    assert!(browser.follow(&sent).await.text().contains("プリンタへ送りました"));
    let out = format!("出したパック 1／{}（一部だけも含む）", made.packs);
    assert!(browser.get("/readiness").await.text().contains(&out), "{out}");
    let queued = night.queued();
    let pages: u32 = queued.iter().map(|(_, pages, _)| pages).sum();
    assert_eq!(pages, pack.head.pages);
    assert!(
        queued
            .iter()
            .all(|(printer, _, pdf)| printer == HERE && pdf.contains("\"reissue\":false")),
        "{queued:?}"
    );
    assert_eq!(
        night.issued(),
        pack.head.sheets as usize,
        "every sheet is in the register now"
    );
    let printed = night.audited(Deed::Printed);
    let whole = printed
        .iter()
        .find(|s| s.detail.contains(label.as_str()) && s.subject == chart::Subject::Hospital);
    assert!(
        whole.is_some_and(|s| s.detail.contains(HERE) && s.by.user == number_of(Role::Informatics)),
        "{printed:?}"
    );
    assert!(
        printed.iter().any(|s| matches!(s.subject, chart::Subject::Patient(_))),
        "each patient has a line"
    );

    let list = browser.get("/packs").await.text();
    assert!(
        list.contains("● 印刷済み") || list.contains("</span> 印刷済み"),
        "{list}"
    );
    let refused = browser.post("/packs/print", &form(&id, &epoch, HERE)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("その間にほかの人が印刷しました") && refused.text().contains("再発行"));
    let before = night.hospital.printers.as_ref().unwrap().overview().jobs.len();
    let again = [&form(&id, &epoch, HERE)[..], &[("again", "1")]].concat();
    assert_eq!(browser.post("/packs/print", &again).await.status, StatusCode::SEE_OTHER);
    let queue = night.hospital.printers.as_ref().unwrap();
    assert_eq!(queue.overview().jobs.len(), before * 2);
    let marked = std::iter::from_fn(|| {
        let ready = queue.next(HERE, night.hospital.station.now())?;
        assert!(queue.begin(ready.id, HERE, night.hospital.station.now()));
        Some(String::from_utf8_lossy(&ready.pdf).into_owned())
    });
    assert!(
        marked.filter(|pdf| pdf.contains("\"reissue\":true")).count() >= 1,
        "the second time is marked"
    );
}

#[tokio::test]
async fn what_is_damaged_is_said_and_printed_from_the_snapshot() {
    let night = Night::new();
    night.make();
    let (id, epoch) = (night.first(), night.epoch().to_string());
    let mut browser = informatics(&night).await;
    let whole = std::fs::read(night.path(&id)).unwrap();

    // Cut short: seen at once. Flipped in the pages: seen when they are opened. A changed head: nothing opens under it.
    std::fs::write(night.path(&id), &whole[..whole.len() - 9]).unwrap();
    let list = browser.get("/packs").await.text();
    assert!(
        list.contains("壊れています") && list.contains("いまの号から作って"),
        "{list}"
    );
    let mut flipped = whole.clone();
    let last = flipped.len() - 40;
    flipped[last] ^= 1;
    std::fs::write(night.path(&id), &flipped).unwrap();
    assert!(night.store().open(night.epoch(), &id).unwrap().check().is_err());
    let shelved = night.hospital.station.shelf().current().unwrap();
    let opened = shelved.open_epoch(&night.hospital.keys).unwrap();
    let mut head = whole.clone();
    let label = night.store().open(night.epoch(), &id).unwrap().head.label;
    let at = head
        .windows(label.len())
        .position(|part| part == label.as_bytes())
        .unwrap();
    head[at..at + 3].copy_from_slice("偽".as_bytes());
    std::fs::write(night.path(&id), &head).unwrap();
    let forged = night.store().open(night.epoch(), &id).unwrap();
    assert!(
        forged.check().is_ok() && forged.part(&opened, 0).is_err(),
        "a head that was changed opens nothing"
    );
    std::fs::write(night.path(&id), &whole).unwrap();
    assert!(night.store().open(night.epoch(), &id).unwrap().part(&opened, 0).is_ok());

    let mut broken = whole.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    std::fs::write(night.path(&id), &broken).unwrap();
    let sent = browser.post("/packs/print", &form(&id, &epoch, "")).await;
    assert_eq!(
        sent.status,
        StatusCode::SEE_OTHER,
        "always show something: {}",
        sent.text()
    );
    let queued = night.queued();
    assert!(
        queued
            .iter()
            .any(|(_, _, pdf)| pdf.contains("F13") && pdf.contains("\"reissue\":false")),
        "{queued:?}"
    );

    // Made again, it is whole again, and what was whole is left alone.
    let made = night.make();
    assert!(made.is_whole());
    assert!(night.store().open(night.epoch(), &id).unwrap().check().is_ok());
}

#[tokio::test]
async fn a_full_disk_keeps_the_older_packs_and_says_so() {
    let night = Night::new();
    let whole = night.make();
    let (id, epoch) = (night.first(), night.epoch());
    // As if those were of the night before: their names say the epoch.
    let dir = night.hospital._dir.path().join("data/packs");
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(rest) = name.strip_prefix(&epoch.to_string()) {
            std::fs::rename(&path, dir.join(format!("{}{rest}", epoch - 1))).unwrap();
        }
    }
    night.full.store(true, Ordering::SeqCst);
    let made = night.make();
    assert_eq!((made.packs, made.failed.len()), (0, whole.packs), "{made:?}");
    let store = night.store();
    assert!(
        store.destroy_before(epoch, true).unwrap().is_empty(),
        "the last whole ones stay"
    );
    let mut browser = informatics(&night).await;
    let list = browser.get("/packs").await.text();
    assert!(
        list.contains("作れませんでした") && list.contains("古い号は残してあります"),
        "{list}"
    );
    let home = browser.get("/").await.text();
    assert!(
        home.contains("作れなかったパックがあります"),
        "the alarm stands on the home screen"
    );
    let sent = browser.post("/packs/print", &form(&id, &epoch.to_string(), HERE)).await;
    assert_eq!(
        sent.status,
        StatusCode::SEE_OTHER,
        "printing needs no pack: {}",
        sent.text()
    );

    night.full.store(false, Ordering::SeqCst);
    assert!(night.make().is_whole());
    let gone = store.destroy_before(epoch, false).unwrap();
    assert_eq!((gone.len(), gone[0].epoch, gone[0].packs), (1, epoch - 1, whole.packs));
    assert!(gone[0].left.is_empty());
    let left: Vec<u64> = store.packs().unwrap().into_keys().collect();
    assert_eq!(left, [epoch]);
}

#[tokio::test]
async fn a_pdf_is_for_who_exports_and_counts_as_handed_out() {
    let night = Night::new();
    night.make();
    let (id, epoch) = (night.first(), night.epoch().to_string());
    let mut nurse = Browser::in_role(&night.hospital, Role::Nurse).await;
    assert!(
        !nurse
            .get(&format!("/packs/{}", id.as_str()))
            .await
            .text()
            .contains("/packs/pdf")
    );
    let refused = nurse.post("/packs/pdf", &form(&id, &epoch, "")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(night.issued(), 0);
    let mut browser = informatics(&night).await;
    let pdf = browser.post("/packs/pdf", &form(&id, &epoch, "")).await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(pdf.header("content-disposition").starts_with("attachment"));
    assert!(pdf.body.starts_with(b"%PDF"));
    let sheets = night.store().open(night.epoch(), &id).unwrap().head.sheets;
    assert_eq!(night.issued(), sheets as usize);
    assert!(!night.audited(Deed::Exported).is_empty());
    assert!(browser.get("/packs").await.text().contains("印刷済み"));
    let stale = browser.post("/packs/print", &form(&id, "1", HERE)).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(
        stale.text().contains("新しい号が届きました"),
        "another snapshot is another pack"
    );
    let english = browser.get("/packs?lang=en").await.text();
    assert!(
        english.contains("Print packs") && english.contains("Printed"),
        "{english}"
    );
}
