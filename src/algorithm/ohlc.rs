//! `ohlc`: values to time buckets (open, high, low, close), with rows that come late.
//!
//! Buckets are half open, `[bucket, bucket + width)`, and counted from 1970-01-01, as
//! `date_bin(width, at, '1970-01-01')` has them. `arrived` says when a row came in; without it
//! rows came in the order of `at`, so none is late. As rows come in, the *watermark* of a series
//! is the latest `at` so far minus `lateness`. A row of a bucket that had ended at the watermark
//! before it came is late: it changes no bucket's values, and is counted in `late`. A bucket that
//! has ended at the last watermark is final.

use polars::prelude::*;

use super::{Algorithm, Arguments, Input, Param, ParamKind, Role, RoleKind, Shape, Step};
use crate::error::Result;
use crate::types::{Column as PgColumn, PgType};

pub(super) struct Ohlc;

impl Algorithm for Ohlc {
    fn name(&self) -> &'static str {
        "ohlc"
    }

    fn about(&self) -> &'static str {
        "Rolls values up to time buckets: open, high, low, close; rows that come too late are counted."
    }

    fn inputs(&self) -> &'static [Input] {
        &[Input {
            name: "input",
            roles: &[
                Role { name: "series", kind: RoleKind::Key, optional: true },
                Role { name: "at", kind: RoleKind::Instant, optional: false },
                Role { name: "value", kind: RoleKind::Number, optional: false },
                Role { name: "volume", kind: RoleKind::Number, optional: true },
                Role { name: "arrived", kind: RoleKind::Instant, optional: true },
            ],
        }]
    }

    fn params(&self) -> &'static [Param] {
        &[
            Param {
                name: "width",
                kind: ParamKind::Duration { zero: false },
                default: Some("1 minute"),
            },
            Param {
                name: "lateness",
                kind: ParamKind::Duration { zero: true },
                default: Some("0"),
            },
        ]
    }

    fn columns(&self, inputs: &[Shape]) -> Vec<PgColumn> {
        let of = |role| inputs.first().map_or(PgType::TEXT, |input| input.pg_type(role));
        let mut columns =
            vec![PgColumn::new("series", of("series")), PgColumn::new("bucket", of("at"))];
        for name in ["open", "high", "low", "close", "volume"] {
            columns.push(PgColumn::new(name, PgType::FLOAT8));
        }
        columns.push(PgColumn::new("rows", PgType::INT8));
        columns.push(PgColumn::new("late", PgType::INT8));
        columns.push(PgColumn::new("is_final", PgType::BOOL));
        columns
    }

    fn steps(&self, args: &Arguments) -> Result<Vec<Step>> {
        let (width_us, lateness_us) = (args.micros("width")?, args.micros("lateness")?);
        let at = || col("at").to_physical();
        let bucket = Step::new("bucket", move |rows, _| {
            let rows = rows.filter(col("value").is_not_null().and(col("at").is_not_null()));
            let start = floor_div(at(), lit(width_us)) * lit(width_us);
            Ok(rows.with_column(start.alias("start")))
        });
        let watermark = Step::new("watermark", move |rows, _| {
            let arrived = col("arrived").to_physical();
            let came = when(col("arrived").is_null()).then(at()).otherwise(arrived);
            let options = SortMultipleOptions::default().with_maintain_order(true);
            let rows = rows.with_column(came.alias("came")).sort(["series", "came"], options);
            let mark = at().cum_max(false) - lit(lateness_us);
            Ok(rows.with_columns([
                mark.clone().shift(lit(1)).over([col("series")])?.alias("mark_before"),
                (at().max() - lit(lateness_us)).over([col("series")])?.alias("mark"),
            ]))
        });
        let judge = Step::new("judge", move |rows, _| {
            let ended = (col("start") + lit(width_us)).lt_eq(col("mark_before"));
            Ok(rows
                .with_column(ended.fill_null(lit(false)).alias("is_late"))
                .sort(["series", "at"], SortMultipleOptions::default().with_maintain_order(true)))
        });
        let roll_up = Step::new("roll_up", move |rows, _| {
            let kept = |name: &str| col(name).filter(col("is_late").not());
            let counted = |expr: Expr| expr.cast(DataType::Int64);
            let rolled = rows.group_by_stable([col("series"), col("start")]).agg([
                kept("value").first().alias("open"),
                kept("value").max().alias("high"),
                kept("value").min().alias("low"),
                kept("value").last().alias("close"),
                kept("volume").sum().alias("volume"),
                counted(col("is_late").not().sum()).alias("rows"),
                counted(col("is_late").sum()).alias("late"),
                (col("start") + lit(width_us)).first().lt_eq(col("mark").first()).alias("is_final"),
                col("at").first(),
            ]);
            // What counts microseconds takes the type of `at` again.
            let bucket =
                col("at") - (at() - col("start")).cast(DataType::Duration(TimeUnit::Microseconds));
            Ok(rolled
                .with_column(bucket.alias("bucket"))
                .sort(["series", "bucket"], SortMultipleOptions::default()))
        });
        Ok(vec![bucket, watermark, judge, roll_up])
    }
}

/// Divides whole numbers towards minus infinity.
fn floor_div(number: Expr, by: Expr) -> Expr {
    number.floor_div(by)
}
