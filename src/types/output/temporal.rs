//! Writers of dates, times, timestamps and intervals.
//!
//! In here a date counts days and a timestamp microseconds since 1970-01-01, with `i64::MAX` and
//! `i64::MIN` for
//! the infinities. DuckDB's infinities are the greatest number of the storage and its negative.

use arrow::array::{Array, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use super::cell::Cell;
use super::datetime::{write_date, write_offset, write_time, write_timestamp, write_timestamptz};
use super::interval::write_interval;
use super::scalar::as_text;
use super::{Format, Wire};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::civil::{DAY_US, PG_EPOCH_DAYS, PG_EPOCH_US, ZoneCache, offset_of_local};
use crate::types::{Interval, PgType};

fn overflow(what: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
}

/// Reads a stored date.
pub(super) fn date32(days: i32) -> i64 {
    match days {
        i32::MAX => i64::MAX,
        days if days == -i32::MAX => i64::MIN,
        days => days.into(),
    }
}

/// Reads a stored timestamp; the unit is given as its share of a microsecond.
fn timestamp(value: i64, unit: TimeUnit) -> Result<i64> {
    match value {
        i64::MAX => Ok(i64::MAX),
        value if value <= -i64::MAX => Ok(i64::MIN),
        value => match unit {
            TimeUnit::Second => value.checked_mul(1_000_000),
            TimeUnit::Millisecond => value.checked_mul(1_000),
            TimeUnit::Microsecond => Some(value),
            TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
        }
        .ok_or_else(|| overflow("timestamp")),
    }
}

/// Appends an infinity, if the value is one.
pub(super) fn write_infinity(out: &mut Vec<u8>, value: i64) -> bool {
    match value {
        i64::MAX => out.extend_from_slice(b"infinity"),
        i64::MIN => out.extend_from_slice(b"-infinity"),
        _ => return false,
    }
    true
}

/// Appends a date in binary.
pub(super) fn write_date_binary(out: &mut Vec<u8>, days: i64) -> Result<()> {
    let days = match days {
        i64::MAX => i32::MAX,
        i64::MIN => i32::MIN,
        days => i32::try_from(days - i64::from(PG_EPOCH_DAYS)).map_err(|_| overflow("date"))?,
    };
    out.extend_from_slice(&days.to_be_bytes());
    Ok(())
}

/// Appends a timestamp in binary.
pub(super) fn write_timestamp_binary(out: &mut Vec<u8>, micros: i64) -> Result<()> {
    let micros = match micros {
        i64::MAX | i64::MIN => micros,
        micros => micros.checked_sub(PG_EPOCH_US).ok_or_else(|| overflow("timestamp"))?,
    };
    out.extend_from_slice(&micros.to_be_bytes());
    Ok(())
}

/// Appends an interval in binary.
pub(super) fn write_interval_binary(out: &mut Vec<u8>, interval: Interval) {
    out.extend_from_slice(&interval.micros.to_be_bytes());
    out.extend_from_slice(&interval.days.to_be_bytes());
    out.extend_from_slice(&interval.months.to_be_bytes());
}

pub(super) fn dates<'a>(wire: Wire, get: impl Fn(usize) -> i64 + 'a) -> Option<Cell<'a>> {
    let style = wire.style.date_style;
    let text = move |out: &mut Vec<u8>, days| {
        if !write_infinity(out, days) {
            write_date(out, days, style);
        }
    };
    match (wire.pg_type, wire.format) {
        (PgType::DATE, Format::Binary) => {
            Some(Box::new(move |at, out| write_date_binary(out, get(at))))
        }
        (PgType::DATE, Format::Text) => Some(Box::new(move |at, out| {
            text(out, get(at));
            Ok(())
        })),
        (PgType::TIMESTAMP | PgType::TIMESTAMPTZ, _) => {
            let zone = wire.style.time_zone;
            let zoned = wire.pg_type == PgType::TIMESTAMPTZ;
            instants(wire, move |at| match get(at) {
                days @ (i64::MAX | i64::MIN) => Ok(days),
                days if zoned => {
                    let local = days * 86_400;
                    let seconds = local - i64::from(offset_of_local(zone, local));
                    seconds.checked_mul(1_000_000).ok_or_else(|| overflow("timestamp"))
                }
                days => days.checked_mul(DAY_US).ok_or_else(|| overflow("timestamp")),
            })
        }
        _ => as_text(wire, move |at, out| {
            text(out, get(at));
            Ok(())
        }),
    }
}

pub(super) fn timestamps<'a>(array: &'a dyn Array, unit: TimeUnit, wire: Wire) -> Option<Cell<'a>> {
    fn read<T: ArrowPrimitiveType<Native = i64>>(
        array: &dyn Array,
        unit: TimeUnit,
        wire: Wire,
    ) -> Option<Cell<'_>> {
        let values: &PrimitiveArray<T> = array.as_primitive();
        let get = move |at: usize| timestamp(values.value(at), unit);
        if matches!(wire.pg_type, PgType::TIMESTAMP | PgType::TIMESTAMPTZ) {
            return instants(wire, get);
        }
        if wire.pg_type == PgType::DATE {
            let days = move |at| match get(at) {
                Ok(micros @ (i64::MAX | i64::MIN)) => micros,
                Ok(micros) => micros.div_euclid(DAY_US),
                Err(_) => i64::MAX,
            };
            return dates(wire, days);
        }
        let zone = ZoneCache::new(wire.style.time_zone);
        let style = wire.style.date_style;
        let zoned = array.data_type() != &arrow::datatypes::DataType::Timestamp(unit, None);
        as_text(wire, move |at, out| {
            let micros = get(at)?;
            match (write_infinity(out, micros), zoned) {
                (true, _) => {}
                (false, true) => write_timestamptz(out, micros, &zone, style),
                (false, false) => write_timestamp(out, micros, style),
            }
            Ok(())
        })
    }
    match unit {
        TimeUnit::Second => read::<TimestampSecondType>(array, unit, wire),
        TimeUnit::Millisecond => read::<TimestampMillisecondType>(array, unit, wire),
        TimeUnit::Microsecond => read::<TimestampMicrosecondType>(array, unit, wire),
        TimeUnit::Nanosecond => read::<TimestampNanosecondType>(array, unit, wire),
    }
}

/// Serves `timestamp` and `timestamptz`.
fn instants<'a>(wire: Wire, get: impl Fn(usize) -> Result<i64> + 'a) -> Option<Cell<'a>> {
    if wire.format == Format::Binary {
        return Some(Box::new(move |at, out| write_timestamp_binary(out, get(at)?)));
    }
    let style = wire.style.date_style;
    if wire.pg_type == PgType::TIMESTAMP {
        return Some(Box::new(move |at, out| {
            let micros = get(at)?;
            if !write_infinity(out, micros) {
                write_timestamp(out, micros, style);
            }
            Ok(())
        }));
    }
    let zone = ZoneCache::new(wire.style.time_zone);
    Some(Box::new(move |at, out| {
        let micros = get(at)?;
        if !write_infinity(out, micros) {
            write_timestamptz(out, micros, &zone, style);
        }
        Ok(())
    }))
}

pub(super) fn times<'a>(array: &'a dyn Array, unit: TimeUnit, wire: Wire) -> Option<Cell<'a>> {
    match unit {
        TimeUnit::Second => {
            let values = array.as_primitive_opt::<Time32SecondType>()?;
            clock_times(wire, move |at| i64::from(values.value(at)) * 1_000_000)
        }
        TimeUnit::Millisecond => {
            let values = array.as_primitive_opt::<Time32MillisecondType>()?;
            clock_times(wire, move |at| i64::from(values.value(at)) * 1_000)
        }
        TimeUnit::Microsecond => {
            let values = array.as_primitive_opt::<Time64MicrosecondType>()?;
            clock_times(wire, move |at| values.value(at))
        }
        TimeUnit::Nanosecond => {
            let values = array.as_primitive_opt::<Time64NanosecondType>()?;
            clock_times(wire, move |at| values.value(at).div_euclid(1_000))
        }
    }
}

fn clock_times<'a>(wire: Wire, get: impl Fn(usize) -> i64 + 'a) -> Option<Cell<'a>> {
    let zoned = wire.pg_type == PgType::TIMETZ;
    if wire.pg_type == PgType::INTERVAL {
        return interval_cells(wire, move |at| {
            Ok(Interval { months: 0, days: 0, micros: get(at) })
        });
    }
    let checked = move |at| match get(at) {
        micros @ 0..=DAY_US => Ok(micros),
        _ => Err(overflow("time")),
    };
    match (wire.pg_type, wire.format) {
        (PgType::TIME | PgType::TIMETZ, Format::Binary) => Some(Box::new(move |at, out| {
            out.extend_from_slice(&checked(at)?.to_be_bytes());
            if zoned {
                out.extend_from_slice(&0i32.to_be_bytes());
            }
            Ok(())
        })),
        (PgType::TIME | PgType::TIMETZ, Format::Text) => Some(Box::new(move |at, out| {
            write_time(out, checked(at)?);
            if zoned {
                write_offset(out, 0);
            }
            Ok(())
        })),
        _ => as_text(wire, move |at, out| {
            write_time(out, checked(at)?);
            Ok(())
        }),
    }
}

pub(super) fn intervals<'a>(
    array: &'a dyn Array,
    unit: IntervalUnit,
    wire: Wire,
) -> Option<Cell<'a>> {
    match unit {
        IntervalUnit::MonthDayNano => {
            let values = array.as_primitive::<IntervalMonthDayNanoType>();
            interval_cells(wire, move |at| {
                let value = values.value(at);
                let micros = value.nanoseconds / 1_000;
                Ok(Interval { months: value.months, days: value.days, micros })
            })
        }
        IntervalUnit::YearMonth => {
            let values = array.as_primitive::<IntervalYearMonthType>();
            interval_cells(wire, move |at| {
                Ok(Interval { months: values.value(at), days: 0, micros: 0 })
            })
        }
        IntervalUnit::DayTime => {
            let values = array.as_primitive::<IntervalDayTimeType>();
            interval_cells(wire, move |at| {
                let value = values.value(at);
                let micros = i64::from(value.milliseconds) * 1_000;
                Ok(Interval { months: 0, days: value.days, micros })
            })
        }
    }
}

pub(super) fn durations<'a>(array: &'a dyn Array, unit: TimeUnit, wire: Wire) -> Option<Cell<'a>> {
    fn read<T: ArrowPrimitiveType<Native = i64>>(
        array: &dyn Array,
        wire: Wire,
        to_micros: fn(i64) -> Option<i64>,
    ) -> Option<Cell<'_>> {
        let values: &PrimitiveArray<T> = array.as_primitive();
        interval_cells(wire, move |at| {
            let micros = to_micros(values.value(at)).ok_or_else(|| overflow("interval"))?;
            Ok(Interval { months: 0, days: 0, micros })
        })
    }
    match unit {
        TimeUnit::Second => read::<DurationSecondType>(array, wire, |v| v.checked_mul(1_000_000)),
        TimeUnit::Millisecond => {
            read::<DurationMillisecondType>(array, wire, |v| v.checked_mul(1_000))
        }
        TimeUnit::Microsecond => read::<DurationMicrosecondType>(array, wire, Some),
        TimeUnit::Nanosecond => read::<DurationNanosecondType>(array, wire, |v| Some(v / 1_000)),
    }
}

fn interval_cells<'a>(
    wire: Wire,
    get: impl Fn(usize) -> Result<Interval> + 'a,
) -> Option<Cell<'a>> {
    let style = wire.style.interval_style;
    match (wire.pg_type, wire.format) {
        (PgType::INTERVAL, Format::Binary) => Some(Box::new(move |at, out| {
            write_interval_binary(out, get(at)?);
            Ok(())
        })),
        (PgType::INTERVAL, Format::Text) => Some(Box::new(move |at, out| {
            write_interval(out, get(at)?, style);
            Ok(())
        })),
        _ => as_text(wire, move |at, out| {
            write_interval(out, get(at)?, style);
            Ok(())
        }),
    }
}
