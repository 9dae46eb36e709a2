//! The stream from charts to the file: the first charts of an epoch become its compression dictionary, then the writer starts. In a later
//! snapshot of the epoch the dictionary is there, and a chart that still says the same keeps its sealed bytes.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, ensure};
use chart::Chart;
use rand_core::CryptoRng;
use vault::CompartmentId;
use vault::shelf_slots::Identity;
use vault::snapshot::{Amendment, SealPlan, Sealed, Snapshot, SnapshotWriter};
use vault::train::{DICTIONARY_SIZE, SAMPLE_BYTES, train_dictionary};

use super::lasting::{Epoch, Learning, Seen};
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
    sample: Vec<(Vec<CompartmentId>, Seen, Vec<u8>)>,
    sampled: usize,
    writer: Option<SnapshotWriter<'a, &'a mut dyn Write, R>>,
    rights: &'a Rights,
    /// One list per compartment.
    lists: BTreeMap<CompartmentId, IndexBuilder>,
    /// True once thin charts come: they get rows behind all records and no record of their own.
    thin: bool,
    learning: Learning<'a>,
    kept: u64,
    bytes: Vec<u8>,
}

/// What a stream came to.
pub(super) struct Written {
    pub(super) sealed: Sealed,
    pub(super) stat: SnapshotStat,
    pub(super) epoch: Epoch,
    /// Charts that kept their sealed bytes.
    pub(super) kept: u64,
}

impl<'a, R: CryptoRng> Writing<'a, R> {
    pub(super) fn new(
        out: &'a mut dyn Write,
        plan: &'a SealPlan,
        order: &'a Order<'a>,
        rights: &'a Rights,
        rng: &'a mut R,
    ) -> Self {
        let learning = Learning::new(None, rng);
        Self {
            ends: Some((out, rng)),
            ..Self::with(plan, order, rights, learning)
        }
    }

    /// The next snapshot of an epoch that is there.
    pub(super) fn going_on(
        out: &'a mut dyn Write,
        (plan, order): (&'a SealPlan, &'a Order<'a>),
        rights: &'a Rights,
        (before, epoch): (&Snapshot, &'a Epoch),
        rng: &'a mut R,
    ) -> Result<Self> {
        let learning = Learning::new(Some(epoch), rng);
        let when = Amendment {
            created: plan.created,
            fresh_until: plan.fresh_until,
            level: plan.level,
        };
        let writer = SnapshotWriter::amend(out, before, epoch.keys.clone(), when, order.sealer, rng)?;
        Ok(Self {
            writer: Some(writer),
            ..Self::with(plan, order, rights, learning)
        })
    }

    fn with(plan: &'a SealPlan, order: &'a Order<'a>, rights: &'a Rights, learning: Learning<'a>) -> Self {
        let day = order.scope.day;
        let lists = plan
            .compartments
            .iter()
            .map(|c| (c.id, IndexBuilder::new(day)))
            .collect();
        Self {
            ends: None,
            plan,
            order,
            sample: Vec::new(),
            sampled: 0,
            writer: None,
            rights,
            lists,
            thin: false,
            learning,
            kept: 0,
            bytes: Vec::new(),
        }
    }

    /// Takes the next chart.
    pub(super) fn take(&mut self, mut chart: Chart) -> Result<()> {
        ensure!(
            chart.thin || !self.thin,
            "患者全体のカルテが、予約だけの患者より後に来ました"
        );
        self.thin = chart.thin;
        let places = self.list(&chart)?;
        if chart.thin {
            return Ok(());
        }
        let seen = self.learning.record(&mut chart, &mut self.bytes)?;
        if let Some(writer) = &mut self.writer {
            match self.learning.place_of(&seen) {
                Some(place) => {
                    writer.keep_record(&places, place)?;
                    self.kept += 1;
                }
                None => drop(writer.add_record(&places, &self.bytes)?),
            }
            self.learning.lies(&seen, writer.place());
            return Ok(());
        }
        self.sampled += self.bytes.len();
        self.sample.push((places, seen, self.bytes.clone()));
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
        let samples: Vec<&[u8]> = self.sample.iter().map(|(.., bytes)| bytes.as_slice()).collect();
        let dictionary = train_dictionary(&samples, DICTIONARY_SIZE).context("圧縮辞書を作れません")?;
        let plan = SealPlan {
            dictionary,
            ..self.plan.clone()
        };
        let (out, rng) = self.ends.take().context("封印はもう始まっています")?;
        let mut writer = SnapshotWriter::new(out, &plan, self.order.sealer, rng)?;
        writer.set_canaries(self.order.canaries)?;
        for (places, seen, bytes) in self.sample.drain(..) {
            writer.add_record(&places, &bytes)?;
            self.learning.lies(&seen, writer.place());
        }
        self.writer = Some(writer);
        Ok(())
    }

    /// Writes index, statistics and manifest.
    pub(super) fn finish(mut self, extract: &Extract, stat: SnapshotStat, sealed_for: [u8; 32]) -> Result<Written> {
        if self.writer.is_none() {
            self.start()?;
        }
        let writer = self.writer.take().context("封印が始まっていません")?;
        let mut lists = BTreeMap::new();
        for (place, list) in std::mem::take(&mut self.lists) {
            let beds = self.rights.beds_of(place, &extract.beds);
            lists.insert(place, list.finish(extract.findings.clone(), &beds)?);
        }
        let mut take = |place, _| lists.remove(&place).unwrap_or_default();
        let stat = SnapshotStat {
            vouched: self.learning.vouched(),
            ..stat
        };
        let sealed = writer.finish(&mut take, &stat.to_bytes()?)?;
        let identity = Identity::from(&sealed.manifest);
        let epoch = self.learning.into_epoch(sealed.reopen.clone(), identity, sealed_for);
        Ok(Written {
            sealed,
            stat,
            epoch,
            kept: self.kept,
        })
    }
}
