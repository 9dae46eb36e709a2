//! Every bench with its figures, peers and targets, in groups: the machine's limits first, then what is measured
//! against them.
//!
//! It deliberately only lists: how a figure is taken lies in the files beside this one. Targets stand on CPU time, sizes
//! and ratios; wall times are told beside them. The one exception is the rate of durable saves, whose limit is the disk.

use super::{
    Bench, Figure, Measured, Target, cold, fhir, measure, median_of, messages, outage, pages, paper, peers, saves,
    seal, search, sql, stations, storage, tables, typesetters,
};

/// Every bench. The next one goes at the end of its group.
pub const BENCHES: &[Bench] = &[
    // The machine's own limits: peers of what comes below.
    Bench {
        figures: &[Figure {
            name: "disk.fdatasync.1kb",
            unit: "appends/s",
            peer: "the same appends without fdatasync",
            target: Target::None,
        }],
        big: false,
        measure: |ground| {
            let value = median_of(ground.runs, || peers::synced_appends_per_second(&ground.scratch, 1024))?;
            let peer_value = median_of(ground.runs, || {
                peers::unsynced_appends_per_second(&ground.scratch, 1024)
            })?;
            Ok(vec![Measured::beside(value, peer_value)])
        },
    },
    Bench {
        figures: &[figure("process.start", "CPU ms", Target::None)],
        big: false,
        measure: |ground| {
            let value = median_of(ground.runs, || {
                Ok(measure::finished("true", &[], &ground.scratch)?.0.cpu_seconds * 1e3)
            })?;
            Ok(vec![Measured::alone(value)])
        },
    },
    // Export to sealed snapshot.
    Bench {
        figures: &[
            beside("seal.600.cpu", "CPU s", COMPRESSED, Target::None),
            figure("seal.600.wall", "s", Target::None),
            beside("seal.600.peak", "MB", COMPRESSED, Target::None),
            beside("seal.600.size", "MB", COMPRESSED, Target::RatioAtMost(1.5)),
        ],
        big: false,
        measure: |ground| seal::extract(ground, 600),
    },
    Bench {
        figures: &[
            beside("seal.10000.cpu", "CPU s", COMPRESSED, Target::None),
            figure("seal.10000.wall", "s", Target::None),
            beside("seal.10000.peak", "MB", COMPRESSED, Target::None),
            beside("seal.10000.size", "MB", COMPRESSED, Target::RatioAtMost(1.5)),
        ],
        big: false,
        measure: |ground| seal::extract(ground, 10_000),
    },
    Bench {
        figures: &[
            figure("seal.10000.pull.cpu", "CPU s", Target::None),
            // 0.5 CPU s where the peer takes 0.125 s: docs/decisions/0007-figures.md.
            beside("seal.10000.seal.cpu", "CPU s", COMPRESSED, Target::RatioAtMost(4.0)),
            figure("seal.10000.reopen.cpu", "CPU s", Target::None),
        ],
        big: false,
        measure: |ground| seal::parts(ground, 10_000),
    },
    Bench {
        figures: &[
            beside("seal.100000.cpu", "CPU s", COMPRESSED, Target::None),
            figure("seal.100000.wall", "s", Target::None),
            beside("seal.100000.peak", "MB", COMPRESSED, Target::AtMost(300.0)),
            beside("seal.100000.size", "MB", COMPRESSED, Target::RatioAtMost(1.5)),
        ],
        big: true,
        measure: |ground| seal::extract(ground, 100_000),
    },
    Bench {
        figures: &[figure("verify.10000.cpu", "CPU s", Target::None)],
        big: false,
        measure: |ground| seal::verify(ground, 10_000),
    },
    // SS-MIX2: a storage of so many patients, read whole and read again.
    Bench {
        figures: &[
            beside("ssmix2.5000.full.cpu", "CPU s", SAME_FILES, Target::None),
            figure("ssmix2.5000.full.wall", "s", Target::None),
            figure("ssmix2.5000.full.peak", "MB", Target::None),
            figure("ssmix2.5000.again.cpu", "CPU s", Target::None),
            figure("ssmix2.5000.again.wall", "s", Target::None),
        ],
        big: false,
        measure: |ground| storage::pulled(ground, 5_000),
    },
    Bench {
        figures: &[
            beside("ssmix2.100000.full.cpu", "CPU s", SAME_FILES, Target::None),
            figure("ssmix2.100000.full.wall", "s", Target::None),
            figure("ssmix2.100000.full.peak", "MB", Target::None),
            figure("ssmix2.100000.again.cpu", "CPU s", Target::None),
            figure("ssmix2.100000.again.wall", "s", Target::None),
        ],
        big: true,
        measure: |ground| storage::pulled(ground, 100_000),
    },
    // Opening.
    Bench {
        figures: &[
            figure("sign_in.argon2id.cpu", "CPU ms", Target::None),
            figure("sign_in.argon2id.wall", "ms", Target::None),
        ],
        big: false,
        measure: cold::key_derivation,
    },
    Bench {
        figures: &[
            figure("cold.600.first_list.cpu", "CPU ms", Target::AtMost(50.0)),
            figure("cold.600.first_list.wall", "ms", Target::None),
            figure("cold.600.peak", "MB", Target::None),
        ],
        big: false,
        measure: |ground| cold::first_list(ground, 600),
    },
    Bench {
        figures: &[
            figure("cold.100000.first_list.cpu", "CPU ms", Target::AtMost(200.0)),
            figure("cold.100000.first_list.wall", "ms", Target::None),
            figure("cold.100000.peak", "MB", Target::None),
        ],
        big: true,
        measure: |ground| cold::first_list(ground, 100_000),
    },
    Bench {
        figures: &[
            figure("open.patient.cpu", "CPU ms", Target::AtMost(1.0)),
            figure("open.patient.wall", "µs", Target::None),
        ],
        big: false,
        measure: pages::first_opening,
    },
    Bench {
        figures: &[
            figure("search.10000.p95.cpu", "CPU ms", Target::None),
            figure("search.10000.p95.wall", "ms", Target::None),
        ],
        big: false,
        measure: |ground| search::among(ground, 10_000),
    },
    Bench {
        figures: &[
            figure("search.100000.p95.cpu", "CPU ms", Target::AtMost(20.0)),
            figure("search.100000.p95.wall", "ms", Target::None),
        ],
        big: true,
        measure: |ground| search::among(ground, 100_000),
    },
    // Pages.
    Bench {
        figures: &[
            beside("page.list.600.cpu", "CPU ms", SAME_BYTES, Target::AtMost(0.2)),
            beside("page.list.600.rate.50", "pages/s", SAME_BYTES, Target::None),
            beside("page.list.600.p99.50", "ms", SAME_BYTES, Target::None),
            beside("page.list.600.rate.200", "pages/s", SAME_BYTES, Target::None),
            beside("page.list.600.p99.200", "ms", SAME_BYTES, Target::None),
        ],
        big: false,
        measure: pages::list,
    },
    Bench {
        figures: &[
            beside("page.chart.cpu", "CPU ms", SAME_BYTES, Target::AtMost(0.1)),
            beside("page.chart.rate.50", "pages/s", SAME_BYTES, Target::None),
            beside("page.chart.p99.50", "ms", SAME_BYTES, Target::None),
            beside("page.chart.rate.200", "pages/s", SAME_BYTES, Target::None),
            beside("page.chart.p99.200", "ms", SAME_BYTES, Target::None),
        ],
        big: false,
        measure: pages::chart,
    },
    // Saving.
    Bench {
        figures: &[
            beside("save.note.rate.200", "saves/s", ONE_WRITER, Target::AtLeast(10_000.0)),
            figure("save.note.cpu", "CPU ms", Target::None),
            figure("save.note.p99.200", "ms", Target::None),
        ],
        big: false,
        measure: saves::notes,
    },
    // Paper.
    Bench {
        figures: &[
            figure("paper.chart.cpu", "CPU ms", Target::None),
            figure("paper.chart.wall", "ms", Target::None),
        ],
        big: false,
        measure: paper::one_sheet,
    },
    Bench {
        figures: &[
            figure("paper.pack.600.cpu", "CPU ms/page", Target::None),
            figure("paper.pack.600.rate", "pages/s", Target::None),
            figure("paper.pack.600.peak", "MB", Target::None),
            figure("paper.pack.600.size", "MB", Target::None),
        ],
        big: false,
        measure: paper::pack,
    },
    Bench {
        figures: &[
            beside("paper.charts.600.cpu", "CPU s", TYPST, Target::AtMost(0.6)),
            beside("paper.charts.600.peak", "MB", TYPST, Target::AtMost(150.0)),
            beside("paper.charts.600.page", "KB/page", TYPST, Target::AtMost(6.0)),
            beside("paper.charts.warm", "ms", TYPST, Target::None),
        ],
        big: false,
        measure: paper::charts,
    },
    // One bench each: where one typesetter is missing, the others are still compared.
    Bench {
        figures: &[
            beside(
                "paper.charts.weasyprint.cpu",
                "CPU s",
                WEASYPRINT,
                Target::RatioAtMost(1.0 / 80.0),
            ),
            beside("paper.charts.weasyprint.peak", "MB", WEASYPRINT, Target::None),
            beside("paper.charts.weasyprint.page", "KB/page", WEASYPRINT, Target::None),
        ],
        big: true,
        measure: |ground| typesetters::beside(ground, &typesetters::WEASYPRINT),
    },
    Bench {
        figures: &[
            beside(
                "paper.charts.chromium.cpu",
                "CPU s",
                CHROMIUM,
                Target::RatioAtMost(1.0 / 14.0),
            ),
            beside("paper.charts.chromium.peak", "MB", CHROMIUM, Target::None),
            beside("paper.charts.chromium.page", "KB/page", CHROMIUM, Target::None),
        ],
        big: true,
        measure: |ground| typesetters::beside(ground, &typesetters::CHROMIUM),
    },
    Bench {
        figures: &[
            beside("paper.charts.reportlab.cpu", "CPU s", REPORTLAB, Target::None),
            beside("paper.charts.reportlab.peak", "MB", REPORTLAB, Target::None),
            beside("paper.charts.reportlab.page", "KB/page", REPORTLAB, Target::None),
        ],
        big: true,
        measure: |ground| typesetters::beside(ground, &typesetters::REPORTLAB),
    },
    Bench {
        figures: &[
            beside("paper.charts.wkhtmltopdf.cpu", "CPU s", WKHTMLTOPDF, Target::None),
            beside("paper.charts.wkhtmltopdf.peak", "MB", WKHTMLTOPDF, Target::None),
            beside("paper.charts.wkhtmltopdf.page", "KB/page", WKHTMLTOPDF, Target::None),
        ],
        big: true,
        measure: |ground| typesetters::beside(ground, &typesetters::WKHTMLTOPDF),
    },
    Bench {
        figures: &[
            figure("paper.charts.10000.cpu", "CPU s", Target::None),
            figure("paper.charts.10000.peak", "MB", Target::AtMost(150.0)),
            figure("paper.charts.10000.page", "KB/page", Target::AtMost(6.0)),
        ],
        big: false,
        measure: paper::long_pack,
    },
    // HL7.
    Bench {
        figures: &[
            beside("hl7.index", "messages/CPU s", ONE_DELIMITER, Target::AtLeast(500_000.0)),
            beside("hl7.index.bytes", "MB/CPU s", ONE_DELIMITER, Target::None),
        ],
        big: false,
        measure: messages::index,
    },
    Bench {
        figures: &[beside(
            "hl7.index.python-hl7",
            "messages/CPU s",
            "python-hl7, the same messages",
            Target::None,
        )],
        big: true,
        measure: |ground| messages::index_beside(ground, "python-hl7"),
    },
    Bench {
        figures: &[beside(
            "hl7.index.hl7apy",
            "messages/CPU s",
            "hl7apy, the same messages, no groups",
            Target::None,
        )],
        big: true,
        measure: |ground| messages::index_beside(ground, "hl7apy"),
    },
    Bench {
        figures: &[beside(
            "hl7.index.node-hl7-client",
            "messages/CPU s",
            "node-hl7-client, five fields of the same messages",
            Target::None,
        )],
        big: true,
        measure: |ground| messages::index_beside(ground, "node-hl7-client"),
    },
    Bench {
        figures: &[
            beside("mllp.durable.1", "messages/s", ONE_BLOCK, Target::None),
            figure("mllp.durable.1.p99", "ms", Target::None),
            figure("mllp.durable.1.server", "CPU µs/message", Target::None),
            figure("mllp.durable.1.load", "CPU µs/message", Target::None),
        ],
        big: false,
        measure: |ground| messages::durable(ground, 1),
    },
    Bench {
        figures: &[
            beside("mllp.durable.8", "messages/s", ONE_BLOCK, Target::None),
            figure("mllp.durable.8.p99", "ms", Target::None),
            figure("mllp.durable.8.server", "CPU µs/message", Target::None),
            figure("mllp.durable.8.load", "CPU µs/message", Target::None),
        ],
        big: false,
        measure: |ground| messages::durable(ground, 8),
    },
    Bench {
        figures: &[
            beside("mllp.durable.64", "messages/s", ONE_BLOCK, Target::AtLeast(20_000.0)),
            figure("mllp.durable.64.p99", "ms", Target::AtMost(15.0)),
            figure("mllp.durable.64.server", "CPU µs/message", Target::None),
            figure("mllp.durable.64.load", "CPU µs/message", Target::None),
        ],
        big: false,
        measure: |ground| messages::durable(ground, 64),
    },
    Bench {
        figures: &[
            beside("mllp.beside.python.1", "messages/s", PYTHON_SERVER, Target::None),
            beside("mllp.beside.python.8", "messages/s", PYTHON_SERVER, Target::None),
            beside("mllp.beside.python.64", "messages/s", PYTHON_SERVER, Target::None),
        ],
        big: true,
        measure: |ground| messages::durable_beside(ground, "python"),
    },
    Bench {
        figures: &[
            beside("mllp.beside.node.1", "messages/s", NODE_SERVER, Target::None),
            beside("mllp.beside.node.8", "messages/s", NODE_SERVER, Target::None),
            beside("mllp.beside.node.64", "messages/s", NODE_SERVER, Target::None),
        ],
        big: true,
        measure: |ground| messages::durable_beside(ground, "node"),
    },
    // FHIR.
    Bench {
        figures: &[
            beside("fhir.read", "resources/s", SIX_FIELDS, Target::AtLeast(1_000_000.0)),
            beside("fhir.read.bytes", "MB/s", SIX_FIELDS, Target::None),
            beside(
                "fhir.read.raw",
                "resources/s",
                "serde_json, only looking whether it is JSON (RawValue)",
                Target::None,
            ),
        ],
        big: false,
        measure: fhir::rate,
    },
    Bench {
        figures: &[beside(
            "fhir.read.python",
            "resources/s",
            "fhir.resources (pydantic), the same lines",
            Target::None,
        )],
        big: true,
        measure: fhir::rate_beside_python,
    },
    // Tables.
    Bench {
        figures: &[
            beside(
                "table.index",
                "MB/CPU s",
                "the csv crate over the same bytes",
                Target::AtLeast(600.0),
            ),
            beside(
                "table.index.python",
                "MB/CPU s",
                "Python's csv over the same files",
                Target::None,
            ),
            figure("table.index.rows", "rows/CPU s", Target::None),
        ],
        big: false,
        measure: tables::index,
    },
    // SQL: on a PostgreSQL that the bench starts.
    Bench {
        figures: &[beside("sql.rows", "CPU µs/row", BARE_DRIVER, Target::RatioAtMost(1.5))],
        big: false,
        measure: sql::rows,
    },
    // Stations. The promise for a thousand is in seconds, so these are: hub and clients share two cores.
    Bench {
        figures: &[
            figure("stations.pull.1000.wall", "s", Target::AtMost(120.0)),
            figure("stations.pull.1000.peak", "MB", Target::AtMost(300.0)),
            beside("stations.pull.1000.cpu", "CPU s", NGINX, Target::None),
        ],
        big: true,
        measure: stations::thousand,
    },
    Bench {
        figures: &[
            beside("stations.slow.p99", "s", NO_SLOW_ONES, Target::RatioAtMost(2.0)),
            figure("stations.slow.peak", "MB", Target::AtMost(300.0)),
        ],
        big: true,
        measure: stations::slow_ones,
    },
    Bench {
        figures: &[
            beside("stations.whole.100.cpu", "CPU s", NGINX, Target::None),
            beside("stations.whole.100.rsync", "CPU s", RSYNC, Target::RatioAtMost(1.0)),
        ],
        big: true,
        measure: stations::hundred,
    },
    // The last day of a long outage must be as quick as the first: what a person waits for may not grow.
    Bench {
        figures: &[
            beside("outage.90.restart.cpu", "CPU s", FIRST_DAY, Target::None),
            beside("outage.90.restart.wall", "s", FIRST_DAY, Target::None),
            beside("outage.90.peak", "MB", FIRST_DAY, Target::None),
            beside("outage.90.sign_in.wall", "s", FIRST_DAY, Target::RatioAtMost(1.5)),
            beside("outage.90.poll.cpu", "CPU ms", FIRST_DAY, Target::RatioAtMost(1.5)),
            beside("outage.90.home.cpu", "CPU ms", FIRST_DAY, Target::RatioAtMost(1.5)),
            beside("outage.90.save.wall", "ms", FIRST_DAY, Target::RatioAtMost(1.5)),
        ],
        big: true,
        measure: outage::ninetieth_day,
    },
    // The next bench goes here.
];

const NGINX: &str = "nginx, the same file, sendfile";
const RSYNC: &str = "an rsync daemon, the same whole file";
const NO_SLOW_ONES: &str = "the same 800 stations without slow ones";

const FIRST_DAY: &str = "the same on the first day of the outage";

const BARE_DRIVER: &str = "sqlx, every value read as text and dropped";
const SIX_FIELDS: &str = "serde_json into a borrowed struct of six fields";

const ONE_DELIMITER: &str = "counting one delimiter with memchr";
const PYTHON_SERVER: &str = "python-hl7 and asyncio, one fdatasync for all that wait";
const NODE_SERVER: &str = "node and node-hl7-client, one fdatasync for all that wait";

const COMPRESSED: &str = "zstd -3 of the export's files in one piece";
const TYPST: &str = "the same sheets, all set by Typst";
const WEASYPRINT: &str = "WeasyPrint, the same sheets as HTML";
const CHROMIUM: &str = "headless Chromium, the same sheets as HTML, untagged";
const REPORTLAB: &str = "ReportLab, the same sheets drawn by a program";
const WKHTMLTOPDF: &str = "wkhtmltopdf, the same sheets as HTML";
const SAME_BYTES: &str = "the same bytes from memory, bare poll loop, one thread";
const ONE_BLOCK: &str = "4 KB appends by one writer, fdatasync after each";
const SAME_FILES: &str = "the bytes of every file of the storage, read one after the other";
const ONE_WRITER: &str = "1 KB appends by one writer, fdatasync after each";

/// A figure that stands alone.
const fn figure(name: &'static str, unit: &'static str, target: Target) -> Figure {
    beside(name, unit, "", target)
}

/// A figure with a peer.
const fn beside(name: &'static str, unit: &'static str, peer: &'static str, target: Target) -> Figure {
    Figure {
        name,
        unit,
        peer,
        target,
    }
}
