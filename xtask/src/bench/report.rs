//! One line of what `bench` says: the figure, its peer, their ratio, the target, and whether it is met.
//!
//! It deliberately judges nothing else: every target stands in `list`.

use anyhow::Result;
use serde::Serialize;

use super::{Figure, Measured, Target};

/// One line of the report, in the order it is printed.
#[derive(Debug, PartialEq, Serialize)]
pub struct Line {
    name: &'static str,
    /// `null` in JSON when it could not be measured.
    value: f64,
    unit: &'static str,
    peer: Option<&'static str>,
    peer_value: Option<f64>,
    ratio: Option<f64>,
    target: Option<String>,
    ok: Option<bool>,
}

impl Line {
    /// What was found, judged by the figure's target.
    pub fn of(figure: &Figure, measured: &Measured) -> Self {
        let ratio = measured
            .peer_value
            .filter(|peer| *peer > 0.0)
            .map(|peer| measured.value / peer);
        // A ratio that could not be formed does not meet a target on it, nor does a figure that could not be measured.
        let (target, ok) = match figure.target {
            Target::None => (None, measured.value.is_nan().then_some(false)),
            Target::AtMost(limit) => (Some(format!("value <= {limit}")), Some(measured.value <= limit)),
            Target::AtLeast(limit) => (Some(format!("value >= {limit}")), Some(measured.value >= limit)),
            Target::RatioAtMost(limit) => (
                Some(format!("ratio <= {limit}")),
                Some(ratio.is_some_and(|r| r <= limit)),
            ),
            Target::RatioAtLeast(limit) => (
                Some(format!("ratio >= {limit}")),
                Some(ratio.is_some_and(|r| r >= limit)),
            ),
        };
        Self {
            name: figure.name,
            value: rounded(measured.value),
            unit: figure.unit,
            peer: Some(figure.peer).filter(|peer| !peer.is_empty()),
            peer_value: measured.peer_value.map(rounded),
            ratio: ratio.map(rounded),
            target,
            ok,
        }
    }

    /// True when a target was missed or the figure could not be measured.
    pub fn is_missed(&self) -> bool {
        self.ok == Some(false)
    }

    /// Prints it, as JSON or as a row of the table.
    pub fn print(&self, json: bool) -> Result<()> {
        let text = if json {
            serde_json::to_string(self)?
        } else {
            table_row(self)
        };
        println!("{text}");
        Ok(())
    }
}

/// Four significant digits: more would only be noise.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3.0 - value.abs().log10().floor();
    let scale = 10_f64.powf(digits);
    (value * scale).round() / scale
}

fn table_row(line: &Line) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    let verdict = line.ok.map_or("–", |ok| if ok { "met" } else { "MISSED" });
    let target = line.target.as_deref().unwrap_or("–");
    let (value, ratio, peer_value) = (number(Some(line.value)), number(line.ratio), number(line.peer_value));
    let peer = line
        .peer
        .map(|peer| format!("  [{peer_value}: {peer}]"))
        .unwrap_or_default();
    format!(
        "{:<30} {value:>10} {:<14} ratio {ratio:>8}  {target:<18} {verdict:<6}{peer}",
        line.name, line.unit
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(target: Target) -> Figure {
        Figure {
            name: "x.y",
            unit: "ms",
            peer: "z",
            target,
        }
    }

    #[test]
    fn a_line_has_every_field_and_tells_whether_the_target_is_met() {
        let measured = Measured {
            value: 12.34567,
            peer_value: Some(10.0),
        };
        let line = Line::of(&figure(Target::RatioAtMost(1.2)), &measured);
        let expected = "{\"name\":\"x.y\",\"value\":12.35,\"unit\":\"ms\",\"peer\":\"z\",\"peer_value\":10.0,\
            \"ratio\":1.235,\"target\":\"ratio <= 1.2\",\"ok\":false}";
        assert_eq!(serde_json::to_string(&line).unwrap(), expected);
        assert_eq!(Line::of(&figure(Target::AtMost(13.0)), &measured).ok, Some(true));
        assert_eq!(Line::of(&figure(Target::AtLeast(13.0)), &measured).ok, Some(false));
        assert_eq!(Line::of(&figure(Target::None), &measured).ok, None);
        let failed = Line::of(&figure(Target::None), &Measured::alone(f64::NAN));
        assert_eq!(failed.ok, Some(false));
        assert!(serde_json::to_string(&failed).unwrap().contains("\"value\":null"));
        let without_peer = Measured {
            value: 1.0,
            peer_value: None,
        };
        assert_eq!(
            Line::of(&figure(Target::RatioAtLeast(0.1)), &without_peer).ok,
            Some(false)
        );
    }
}
