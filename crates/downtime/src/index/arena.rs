//! Many short texts in one: a string and the place where each row's text ends.
//!
//! Searching goes over the one string; rows are found back by their place.

/// Row texts, joined by `\n`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Arena {
    text: String,
    /// End of each row's text, before its `\n`.
    ends: Vec<u32>,
}

/// Why bytes are not an arena.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("索引の列が壊れています")]
pub struct ArenaFault;

impl Arena {
    /// Adds the next row's text; line breaks become spaces, and a text that would pass 4 GiB in all is refused.
    ///
    /// # Errors
    /// [`ArenaFault`] when the arena is full.
    pub fn push(&mut self, text: &str) -> Result<(), ArenaFault> {
        if text.contains('\n') {
            self.text.push_str(&text.replace('\n', " "));
        } else {
            self.text.push_str(text);
        }
        let end = u32::try_from(self.text.len()).map_err(|_| ArenaFault)?;
        self.text.push('\n');
        self.ends.push(end);
        Ok(())
    }

    /// How many rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A row's text; empty for a row that does not exist.
    #[must_use]
    pub fn get(&self, row: usize) -> &str {
        let Some(&end) = self.ends.get(row) else { return "" };
        let start = row
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |e| *e as usize + 1);
        self.text.get(start..end as usize).unwrap_or("")
    }

    /// The whole text, for searching.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The row that holds a byte of the text.
    #[must_use]
    pub fn row_at(&self, byte: usize) -> usize {
        self.ends.partition_point(|end| (*end as usize) < byte)
    }

    /// Where a row's text begins.
    #[must_use]
    pub fn start(&self, row: usize) -> usize {
        row.checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |e| *e as usize + 1)
    }

    /// Reads the whole text of an arena; `rows` must match. Ends are found again by their `\n`.
    ///
    /// # Errors
    /// [`ArenaFault`] when the bytes are not UTF-8, or hold another number of rows.
    pub fn from_bytes(bytes: Vec<u8>, rows: usize) -> Result<Self, ArenaFault> {
        let text = String::from_utf8(bytes).map_err(|_| ArenaFault)?;
        let mut ends = Vec::with_capacity(rows.min(text.len()));
        for at in memchr::memchr_iter(b'\n', text.as_bytes()) {
            ends.push(u32::try_from(at).map_err(|_| ArenaFault)?);
        }
        let whole = text.is_empty() || text.ends_with('\n');
        if ends.len() == rows && whole {
            Ok(Self { text, ends })
        } else {
            Err(ArenaFault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let mut arena = Arena::default();
        for text in ["山田", "", "a\nb"] {
            arena.push(text).unwrap();
        }
        let bytes = arena.text().as_bytes().to_vec();
        let back = Arena::from_bytes(bytes.clone(), 3).unwrap();
        assert_eq!(back, arena);
        assert_eq!(
            [back.get(0), back.get(1), back.get(2), back.get(3)],
            ["山田", "", "a b", ""]
        );
        for row in 0..3 {
            assert_eq!(back.row_at(back.start(row)), row);
        }
        assert_eq!(Arena::from_bytes(bytes.clone(), 2), Err(ArenaFault));
        assert_eq!(Arena::from_bytes(bytes[..bytes.len() - 1].to_vec(), 3), Err(ArenaFault));
        assert_eq!(
            Arena::from_bytes(bytes[1..].to_vec(), 3),
            Err(ArenaFault),
            "half a character"
        );
    }
}
