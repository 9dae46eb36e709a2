//! The stream from charts to the file: the first charts become the compression dictionary, then the writer starts.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, ensure};
use chart::Chart;
use rand_core::CryptoRng;
use vault::CompartmentId;
use vault::snapshot::{SealPlan, Sealed, SnapshotWriter};
use vault::train::{DICTIONARY_SIZE, SAMPLE_BYTES, train_dictionary};

use super::{Order, SnapshotStat};
use crate::identity::Rights;
use crate::index::IndexBuilder;
use crate::sources::Extract;

/// Takes charts one by one and ends with a sealed file.
pub(super) struct Writing<'a, R: CryptoRng> {
    /// Where the file goes and where randomness comes from, until the writer takes them.
    ends: Option<(&'a mut dyn Write, &'a mut R)>,
    plan: &'a SealPlan,
    order: &'a Order<'a>,
    sample: Vec<(Vec<CompartmentId>, Vec<u8>)>,
    sampled: usize,
    writer: Option<SnapshotWriter<'a, &'a mut dyn Write, R>>,
    rights: &'a Rights,
    /// One list per compartment.
    lists: BTreeMap<CompartmentId, IndexBuilder>,
    /// True once thin charts come: they get rows behind all records and no record of their own.
    thin: bool,
    bytes: Vec<u8>,
}

impl<'a, R: CryptoRng> Writing<'a, R> {
    pub(super) fn new(
        out: &'a mut dyn Write,
        plan: &'a SealPlan,
        order: &'a Order<'a>,
        rights: &'a Rights,
        rng: &'a mut R,
    ) -> Self {
        let day = order.scope.day;
        let lists = plan
            .compartments
            .iter()
            .map(|c| (c.id, IndexBuilder::new(day)))
            .collect();
        Self {
            ends: Some((out, rng)),
            plan,
            order,
            sample: Vec::new(),
            sampled: 0,
            writer: None,
            rights,
            lists,
            thin: false,
            bytes: Vec::new(),
        }
    }

    /// Takes the next chart.
    pub(super) fn take(&mut self, chart: &Chart) -> Result<()> {
        ensure!(
            chart.thin || !self.thin,
            "患者全体のカルテが、予約だけの患者より後に来ました"
        );
        self.thin = chart.thin;
        let places = self.list(chart)?;
        if chart.thin {
            return Ok(());
        }
        chart.to_bytes(&mut self.bytes)?;
        if let Some(writer) = &mut self.writer {
            writer.add_record(&places, &self.bytes)?;
            return Ok(());
        }
        self.sampled += self.bytes.len();
        self.sample.push((places, self.bytes.clone()));
        if self.sampled >= SAMPLE_BYTES {
            self.start()?;
        }
        Ok(())
    }

    /// Puts a chart on the lists of its compartments.
    fn list(&mut self, chart: &Chart) -> Result<Vec<CompartmentId>> {
        let places = self.rights.of_chart(chart);
        for place in &places {
            self.lists.get_mut(place).context("区画がありません")?.add(chart)?;
        }
        Ok(places)
    }

    /// Makes the dictionary and writes what was collected.
    fn start(&mut self) -> Result<()> {
        let samples: Vec<&[u8]> = self.sample.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let dictionary = train_dictionary(&samples, DICTIONARY_SIZE).context("圧縮辞書を作れません")?;
        let plan = SealPlan {
            dictionary,
            ..self.plan.clone()
        };
        let (out, rng) = self.ends.take().context("封印はもう始まっています")?;
        let mut writer = SnapshotWriter::new(out, &plan, self.order.sealer, rng)?;
        for (places, bytes) in self.sample.drain(..) {
            writer.add_record(&places, &bytes)?;
        }
        self.writer = Some(writer);
        Ok(())
    }

    /// Writes index, statistics and manifest.
    pub(super) fn finish(mut self, extract: &Extract, stat: &SnapshotStat) -> Result<Sealed> {
        if self.writer.is_none() {
            self.start()?;
        }
        let mut writer = self.writer.take().context("封印が始まっていません")?;
        writer.set_canaries(self.order.canaries)?;
        let mut lists = BTreeMap::new();
        for (place, list) in std::mem::take(&mut self.lists) {
            let beds = self.rights.beds_of(place, &extract.beds);
            lists.insert(place, list.finish(extract.findings.clone(), &beds)?);
        }
        let mut take = |place, _| lists.remove(&place).unwrap_or_default();
        let sealed = writer.finish(&mut take, &stat.to_bytes()?)?;
        Ok(sealed)
    }
}
