//! Dates, times, words and kana of both shapes in one plain form.

pub fn word<'a>(text: &'a str, table: &[(&str, &'a str)]) -> &'a str {
    table.iter().find(|(from, _)| *from == text).map_or(text, |(_, to)| to)
}

/// `1951/5/12` as `19510512`.
pub fn slash(text: &str) -> String {
    let parts: Vec<u32> = text.split('/').filter_map(|p| p.parse().ok()).collect();
    if let [y, m, d] = parts[..] {
        format!("{y:04}{m:02}{d:02}")
    } else {
        text.to_owned()
    }
}

pub fn clock(text: &str) -> String {
    format!("{:0>5}", text).replace(':', "")
}

pub fn stamp(text: &str) -> String {
    let (day, time) = text.split_once(' ').expect("date and time");
    format!("{}{}", slash(day), clock(time))
}

/// `昭和26年5月12日` as `19510512`.
pub fn era(text: &str) -> String {
    let Some(rest) = text.get(6..) else {
        return text.to_owned();
    };
    let offset = word(
        &text[..6],
        &[
            ("明治", "1867"),
            ("大正", "1911"),
            ("昭和", "1925"),
            ("平成", "1988"),
            ("令和", "2018"),
        ],
    );
    western(
        offset,
        &rest.replace("元年", "1年").replace(['年', '月'], ".").replace('日', ""),
    )
}

/// `S26.5.12` as `19510512`.
pub fn short_era(text: &str) -> String {
    let Some(rest) = text.get(1..) else {
        return text.to_owned();
    };
    western(
        word(
            &text[..1],
            &[
                ("M", "1867"),
                ("T", "1911"),
                ("S", "1925"),
                ("H", "1988"),
                ("R", "2018"),
            ],
        ),
        rest,
    )
}

fn western(offset: &str, rest: &str) -> String {
    let offset: u32 = offset.parse().expect("an era");
    let parts: Vec<u32> = rest.split('.').map(|p| p.parse().expect("a number")).collect();
    format!("{:04}{:02}{:02}", offset + parts[0], parts[1], parts[2])
}

/// `朝2錠・夕1錠` as `2,0,1,0`.
pub fn uneven(text: &str, unit: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let amount = |slot: &str| {
        text.split('・')
            .find_map(|part| part.strip_prefix(slot))
            .map_or("0".to_owned(), |rest| rest.replace(unit, ""))
    };
    ["朝", "昼", "夕", "寝る前"].map(amount).join(",")
}

/// `週2回(月・木)` as `W0100100`, `隔日` as `I1100000`.
pub fn weekdays(text: &str) -> String {
    if text.is_empty() || text == "隔日" {
        return word(text, &[("隔日", "I1100000")]).to_owned();
    }
    let days = text.split_once('(').expect("days of the week").1;
    std::iter::once('W')
        .chain(
            "日月火水木金土"
                .chars()
                .map(|day| if days.contains(day) { '1' } else { '0' }),
        )
        .collect()
}

/// Half-width katakana to full-width, without blanks.
pub fn full(text: &str) -> String {
    const HALF: &str = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｬｭｮｯｰ･";
    const FULL: &str = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォャュョッー・";
    let mut out = String::new();
    for c in text.chars() {
        match (c, out.chars().last()) {
            ('ﾞ', Some('ウ')) => replace_last(&mut out, 'ヴ'),
            ('ﾞ', Some(last)) => replace_last(&mut out, char::from_u32(last as u32 + 1).expect("voiced")),
            ('ﾟ', Some(last)) => replace_last(&mut out, char::from_u32(last as u32 + 2).expect("half-voiced")),
            _ => out.push(
                HALF.chars()
                    .position(|h| h == c)
                    .and_then(|place| FULL.chars().nth(place))
                    .unwrap_or(c),
            ),
        }
    }
    out
}

fn replace_last(text: &mut String, with: char) {
    text.pop();
    text.push(with);
}
