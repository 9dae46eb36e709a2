//! The stream from charts to the file: the first charts become the compression dictionary, then the writer starts.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use chart::Chart;
use rand_core::CryptoRng;
use vault::snapshot::{SealPlan, Sealed, SnapshotWriter};
use vault::train::{DICTIONARY_SIZE, SAMPLE_BYTES, train_dictionary};

use super::{EVERYBODY, Order, SnapshotStat};
use crate::index::IndexBuilder;
use crate::sources::Extract;

/// Takes charts one by one and ends with a sealed file.
pub(super) struct Writing<'a, R: CryptoRng> {
    /// Where the file goes and where randomness comes from, until the writer takes them.
    ends: Option<(&'a mut dyn Write, &'a mut R)>,
    plan: &'a SealPlan,
    order: &'a Order<'a>,
    sample: Vec<Vec<u8>>,
    sampled: usize,
    writer: Option<SnapshotWriter<'a, &'a mut dyn Write, R>>,
    index: IndexBuilder,
    /// True once thin charts come: they get rows behind all records and no record of their own.
    thin: bool,
    bytes: Vec<u8>,
}

impl<'a, R: CryptoRng> Writing<'a, R> {
    pub(super) fn new(out: &'a mut dyn Write, plan: &'a SealPlan, order: &'a Order<'a>, rng: &'a mut R) -> Self {
        Self {
            ends: Some((out, rng)),
            plan,
            order,
            sample: Vec::new(),
            sampled: 0,
            writer: None,
            index: IndexBuilder::new(order.scope.day),
            thin: false,
            bytes: Vec::new(),
        }
    }

    /// Takes the next chart.
    pub(super) fn take(&mut self, chart: &Chart) -> Result<()> {
        ensure!(chart.thin || !self.thin, "患者全体のカルテが、予約だけの患者より後に来ました");
        self.thin = chart.thin;
        self.index.add(chart)?;
        if chart.thin {
            return Ok(());
        }
        chart.to_bytes(&mut self.bytes)?;
        if let Some(writer) = &mut self.writer {
            writer.add_record(&[EVERYBODY], &self.bytes)?;
            return Ok(());
        }
        self.sampled += self.bytes.len();
        self.sample.push(self.bytes.clone());
        if self.sampled >= SAMPLE_BYTES {
            self.start()?;
        }
        Ok(())
    }

    /// Makes the dictionary and writes what was collected.
    fn start(&mut self) -> Result<()> {
        let samples: Vec<&[u8]> = self.sample.iter().map(Vec::as_slice).collect();
        let dictionary = train_dictionary(&samples, DICTIONARY_SIZE).context("圧縮辞書を作れません")?;
        let plan = SealPlan {
            dictionary,
            ..self.plan.clone()
        };
        let (out, rng) = self.ends.take().context("封印はもう始まっています")?;
        let mut writer = SnapshotWriter::new(out, &plan, self.order.sealer, rng)?;
        for bytes in self.sample.drain(..) {
            writer.add_record(&[EVERYBODY], &bytes)?;
        }
        self.writer = Some(writer);
        Ok(())
    }

    /// Writes index, statistics and manifest.
    pub(super) fn finish(mut self, extract: &Extract, stat: &SnapshotStat) -> Result<Sealed> {
        if self.writer.is_none() {
            self.start()?;
        }
        let writer = self.writer.take().context("封印が始まっていません")?;
        let mut thin = Some(self.index.finish(extract.findings.clone())?);
        let sealed = writer.finish(&mut |_, _| thin.take().unwrap_or_default(), &stat.to_bytes()?)?;
        Ok(sealed)
    }
}
