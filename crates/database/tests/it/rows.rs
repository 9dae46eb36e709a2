//! Rows as the tests look at them.

use std::ops::ControlFlow;

use downtime::sources::sql::{Fault, Field, Rows, Session};

/// Everything that was said.
#[derive(Default)]
pub struct Told {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub row: Vec<String>,
    /// No more than so many are wanted.
    pub most: Option<usize>,
}

impl Rows for Told {
    fn heading(&mut self, columns: &[&str]) -> ControlFlow<()> {
        assert!(self.columns.is_empty(), "one heading");
        self.columns = columns.iter().map(|&column| column.to_owned()).collect();
        ControlFlow::Continue(())
    }

    fn field(&mut self, field: Field<'_>) {
        self.row.push(match field {
            Field::Null => "NULL".to_owned(),
            Field::Text(text) => text.to_owned(),
            Field::Bytes(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("bytes {digits}")
            }
        });
    }

    fn end_row(&mut self) -> ControlFlow<()> {
        let row = std::mem::take(&mut self.row);
        assert_eq!(row.len(), self.columns.len(), "as many fields as columns");
        self.rows.push(row);
        match self.most {
            Some(most) if self.rows.len() >= most => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Asks one question.
pub fn ask(session: &mut dyn Session, sql: &str) -> Result<Told, Fault> {
    let mut told = Told::default();
    session.ask(sql, &mut told).map(|()| told)
}

/// The only field of the only row.
pub fn one(session: &mut dyn Session, sql: &str) -> String {
    let told = ask(session, sql).unwrap();
    assert_eq!(told.rows.len(), 1, "{sql}");
    told.rows[0][0].clone()
}
