//! What dates and times have of their own: zones, OVERLAPS, EXTRACT.

use sqlparser::ast::{Expr, Value};

use super::expr::{Analyzer, BOOL, DATE, Env, INTERVAL, TEXT, TIMESTAMP, TIMESTAMPTZ};
use super::{Ty, UNKNOWN, UNTYPED};
use crate::error::Error;
use crate::types::zone_by_name;

impl Analyzer<'_> {
    pub(super) fn at_time_zone(
        &mut self,
        whole: &Expr,
        time: &Expr,
        zone: &Expr,
        env: Env<'_>,
    ) -> Ty {
        let named = self.wanted(zone, TEXT, env).oid;
        let from = self.expr(time, env).oid;
        // What DuckDB knows by its name, it converts itself.
        let is_known = matches!(zone, Expr::Value(value)
            if matches!(&value.value, Value::SingleQuotedString(name)
                if name.contains('/') && zone_by_name(name).is_some() || name == "UTC"));
        match (from, named == INTERVAL) {
            (TIMESTAMP, false) if !is_known => self.stands_for(whole, "timestamp_zone"),
            (TIMESTAMPTZ, false) if !is_known => self.stands_for(whole, "timestamptz_zone"),
            (TIMESTAMP, true) => self.stands_for(whole, "timestamp_izone"),
            (TIMESTAMPTZ, true) => self.stands_for(whole, "timestamptz_izone"),
            _ => {}
        }
        Ty::of(match from {
            TIMESTAMP => TIMESTAMPTZ,
            TIMESTAMPTZ | DATE | UNKNOWN => TIMESTAMP,
            1083 | 1266 => 1266,
            _ => UNTYPED,
        })
    }

    /// `(start, end) OVERLAPS (start, end)`; an end may be a length.
    pub(super) fn overlaps(&mut self, whole: &Expr, left: &Expr, right: &Expr, env: Env<'_>) -> Ty {
        let (Expr::Tuple(a), Expr::Tuple(b)) = (left, right) else { return Ty::of(BOOL) };
        let ends: Vec<&Expr> = a.iter().chain(b).collect();
        let types: Vec<u32> = ends.iter().map(|end| self.expr(end, env).oid).collect();
        if ends.len() == 4 {
            let is_time = types.contains(&1083);
            self.stands_for(whole, if is_time { "overlaps_time" } else { "overlaps_timestamp" });
            for place in [1, 3] {
                if types[place] == INTERVAL {
                    self.decisions.lengths.insert(std::ptr::from_ref(ends[place]));
                }
            }
            for (end, oid) in ends.iter().zip(&types) {
                if *oid == UNKNOWN {
                    self.settle(end, TIMESTAMP);
                }
            }
        }
        Ty::of(BOOL)
    }

    /// A date has no time of day.
    pub(super) fn extract_of_date(&mut self, whole: &Expr, field: &str) {
        const TIMES: [&str; 13] = [
            "hour",
            "hours",
            "minute",
            "minutes",
            "second",
            "seconds",
            "millisecond",
            "milliseconds",
            "microsecond",
            "microseconds",
            "timezone",
            "timezone_hour",
            "timezone_minute",
        ];
        if field == "epoch" {
            self.stands_for(whole, "extract_epoch_date");
        } else if TIMES.contains(&field) {
            self.refuse(|| {
                Error::unsupported(format!("unit \"{field}\" not supported for type date"))
            });
        }
    }
}
