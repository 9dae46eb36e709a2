//! Reading and writing fixed binary layouts: little-endian integers and length-prefixed bytes.
//!
//! Every read is bounded by what is there, and every count is checked against a limit before anything is allocated.
//! It knows no format: those are in the rooms that use it.

/// A cursor over bytes from outside. Every method fails with [`Malformed`] instead of reading past the end.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// The bytes do not have the shape they should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(Malformed)?;
        self.rest = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_le_bytes)
    }

    /// A `u32` count of things that are at least `each` bytes long: refused above `limit`, and refused when the
    /// remaining bytes could not hold that many, so the caller may allocate for it.
    pub(crate) fn count(&mut self, limit: usize, each: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        let needed = count.checked_mul(each).ok_or(Malformed)?;
        if count > limit || needed > self.rest.len() {
            Err(Malformed)
        } else {
            Ok(count)
        }
    }

    /// Bytes behind a `u32` length, at most `limit` of them.
    pub(crate) fn bytes(&mut self, limit: usize) -> Result<&'a [u8], Malformed> {
        let len = self.count(limit, 1)?;
        self.take(len)
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left over: trailing bytes would be bytes nobody has checked.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Appends `bytes` behind their `u32` length. Lengths above `u32::MAX` cannot be written and saturate, which the
/// reader then refuses; every caller bounds its input far below that.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a count as `u32`; see [`put_bytes`] for why saturation is safe.
pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_are_bounded_by_limit_and_by_what_is_there() {
        let four = [4, 0, 0, 0, 1, 2, 3, 4];
        assert_eq!(Reader::new(&four).count(4, 1), Ok(4));
        assert_eq!(Reader::new(&four).count(3, 1), Err(Malformed), "above the limit");
        assert_eq!(
            Reader::new(&four).count(4, 2),
            Err(Malformed),
            "more than the bytes can hold"
        );
        assert_eq!(
            Reader::new(&[255; 8]).count(usize::MAX, usize::MAX),
            Err(Malformed),
            "no overflow"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(a in any::<u64>(), parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut out = a.to_le_bytes().to_vec();
            put_count(&mut out, parts.len());
            parts.iter().for_each(|part| put_bytes(&mut out, part));
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.u64(), Ok(a));
            let count = reader.count(8, 4).unwrap();
            for part in parts.iter().take(count) {
                prop_assert_eq!(reader.bytes(40), Ok(part.as_slice()));
            }
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            let _ = reader.u8();
            let _ = reader.u16();
            let _ = reader.bytes(16);
            let _ = reader.i64();
            let _ = reader.array::<16>();
            prop_assert!(reader.rest().len() <= bytes.len());
        }
    }
}
