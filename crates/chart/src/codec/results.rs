//! Laboratory results in columns: all names, then all values, then all units, and so on.
//!
//! A panel repeats its names, units and ranges from patient to patient while the values differ. In rows every value cuts
//! the repetition in two; in columns a compressor sees it whole (a fifth of a chart's compressed size). A column whose
//! cells are all equal is written once.

use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::as_of::Moment;
use crate::known::Known;
use crate::result::LabResult;

/// Most results one chart may hold.
const MAX_RESULTS: u64 = 10_000;

const COLUMNS: u64 = 8;

/// Writes `[0, n, columns…]` for results, and the other three states as [`Known`] writes them.
///
/// # Errors
/// Only what the writer returns.
pub fn encode<C, W: Write>(
    known: &Known<Vec<LabResult>>,
    e: &mut Encoder<W>,
    ctx: &mut C,
) -> Result<(), EncodeError<W::Error>> {
    match known {
        Known::Present(list) => {
            e.array(2 + COLUMNS)?.u8(0)?.u64(list.len() as u64)?;
            column(list, |r| r.name.as_str(), e, ctx)?;
            column(list, |r| r.value.as_str(), e, ctx)?;
            column(list, |r| r.unit.as_str(), e, ctx)?;
            column(list, |r| r.flag, e, ctx)?;
            column(list, |r| r.reference.as_str(), e, ctx)?;
            column(list, |r| r.on.map_or(0, super::date::to_number), e, ctx)?;
            column(list, |r| r.at.map_or(u16::MAX, super::maybe_time::minutes), e, ctx)?;
            column(list, |r| r.code.as_str(), e, ctx)
        }
        Known::ConfirmedNone { on } => e.array(2)?.u8(1)?.u32(on.map_or(0, super::date::to_number))?.ok(),
        Known::NotRecorded => e.array(1)?.u8(2)?.ok(),
        Known::Unavailable { since } => {
            e.array(2)?.u8(3)?;
            since.encode(e, ctx)
        }
    }
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// When the columns do not fit together.
pub fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Known<Vec<LabResult>>, DecodeError> {
    let fields = d
        .array()?
        .ok_or_else(|| DecodeError::message("results have a known length"))?;
    match (d.u8()?, fields) {
        (0, n) if n == 2 + COLUMNS => present(d, ctx).map(Known::Present),
        (1, 2) => Ok(Known::ConfirmedNone {
            on: super::date::from_number(d.u32()?),
        }),
        (2, 1) => Ok(Known::NotRecorded),
        (3, 2) => Ok(Known::Unavailable {
            since: Option::<Moment>::decode(d, ctx)?,
        }),
        _ => Err(DecodeError::message("not results")),
    }
}

fn present<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Vec<LabResult>, DecodeError> {
    let n = d.u64()?;
    if n > MAX_RESULTS {
        return Err(DecodeError::message("too many results"));
    }
    let n = usize::try_from(n).map_err(|_| DecodeError::message("too many results"))?;
    let mut list = vec![LabResult::default(); n];
    fill(&mut list, d, ctx, |r, v| r.name = v)?;
    fill(&mut list, d, ctx, |r, v| r.value = v)?;
    fill(&mut list, d, ctx, |r, v| r.unit = v)?;
    fill(&mut list, d, ctx, |r, v| r.flag = v)?;
    fill(&mut list, d, ctx, |r, v| r.reference = v)?;
    fill(&mut list, d, ctx, |r, v| r.on = super::date::from_number(v))?;
    fill(&mut list, d, ctx, |r, v| r.at = super::maybe_time::from_minutes(v))?;
    fill(&mut list, d, ctx, |r, v| r.code = v)?;
    Ok(list)
}

fn column<'a, C, W: Write, T: Encode<C> + PartialEq>(
    list: &'a [LabResult],
    cell: impl Fn(&'a LabResult) -> T,
    e: &mut Encoder<W>,
    ctx: &mut C,
) -> Result<(), EncodeError<W::Error>> {
    let same = list.len() > 1 && list.windows(2).all(|pair| matches!(pair, [a, b] if cell(a) == cell(b)));
    let cells = if same { list.get(..1).unwrap_or(list) } else { list };
    e.array(cells.len() as u64)?;
    cells.iter().try_for_each(|r| cell(r).encode(e, ctx))
}

fn fill<'b, C, T: Decode<'b, C> + Clone>(
    list: &mut [LabResult],
    d: &mut Decoder<'b>,
    ctx: &mut C,
    mut set: impl FnMut(&mut LabResult, T),
) -> Result<(), DecodeError> {
    let cells = d
        .array()?
        .ok_or_else(|| DecodeError::message("a column has a known length"))?;
    if cells == list.len() as u64 {
        for r in list {
            set(r, T::decode(d, ctx)?);
        }
        return Ok(());
    }
    if cells != 1 {
        return Err(DecodeError::message("a column has one cell for all or one for each"));
    }
    let cell = T::decode(d, ctx)?;
    list.iter_mut().for_each(|r| set(r, cell.clone()));
    Ok(())
}
