//! Height, weight and kidney function, and the little arithmetic that must give the same bits everywhere.
//!
//! Powers are computed by our own series of plain additions and multiplications: the standard library's depend on the platform.

use crate::person::Sex;
use crate::rng::Rng;

/// A body: what doses and results depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// In tenths of a centimetre.
    pub(crate) height: i64,
    /// In tenths of a kilogram.
    pub(crate) weight: i64,
    /// mL/min/1.73 m².
    pub(crate) egfr: i64,
}

/// Median weight in tenths of a kilogram and height in tenths of a centimetre at 0, 1, 2 … 17 years (rounded from growth charts).
const GROWTH: [(i64, i64); 18] = [
    (62, 620),
    (93, 760),
    (117, 865),
    (138, 945),
    (157, 1015),
    (177, 1080),
    (203, 1145),
    (229, 1205),
    (259, 1260),
    (291, 1315),
    (326, 1370),
    (368, 1435),
    (418, 1500),
    (462, 1550),
    (500, 1590),
    (528, 1610),
    (545, 1630),
    (555, 1640),
];

impl Body {
    /// A body of this age (years, and days for babies) and sex.
    pub(crate) fn invent(rng: &mut Rng, sex: Sex, age: i64, days: i64) -> Self {
        let spread = rng.around(86, 114);
        if let Some((weight, height)) = usize::try_from(age).ok().and_then(|years| GROWTH.get(years)) {
            let (weight, height) = if age == 0 {
                (31 + days * 62 / 365, 495 + days * 265 / 365)
            } else {
                (*weight, *height)
            };
            return Body {
                height: height * (100 + (spread - 100) / 4) / 100,
                weight: weight * spread / 100,
                egfr: 110,
            };
        }
        let shrink = (age - 50).max(0) * 14 / 10;
        let height = if sex == Sex::Male {
            rng.around(1610, 1810)
        } else {
            rng.around(1490, 1670)
        } - shrink;
        // Body mass index in tenths.
        let bmi = rng.around(178, 288);
        Body {
            height,
            weight: bmi * height * height / 1_000_000,
            egfr: usual_egfr(rng, age),
        }
    }
}

fn usual_egfr(rng: &mut Rng, age: i64) -> i64 {
    (104 - (age - 20).max(0) * 55 / 100 + rng.around(-14, 14)).clamp(46, 118)
}

/// Serum creatinine in hundredths of mg/dL that gives this eGFR by the Japanese equation
/// (194 × Cr^-1.094 × age^-0.287, × 0.739 for women; Japanese Society of Nephrology).
pub(crate) fn creatinine(egfr: i64, age: i64, female: bool) -> i64 {
    let base = 194.0 * power(age.max(18) as f64, -0.287) * if female { 0.739 } else { 1.0 };
    let value = power(egfr.max(3) as f64 / base, -1.0 / 1.094);
    ((value * 100.0 + 0.5) as i64).max(20)
}

/// eGFR of a creatinine in hundredths of mg/dL, by the same equation.
pub(crate) fn egfr(creatinine: i64, age: i64, female: bool) -> i64 {
    let value = 194.0
        * power(creatinine as f64 / 100.0, -1.094)
        * power(age.max(18) as f64, -0.287)
        * if female { 0.739 } else { 1.0 };
    (value + 0.5) as i64
}

/// `base` to the power of `exponent`, base positive and moderate.
fn power(base: f64, exponent: f64) -> f64 {
    exponential(exponent * logarithm(base))
}

/// Natural logarithm: halvings down to [0.75, 1.5), then the series of the area hyperbolic tangent.
fn logarithm(value: f64) -> f64 {
    const LN_2: f64 = std::f64::consts::LN_2;
    let (mut rest, mut halvings) = (value, 0.0);
    while rest >= 1.5 {
        rest /= 2.0;
        halvings += 1.0;
    }
    while rest < 0.75 {
        rest *= 2.0;
        halvings -= 1.0;
    }
    let ratio = (rest - 1.0) / (rest + 1.0);
    let square = ratio * ratio;
    let (mut term, mut sum, mut odd) = (ratio, 0.0, 1.0);
    for _ in 0..20 {
        sum += term / odd;
        term *= square;
        odd += 2.0;
    }
    2.0 * sum + halvings * LN_2
}

/// e to the power of `value`: the series on an eighth of it, squared three times.
fn exponential(value: f64) -> f64 {
    let part = value / 8.0;
    let (mut term, mut sum, mut place) = (1.0, 1.0, 1.0);
    for _ in 0..24 {
        term *= part / place;
        sum += term;
        place += 1.0;
    }
    let fourth = sum * sum;
    let half = fourth * fourth;
    half * half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_right() {
        for (base, exponent) in [
            (75.0, -0.287),
            (0.92, -1.094),
            (6.5, -1.094),
            (0.1, -0.914),
            (2.0, 10.0),
        ] {
            let expected = f64::powf(base, exponent);
            assert!(
                (power(base, exponent) / expected - 1.0).abs() < 1e-9,
                "{base}^{exponent}"
            );
        }
    }

    #[test]
    fn kidney_function_goes_there_and_back() {
        // A woman of 75 with creatinine 0.92 mg/dL: 194 × 0.92^-1.094 × 75^-0.287 × 0.739 = 45.5.
        assert_eq!(egfr(92, 75, true), 45);
        for target in [8, 22, 45, 60, 90] {
            let got = egfr(creatinine(target, 70, false), 70, false);
            assert!((got - target).abs() <= 1, "{target} became {got}");
        }
    }

    #[test]
    fn bodies_are_plausible() {
        let mut rng = Rng::of(1, 1, crate::rng::Subject::Body);
        for age in 0..110 {
            let body = Body::invent(&mut rng, Sex::Female, age, age * 365 + 9);
            assert!((400..2000).contains(&body.height), "{age}: {body:?}");
            let weights = if age < 20 { 25..800 } else { 320..1100 };
            assert!(weights.contains(&body.weight), "{age}: {body:?}");
        }
    }
}
