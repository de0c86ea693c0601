//! `sessions`: events to visits. A user's session ends when nothing of hers follows for longer
//! than `gap`; sessions are numbered from 1 for each user, in the order of time.

use polars::prelude::*;

use super::{Algorithm, Arguments, Input, Param, ParamKind, Role, RoleKind, Shape, Step};
use crate::error::Result;
use crate::types::{Column as PgColumn, PgType};

pub(super) struct Sessions;

impl Algorithm for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn about(&self) -> &'static str {
        "Groups each user's events into sessions, which end when nothing follows for longer than gap."
    }

    fn inputs(&self) -> &'static [Input] {
        &[Input {
            name: "input",
            roles: &[
                Role { name: "user_id", kind: RoleKind::Key, optional: false },
                Role { name: "at", kind: RoleKind::Instant, optional: false },
            ],
        }]
    }

    fn params(&self) -> &'static [Param] {
        &[Param {
            name: "gap",
            kind: ParamKind::Duration { zero: false },
            default: Some("30 minutes"),
        }]
    }

    fn columns(&self, inputs: &[Shape]) -> Vec<PgColumn> {
        let of = |role| inputs.first().map_or(PgType::TEXT, |input| input.pg_type(role));
        vec![
            PgColumn::new("user_id", of("user_id")),
            PgColumn::new("session", PgType::INT8),
            PgColumn::new("started_at", of("at")),
            PgColumn::new("ended_at", of("at")),
            PgColumn::new("events", PgType::INT8),
        ]
    }

    fn steps(&self, args: &Arguments) -> Result<Vec<Step>> {
        let gap_us = args.micros("gap")?;
        let order = Step::new("order", |events, _| {
            let events = events.filter(col("user_id").is_not_null().and(col("at").is_not_null()));
            Ok(events.sort(["user_id", "at"], SortMultipleOptions::default()))
        });
        let number = Step::new("number", move |events, _| {
            let pause = col("at").to_physical() - col("at").to_physical().shift(lit(1));
            let begins = pause.gt(lit(gap_us)).fill_null(lit(true)).cast(DataType::Int64);
            Ok(events.with_column(begins.cum_sum(false).over([col("user_id")])?.alias("session")))
        });
        let group = Step::new("group", |events, _| {
            Ok(events
                .group_by_stable([col("user_id"), col("session")])
                .agg([
                    col("at").min().alias("started_at"),
                    col("at").max().alias("ended_at"),
                    len().cast(DataType::Int64).alias("events"),
                ])
                // The first of a user has nothing before it: it begins session 1 in any case.
                .sort(["user_id", "session"], SortMultipleOptions::default()))
        });
        Ok(vec![order, number, group])
    }
}
