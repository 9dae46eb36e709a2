//! 血液型: one fact where a source says ABO and Rh apart, as laboratories do. For reference only, wherever it is shown.

use chart::patient::Fact;

/// Puts ABO and Rh of one day together; of different days they stay apart, each with its own.
pub fn join(facts: &mut Vec<Fact>) {
    let of = |facts: &[Fact], part: Part| facts.iter().position(|fact| part_of(&fact.label) == Some(part));
    let (Some(abo), Some(rh)) = (of(facts, Part::Abo), of(facts, Part::Rh)) else {
        return;
    };
    let (Some(group), Some(factor)) = (facts.get(abo), facts.get(rh)) else {
        return;
    };
    if group.on != factor.on {
        return;
    }
    let whole = Fact {
        label: "血液型".to_owned(),
        value: format!("{} {}", group.value, with_rh(&factor.value)),
        on: group.on,
    };
    facts.remove(abo.max(rh));
    let first = abo.min(rh);
    facts.remove(first);
    facts.insert(first, whole);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Abo,
    Rh,
}

fn part_of(label: &str) -> Option<Part> {
    let label: String = chart::id::half_width_text(label)
        .chars()
        .filter(|c| !matches!(c, '式' | '(' | ')' | '（' | '）') && !c.is_whitespace())
        .collect();
    Some(match label.as_str() {
        "血液型ABO" | "ABO血液型" => Part::Abo,
        "血液型Rh" | "Rh血液型" | "血液型RhD" | "RhD血液型" => Part::Rh,
        _ => return None,
    })
}

fn with_rh(value: &str) -> String {
    if value.to_ascii_lowercase().starts_with("rh") {
        return value.to_owned();
    }
    // A lone sign comes in brackets; behind Rh it cannot be overlooked.
    let sign = value.trim_matches(['(', ')']);
    format!("Rh{sign}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(label: &str, value: &str, day: i8) -> Fact {
        Fact {
            label: label.to_owned(),
            value: value.to_owned(),
            on: Some(jiff::civil::date(2026, 11, day)),
        }
    }

    #[test]
    fn two_halves_of_one_day_are_one_fact_and_of_two_days_are_not() {
        let mut facts = vec![
            fact("身長", "150 cm", 1),
            fact("Rh式血液型", "+", 2),
            fact("血液型ABO", "B", 2),
        ];
        join(&mut facts);
        let shown: Vec<_> = facts.iter().map(|f| format!("{} {}", f.label, f.value)).collect();
        assert_eq!(shown, ["身長 150 cm", "血液型 B Rh+"]);
        let mut facts = vec![fact("血液型ABO", "B", 1), fact("血液型Rh", "Rh(-)", 2)];
        join(&mut facts);
        assert_eq!(facts.len(), 2);
    }
}
