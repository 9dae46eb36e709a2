//! The one invented hospital, and every way of reading it. The next source is one line in [`WAYS`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::{Chart, Moment, PatientId};
use downtime::sources::gather::Reach;
use downtime::sources::hl7v2::{Hl7, Messages, Names, Received, Settings};
use downtime::sources::{Extract, Scope, Source, fhir, ssmix2};
use jiff::civil::{Date, date};

use crate::every_case::top;
use crate::table;

/// The day of the hospital.
pub const DAY: Date = date(2026, 11, 20);

/// One way of reading the hospital.
pub struct Way {
    /// The shape of `synth`, the folder of its fixture and of its `carries.toml`.
    pub shape: &'static str,
    /// Opens the source over a folder of that shape.
    pub open: fn(&Path, &World) -> Box<dyn Source>,
    /// Says itself who is booked and who lies in a bed; a storage without appointments is asked for those whom another source names.
    pub alone: bool,
}

/// Every source but the tables, with which they are compared.
pub const WAYS: &[Way] = &[
    Way {
        shape: "ssmix2",
        open: storage,
        alone: false,
    },
    Way {
        shape: "hl7",
        open: feed,
        alone: true,
    },
    Way {
        shape: "fhir",
        open: resources,
        alone: true,
    },
];

/// What a source said.
pub struct Read {
    pub charts: BTreeMap<PatientId, Chart>,
    pub extract: Extract,
}

/// One size of the hospital, with its tables read.
pub struct World {
    pub name: &'static str,
    /// A folder for each shape.
    dir: PathBuf,
    _made: tempfile::TempDir,
    names: Names,
    pub words: Words,
    pub tables: Read,
}

/// Texts of the tables that stand together with another field in one text of a chart.
pub struct Words {
    /// What is to be prepared for an examination.
    pub preparations: Texts,
    /// What the laboratory remarks.
    pub laboratory: Texts,
}

/// Texts of one column.
pub struct Texts(BTreeSet<String>);

impl Texts {
    /// Takes one of the texts out of what a chart holds: that text, and the rest.
    pub fn of(&self, text: &str) -> (String, String) {
        let found = self.0.iter().filter(|one| text.contains(one.as_str()));
        match found.max_by_key(|one| one.len()) {
            Some(one) => (one.clone(), text.replacen(one.as_str(), "", 1).trim().to_owned()),
            None => (String::new(), text.to_owned()),
        }
    }
}

impl World {
    /// What lies in the repository. Its tables have no inpatients: they are written as the other shapes were, with a dozen beds.
    pub fn kept() -> Self {
        Self::read("kept", top().join("fixtures/hospital"), 60, 12, &["a"])
    }

    /// A larger one, in which what is rare happens too.
    pub fn large() -> Self {
        let shapes: Vec<&str> = ["a"].into_iter().chain(WAYS.iter().map(|way| way.shape)).collect();
        Self::read("large", PathBuf::new(), 300, 48, &shapes)
    }

    fn read(name: &'static str, dir: PathBuf, patients: u32, beds: u32, make: &[&str]) -> Self {
        let made = tempfile::tempdir().unwrap();
        let plan = synth::Plan {
            patients,
            date: DAY,
            seed: 1,
        };
        let hospital = synth::Hospital::new(&plan).unwrap().with_beds(beds);
        for shape in make {
            let dir = made.path().join(shape);
            synth::write_hospital(&hospital, synth::Shape::named(shape).unwrap(), &dir, &mut |_, _| {}).unwrap();
        }
        let tables = made.path().join("a");
        let mapping = std::fs::read_to_string(top().join("fixtures/hospital/a/mapping.toml")).unwrap();
        let (charts, extract) = table::pull(&mapping, &tables).unwrap();
        assert_eq!(extract.findings, [], "the tables are sound");
        let dir = if dir.as_os_str().is_empty() {
            made.path().to_owned()
        } else {
            dir
        };
        Self {
            name,
            dir,
            names: Names {
                wards: master(&tables.join("病棟.csv")),
                departments: master(&tables.join("診療科.csv")),
            },
            words: Words {
                preparations: column(&tables.join("検査予約.csv"), "注意事項"),
                laboratory: column(&tables.join("検体検査結果.csv"), "コメント"),
            },
            tables: Read::of(charts, extract),
            _made: made,
        }
    }

    /// The folder of a shape.
    pub fn folder(&self, shape: &str) -> PathBuf {
        self.dir.join(shape)
    }

    /// Reads the hospital in one way.
    pub fn by(&self, way: &Way) -> Read {
        let source = (way.open)(&self.folder(way.shape), self);
        let reach = |chart: &Chart| if chart.thin { Reach::Thin } else { Reach::Full };
        let asked = self.tables.charts.values();
        let asked = asked.map(|chart| (chart.patient.id.clone(), reach(chart))).collect();
        let scope = Scope {
            wanted: (!way.alone).then(|| Arc::new(asked)),
            now: Moment::from_local(DAY.at(12, 0, 0, 0)),
            ..table::scope()
        };
        let mut charts = Vec::new();
        let mut take = |chart| {
            charts.push(chart);
            Ok(())
        };
        let extract = source.pull(&scope, &mut take, &mut |_| {}).unwrap();
        Read::of(charts, extract)
    }
}

impl Read {
    fn of(charts: Vec<Chart>, extract: Extract) -> Self {
        let charts = charts.into_iter().map(|chart| (chart.patient.id.clone(), chart));
        Self {
            charts: charts.collect(),
            extract,
        }
    }
}

fn storage(dir: &Path, world: &World) -> Box<dyn Source> {
    let roots = |part: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir.join(part)).unwrap();
        let mut roots: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        roots.sort();
        roots
    };
    let mut settings = ssmix2::Settings::of(roots("STD"));
    settings.extended = roots("ANX");
    settings.names = world.names.clone();
    Box::new(ssmix2::SsMix2::new(settings).unwrap())
}

fn feed(dir: &Path, world: &World) -> Box<dyn Source> {
    let bytes = std::fs::read(dir.join("stream.mllp")).unwrap();
    let frames = bytes.split(|byte| *byte == 0x0B).filter(|frame| !frame.is_empty());
    let messages: Vec<Received> = frames
        .enumerate()
        .map(|(number, frame)| Received {
            bytes: frame[..frame.iter().rposition(|byte| *byte == 0x1C).unwrap()].to_vec(),
            // Received at the time at which the tables were written: both look back from there.
            at: Moment::from_local(DAY.at(0, 5, 0, 0)),
            number: number.to_string(),
        })
        .collect();
    let settings = Settings {
        names: world.names.clone(),
        whole_lists: true,
        ..Settings::default()
    };
    let open = move || -> Result<Messages, String> { Ok(Box::new(messages.clone().into_iter().map(Ok))) };
    Box::new(Hl7::over(open, settings))
}

fn resources(dir: &Path, _: &World) -> Box<dyn Source> {
    Box::new(fhir::Folder::new(fhir::Settings::default(), dir.to_owned()))
}

/// Rows of a table of shape a, by the names of its columns. Its texts of these columns have neither quotes nor commas.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap();
    let (text, _) = encoding_rs::SHIFT_JIS.decode_without_bom_handling(&bytes);
    let rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
    rows.collect()
}

fn master(path: &Path) -> BTreeMap<String, String> {
    let rows = rows(path).into_iter().skip(1);
    rows.map(|row| (row[0].clone(), row[1].clone())).collect()
}

fn column(path: &Path, name: &str) -> Texts {
    let rows = rows(path);
    let place = rows[0].iter().position(|column| column == name).unwrap();
    let texts: BTreeSet<String> = rows[1..].iter().map(|row| row[place].clone()).collect();
    Texts(texts.into_iter().filter(|text| !text.is_empty()).collect())
}
