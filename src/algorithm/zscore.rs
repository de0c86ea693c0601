//! `zscore`: values that lie far from the rows before them.
//!
//! Each value is compared with the mean and the standard deviation of the `lookback` rows before it
//! in its series: `score = (value - mean) / deviation`. The row itself is not among them, so that
//! an outlier does not hide itself. A row with fewer than `at_least` rows before it has no score.
//! Values that do not vary have the deviation 0: one that leaves them has an infinite score.

use polars::prelude::*;

use super::{Algorithm, Arguments, Input, Param, ParamKind, Role, RoleKind, Shape, Step, invalid};
use crate::error::Result;
use crate::types::{Column as PgColumn, PgType};

pub(super) struct ZScore;

impl Algorithm for ZScore {
    fn name(&self) -> &'static str {
        "zscore"
    }

    fn about(&self) -> &'static str {
        "Finds values that lie more than threshold standard deviations from the rows before them."
    }

    fn inputs(&self) -> &'static [Input] {
        &[Input {
            name: "input",
            roles: &[
                Role { name: "series", kind: RoleKind::Key, optional: true },
                Role { name: "at", kind: RoleKind::Instant, optional: false },
                Role { name: "value", kind: RoleKind::Number, optional: false },
                // Where it is false, the row is there for those after it, and is not judged.
                Role { name: "is_new", kind: RoleKind::Flag, optional: true },
            ],
        }]
    }

    fn params(&self) -> &'static [Param] {
        &[
            Param { name: "lookback", kind: ParamKind::Integer(2, 1_000_000), default: Some("20") },
            // The rows before a row without which it is not judged.
            Param { name: "at_least", kind: ParamKind::Integer(2, 1_000_000), default: Some("2") },
            Param { name: "threshold", kind: ParamKind::Number(0.0, 1e9), default: Some("3") },
            // Every row with its score, or the anomalies alone.
            Param { name: "all_rows", kind: ParamKind::Bool, default: Some("false") },
        ]
    }

    fn columns(&self, inputs: &[Shape]) -> Vec<PgColumn> {
        let mut columns = inputs.first().map(|input| input.columns.clone()).unwrap_or_default();
        columns.retain(|column| column.name != "is_new");
        for name in ["mean", "deviation", "score"] {
            columns.push(PgColumn::new(name, PgType::FLOAT8));
        }
        columns
    }

    fn steps(&self, args: &Arguments) -> Result<Vec<Step>> {
        let lookback = usize::try_from(args.integer("lookback")?).unwrap_or(usize::MAX);
        let at_least = usize::try_from(args.integer("at_least")?).unwrap_or(usize::MAX);
        if at_least > lookback {
            return Err(invalid("argument at_least must not be above lookback"));
        }
        let threshold = args.number("threshold")?;
        let all_rows = args.bool("all_rows")?;
        let order = Step::new("order", |rows, _| {
            let rows = rows.filter(col("value").is_not_null().and(col("at").is_not_null()));
            Ok(rows
                .sort(["series", "at"], SortMultipleOptions::default().with_maintain_order(true)))
        });
        let look_back = Step::new("look_back", move |rows, _| {
            let options = || RollingOptionsFixedWindow {
                window_size: lookback,
                min_periods: at_least,
                ..RollingOptionsFixedWindow::default()
            };
            let before = || col("value").shift(lit(1));
            Ok(rows.with_columns([
                before().rolling_mean(options()).over([col("series")])?.alias("mean"),
                before().rolling_std(options()).over([col("series")])?.alias("deviation"),
            ]))
        });
        let score = Step::new("score", move |rows, _| {
            // A rolling sum leaves rounding where nothing varies.
            let or_zero = |expr: Expr| {
                let rounding = col("mean").abs() * lit(1e-12);
                when(expr.clone().abs().lt_eq(rounding)).then(lit(0.0)).otherwise(expr)
            };
            let distance = or_zero(col("value") - col("mean"));
            let rows = rows.with_column(or_zero(col("deviation")).alias("deviation"));
            let score = when(distance.clone().eq(lit(0.0)))
                .then(when(col("mean").is_null()).then(lit(NULL)).otherwise(lit(0.0)))
                .otherwise(distance / col("deviation"));
            let rows = rows.with_column(score.alias("score"));
            let rows = rows.filter(col("is_new").fill_null(lit(true)));
            Ok(if all_rows { rows } else { rows.filter(col("score").abs().gt(lit(threshold))) })
        });
        Ok(vec![order, look_back, score])
    }
}
