//! One column of the index: compressed until somebody looks at it, then open for as long as the index is.
//!
//! The first list of the day needs four columns of twenty and a third of the people. A column says nothing of what it
//! means; bytes that are not a column cannot come from a sealed index that was read back when it was made.

use std::sync::{Mutex, OnceLock, PoisonError};

use vault::snapshot::Block;

use super::{Alike, Arena, Fixed, IndexFault, Slot};

/// A column and, until it is opened, its bytes.
#[derive(Debug, Default)]
pub(super) struct Column<T> {
    open: OnceLock<T>,
    packed: Mutex<Option<Block>>,
    rows: usize,
}

/// What can stand in a column.
pub(super) trait Columnar: Sized + Default {
    /// Appends the bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`Self::write`] wrote; `rows` is how many there must be, or for slots how many people.
    fn read(bytes: Vec<u8>, rows: usize) -> Result<Self, IndexFault>;
}

impl<T: Columnar> Column<T> {
    pub(super) fn new(packed: Block, rows: usize) -> Self {
        Self {
            open: OnceLock::new(),
            packed: Mutex::new(Some(packed)),
            rows,
        }
    }

    /// The column, opened now if it was not.
    pub(super) fn get(&self) -> &T {
        self.open.get_or_init(|| {
            let packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let read = packed.map_or_else(|| Ok(T::default()), |packed| read(&packed, self.rows));
            read.unwrap_or_else(|error| {
                tracing::error!(%error, "a column of the index does not open");
                T::default()
            })
        })
    }
}

impl<T: Columnar> From<T> for Column<T> {
    fn from(column: T) -> Self {
        Self {
            open: OnceLock::from(column),
            packed: Mutex::new(None),
            rows: 0,
        }
    }
}

/// Opens a block and reads the column in it.
pub(super) fn read<T: Columnar>(packed: &Block, rows: usize) -> Result<T, IndexFault> {
    let mut bytes = packed.open().map_err(|_| IndexFault::Unreadable)?;
    T::read(std::mem::take(&mut *bytes), rows)
}

impl Columnar for Arena {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text().as_bytes());
    }

    fn read(bytes: Vec<u8>, rows: usize) -> Result<Self, IndexFault> {
        Self::from_bytes(bytes, rows).map_err(Into::into)
    }
}

impl Columnar for Vec<Fixed> {
    fn write(&self, out: &mut Vec<u8>) {
        let row = |f: &Fixed| {
            let [b0, b1, b2, b3] = f.birth.to_le_bytes();
            let Alike {
                same_name,
                same_reading,
                near,
            } = f.alike;
            [b0, b1, b2, b3, f.sex, f.allergy, f.bits, same_name, same_reading, near]
        };
        put(&self.iter().map(row).collect::<Vec<_>>(), out);
    }

    fn read(bytes: Vec<u8>, rows: usize) -> Result<Self, IndexFault> {
        let fixed: Self = table(
            &bytes,
            |[b0, b1, b2, b3, sex, allergy, bits, same_name, same_reading, near]| Fixed {
                birth: u32::from_le_bytes([b0, b1, b2, b3]),
                sex,
                allergy,
                bits,
                alike: Alike {
                    same_name,
                    same_reading,
                    near,
                },
            },
        )?;
        if fixed.len() == rows {
            Ok(fixed)
        } else {
            Err(IndexFault::Unreadable)
        }
    }
}

impl Columnar for Vec<u32> {
    fn write(&self, out: &mut Vec<u8>) {
        put(&self.iter().map(|row| row.to_le_bytes()).collect::<Vec<_>>(), out);
    }

    fn read(bytes: Vec<u8>, rows: usize) -> Result<Self, IndexFault> {
        let numbers: Self = table(&bytes, u32::from_le_bytes)?;
        let fits = numbers.len() == rows && numbers.iter().all(|row| (*row as usize) < rows);
        fits.then_some(numbers).ok_or(IndexFault::Unreadable)
    }
}

impl Columnar for Vec<Slot> {
    fn write(&self, out: &mut Vec<u8>) {
        let row = |s: &Slot| {
            let ([r0, r1, r2, r3], [o0, o1, o2, o3]) = (s.row.to_le_bytes(), s.on.to_le_bytes());
            let numbers = [s.minutes, s.department, s.doctor, s.place, s.exams];
            let [[m0, m1], [d0, d1], [c0, c1], [p0, p1], [e0, e1]] = numbers.map(u16::to_le_bytes);
            [r0, r1, r2, r3, o0, o1, o2, o3, m0, m1, d0, d1, c0, c1, p0, p1, e0, e1]
        };
        put(&self.iter().map(row).collect::<Vec<_>>(), out);
    }

    fn read(bytes: Vec<u8>, rows: usize) -> Result<Self, IndexFault> {
        let slot = |[r0, r1, r2, r3, o0, o1, o2, o3, m0, m1, d0, d1, c0, c1, p0, p1, e0, e1]: [u8; 18]| Slot {
            row: u32::from_le_bytes([r0, r1, r2, r3]),
            on: u32::from_le_bytes([o0, o1, o2, o3]),
            minutes: u16::from_le_bytes([m0, m1]),
            department: u16::from_le_bytes([d0, d1]),
            doctor: u16::from_le_bytes([c0, c1]),
            place: u16::from_le_bytes([p0, p1]),
            exams: u16::from_le_bytes([e0, e1]),
        };
        let slots: Self = table(&bytes, slot)?;
        let fits = slots.iter().all(|slot| (slot.row as usize) < rows);
        fits.then_some(slots).ok_or(IndexFault::Unreadable)
    }
}

/// Rows of one width: all first bytes, then all second ones, and so on. Bytes that resemble each other stand together,
/// which compresses them to half.
pub(super) fn put<const W: usize>(rows: &[[u8; W]], out: &mut Vec<u8>) {
    for n in 0..W {
        out.extend(rows.iter().filter_map(|row| row.get(n)));
    }
}

/// Reads what [`put`] wrote.
pub(super) fn table<const W: usize, T>(bytes: &[u8], read: impl Fn([u8; W]) -> T) -> Result<Vec<T>, IndexFault> {
    let len = bytes.len() / W;
    if len * W != bytes.len() {
        return Err(IndexFault::Unreadable);
    }
    let mut rows = vec![[0; W]; len];
    for (n, plane) in bytes.chunks_exact(len.max(1)).enumerate() {
        for (row, byte) in rows.iter_mut().zip(plane) {
            if let Some(cell) = row.get_mut(n) {
                *cell = *byte;
            }
        }
    }
    Ok(rows.into_iter().map(read).collect())
}
