//! How dates and times become CBOR: as the small integers a person can still read in a dump.
//!
//! A date is the number yyyymmdd (19510512), a time of day is minutes after midnight; what is a short text by itself stays one.
//! Nothing else lives here.

pub mod results;

/// Values that are written as a short text and read by their own `parse`: station codes, languages.
macro_rules! as_text {
    ($type:ty, $otherwise:literal) => {
        impl<C> minicbor::Encode<C> for $type {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(self.as_str())?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $type {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::parse(d.str()?).ok_or_else(|| minicbor::decode::Error::message($otherwise))
            }
        }
    };
}
pub(crate) use as_text;

/// Calendar dates as yyyymmdd.
pub mod date {
    use jiff::civil::Date;
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    /// Writes a date as the integer yyyymmdd.
    ///
    /// # Errors
    /// Only what the writer returns.
    pub fn encode<C, W: Write>(date: &Date, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.u32(to_number(*date))?.ok()
    }

    /// Reads a date written by [`encode`].
    ///
    /// # Errors
    /// When the number is not a day of the calendar.
    pub fn decode<'b, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<Date, DecodeError> {
        let number = d.u32()?;
        from_number(number).ok_or_else(|| DecodeError::message("not a calendar date"))
    }

    /// 1951-05-12 as 19510512. Years before 1 do not occur in a hospital and become 0.
    #[must_use]
    pub fn to_number(date: Date) -> u32 {
        u32::try_from(date.year()).unwrap_or(0) * 10_000
            + u32::try_from(date.month()).unwrap_or(0) * 100
            + u32::try_from(date.day()).unwrap_or(0)
    }

    /// The reverse of [`to_number`]; `None` when no such day exists.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Date> {
        let year = i16::try_from(number / 10_000).ok()?;
        let month = i8::try_from(number / 100 % 100).ok()?;
        let day = i8::try_from(number % 100).ok()?;
        Date::new(year, month, day).ok()
    }
}

/// Optional calendar dates: null when unknown.
pub mod maybe_date {
    use jiff::civil::Date;
    use minicbor::data::Type;
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    /// Writes null or the integer yyyymmdd.
    ///
    /// # Errors
    /// Only what the writer returns.
    pub fn encode<C, W: Write>(
        date: &Option<Date>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        match date {
            Some(date) => super::date::encode(date, e, ctx),
            None => e.null()?.ok(),
        }
    }

    /// Reads what [`encode`] wrote.
    ///
    /// # Errors
    /// When the number is not a day of the calendar.
    pub fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Option<Date>, DecodeError> {
        if d.datatype()? == Type::Null {
            d.null()?;
            return Ok(None);
        }
        super::date::decode(d, ctx).map(Some)
    }

    /// A missing trailing field means unknown.
    #[must_use]
    pub fn nil() -> Option<Option<Date>> {
        Some(None)
    }

    /// Unknown dates at the end of a record take no bytes.
    #[must_use]
    pub fn is_nil(date: &Option<Date>) -> bool {
        date.is_none()
    }
}

/// Optional times of day: null when unknown, else minutes after midnight.
pub mod maybe_time {
    use jiff::civil::Time;
    use minicbor::data::Type;
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    /// Writes null or minutes after midnight.
    ///
    /// # Errors
    /// Only what the writer returns.
    pub fn encode<C, W: Write>(
        time: &Option<Time>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        match time {
            Some(time) => e.u16(minutes(*time))?.ok(),
            None => e.null()?.ok(),
        }
    }

    /// Reads what [`encode`] wrote.
    ///
    /// # Errors
    /// When the number is 1440 or more.
    pub fn decode<'b, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<Option<Time>, DecodeError> {
        if d.datatype()? == Type::Null {
            d.null()?;
            return Ok(None);
        }
        let minutes = d.u16()?;
        from_minutes(minutes)
            .map(Some)
            .ok_or_else(|| DecodeError::message("not a time of day"))
    }

    /// A missing trailing field means unknown.
    #[must_use]
    pub fn nil() -> Option<Option<Time>> {
        Some(None)
    }

    /// Unknown times at the end of a record take no bytes.
    #[must_use]
    pub fn is_nil(time: &Option<Time>) -> bool {
        time.is_none()
    }

    /// 9:05 as 545.
    #[must_use]
    pub fn minutes(time: Time) -> u16 {
        u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0)
    }

    /// The reverse of [`minutes`]; `None` from 1440 on.
    #[must_use]
    pub fn from_minutes(minutes: u16) -> Option<Time> {
        let hour = i8::try_from(minutes / 60).ok()?;
        let minute = i8::try_from(minutes % 60).ok()?;
        Time::new(hour, minute, 0, 0).ok()
    }
}
